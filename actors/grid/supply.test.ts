import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { DeviceConfig, GridConfig, Manifest } from "../../configs/manifest.ts";
import type { PowerConfig } from "../../configs/power-config.ts";
import { present } from "../../kernel/assert.ts";
import { createMiniPlant, type MiniPlant } from "../../test/support/mini-plant.ts";
import { islandSituationOf } from "./island.ts";
import { viewGrid } from "./view-grid.ts";
import { why } from "./why.ts";

const vesselManifest = loadManifest("configs/vessel.toml");

/** The vessel's manifest with other power limits on both grids, and other devices. */
function changed(
  power: Partial<PowerConfig>,
  device: (config: DeviceConfig) => DeviceConfig = (config) => config,
): Manifest {
  const grids = vesselManifest.grids.map((grid) => ({
    ...grid,
    power: { ...grid.power, ...power },
    devices: grid.devices.map(device),
  }));
  return { ...vesselManifest, grids };
}

/** One set on each switchboard; the batteries are taken off where they would hide what is looked at. */
function vessel(manifest: Manifest, running = ["dg1", "dg3"], hasBatteries = false): MiniPlant {
  const plant = createMiniPlant(manifest);
  for (const id of running) {
    const set = plant.device(id);
    set.isRunning = set.isReadyToLoad = set.isClosed = true;
    set.level = 330;
  }
  for (const id of ["bat1", "bat2"]) plant.device(id).isClosed = hasBatteries;
  return plant;
}

const alarmsOf = (plant: MiniPlant, grid = "port") =>
  plant.grid(grid).state.alarmBook.entries.map((alarm) => alarm.code);
const supplyOf = (plant: MiniPlant, grid = "port") => plant.grid(grid).state.supply;
const whyOf = (plant: MiniPlant, device: string, grid = "port") => {
  const { core, state } = plant.grid(grid);
  return why(core, state, `grids/${grid}${device === "" ? "" : `/devices/${device}`}`).join(" | ");
};
const closeTie = (plant: MiniPlant) => {
  plant.request("port", "btp", "close");
  plant.request("starboard", "bts", "close");
  plant.run(5);
};
const noN1 = { isN1Required: false } as const;

describe("preferential trip", () => {
  /** An overload of 106 % with no second set. */
  function overloaded(): MiniPlant {
    const plant = vessel(changed(noN1));
    plant.device("dg2").isShutdown = true;
    plant.run(3);
    plant.device("f1").demandKw = 910;
    return plant;
  }

  it("sheds stage 1 after 5 s, says why, and the overload is gone", () => {
    const plant = overloaded();
    plant.run(4.9);
    expect(plant.commands("port")).toEqual([]);
    plant.run(0.4);
    expect(plant.commands("port")).toEqual(["f2 open"]);
    plant.run(2);
    expect(plant.device("dg1").powerKw).toBeCloseTo(910, 0);
    expect(alarmsOf(plant)).toContain("LOAD_SHED");
    expect(whyOf(plant, "f2")).toContain(
      "shed: stage 1 is shed; dg1 is loaded with 106 %, above 100 %",
    );
    expect(whyOf(plant, "")).toContain("load is shed up to stage 1");
    const opened = plant
      .grid("port")
      .log.flatMap(({ transitions }) => transitions)
      .find(({ event }) => event === "openNow.requested");
    expect(opened?.because).toMatchObject([
      { code: "SHED_STAGE", values: { stage: 1 } },
      { code: "SOURCE_OVERLOADED", device: "dg1", values: { limitPct: 100 } },
    ]);
  });

  it("blocks reconnection until no cause has held for 10 s, and leaves it to the operator", () => {
    const plant = overloaded();
    plant.run(6);
    plant.device("f1").demandKw = 300;
    plant.run(2);
    const refused = plant.request("port", "f2", "close");
    expect(refused.isAccepted).toBe(false);
    expect(refused.reason).toContain(
      "f2 was shed; it may be closed once no cause has held for 10 s",
    );
    plant.run(12);
    expect(plant.device("f2").isClosed).toBe(false);
    expect(plant.request("port", "f2", "close").isAccepted).toBe(true);
    plant.run(2);
    expect(supplyOf(plant).shed).toEqual([]);
  });

  it.each([0.5, 2, 4.8])("goes on in the middle after a takeover %s s into the overload", (s) => {
    const plant = overloaded();
    plant.run(s);
    plant.takeOver("port", "hot");
    plant.run(4.9 - s);
    expect(plant.commands("port")).toEqual([]);
    plant.run(0.5);
    plant.takeOver("port", "hot");
    plant.run(10);
    expect(plant.commands("port")).toEqual(["f2 open"]);
  });

  it("never opens an essential feeder", () => {
    const plant = overloaded();
    plant.device("f1").demandKw = 1400;
    plant.run(30);
    expect(plant.device("f1").isClosed).toBe(true);
    expect(plant.commands("port")).toEqual(["f2 open"]);
  });

  it("limits thrusters of stage 3 to their floor", () => {
    const plant = vessel(changed(noN1));
    plant.run(3);
    Object.assign(plant.device("bt1"), { isRequesting: true, demandKw: 450 });
    plant.run(60);
    expect(plant.stateOf("bt1")).toBe("running");
    plant.device("dg2").isShutdown = true;
    plant.device("dg2").isClosed = plant.device("dg2").isRunning = false;
    // Without the normal limits' margin the drive would keep what it draws.
    plant.device("f1").demandKw = 1150;
    plant.run(15);
    expect(supplyOf(plant).shedding.stage).toBe(3);
    expect(plant.device("bt1").powerKw).toBeLessThanOrEqual(180);
  });
});

