import { describe, expect, it } from "vitest";
import { parsePlant } from "../simulator/plant-schema.ts";
import { Plant } from "./plant.ts";
import { device, gensetsOnly, numberOf, run, vessel } from "./testing/test-plant.ts";

describe("faults that a script switches on", () => {
  it("keeps a breaker closed that does not open, and open one that does not close", () => {
    const plant = vessel(0);
    plant.setSwitch("f1", "failsToOpen", true);
    plant.command("f1", "open");
    run(plant, 1);
    expect(plant.points("f1")["isClosed"]).toBe(true);
    plant.setSwitch("f1", "failsToOpen", false);
    plant.setSwitch("f1", "failsToClose", true);
    plant.command("f1", "open");
    run(plant, 1);
    plant.command("f1", "close");
    run(plant, 1);
    expect(plant.points("f1")["isClosed"]).toBe(false);
    plant.setSwitch("f1", "failsToClose", false);
    plant.command("f1", "close");
    run(plant, 1);
    expect(plant.points("f1")["isClosed"]).toBe(true);
  });

  it("latches the trip of a breaker that fails to open, which goes on feeding", () => {
    const plant = vessel(0);
    plant.setSwitch("dg1", "failsToOpen", true);
    plant.device("dg1").trip("test");
    run(plant, 0.5);
    expect(plant.points("dg1")["isTripped"]).toBe(true);
    expect(plant.points("dg1")["isClosed"]).toBe(true);
  });

  it("leaves the load to the other set where a governor is stuck", () => {
    const plant = gensetsOnly(
      [
        { powerKw: 1000, droopPct: 4, referenceKw: 400 },
        { powerKw: 1000, droopPct: 4, referenceKw: 400 },
      ],
      800,
    );
    run(plant, 1);
    plant.setSwitch("g1", "isGovernorStuck", true);
    plant.loadStep("load", 200);
    run(plant, 8);
    expect(numberOf(plant, "g1", "activePowerKw")).toBeCloseTo(400, 0);
    expect(numberOf(plant, "g2", "activePowerKw")).toBeCloseTo(600, 0);
  });

  it("gives no more than what a derated engine can", () => {
    const plant = gensetsOnly([{ powerKw: 1000, droopPct: 4, referenceKw: 400 }], 400);
    plant.setDerating("g1", 60);
    plant.loadStep("load", 400);
    run(plant, 3);
    expect(numberOf(plant, "g1", "availablePowerKw")).toBeCloseTo(660, 6);
    expect(plant.grid("site").frequencyHz).toBeLessThan(45);
  });
});

describe("isochronous sets", () => {
  const pair = (loadKw: number) => {
    const layout = {
      grids: [
        {
          id: "site",
          nominalVoltageV: 400,
          nominalFrequencyHz: 50,
          devices: [
            device("g1", "genset", { powerKw: 600, droopPct: 4 }),
            device("g2", "genset", { powerKw: 400, droopPct: 4 }),
            device("load", "feeder"),
          ],
        },
      ],
      ties: [],
    };
    const set = { isClosed: true, governor: "isochronous", referenceKw: loadKw / 2 };
    const devices = { g1: set, g2: set, load: { loadKw, noisePct: 0 } };
    return new Plant(layout, parsePlant({ devices }, layout), 1);
  };

  it("share 800 kW as 480 and 320 on 600 and 400 kW, at nominal frequency", () => {
    const plant = pair(800);
    run(plant, 60);
    expect(numberOf(plant, "g1", "activePowerKw")).toBeCloseTo(480, 0);
    expect(numberOf(plant, "g2", "activePowerKw")).toBeCloseTo(320, 0);
    expect(plant.grid("site").frequencyHz).toBeCloseTo(50, 2);
  });

  it("come back to nominal frequency after a step, where droop would stay below", () => {
    const plant = pair(400);
    run(plant, 30);
    plant.loadStep("load", 200);
    run(plant, 60);
    expect(plant.grid("site").frequencyHz).toBeCloseTo(50, 2);
  });
});

/** A feeder behind one set of 600 kW. */
function feeding(load: Readonly<Record<string, unknown>>): Plant {
  const layout = {
    grids: [
      {
        id: "site",
        nominalVoltageV: 400,
        nominalFrequencyHz: 50,
        devices: [device("g1", "genset", { powerKw: 600, droopPct: 4 }), device("load", "feeder")],
      },
    ],
    ties: [],
  };
  const devices = { g1: { isClosed: true, referenceKw: 100 }, load };
  return new Plant(layout, parsePlant({ devices }, layout), 1);
}

describe("feeders", () => {
  it("open by their undervoltage release and cannot be closed onto a dead busbar", () => {
    const plant = feeding({ loadKw: 100, undervoltageS: 0.5, premagnetiseS: 2 });
    plant.device("g1").trip("test");
    run(plant, 0.4);
    expect(plant.points("load")["isClosed"]).toBe(true);
    run(plant, 1);
    expect(plant.points("load")["isClosed"]).toBe(false);
    expect(plant.command("load", "close")).toContain("dead");
  });

  it("take a limit, and fall back to their own where their master is gone", () => {
    const plant = feeding({ loadKw: 200, noisePct: 0, fallbackLimitKw: 30 });
    plant.device("load").setLevel("powerLimitKw", 120);
    run(plant, 1);
    expect(numberOf(plant, "load", "activePowerKw")).toBeCloseTo(120, 6);
    plant.device("load").setFallback(true);
    run(plant, 1);
    expect(numberOf(plant, "load", "activePowerKw")).toBeCloseTo(30, 6);
  });

  it("magnetise their transformer before the breaker closes", () => {
    const plant = feeding({ isClosed: false, loadKw: 100, premagnetiseS: 2 });
    plant.command("load", "close");
    run(plant, 1.9);
    expect(plant.points("load")["isClosed"]).toBe(false);
    run(plant, 0.3);
    expect(plant.points("load")["isClosed"]).toBe(true);
  });

  it("draw six times the current at a power factor of 0.3 while a motor starts, then its power", () => {
    const plant = vessel(0);
    run(plant, 2);
    const before = plant.grid("port").loadKw;
    const dip = () => plant.grid("port").voltageV / 690;
    plant.startMotor("f1", 110);
    let lowest = 1;
    run(plant, 4, () => {
      lowest = Math.min(lowest, dip());
    });
    // 6 · 110 kW / 0.85 · 0.3 of active power while it starts.
    expect(plant.grid("port").loadKw - before).toBeCloseTo((6 * 110 * 0.3) / 0.85, 0);
    expect(lowest).toBeLessThan(0.9);
    expect(lowest).toBeGreaterThan(0.8);
    run(plant, 3);
    expect(plant.grid("port").loadKw - before).toBeCloseTo(110, 0);
  });
});

describe("photovoltaic cells", () => {
  it("give 0.4 % less for each degree above 25 °C", () => {
    const layout = {
      grids: [
        {
          id: "site",
          nominalVoltageV: 400,
          nominalFrequencyHz: 50,
          devices: [
            device("q0", "shore", { powerKw: 600, apparentKva: 1250 }),
            device("pv", "pv", { powerKw: 600 }),
          ],
        },
      ],
      ties: [],
    };
    const devices = {
      q0: { isClosed: true, supply: "utility" },
      pv: { peakKw: 500, sunPct: 80, cellTemperatureC: 50 },
    };
    const plant = new Plant(layout, parsePlant({ devices }, layout), 1);
    expect(numberOf(plant, "pv", "availablePowerKw")).toBeCloseTo(400 * 0.9, 6);
  });
});
