import { describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { PowerConfig } from "../../configs/power-config.ts";
import { createMiniPlant, type MiniPlant } from "../../test/support/mini-plant.ts";
import { islandSituationOf } from "./island.ts";
import { shareOf } from "./share.ts";
import { why } from "./why.ts";

const vesselManifest = loadManifest("configs/vessel.toml");

/** The vessel with its tie closed and no battery on the busbars: port is the island's master. */
function joined(power: Partial<PowerConfig>, running: readonly string[]): MiniPlant {
  const grids = vesselManifest.grids.map((grid) => ({
    ...grid,
    power: { ...grid.power, isN1Required: false, ...power },
  }));
  const plant = createMiniPlant({ ...vesselManifest, grids });
  for (const id of running) {
    const set = plant.device(id);
    set.isRunning = set.isReadyToLoad = set.isClosed = true;
    set.level = 660 / running.length;
  }
  for (const id of ["bat1", "bat2"]) plant.device(id).isClosed = false;
  plant.run(3);
  plant.request("port", "btp", "close");
  plant.request("starboard", "bts", "close");
  plant.run(6);
  expect(plant.grid("starboard").state.island).toEqual(["port", "starboard"]);
  return plant;
}
const whyOf = (plant: MiniPlant, grid: string, device = "") => {
  const { core, state } = plant.grid(grid);
  return why(core, state, `grids/${grid}${device === "" ? "" : `/devices/${device}`}`).join(" | ");
};

describe("what the island's master said", () => {
  it("holds for two seconds: then references rest on their way and droop shares, until it speaks again", () => {
    const plant = joined({ startDelayS: 600, fastStartDelayS: 600 }, ["dg1", "dg3"]);
    plant.device("f1").demandKw = 1240;
    plant.run(1);
    plant.grid("port").isMuted = true;
    plant.run(2.5);
    const { level } = plant.device("dg3");
    // 10 % of its rating a second, from 330 towards 850 kW.
    expect(level).toBeGreaterThan(450);
    expect(level).toBeLessThan(680);
    expect(whyOf(plant, "starboard")).toContain("the island's master is silent");
    plant.run(10);
    expect(plant.device("dg3").level).toBe(level);
    // The load is carried all the same.
    const { powerKw } = plant.device("dg3");
    expect(powerKw + plant.device("dg1").powerKw).toBeCloseTo(1700, 0);
    plant.grid("port").isMuted = false;
    plant.run(10);
    expect(plant.device("dg3").level / 10).toBeCloseTo(85, 0);
  });
});

describe("a member of the island that falls silent", () => {
  it("keeps the master from stopping and granting anything, and its consumers wait", () => {
    const plant = joined({ stopDelayS: 12, minimumRunS: 0 }, ["dg1", "dg3", "dg2"]);
    plant.grid("starboard").isMuted = true;
    plant.run(3);
    Object.assign(plant.device("bt1"), { isRequesting: true, demandKw: 200 });
    plant.run(18);
    expect(plant.stateOf("bt1")).toBe("requesting");
    expect(whyOf(plant, "port", "bt1")).toContain("starboard");
    expect(plant.commands("port").filter((command) => command.endsWith("stop"))).toEqual([]);
    plant.grid("starboard").isMuted = false;
    plant.run(3);
    expect(plant.stateOf("bt1")).toBe("running");
    Object.assign(plant.device("bt1"), { isRequesting: false, demandKw: 0 });
    plant.run(18);
    expect(plant.commands("port")).toContain("dg2 stop");
  });

  it("leaves the references of the others where they are, and the integrators of the master", () => {
    const plant = joined({}, ["dg1", "dg3"]);
    plant.grid("starboard").isMuted = true;
    plant.run(3);
    const { level } = plant.device("dg1");
    const { trim } = plant.grid("port").state.supply;
    // So little that the integrator would take it out.
    plant.device("f1").demandKw += 60;
    plant.run(10);
    expect(plant.grid("port").frequencyHz).toBeLessThan(59.95);
    expect(plant.device("dg1").level).toBe(level);
    expect(plant.grid("port").state.supply.trim).toEqual(trim);
  });
});

describe("the share that the master states", () => {
  it("has in it what restores frequency and voltage", () => {
    const { core, state } = joined({}, ["dg1", "dg3"]).grid("port");
    const plan = core.planOf(state);
    const situation = islandSituationOf(plan, state);
    const withTrim = (frequencyPu: number, voltagePu: number) => {
      const supply = { ...state.supply, trim: { frequencyPu, voltagePu } };
      return shareOf(plan, { ...state, supply }, situation);
    };
    const before = withTrim(0, 0);
    const trimmed = withTrim(0.02, 0.03);
    expect((trimmed.sharePu ?? 0) - (before.sharePu ?? 0)).toBeCloseTo(0.02, 4);
    expect((trimmed.reactiveSharePu ?? 0) - (before.reactiveSharePu ?? 0)).toBeCloseTo(0.03, 4);
  });
});

describe("targets", () => {
  it("are taken from the island's master alone", () => {
    const plant = joined({}, ["dg1", "dg3"]);
    const { targets } = plant.grid("starboard").state;
    expect(targets?.fromGrid).toBe("port");
    if (targets === null) return;
    const port = plant.grid("port");
    port.inbox.push({
      fromGrid: "starboard",
      toGrid: "port",
      epoch: 9,
      sequence: 1,
      validForMs: 2000,
      body: { ...targets.body, stopDevice: "dg1" },
    });
    plant.run(1);
    expect(port.state.targets).toBeNull();
    expect(plant.commands("port")).not.toContain("dg1 stop");
  });
});

describe("a battery that shaves peaks in an island", () => {
  /** Its set-point, kW, of each scan. */
  function levels(plant: MiniPlant, seconds: number): number[] {
    return Array.from({ length: seconds * 10 }, () => {
      plant.run(0.1);
      return plant.device("bat1").level;
    });
  }
  const shaving = (plant: MiniPlant) => {
    plant.device("bat1").isClosed = true;
    plant.request("port", "bat1", "mode", "operator", { mode: "peak_shaving" });
    plant.run(5);
  };

  it("begins with the load of the island that it finds: that of the other switchboard is no peak", () => {
    const plant = joined({}, ["dg1", "dg3"]);
    shaving(plant);
    plant.device("btp").isClosed = false;
    plant.run(20);
    expect(plant.grid("port").state.island).toEqual(["port"]);
    plant.request("port", "btp", "close");
    const joining = levels(plant, 10);
    expect(plant.grid("port").state.island).toEqual(["port", "starboard"]);
    expect(Math.max(...joining.map(Math.abs))).toBeLessThan(30);
  });

  it("takes a step, no more: what it takes from sets that tell of it late is not load", () => {
    const plant = joined({}, ["dg1", "dg3"]);
    shaving(plant);
    const [before = 0] = levels(plant, 1);
    plant.device("f1").demandKw += 300;
    const stepped = levels(plant, 5).map((level) => level - before);
    expect(Math.max(...stepped)).toBeLessThan(310);
    expect(stepped.at(-1)).toBeGreaterThan(270);
  });
});
