import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { loadManifest } from "../../../configs/load-manifest.ts";
import { Plant, PLANT_STEP_MS } from "../../../sim/plant/plant.ts";
import { loadPlantFile } from "../../../sim/simulator/load-plant-file.ts";
import { caseFigures } from "./cases.ts";

/**
 * `npm run bench:plant`: what the plant gives in the cases with a known answer, and how much faster than real time the plants of the
 * examples run, alone on one core. About 15 seconds.
 */

const PLANT_S = 600;
const ROUND_COUNT = 5;
const GOAL = 200;

interface Measured {
  readonly plant: string;
  readonly deviceCount: number;
  readonly timesRealTime: readonly number[];
  readonly median: number;
}

function measure(name: string): Measured {
  const manifest = loadManifest(join("configs", `${name}.toml`));
  const plant = new Plant(manifest, loadPlantFile(manifest), 1);
  const runFor = (seconds: number) => {
    const stepCount = (seconds * 1000) / PLANT_STEP_MS;
    for (let step = 0; step < stepCount; step++) plant.step();
  };
  runFor(60);
  const timesRealTime = Array.from({ length: ROUND_COUNT }, () => {
    const startedMs = performance.now();
    runFor(PLANT_S);
    return (PLANT_S * 1000) / (performance.now() - startedMs);
  });
  const sorted = timesRealTime.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(ROUND_COUNT / 2)] ?? 0;
  return { plant: name, deviceCount: plant.devices.length, timesRealTime, median };
}

const figures = caseFigures();
process.stdout.write("case                                        plant   formula\n");
for (const { name, simulated, exact, unit } of figures) {
  const digits = unit === "ms" ? 0 : unit === "kW" ? 2 : 4;
  process.stdout.write(
    `${name.padEnd(38)} ${simulated.toFixed(digits).padStart(10)} ${exact.toFixed(digits).padStart(9)} ${unit}\n`,
  );
}
process.stdout.write("\n");
const results = ["vessel", "land-battery"].map(measure);
process.stdout.write(
  `plant          devices  times real time (median of ${ROUND_COUNT})  slowest\n`,
);
for (const { plant, deviceCount, timesRealTime, median } of results) {
  const slowest = Math.min(...timesRealTime).toFixed(0);
  process.stdout.write(
    `${plant.padEnd(14)} ${String(deviceCount).padStart(7)}  ${median.toFixed(0).padStart(31)}  ${slowest.padStart(7)}\n`,
  );
}
mkdirSync(join(".cache", "bench"), { recursive: true });
const file = join(".cache", "bench", "plant.json");
writeFileSync(file, `${JSON.stringify({ figures, plantS: PLANT_S, results }, null, 1)}\n`);
process.stdout.write(`written to ${file}\n`);
const isMet = results.every(({ median }) => median >= GOAL);
if (!isMet) process.stdout.write(`less than ${GOAL} times real time\n`);
process.exitCode = isMet ? 0 : 1;
