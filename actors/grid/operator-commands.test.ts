import { describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { PointValue } from "../../kernel/point.ts";
import { createMiniPlant } from "../../test/support/mini-plant.ts";
import { deviceCommandsOf, gridCommandsOf, type OperatorCommand } from "./operator-commands.ts";
import { viewGrid } from "./view-grid.ts";

/** One value that each argument may have. */
const argumentsOf = (offer: OperatorCommand): Record<string, PointValue> =>
  Object.fromEntries(
    offer.arguments.map(({ name, choices, max }) => [name, choices[0]?.value ?? max ?? false]),
  );

describe.each(["vessel", "land-battery"])("what is offered to operators of %s", (example) => {
  const manifest = loadManifest(new URL(`../../configs/${example}.toml`, import.meta.url).pathname);
  const isLand = manifest.installation.kind === "land";
  const plant = createMiniPlant(manifest);
  plant.run(0.1);
  const answer = (grid: string, device: string, offer: OperatorCommand): string =>
    plant.request(grid, device, offer.command, "engineer", argumentsOf(offer)).reason;

  it.each(manifest.grids.flatMap((grid) => grid.devices.map((device) => [grid, device] as const)))(
    "is known to the core, with its arguments: $1.id",
    (grid, device) => {
      for (const offer of deviceCommandsOf(device, isLand)) {
        const reason = answer(grid.id, device.id, offer);
        expect(reason, offer.command).not.toMatch(/has no command|must be|offers no command/);
      }
    },
  );

  it.each(manifest.grids)("is known to the core: $id", (grid) => {
    for (const offer of gridCommandsOf(grid)) {
      expect(answer(grid.id, "", offer), offer.command).not.toMatch(/has no|must be|there is no/);
    }
  });
});

it("of what is offered with choices a view tells which holds, before and after another is chosen", () => {
  const vessel = loadManifest(new URL("../../configs/vessel.toml", import.meta.url).pathname);
  const plant = createMiniPlant(vessel);
  plant.run(0.1);
  const chosen = () => {
    const { core, state } = plant.grid("port");
    const { chosen: ofGrid, devices } = viewGrid(core, state);
    return [ofGrid, devices.find(({ device }) => device === "bat1")?.chosen];
  };
  expect(chosen()).toEqual([{ mode: "at-sea", sharing: "isochronous" }, { mode: "reserve" }]);
  plant.request("port", "", "mode", "engineer", { mode: "harbour" });
  plant.request("port", "", "sharing", "engineer", { mode: "droop" });
  plant.request("port", "bat1", "mode", "engineer", { mode: "peak_shaving" });
  expect(chosen()).toEqual([{ mode: "harbour", sharing: "droop" }, { mode: "peak_shaving" }]);
});

it("the profile decides what a device offers, and land has no transfer to a ship", () => {
  const vessel = loadManifest(new URL("../../configs/vessel.toml", import.meta.url).pathname);
  const names = (id: string, isLand = false): string[] => {
    const device = vessel.grids.flatMap(({ devices }) => devices).find((one) => one.id === id);
    return device === undefined ? [] : deviceCommandsOf(device, isLand).map((one) => one.command);
  };
  expect(names("dg1")).toEqual([
    "start",
    "stop",
    "syncAndClose",
    "open",
    "semi",
    "auto",
    "reset",
    "release",
  ]);
  expect(names("bat1")).toContain("mode");
  expect(names("sc1")).toContain("transferToShore");
  expect(names("sc1", true)).not.toContain("transferToShore");
  expect(names("msb-p")).toEqual([]);
});
