import { describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import { loadPlantFile } from "../../sim/simulator/load-plant-file.ts";
import { PlantBench } from "../support/plant-bench.ts";

const vessel = loadManifest("configs/vessel.toml");
const specs = loadPlantFile(vessel);

/** What every meter and source of port shows of its busbar is another. */
function showing(points: Readonly<Record<string, number>>): PlantBench {
  const bench = new PlantBench(vessel, specs);
  bench.run(2);
  for (const id of ["msb-p", "dg1", "bat1"]) {
    const device = bench.plant.device(id);
    const own = device.points.bind(device);
    device.points = () => ({ ...own(), ...points });
  }
  return bench;
}

describe("warnings of the busbar", () => {
  it.each([
    ["VOLTAGE_OFF", { voltageV: 690 * 0.89 }],
    ["FREQUENCY_OFF", { frequencyHz: 60 * 1.06 }],
  ] as const)("%s after five seconds at %o, and nothing trips", (code, points) => {
    const bench = showing(points);
    bench.run(4);
    expect(bench.alarms("port")).not.toContain(code);
    bench.run(2);
    expect(bench.alarms("port")).toContain(code);
    expect(bench.alarms("starboard")).not.toContain(code);
    const source = new Set(["dg1", "dg2", "bat1", "sc1"]);
    expect(
      bench.commands.filter((one) => source.has(one.device) && one.command === "open"),
    ).toEqual([]);
  });
});
