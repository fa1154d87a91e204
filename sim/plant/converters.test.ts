import { describe, expect, it } from "vitest";
import { parsePlant } from "../simulator/plant-schema.ts";
import { batteryCurrentA } from "./battery.ts";
import { Plant } from "./plant.ts";
import type { PlantLayout } from "./plant-layout.ts";
import { device, numberOf, run } from "./testing/test-plant.ts";

/** A battery of 500 kW and PV of 550 kW at a busbar of 50 Hz, behind a supply or alone. */
function site(
  q0: Readonly<Record<string, unknown>>,
  bat: Readonly<Record<string, unknown>>,
  pv: Readonly<Record<string, unknown>>,
  loadKw: number,
): Plant {
  const layout: PlantLayout = {
    grids: [
      {
        id: "site",
        nominalVoltageV: 400,
        nominalFrequencyHz: 50,
        devices: [
          device("q0", "shore", { powerKw: 600, apparentKva: 1250 }),
          device("bat", "battery", { powerKw: 500, energyKwh: 1000 }),
          device("pv", "pv", { powerKw: 550 }),
          device("load", "feeder", { loadKw }),
        ],
      },
    ],
    ties: [],
  };
  const devices = { q0, bat, pv, load: { noisePct: 0 } };
  return new Plant(layout, parsePlant({ devices }, layout), 1);
}
const UTILITY = { isClosed: true, supply: "utility" };
const GONE = { isClosed: false, isAvailable: false };
const DARK = { sunPct: 0 };

describe("a battery", () => {
  it.each([
    [100_000, 692.78, 1041.8],
    [-100_000, 707.07, 1000.1],
  ])("at %s W stands at %s V and loses %s W in its resistance", (powerW, volts, lossW) => {
    const currentA = batteryCurrentA(powerW, 700, 0.05);
    expect(700 - 0.05 * currentA).toBeCloseTo(volts, 2);
    expect(currentA * currentA * 0.05).toBeCloseTo(lossW, 1);
  });

  it.each([
    [50, 500, 500],
    [7.5, 250, 500],
    [5, 0, 500],
    [92.5, 500, 250],
    [95, 500, 0],
  ])(
    "charged to %s percent gives %s kW and takes %s kW at most, following or forming",
    (socPct, out, taken) => {
      for (const isForming of [false, true]) {
        const plant = site(
          UTILITY,
          { isClosed: true, isForming, socPct, overloadPct: 100 },
          DARK,
          0,
        );
        for (const [setpointKw, powerKw] of [
          [600, out],
          [-600, -taken],
        ] as const) {
          plant.device("bat").setLevel("powerSetpointKw", setpointKw);
          run(plant, 3);
          expect(Math.abs(numberOf(plant, "bat", "activePowerKw") - powerKw)).toBeLessThan(8);
        }
        expect(Math.abs(numberOf(plant, "bat", "dischargeLimitKw") - out)).toBeLessThan(8);
        expect(Math.abs(numberOf(plant, "bat", "chargeLimitKw") - taken)).toBeLessThan(8);
      }
    },
  );

  it("that follows comes to its set-point with its lag of 40 ms", () => {
    const plant = site(UTILITY, { isClosed: true, rampPctPerS: 1e6 }, DARK, 400);
    plant.device("bat").setLevel("powerSetpointKw", 300);
    run(plant, 0.04);
    // Steps of 5 ms make of 63.2 % a little more.
    expect(numberOf(plant, "bat", "activePowerKw") / 300).toBeCloseTo(0.65, 1);
    expect(numberOf(plant, "bat", "activePowerKw") / 300).toBeLessThan(0.7);
    run(plant, 0.3);
    expect(numberOf(plant, "bat", "activePowerKw")).toBeCloseTo(300, 0);
  });

  it("that forms lets the frequency droop: 1 % at its rating", () => {
    const plant = site(GONE, { isClosed: true, isForming: true, formingDroopPct: 1 }, DARK, 250);
    run(plant, 2);
    expect(plant.grid("site").frequencyHz).toBeCloseTo(50 * (1 - 0.01 / 2), 3);
  });
});

describe("photovoltaic inverters", () => {
  it("rise and are limited by 15 % of their rating per second", () => {
    const plant = site(UTILITY, {}, { sunPct: 20 }, 400);
    run(plant, 1);
    plant.setSun("pv", 90);
    run(plant, 2);
    expect(numberOf(plant, "pv", "activePowerKw")).toBeCloseTo(110 + 2 * 82.5, 0);
    run(plant, 4);
    expect(numberOf(plant, "pv", "activePowerKw")).toBeCloseTo(495, 0);
    plant.device("pv").setLevel("powerLimitPct", 40);
    run(plant, 2);
    expect(numberOf(plant, "pv", "activePowerKw")).toBeCloseTo(495 - 2 * 82.5, 0);
    run(plant, 4);
    expect(numberOf(plant, "pv", "activePowerKw")).toBeCloseTo(220, 0);
  });

  it("give way in an island by 50.2 → 51.5 Hz and stay there: nobody takes what is too much", () => {
    const full = { isClosed: true, isForming: true, socPct: 99, formingDroopPct: 1 };
    const plant = site(GONE, full, { sunPct: 100 }, 330);
    run(plant, 20);
    // 330 of 550 kW are left where two fifths of the way from 50.2 to 51.5 Hz are gone.
    expect(numberOf(plant, "pv", "activePowerKw")).toBeCloseTo(330, 0);
    expect(plant.grid("site").frequencyHz).toBeCloseTo(50.2 + 0.4 * 1.3, 2);
  });

  it("go back to full power where their master is gone", () => {
    const plant = site(UTILITY, {}, { sunPct: 60 }, 400);
    plant.device("pv").setLevel("powerLimitPct", 20);
    run(plant, 6);
    expect(numberOf(plant, "pv", "activePowerKw")).toBeCloseTo(110, 0);
    plant.device("pv").setFallback(true);
    run(plant, 6);
    expect(numberOf(plant, "pv", "activePowerKw")).toBeCloseTo(330, 0);
  });
});

describe("a shore converter", () => {
  it("gives no more than its limit: what lacks, the frequency shows", () => {
    const plant = site({ isClosed: true, importLimitKw: 300 }, {}, DARK, 400);
    run(plant, 1);
    expect(numberOf(plant, "q0", "activePowerKw")).toBeLessThan(405);
    expect(plant.grid("site").frequencyHz).toBeLessThan(48);
  });
});
