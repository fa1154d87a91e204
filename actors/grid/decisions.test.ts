import { expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import { createMiniPlant } from "../../test/support/mini-plant.ts";
import { decisionsIn } from "./decisions.ts";
import { createGridCore } from "./grid-core.ts";

const vessel = new URL("../../configs/vessel.toml", import.meta.url).pathname;

it("operators' modes outlive a change of structure, as requests that the new structure accepts; what it does not know is left out", () => {
  const manifest = loadManifest(vessel);
  const before = createMiniPlant(manifest);
  const ask = (actor: string, command: string) => ({
    requestId: `${actor} ${command}`,
    role: "operator" as const,
    user: "eve",
    actor,
    command,
    arguments: {},
  });
  const devices = "grids/port/devices";
  before
    .grid("port")
    .requests.push(
      ask("grids/port", "semi"),
      ask(`${devices}/dg1`, "semi"),
      ask(`${devices}/dg2`, "semi"),
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
  ]);

  const after = createMiniPlant(changed);
  after.grid("port").requests.push(...requests);
  after.run(0.5);
  const { state } = after.grid("port");
  expect(state.tree.actors[0]?.snapshot.state).toBe("semi");
  expect(state.semiSets).toEqual(["dg2"]);
});
