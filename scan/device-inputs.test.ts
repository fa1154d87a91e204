import { describe, expect, it } from "vitest";
import type { PointSample } from "../kernel/point.ts";
import type { DeviceChanges, DeviceIo } from "../kernel/ports/device-io.ts";
import { createMemoryPlant } from "../sim/ports/memory-devices.ts";
import { createVirtualClock } from "../sim/ports/virtual-clock.ts";
import { takeDeviceInputs } from "./device-inputs.ts";
import type { Image } from "./replica.ts";

/** A driver that has probed the given values, with the plant behind it. */
function probed(values: Readonly<Record<string, number>>) {
  const clock = createVirtualClock();
  const plant = createMemoryPlant({ clock, devices: ["dg1"] });
  for (const [point, value] of Object.entries(values)) plant.setPoint("dg1", point, value);
  const io = plant.io("n1", "port", { epochForWrite: () => 1 });
  const read = () => {
    io.poll("full");
    clock.advanceBy(10);
  };
  read();
  return { io, read };
}

const driver = (values: Readonly<Record<string, number>>): DeviceIo => probed(values).io;

function replicated(...samples: readonly PointSample[]): Image {
  return { points: new Map(samples.map((sample) => [sample[0], sample])), connections: new Map() };
}

const values = (changes: DeviceChanges) =>
  Object.fromEntries(changes.points.map(([id, value]) => [id, value]));
const known = replicated(["dg1.activePowerKw", 350, "good"], ["dg1.socPct", 62, "good"]);

describe("what devices bring into a frame", () => {
  it.each(["hot", "handover"] as const)(
    "after a %s takeover the first frame repeats the replicated image",
    (origin) => {
      const inputs = takeDeviceInputs(
        driver({ activePowerKw: 349, frequencyHz: 60 }),
        known,
        origin,
        1,
      );
      expect(values(inputs)).toEqual({
        "dg1.activePowerKw": 350,
        "dg1.socPct": 62,
        "dg1.frequencyHz": 60,
      });
    },
  );

  it.each(["stale", "cold", "restart"] as const)(
    "after a %s start only what was read counts",
    (origin) => {
      const inputs = takeDeviceInputs(driver({ activePowerKw: 349 }), known, origin, 1);
      expect(values(inputs)).toEqual({ "dg1.activePowerKw": 349 });
    },
  );

  it("a later frame brings what changed", () => {
    const io = driver({ activePowerKw: 349 });
    expect(values(takeDeviceInputs(io, known, "hot", 2))).toEqual({ "dg1.activePowerKw": 349 });
    expect(values(takeDeviceInputs(io, known, "hot", 2))).toEqual({});
  });

  it("what was probed before the leadership began never counts, however long no answer comes", () => {
    const io = driver({ activePowerKw: 349 });
    io.beginLeadership();
    takeDeviceInputs(io, known, "hot", 1);
    for (let scan = 2; scan <= 40; scan++)
      expect(values(takeDeviceInputs(io, known, "hot", scan)), `scan ${scan}`).toEqual({});
  });

  it("what the replica has otherwise counts once it was read, though the driver saw no change", () => {
    const { io, read } = probed({ activePowerKw: 349, socPct: 62 });
    io.beginLeadership();
    takeDeviceInputs(io, known, "hot", 1);
    read();
    expect(values(takeDeviceInputs(io, known, "hot", 2))).toEqual({ "dg1.activePowerKw": 349 });
  });

  it("an answer to a question of before the leadership does not count", () => {
    const clock = createVirtualClock();
    const plant = createMemoryPlant({ clock, devices: ["dg1"] });
    plant.setPoint("dg1", "activePowerKw", 350);
    const io = plant.io("n1", "port", { epochForWrite: () => 1 });
    io.poll("full");
    clock.advanceBy(10);
    io.drain();
    io.poll("full");
    clock.advanceBy(0.5);
    io.beginLeadership();
    clock.advanceBy(10);
    const other = replicated(["dg1.activePowerKw", 300, "good"]);
    expect(values(takeDeviceInputs(io, other, "hot", 2))).toEqual({});
  });

  it("a value that is not known well keeps what was last believed", () => {
    const io: DeviceIo = {
      ...driver({}),
      drain: () => ({
        points: [["dg1.activePowerKw", 349, "uncertain"]],
        connections: [],
        fates: [],
      }),
    };
    expect(takeDeviceInputs(io, known, "hot", 2).points).toEqual([
      ["dg1.activePowerKw", 350, "uncertain"],
    ]);
  });
});
