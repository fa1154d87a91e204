// `npm run bench:inspection`: what watching costs the control loop. 50 WatchActors streams, 20 browsers' event streams and a loop of history
// queries, against the lateness of scans without them; pairs whose order alternates.
//   npm run bench:inspection                    ten pairs of 100 seconds (10,000 scans each), about 38 minutes
//   npm run bench:inspection -- --short         three pairs of 15 seconds, about three minutes
//   npm run bench:inspection -- --seconds 33    ten pairs in 15 minutes: 3,300 scans a run, so that three or four decide on a run's p99.9
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Command } from "commander";
import { inProject } from "../../processes/program.ts";
import { run, type Run } from "./run.ts";

const LATENESS_MS_MAX = 1;
const LATENESS_SHARE_MAX = 0.1;

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const median = (values: readonly number[]): number => quantile(values, 0.5);
const text = (value: number, digits = 2): string => value.toFixed(digits).padStart(8);

function count(value: string): number {
  const number = Number(value);
  return Number.isInteger(number) && number > 0 ? number : 1;
}

const options = new Command("npm run bench:inspection --")
  .description(
    "Measures what 50 streams, 20 browsers and a loop of queries cost the scans of a node.",
  )
  .option("--short", "three pairs of 15 seconds", false)
  .option("--pairs <count>", "alternating pairs", count)
  .option("--seconds <s>", "of each run", count)
  .option("--json <file>", "every pair", ".cache/bench/inspection.json")
  .parse()
  .opts<{ short: boolean; pairs?: number; seconds?: number; json: string }>();
const pairCount = options.pairs ?? (options.short ? 3 : 10);
const seconds = options.seconds ?? (options.short ? 15 : 100);

const pairs: { readonly off: Run; readonly on: Run }[] = [];
process.stdout.write(
  "         scan lateness p99.9, ms             scans      resident MB      messages  kB of events  queries\n" +
    "pair       off       on   difference    off     on     off      on\n",
);
for (let i = 0; i < pairCount; i++) {
  // Which comes first alternates, so that a drift of the machine falls on both.
  const isOnFirst = i % 2 === 1;
  const first = await run(isOnFirst, seconds);
  const second = await run(!isOnFirst, seconds);
  const pair = isOnFirst ? { on: first, off: second } : { off: first, on: second };
  pairs.push(pair);
  const [off, on] = [quantile(pair.off.latenessMs, 0.999), quantile(pair.on.latenessMs, 0.999)];
  const { readings } = pair.on;
  process.stdout.write(
    `${String(i + 1).padStart(4)}  ${text(off)} ${text(on)}     ${text(on - off)} ${String(pair.off.latenessMs.length).padStart(6)} ${String(pair.on.latenessMs.length).padStart(6)} ${text(pair.off.residentMb, 1)}${text(pair.on.residentMb, 1)} ${String(readings?.actorMessages).padStart(12)} ${text((readings?.eventBytes ?? 0) / 1024, 0).padStart(13)} ${String(readings?.queries).padStart(8)}\n`,
  );
}
const offMs = median(pairs.map(({ off }) => quantile(off.latenessMs, 0.999)));
const differenceMs = median(
  pairs.map(({ off, on }) => quantile(on.latenessMs, 0.999) - quantile(off.latenessMs, 0.999)),
);
const halves = (share: number) => ({
  off: median(pairs.map(({ off }) => quantile(off.latenessMs, share))),
  on: median(pairs.map(({ on }) => quantile(on.latenessMs, share))),
});
const [p50, p99] = [halves(0.5), halves(0.99)];
/** All scans of one side together: ten times as many above the quantile as in one run. */
const pooled = {
  off: pairs.flatMap(({ off }) => off.latenessMs),
  on: pairs.flatMap(({ on }) => on.latenessMs),
};
const aboveCount = median(pairs.map(({ on }) => on.latenessMs.length)) * 0.001;
const isMet = differenceMs <= Math.max(LATENESS_MS_MAX, offMs * LATENESS_SHARE_MAX);
process.stdout.write(
  `
median difference of p99.9: ${differenceMs.toFixed(2)} ms, off ${offMs.toFixed(2)} ms; at most 1 ms or 10 %: ${isMet ? "met" : "NOT met"}
lateness p50 ${p50.off.toFixed(2)} → ${p50.on.toFixed(2)} ms, p99 ${p99.off.toFixed(2)} → ${p99.on.toFixed(2)} ms (medians of the pairs, off → on)
all scans of a side together: p99.9 ${quantile(pooled.off, 0.999).toFixed(2)} → ${quantile(pooled.on, 0.999).toFixed(2)} ms; one run has ${aboveCount.toFixed(1)} scans above its p99.9, all together ${(pooled.on.length * 0.001).toFixed(0)}
`,
);
const path = inProject(options.json);
mkdirSync(dirname(path), { recursive: true });
writeFileSync(
  path,
  JSON.stringify({ pairCount, seconds, differenceMs, offMs, p50, p99, isMet, pairs }),
);
process.stdout.write(`Every scan: ${path}\n`);
process.exit(isMet ? 0 : 1);
