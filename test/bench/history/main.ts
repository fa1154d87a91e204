// `npm run bench:history`: what keeping history costs the control thread, and how fast a day of seconds is answered.
//   npm run bench:history                 ten alternating pairs of 2 × 36 seconds, about 14 minutes
//   npm run bench:history -- --short      three pairs of 2 × 14 seconds, about two minutes
// Off keeps nothing at all, not even the journal, which a node cannot do without: so the difference is that of both.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NODE_ENVIRONMENT, NODE_FLAGS } from "../../../apps/launcher/child-program.ts";
import { timeQueries } from "./query-run.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const isShort = process.argv.includes("--short");
const PAIRS = isShort ? 3 : 10;
const SECONDS = isShort ? 14 : 36;
const LATENESS_MS_MAX = 1;
const LATENESS_SHARE_MAX = 0.1;
const QUERY_MS_MAX = 100;

interface Run {
  readonly mode: string;
  readonly latenessMs: readonly number[];
  readonly workMs: readonly number[];
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
const median = (values: readonly number[]) => quantile(values, 0.5);
const text = (value: number) => value.toFixed(2).padStart(8);

function run(mode: "on" | "off", seed: number): Run {
  const directory = mkdtempSync(join(tmpdir(), "rems-bench-"));
  try {
    const program = fileURLToPath(new URL("./scan-run.ts", import.meta.url));
    // As a node runs.
    const args = [
      ...NODE_FLAGS,
      "--import",
      "tsx",
      program,
      mode,
      String(SECONDS),
      directory,
      String(seed),
    ];
    const result = spawnSync(process.execPath, args, {
      encoding: "utf8",
      maxBuffer: 64 << 20,
      env: { ...process.env, ...NODE_ENVIRONMENT },
    });
    if (result.status !== 0) {
      process.stderr.write(result.stderr);
      process.exit(1);
    }
    return JSON.parse(result.stdout) as Run;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const startedMs = performance.now();
const sinceStart = () => `${((performance.now() - startedMs) / 1000).toFixed(0).padStart(5)} s`;
process.stderr.write(`${sinceStart()}  takes about ${isShort ? 2 : 14} minutes\n`);
const pairs: { readonly off: Run; readonly on: Run }[] = [];
process.stdout.write(
  "pair   p99.9 off     on   difference   (ms of scan lateness; 200 devices × 50 points, 100 ms)\n",
);
for (let i = 0; i < PAIRS; i++) {
  // Which comes first alternates, so that a drift of the machine falls on both.
  const [first, second] = i % 2 === 0 ? (["off", "on"] as const) : (["on", "off"] as const);
  const runs = { [first]: run(first, i + 1), [second]: run(second, i + 1) } as Record<
    "on" | "off",
    Run
  >;
  pairs.push(runs);
  const [off, on] = [runs.off, runs.on].map(({ latenessMs }) => quantile(latenessMs, 0.999)) as [
    number,
    number,
  ];
  process.stdout.write(
    `${String(i + 1).padStart(4)}   ${text(off)} ${text(on)}   ${text(on - off)}\n`,
  );
  process.stderr.write(`${sinceStart()}  ${i + 1} of ${PAIRS} pairs\n`);
}
const pooled = (mode: "on" | "off", share: number) =>
  quantile(
    pairs.flatMap((pair) => pair[mode].latenessMs),
    share,
  );
const offMs = median(pairs.map(({ off }) => quantile(off.latenessMs, 0.999)));
const differenceMs = median(
  pairs.map(({ off, on }) => quantile(on.latenessMs, 0.999) - quantile(off.latenessMs, 0.999)),
);
const workMs = {
  off: median(pairs.map(({ off }) => median(off.workMs))),
  on: median(pairs.map(({ on }) => median(on.workMs))),
};
process.stderr.write(`${sinceStart()}  a day of seconds: filled, then asked for\n`);
const queries = await timeQueries();
const [fullMs, joinedMs] = [median(queries.fullMs), median(queries.joinedMs)];
const isLatenessMet = differenceMs <= Math.max(LATENESS_MS_MAX, offMs * LATENESS_SHARE_MAX);
const isQueryMet = fullMs < QUERY_MS_MAX && joinedMs < QUERY_MS_MAX;
const verdict = (isMet: boolean) => (isMet ? "met" : "NOT met");
process.stdout.write(
  `
median difference of p99.9: ${differenceMs.toFixed(2)} ms, off ${offMs.toFixed(2)} ms; at most 1 ms or 10 %: ${verdict(isLatenessMet)}
all pairs together, p50:    ${pooled("off", 0.5).toFixed(2)} ms off, ${pooled("on", 0.5).toFixed(2)} ms on; p99: ${pooled("off", 0.99).toFixed(2)} and ${pooled("on", 0.99).toFixed(2)}; p99.9: ${pooled("off", 0.999).toFixed(2)} and ${pooled("on", 0.999).toFixed(2)}
work of a scan, median:     ${workMs.off.toFixed(2)} ms off, ${workMs.on.toFixed(2)} ms on
a day of 1 s data of 20 points, median of ${queries.fullMs.length}, under ${QUERY_MS_MAX} ms: ${verdict(isQueryMet)}
  all ${queries.valueCount} buckets, thread to thread:      ${fullMs.toFixed(1)} ms
  joined to 2000 per point, over gRPC:        ${joinedMs.toFixed(1)} ms
`,
);
mkdirSync(join(ROOT, ".cache", "bench"), { recursive: true });
const report = { isShort, differenceMs, offMs, workMs, fullMs, joinedMs, pairs, queries };
writeFileSync(join(ROOT, ".cache", "bench", "history.json"), JSON.stringify(report));
process.exit(isLatenessMet && isQueryMet ? 0 : 1);
