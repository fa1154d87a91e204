import { expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { OperatorRequest } from "../../kernel/command.ts";
import { createMiniPlant } from "../../test/support/mini-plant.ts";
import { decisionsIn } from "./decisions.ts";
import { createGridCore } from "./grid-core.ts";

const vessel = new URL("../../configs/vessel.toml", import.meta.url).pathname;

it("operators' modes outlive a change of structure, as requests that the new structure accepts; what it does not know is left out", () => {
  const manifest = loadManifest(vessel);
  const before = createMiniPlant(manifest);
  const ask = (actor: string, command: string, values: OperatorRequest["arguments"] = {}) => ({
    requestId: `${actor} ${command}`,
    role: "operator" as const,
    user: "eve",
    actor,
    command,
    arguments: values,
  });
  const devices = "grids/port/devices";
  before
    .grid("port")
    .requests.push(
      ask("grids/port", "sharing", { mode: "droop" }),
      ask("grids/port", "semi"),
      ask(`${devices}/dg1`, "semi"),
      ask(`${devices}/dg2`, "semi"),
      ask(`${devices}/bat1`, "mode", { mode: "charging" }),
    );
  before.run(0.5);

  // The new structure has no DG1 any more.
  const [port, ...others] = manifest.grids;
  if (port === undefined) throw new Error("the vessel has a first grid");
  const without = { ...port, devices: port.devices.filter(({ id }) => id !== "dg1") };
  const changed = { ...manifest, grids: [without, ...others] };
  const core = createGridCore(changed, "port");
  const requests = decisionsIn(core.plan, before.grid("port").state);
  expect(requests.map(({ actor, command }) => `${actor} ${command}`)).toEqual([
    "grids/port semi",
    `${devices}/dg2 semi`,
    `${devices}/bat1 mode`,
    "grids/port sharing",
  ]);

  const after = createMiniPlant(changed);
  after.grid("port").requests.push(...requests);
  after.run(0.5);
  const { state } = after.grid("port");
  expect(state.tree.actors[0]?.snapshot.state).toBe("semi");
  expect(state.semiSets).toEqual(["dg2"]);
  expect(state.supply.batteryModes).toEqual({ bat1: "charging" });
  expect(state.supply.sharing.mode).toBe("droop");
});