describe("the table of losses", () => {
  function loaded(): MiniPlant {
    const plant = vessel(changed({}), ["dg1", "dg2", "dg3"]);
    plant.device("f1").demandKw = 1050;
    plant.run(30);
    return plant;
  }

  it("is there beforehand, and says what would go", () => {
    const plant = loaded();
    expect(supplyOf(plant).table).toEqual([
      {
        lost: "dg1",
        missingKw: 200,
        cuts: [{ device: "f2", powerKw: 150, limitKw: null }],
        uncoveredKw: 50,
      },
      {
        lost: "dg2",
        missingKw: 200,
        cuts: [{ device: "f2", powerKw: 150, limitKw: null }],
        uncoveredKw: 50,
      },
    ]);
    expect(whyOf(plant, "f2")).toContain(
      "if dg1 were lost 200 kW would be missing: f2 (150 kW) would go at once",
    );
    plant.run(12);
    expect(alarmsOf(plant)).toContain("LOSS_UNCOVERED");
  });

  it("acts in the scan that sees the breaker open", () => {
    const plant = loaded();
    Object.assign(plant.device("dg1"), { isClosed: false, isTripped: true, isShutdown: true });
    plant.run(0.1);
    expect(plant.commands("port")).toEqual(["f2 open"]);
    expect(whyOf(plant, "f2")).toContain(
      "shed: dg1 is lost: the table takes f2 off, 150 kW of 200 kW missing",
    );
  });

  it("acts though the leader changes in that very scan, and only once", () => {
    const plant = loaded();
    Object.assign(plant.device("dg1"), { isClosed: false, isTripped: true, isShutdown: true });
    plant.takeOver("port", "hot");
    plant.run(5);
    expect(plant.commands("port").filter((command) => command === "f2 open")).toHaveLength(1);
  });

  it("does nothing where a set is taken off on purpose", () => {
    const plant = vessel(changed(noN1), ["dg1", "dg2", "dg3"]);
    plant.device("f1").demandKw = 600;
    plant.run(30);
    expect(plant.request("port", "dg2", "open").isAccepted).toBe(true);
    plant.run(30);
    expect(plant.device("dg2").isClosed).toBe(false);
    expect(plant.commands("port")).toEqual(["dg2 open"]);
  });

  it("splits what must go between the grids of an island, in their order", () => {
    const plant = vessel(changed(noN1), ["dg1", "dg3"]);
    plant.run(3);
    closeTie(plant);
    plant.device("f1").demandKw = 650;
    plant.device("f3").demandKw = 250;
    plant.run(30);
    // 1180 kW on two sets: 180 missing after the loss of one: 150 of port, then the rest of starboard.
    expect(supplyOf(plant, "port").table[0]?.cuts).toEqual([
      { device: "f2", powerKw: 150, limitKw: null },
    ]);
    expect(supplyOf(plant, "starboard").table[0]?.cuts).toEqual([
      { device: "f4", powerKw: 130, limitKw: null },
    ]);
  });
});

