import { describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { Manifest } from "../../configs/manifest.ts";
import { createMiniPlant } from "../../test/support/mini-plant.ts";

const path = (example: string) =>
  new URL(`../../configs/${example}.toml`, import.meta.url).pathname;

describe("the command for the way of sharing", () => {
  const vessel = loadManifest(path("vessel"));
  const asked = (
    mode: string,
    manifest: Manifest = vessel,
    before: (plant: ReturnType<typeof createMiniPlant>) => void = () => {},
  ) => {
    const plant = createMiniPlant(manifest);
    const grid = manifest.grids[0]?.id ?? "";
    before(plant);
    plant.run(0.3);
    const reply = plant.request(grid, "", "sharing", "operator", { mode });
    return { ...reply, state: plant.grid(grid).state.supply.sharing };
  };

  it("is taken, and remembered", () => {
    expect(asked("droop")).toMatchObject({ isAccepted: true, state: { mode: "droop" } });
    expect(asked("isochronous")).toMatchObject({
      isAccepted: true,
      state: { mode: "isochronous" },
    });
  });

  it("names the ways that there are", () => {
    expect(asked("party").reason).toBe("the argument mode must be one of isochronous, droop");
  });

  it("is refused beside shore, which holds the frequency", () => {
    const reply = asked("droop", vessel, (plant) => {
      Object.assign(plant.device("sc1"), { isClosed: true, isVoltagePresent: true });
    });
    expect(reply).toMatchObject({ isAccepted: false, state: { mode: "isochronous" } });
    expect(reply.reason).toContain("sc1 holds the frequency");
  });

  it("is refused where a set states no droop, and on land", () => {
    const grids = vessel.grids.map((grid) => ({
      ...grid,
      devices: grid.devices.map((device) =>
        device.id === "dg2" ? { ...device, ratings: { ...device.ratings, droopPct: 0 } } : device,
      ),
    }));
    expect(asked("droop", { ...vessel, grids }).reason).toContain("dg2 state no droop_pct");
    expect(asked("droop", loadManifest(path("land-battery"))).reason).toContain("on land");
  });
});
