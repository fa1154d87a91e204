import { Worker } from "node:worker_threads";

/** Pauses of the host: how long a thread that wanted to run every few milliseconds did not get to. */
export interface HostPauses {
  /** Longest pause, milliseconds, that ended within the window of the monotonic clock. */
  longestMs(fromMs: number, toMs: number): number;
  close(): Promise<void>;
}

const PERIOD_MS = 5;
const PAUSE_MS_MIN = 10;
const PAUSE_COUNT_MAX = 10_000;

/** A thread of its own, so that work of the launcher itself does not count as a pause of the host. */
const WATCH = `
const { parentPort } = require("node:worker_threads");
const sleeper = new Int32Array(new SharedArrayBuffer(4));
const now = () => Number(process.hrtime.bigint()) / 1e6;
let stop = false;
parentPort.on("message", () => { stop = true; });
function look() {
  const until = now() + 200;
  for (let before = now(); before < until; ) {
    Atomics.wait(sleeper, 0, 0, ${PERIOD_MS});
    const after = now();
    const pauseMs = after - before - ${PERIOD_MS};
    if (pauseMs >= ${PAUSE_MS_MIN}) parentPort.postMessage([after, pauseMs]);
    before = after;
  }
  if (stop) parentPort.close(); else setImmediate(look);
}
look();
`;

export function watchHostPauses(): HostPauses {
  const worker = new Worker(WATCH, { eval: true });
  const pauses: (readonly [endedAtMs: number, pauseMs: number])[] = [];
  worker.on("message", (pause: readonly [number, number]) => {
    pauses.push(pause);
    if (pauses.length > PAUSE_COUNT_MAX) pauses.shift();
  });
  return {
    longestMs: (fromMs, toMs) =>
      Math.max(
        0,
        ...pauses
          .filter(([endedAtMs]) => endedAtMs >= fromMs && endedAtMs <= toMs)
          .map(([, pauseMs]) => pauseMs),
      ),
    async close() {
      await worker.terminate();
    },
  };
}

/** The machine's monotonic clock, the same for all processes, milliseconds. */
export function machineMonotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