describe("the table of losses over an island", () => {
  it("takes off no more where the loss is felt a scan before it is known", () => {
    // Stiff enough that the frequency alone does not tell that something has happened.
    const stiff = (one: DeviceConfig) => ({ ...one, ratings: { ...one.ratings, droopPct: 3 } });
    const plant = vessel(changed(noN1, stiff), ["dg1", "dg3"]);
    plant.run(3);
    closeTie(plant);
    plant.device("f1").demandKw = 650;
    plant.device("f3").demandKw = 130;
    plant.run(30);
    // 1060 kW: 60 are missing after the loss of one, and f2 is enough for them. dg1 carries all before port hears that dg3 is gone.
    Object.assign(plant.device("dg3"), { isClosed: false, isTripped: true, isShutdown: true });
    plant.run(3);
    expect(plant.commands("port")).toContain("f2 open");
    expect(plant.commands("starboard")).not.toContain("f4 open");
  });
});

describe("shedding, whatever fails", () => {
  it("opens no feeder without a stage, none twice within 5 s", () => {
    const act = fc.record({
      device: fc.constantFrom("dg1", "dg2", "dg3", "dg4"),
      isLost: fc.boolean(),
      feeder: fc.constantFrom("f1", "f2", "f3", "f4"),
      demandKw: fc.integer({ min: 0, max: 1500 }),
    });
    fc.assert(
      fc.property(fc.array(act, { minLength: 1, maxLength: 6 }), (acts) => {
        const plant = vessel(changed({}), ["dg1", "dg2", "dg3"]);
        plant.run(2);
        closeTie(plant);
        const openedAtMs = new Map<string, number>();
        for (const { device, isLost, feeder, demandKw } of acts) {
          Object.assign(plant.device(device), isLost ? { isClosed: false, isTripped: true } : {});
          plant.device(feeder).demandKw = demandKw;
          for (let i = 0; i < 40; i++) {
            plant.run(0.1);
            for (const grid of ["port", "starboard"]) {
              for (const { device: id, reason } of plant.grid(grid).log.at(-1)?.commands ?? []) {
                if (!/ is shed: |the table takes/.test(reason)) continue;
                expect(["f2", "f4"]).toContain(id);
                const last = openedAtMs.get(id);
                if (last !== undefined) expect(plant.now() - last).toBeGreaterThanOrEqual(5000);
                openedAtMs.set(id, plant.now());
              }
            }
          }
        }
      }),
      { numRuns: 8 },
    );
  });
});

describe("sacrificing a tie", () => {
  const manifest = changed({
    ...noN1,
    shedding: {
      ...present(vesselManifest.grids[0], "a grid").power.shedding,
      isEnabled: false,
      isOnSourceLoss: false,
    },
  });
  const ties = manifest.ties.map((tie) => ({
    ...tie,
    sacrifice: { ...tie.sacrifice, isEnabled: true },
  }));

  it("opens the tie after 3 s of 120 %, latches, and closes only after the alarm is reset", () => {
    const plant = vessel({ ...manifest, ties });
    for (const id of ["dg2", "dg4"]) plant.device(id).isShutdown = true;
    plant.run(3);
    closeTie(plant);
    plant.device("f3").demandKw = 2000;
    plant.run(2.8);
    expect(plant.device("btp").isClosed).toBe(true);
    plant.run(1.5);
    expect(plant.commands("port")).toContain("btp open");
    expect(plant.commands("starboard")).not.toContain("bts open");
    expect(alarmsOf(plant)).toContain("TIE_SACRIFICED");
    plant.device("f3").demandKw = 180;
    plant.run(5);
    expect(plant.request("port", "btp", "close").reason).toContain("TIE_SACRIFICED");
    expect(plant.device("dg1").powerKw).toBeLessThan(400);
  });

  it("opens its other breaker where the side of the sick source does not", () => {
    const plant = vessel({ ...manifest, ties });
    for (const id of ["dg2", "dg4"]) plant.device(id).isShutdown = true;
    plant.run(3);
    closeTie(plant);
    plant.device("btp").isDeaf = true;
    plant.device("f3").demandKw = 2000;
    plant.run(4.8);
    expect(plant.device("bts").isClosed).toBe(true);
    plant.run(1.5);
    expect(plant.device("bts").isClosed).toBe(false);
  });
});

