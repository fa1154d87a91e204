import { execFile, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { NODE_FLAGS } from "../../../apps/launcher/child-program.ts";

/**
 * `npm run bench:collection`: how long the control thread stands still for a garbage collection on a busy machine, with V8's helper
 * threads (which have not its priority) and without them. Alternates; about two minutes. `-- --quiet` without what keeps the machine busy.
 */

const RUN_S = 12;
const ROUND_COUNT = 4;
const ALONE = "--single-threaded-gc";
/** Twice as many as there are cores: someone always has to wait. */
const BURNER_COUNT = process.argv.includes("--quiet") ? 0 : 2 * availableParallelism();

interface Durations {
  readonly hasPriority: boolean;
  readonly minor: number[];
  readonly major: number[];
}

const run = promisify(execFile);
const LANES = [
  { lane: "with helper threads", flags: NODE_FLAGS.filter((flag) => flag !== ALONE) },
  { lane: "control thread alone", flags: NODE_FLAGS },
];
const burners = Array.from({ length: BURNER_COUNT }, () =>
  spawn(process.execPath, ["-e", "for (;;) JSON.parse(JSON.stringify({ a: [1, 2, 3] }));"], {
    stdio: "ignore",
  }),
);
process.once("exit", () => burners.forEach((burner) => burner.kill("SIGKILL")));

const found = LANES.map(() => ({ minor: [] as number[], major: [] as number[] }));
let hasPriority = true;
for (let round = 1; round <= ROUND_COUNT; round++) {
  for (const [index, { lane, flags }] of LANES.entries()) {
    process.stderr.write(`round ${round}/${ROUND_COUNT}: ${lane}\n`);
    const program = join(import.meta.dirname, "load.ts");
    const { stdout } = await run(process.execPath, [
      ...flags,
      "--import",
      "tsx",
      program,
      String(RUN_S),
    ]);
    const durations = JSON.parse(stdout) as Durations;
    found[index]?.minor.push(...durations.minor);
    found[index]?.major.push(...durations.major);
    hasPriority &&= durations.hasPriority;
  }
}
const at = (sorted: readonly number[], share: number) =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
process.stdout.write(
  `beside ${BURNER_COUNT} busy processes${hasPriority ? "" : ", without the control thread's priority (needs root)"}\n` +
    "collection  lane                  count  p50 ms  p99 ms  max ms\n",
);
for (const kind of ["minor", "major"] as const) {
  for (const [index, { lane }] of LANES.entries()) {
    const sorted = (found[index]?.[kind] ?? []).toSorted((a, b) => a - b);
    const count = String(sorted.length).padStart(5);
    const [p50, p99, max] = [0.5, 0.99, 1].map((share) => at(sorted, share).padStart(6));
    process.stdout.write(`${kind.padEnd(12)}${lane.padEnd(22)}${count}  ${p50}  ${p99}  ${max}\n`);
  }
}
process.exit(0);
