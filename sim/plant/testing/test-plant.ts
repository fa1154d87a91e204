import { parsePlant } from "../../simulator/plant-schema.ts";
import { PLANT_STEP_MS, Plant } from "../plant.ts";
import type { DeviceRatings, PlantLayout } from "../plant-layout.ts";

/** Small plants for tests. */

const NOTHING: DeviceRatings = {
  powerKw: 0,
  apparentKva: 0,
  energyKwh: 0,
  droopPct: 0,
  loadKw: 0,
};

type Devices = PlantLayout["grids"][number]["devices"];

export function device(
  id: string,
  kind: Devices[number]["kind"],
  ratings: Partial<DeviceRatings> = {},
): Devices[number] {
  return { id, kind, ratings: { ...NOTHING, ...ratings } };
}

/** Two switchboards as on the example vessel, without noise where `noisePct` is 0. */
export function vessel(noisePct = 3, seed = 1): Plant {
  const genset = { powerKw: 1000, apparentKva: 1250, droopPct: 4 };
  const battery = { powerKw: 500, apparentKva: 625, energyKwh: 500 };
  const grid = (id: string, devices: Devices) => ({
    id,
    nominalVoltageV: 690,
    nominalFrequencyHz: 60,
    devices,
  });
  const layout: PlantLayout = {
    grids: [
      grid("port", [
        device("dg1", "genset", genset),
        device("dg2", "genset", genset),
        device("bat1", "battery", battery),
        device("sc1", "shore", { powerKw: 750, apparentKva: 889 }),
        device("btp", "busTie"),
        device("bt1", "thruster", { loadKw: 600 }),
        device("f1", "feeder", { loadKw: 350 }),
        device("msb-p", "meter"),
      ]),
      grid("starboard", [
        device("dg3", "genset", genset),
        device("dg4", "genset", genset),
        device("bat2", "battery", battery),
        device("bts", "busTie"),
        device("f3", "feeder", { loadKw: 310 }),
      ]),
    ],
    ties: [{ id: "tie", breakers: [{ device: "btp" }, { device: "bts" }] }],
  };
  const specs = parsePlant(
    {
      devices: {
        dg1: { isClosed: true, referenceKw: 350 },
        dg3: { isClosed: true, referenceKw: 310 },
        bat1: { isClosed: true, socPct: 62 },
        bat2: { isClosed: true, socPct: 58 },
        f1: { noisePct },
        f3: { noisePct },
      },
    },
    layout,
  );
  return new Plant(layout, specs, seed);
}

/**
 * One switchboard of 50 Hz with gensets and one feeder of constant power; gensets as the closed-form cases want them.
 * @param more - Parameters of every set that differ.
 */
export function gensetsOnly(
  gensets: readonly {
    readonly powerKw: number;
    readonly droopPct: number;
    readonly referenceKw: number;
  }[],
  loadKw: number,
  more: Readonly<Record<string, number>> = {},
): Plant {
  const ids = gensets.map((_set, index) => `g${index + 1}`);
  const layout: PlantLayout = {
    grids: [
      {
        id: "site",
        nominalVoltageV: 400,
        nominalFrequencyHz: 50,
        devices: [
          ...gensets.map((set, index) => device(ids[index] ?? "", "genset", set)),
          device("load", "feeder", { loadKw }),
        ],
      },
    ],
    ties: [],
  };
  const ideal = {
    isClosed: true,
    inertiaS: 1,
    actuatorLagMs: 200,
    deadTimeMs: 0,
    firstStepPct: 100,
    rampPctPerS: 100,
    ...more,
  };
  const entries = gensets.map((set, index) => [
    ids[index],
    { ...ideal, referenceKw: set.referenceKw },
  ]);
  const devices = { ...Object.fromEntries(entries), load: { noisePct: 0 } } as unknown;
  return new Plant(layout, parsePlant({ devices }, layout), 1);
}

export function run(plant: Plant, seconds: number, each?: () => void): void {
  const stepCount = Math.round((seconds * 1000) / PLANT_STEP_MS);
  for (let step = 0; step < stepCount; step += 1) {
    plant.step();
    each?.();
  }
}

/** Runs until `isDone`, at most `secondsMax`. Returns the time that it took, s; infinity if it never was. */
export function runUntil(plant: Plant, secondsMax: number, isDone: () => boolean): number {
  const startMs = plant.plantMs;
  while (plant.plantMs - startMs < secondsMax * 1000) {
    if (isDone()) return (plant.plantMs - startMs) / 1000;
    plant.step();
  }
  return isDone() ? secondsMax : Number.POSITIVE_INFINITY;
}

export function numberOf(plant: Plant, id: string, point: string): number {
  return Number(plant.points(id)[point]);
}