describe("sharing", () => {
  /** A reference rests within 0.5 % of its target, and frequency within its dead band. */
  const expectKw = (plant: MiniPlant, device: string, kw: number) => {
    expect(Math.abs(plant.device(device).powerKw - kw), `${device} near ${kw} kW`).toBeLessThan(12);
  };

  it("is asymmetric where the manifest says so: the last in the order takes what varies", () => {
    const plant = vessel(changed({ ...noN1, sharing: "asymmetric" }), ["dg1", "dg2", "dg3"]);
    plant.device("f1").demandKw = 1050;
    plant.run(40);
    expectKw(plant, "dg1", 800);
    expectKw(plant, "dg2", 400);
    plant.device("f1").demandKw = 1150;
    plant.run(20);
    expectKw(plant, "dg1", 800);
    expectKw(plant, "dg2", 500);
    expect(whyOf(plant, "")).toContain("dg2 takes what varies");
    plant.device("f1").demandKw = 650;
    plant.run(20);
    expectKw(plant, "dg1", plant.device("dg2").powerKw);
  });

  it("is asymmetric over an island as well, by the master's word", () => {
    const plant = vessel(changed({ ...noN1, sharing: "asymmetric" }));
    plant.run(3);
    closeTie(plant);
    plant.device("f1").demandKw = 740;
    plant.run(40);
    expectKw(plant, "dg1", 800);
    expectKw(plant, "dg3", 400);
  });

  it("leaves a base-load set at its set point, and gives the rest to the others", () => {
    const base = (config: DeviceConfig) =>
      config.id === "dg2" ? { ...config, ratings: { ...config.ratings, baseLoadPct: 60 } } : config;
    const plant = vessel(changed(noN1, base), ["dg1", "dg2", "dg3"]);
    plant.device("f1").demandKw = 850;
    plant.run(40);
    expectKw(plant, "dg2", 600);
    expectKw(plant, "dg1", 400);
    plant.device("f1").demandKw = 400;
    plant.run(40);
    // The other keeps its 30 %.
    expectKw(plant, "dg1", 300);
  });

  it.each([
    ["the master's own", ["port", "starboard"]],
    ["another grid's", ["starboard", "port"]],
  ])("leaves the least load to a set over a tie beside %s shore connection", (_whose, order) => {
    const grids = changed(noN1).grids.toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
    const plant = vessel({ ...vesselManifest, grids }, ["dg3"]);
    Object.assign(plant.device("sc1"), { isVoltagePresent: true, isClosed: true, level: 350 });
    plant.run(3);
    closeTie(plant);
    plant.run(30);
    expect(plant.grid("port").state.island).toEqual(order);
    expectKw(plant, "dg3", 300);
    expectKw(plant, "sc1", 360);
  });

  it("counts what a derated set can give", () => {
    const plant = vessel(changed(noN1), ["dg1", "dg2", "dg3"]);
    plant.device("dg2").availableKw = 500;
    plant.device("f1").demandKw = 850;
    plant.run(40);
    expectKw(plant, "dg1", 667);
    expectKw(plant, "dg2", 333);
    const { core, state } = plant.grid("port");
    expect(viewGrid(core, state).capacityKw).toBe(1500);
  });
});

describe("the order of start", () => {
  it("follows running hours with their hysteresis, and survives a takeover", () => {
    const plant = vessel(changed({ ...noN1, startSelection: "running_hours" }), ["dg3"]);
    Object.assign(plant.device("dg1"), { hoursH: 520 });
    Object.assign(plant.device("dg2"), { hoursH: 500 });
    plant.device("dg1").isClosed = false;
    plant.device("bat1").isClosed = plant.device("bat1").isForming = true;
    plant.run(3);
    expect(supplyOf(plant).startOrder).toEqual(["dg2", "dg1"]);
    plant.takeOver("port", "hot");
    plant.device("dg1").hoursH = 503;
    plant.run(3);
    expect(supplyOf(plant).startOrder).toEqual(["dg2", "dg1"]);
  });

  it("starts the set with which the load costs least", () => {
    const thirsty = (config: DeviceConfig) =>
      config.id === "dg2"
        ? { ...config, ratings: { ...config.ratings, fuelGPerKwh: 260 } }
        : config;
    const plant = vessel(changed({ ...noN1, startSelection: "efficiency" }, thirsty));
    plant.run(3);
    closeTie(plant);
    plant.device("f1").demandKw = 1500;
    plant.run(30);
    expect(plant.commands("starboard")).toContain("dg4 start");
    expect(plant.commands("port")).not.toContain("dg2 start");
  });
});

