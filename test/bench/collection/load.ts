import { setPriority } from "node:os";
import { PerformanceObserver, constants } from "node:perf_hooks";

/**
 * One process of `npm run bench:collection`: a heap of a node's size that is replaced bit by bit at the control thread's priority; prints
 * how long its collections took.
 */
const CONTROL_NICENESS = -15;
const RECORD_COUNT = 150_000;
const REPLACED_COUNT = 300;
const REPLACED_TIMES = 4;
const TURN_MS = 10;

/** What Node gives for a collection; its own types lack `detail`. */
interface CollectionEntry {
  readonly detail: { readonly kind: number };
  readonly duration: number;
}

const durationsMs = { minor: [] as number[], major: [] as number[] };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries() as unknown as readonly CollectionEntry[]) {
    const { kind } = entry.detail;
    if (kind === constants.NODE_PERFORMANCE_GC_MINOR) durationsMs.minor.push(entry.duration);
    if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) durationsMs.major.push(entry.duration);
  }
}).observe({ entryTypes: ["gc"] });

const records = Array.from({ length: RECORD_COUNT }, (_, i) => ({
  i,
  text: `r${i}`,
  pair: [i, i + 1],
}));
let hasPriority = true;
try {
  setPriority(CONTROL_NICENESS);
} catch {
  hasPriority = false;
}
let at = 0;
const turn = setInterval(() => {
  for (let time = 0; time < REPLACED_TIMES; time++) {
    const old = records.slice(at, at + REPLACED_COUNT);
    const copies = JSON.parse(JSON.stringify(old)) as typeof records;
    for (const [offset, copy] of copies.entries()) records[at + offset] = copy;
    at = (at + REPLACED_COUNT) % (RECORD_COUNT - REPLACED_COUNT);
  }
}, TURN_MS);
setTimeout(
  () => {
    clearInterval(turn);
    setTimeout(
      () => process.stdout.write(`${JSON.stringify({ hasPriority, ...durationsMs })}\n`),
      100,
    );
  },
  Number(process.argv[2]) * 1000,
);