describe("heavy consumers", () => {
  it("lose a grant that they do not use, with an alarm, and the reservation is free again", () => {
    const plant = vessel(changed(noN1));
    plant.run(3);
    Object.assign(plant.device("bt1"), { isRequesting: true, demandKw: 0, isRunning: false });
    plant.run(30);
    expect(plant.stateOf("bt1")).toBe("granted");
    plant.run(61);
    expect(plant.stateOf("bt1")).toBe("timedOut");
    expect(alarmsOf(plant)).toContain("CONSUMER_NO_FEEDBACK");
    const { core, state } = plant.grid("port");
    expect(viewGrid(core, state).reservedKw).toBe(0);
    Object.assign(plant.device("bt1"), { isRequesting: false });
    plant.run(2);
    expect(plant.stateOf("bt1")).toBe("off");
  });

  it("raise an alarm where they wait too long, and say what is missing", () => {
    const plant = vessel(changed(noN1));
    plant.device("dg2").isShutdown = true;
    plant.run(3);
    Object.assign(plant.device("bt1"), { isRequesting: true, demandKw: 600 });
    plant.run(62);
    expect(alarmsOf(plant)).toContain("CONSUMER_WAITS");
    expect(whyOf(plant, "bt1")).toContain("650 kW are free and 750 kW needed");
  });

  it("stand in one line over the whole island: who came first, on whichever switchboard", () => {
    const plant = vessel(changed(noN1));
    for (const id of ["dg2", "dg4"]) plant.device(id).isShutdown = true;
    plant.run(3);
    closeTie(plant);
    plant.device("f1").demandKw = 900;
    plant.run(5);
    Object.assign(plant.device("bt2"), { isRequesting: true, demandKw: 600 });
    plant.run(3);
    Object.assign(plant.device("bt1"), { isRequesting: true, demandKw: 600 });
    plant.run(3);
    for (const grid of ["port", "starboard"]) {
      const { core, state } = plant.grid(grid);
      const line = islandSituationOf(core.planOf(state), state).consumers;
      expect(line.map(({ device }) => device)).toEqual(["bt2", "bt1"]);
    }
  });

  it("keeps what a drive draws where its feedback is lost", () => {
    const plant = vessel(changed(noN1));
    plant.run(3);
    Object.assign(plant.device("bt1"), { isRequesting: true, demandKw: 300 });
    plant.run(60);
    const before = plant.device("bt1").level;
    plant.device("bt1").quality = "uncertain";
    plant.run(10);
    expect(plant.device("bt1").level).toBe(before);
  });
});

describe("battery modes", () => {
  const choose = (plant: MiniPlant, mode: string) =>
    plant.request("port", "bat1", "mode", "operator", { mode });

  it("refuses a mode that does not exist, and names those that do", () => {
    const plant = vessel(changed(noN1), ["dg1", "dg3"], true);
    plant.run(1);
    expect(choose(plant, "turbo").reason).toContain("must be one of reserve, peak_shaving");
    expect(choose(plant, "charging").isAccepted).toBe(true);
  });

  it("charges below the limit of start, keeps the mode over a takeover, and stops where the supply is overloaded", () => {
    const plant = vessel(changed(noN1), ["dg1", "dg3"], true);
    plant.run(3);
    choose(plant, "charging");
    plant.run(20);
    expect(plant.device("bat1").powerKw).toBeCloseTo(-100, 0);
    plant.takeOver("port", "hot");
    plant.run(5);
    expect(plant.device("bat1").powerKw).toBeCloseTo(-100, 0);
    plant.device("f1").demandKw = 690;
    plant.run(20);
    expect(plant.device("bat1").powerKw).toBeCloseTo(-10, 0);
  });

  it("counts a management that counts once a second and is read a scan later, and none that is silent", () => {
    const plant = vessel(changed(noN1), ["dg1", "dg3"], true);
    const battery = plant.device("bat1");
    battery.isHeartbeatStopped = true;
    const isCounted = () => whyOf(plant, "").includes("after loss of dg1 500 kW remain");
    plant.run(2);
    const seen: boolean[] = [];
    for (const scans of [10, 11, 10, 12, 9]) {
      battery.heartbeatCount += 1;
      for (let scan = 0; scan < scans; scan++) {
        plant.run(0.1);
        seen.push(isCounted());
      }
    }
    expect(seen).not.toContain(false);
    plant.run(1.5);
    expect(isCounted()).toBe(false);
  });

  it("loads sets strategically", () => {
    const plant = vessel(changed(noN1), ["dg1", "dg3"], true);
    plant.run(3);
    choose(plant, "strategic_loading");
    plant.run(40);
    expect(plant.device("dg1").powerKw).toBeCloseTo(800, -1);
  });
});

describe("an island of three grids", () => {
  /** Port, starboard, and a third behind starboard, joined by a second tie. */
  function threeGrids(): Manifest {
    const [port, starboard] = vesselManifest.grids;
    const base = present(starboard, "the vessel has two grids");
    const renamed = (config: DeviceConfig) => ({ ...config, id: `aft-${config.id}` });
    const tieBreaker = present(
      base.devices.find(({ id }) => id === "bts"),
      "a tie breaker",
    );
    const middle: GridConfig = {
      ...base,
      devices: [...base.devices, { ...tieBreaker, id: "bts2" }],
    };
    const aft: GridConfig = {
      ...base,
      id: "aft",
      name: "Aft",
      power: { ...base.power, startOrder: base.power.startOrder.map((id) => `aft-${id}`) },
      devices: base.devices.map(renamed),
    };
    const tie = present(vesselManifest.ties[0], "a tie");
    const second = {
      ...tie,
      id: "tie2",
      breakers: [
        { grid: "starboard", device: "bts2" },
        { grid: "aft", device: "aft-bts" },
      ] as const,
    };
    return {
      ...vesselManifest,
      grids: [present(port, "port"), middle, aft],
      ties: [...vesselManifest.ties, second],
    };
  }
  const islandOf = (plant: MiniPlant, grid: string) => plant.grid(grid).state.island;

  it("is known to all, shares by one master, and falls into two when a tie opens", () => {
    const plant = createMiniPlant(threeGrids());
    for (const id of ["dg1", "dg3", "aft-dg3"]) {
      const set = plant.device(id);
      set.isRunning = set.isReadyToLoad = set.isClosed = true;
      set.level = 330;
    }
    plant.run(3);
    closeTie(plant);
    plant.request("starboard", "bts2", "close");
    plant.request("aft", "aft-bts", "close");
    plant.run(15);
    for (const grid of ["port", "starboard", "aft"]) {
      expect(islandOf(plant, grid)).toEqual(["port", "starboard", "aft"]);
    }
    expect(plant.grid("aft").state.targets?.fromGrid).toBe("port");
    for (const id of ["dg1", "dg3", "aft-dg3"]) {
      expect(plant.device(id).powerKw).toBeCloseTo(323, -1);
    }
    plant.device("aft-bts").isClosed = false;
    plant.run(3);
    expect(islandOf(plant, "port")).toEqual(["port", "starboard"]);
    expect(islandOf(plant, "starboard")).toEqual(["port", "starboard"]);
    expect(islandOf(plant, "aft")).toEqual(["aft"]);
  });

  it("re-keys what is per island in the scan that sees the change", () => {
    const plant = createMiniPlant(threeGrids());
    for (const id of ["dg1", "dg3", "aft-dg3"]) {
      const set = plant.device(id);
      set.isRunning = set.isReadyToLoad = set.isClosed = true;
      set.level = 330;
    }
    plant.run(3);
    closeTie(plant);
    plant.run(2);
    const lowBefore = plant.grid("port").state.timers.lowSinceMs;
    expect(lowBefore).not.toBeNull();
    plant.device("bts").isClosed = false;
    plant.run(0.1);
    const { state } = plant.grid("port");
    expect(state.island).toEqual(["port"]);
    expect(state.timers.lowSinceMs).not.toBe(lowBefore);
    expect(state.targets).toBeNull();
  });
});

describe("the statement of what is missing", () => {
  it("names the loss, the power and the kilowatts", () => {
    const plant = vessel(changed({ spinningReserveKw: 800 }));
    plant.device("dg2").isShutdown = true;
    plant.run(62);
    const sentences = whyOf(plant, "");
    expect(sentences).toContain("650 kW of reserve, 800 kW wanted, for 10 s");
    expect(sentences).toContain("no set can be started");
    const { core, state } = plant.grid("port");
    expect(viewGrid(core, state).n1.statement).toBe(
      "after loss of dg1 only 0 kW would remain for 350 kW: 350 kW missing",
    );
    expect(alarmsOf(plant)).toContain("RESERVE_LOW");
  });
});
