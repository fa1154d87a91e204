import { availableParallelism } from "node:os";
import type { Manifest } from "../../configs/manifest.ts";
import { startWorker } from "../../history/start-worker.ts";
import { InvariantError, RemsError } from "../../kernel/errors.ts";
import type { GridReplay } from "./grid-replay.ts";
import { type GridVerdict, verifyGrid } from "./verify.ts";
import type { VerifyMessage, VerifyTask } from "./verify-thread.ts";

export interface VerifyOptions {
  readonly nowMs: () => number;
  /** Frames re-run so far, by grid. */
  readonly onProgress: (doneCounts: ReadonlyMap<string, number>) => void;
  /** Ends it early: threads are ended, and there is no verdict. */
  readonly signal: AbortSignal;
  /** Frames in all, from which on each grid gets a thread of its own. */
  readonly threadsFromFrameCount?: number;
}

/** A thread takes as long to start as some hundred frames do to re-run. */
const THREADS_FROM_FRAME_COUNT = 5000;

/**
 * Re-runs several grids to their ends, side by side where that is quicker. Afterwards each replay stands at its end.
 * @returns A verdict for each; null where `signal` ended it.
 * @throws {@link RemsError} `REMS_INCIDENT_INVALID` where a recording does not fit this build, or is damaged.
 */
export async function verifyGrids(
  manifest: Manifest,
  replays: readonly GridReplay[],
  options: VerifyOptions,
): Promise<GridVerdict[] | null> {
  const { nowMs, onProgress, threadsFromFrameCount = THREADS_FROM_FRAME_COUNT } = options;
  const doneCounts = new Map<string, number>();
  const progressOf = (grid: string) => (doneCount: number) => {
    doneCounts.set(grid, doneCount);
    onProgress(doneCounts);
  };
  const frameCount = replays.reduce((sum, { count }) => sum + count, 0);
  const threadCount = Math.min(replays.length, availableParallelism());
  if (threadCount < 2 || frameCount < threadsFromFrameCount)
    return replays.map((replay) => verifyGrid(replay, nowMs, progressOf(replay.grid)));
  const verdicts: GridVerdict[] = [];
  const waiting = [...replays.entries()];
  const failing = new AbortController();
  const signal = AbortSignal.any([options.signal, failing.signal]);
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, replay] = next;
      const verdict = await verifyInThread(manifest, replay, progressOf(replay.grid), signal);
      if (verdict === null) return;
      verdicts[index] = verdict;
    }
  };
  try {
    await Promise.all(Array.from({ length: threadCount }, work));
  } finally {
    // Where one failed the others' verdicts are of no use.
    failing.abort();
  }
  return options.signal.aborted ? null : verdicts;
}

async function verifyInThread(
  manifest: Manifest,
  replay: GridReplay,
  onProgress: (doneCount: number) => void,
  signal: AbortSignal,
): Promise<GridVerdict | null> {
  if (signal.aborted) return null;
  const task: VerifyTask = { manifest, recording: replay.recording };
  const worker = startWorker(import.meta.url, "verify-thread", task);
  try {
    return await new Promise<GridVerdict | null>((resolve, reject) => {
      signal.addEventListener("abort", () => resolve(null), { once: true });
      worker.on("message", (message: VerifyMessage) => {
        if (message.type === "progress") return onProgress(message.doneCount);
        if (message.type === "failed") return reject(new RemsError(message.code, message.text));
        replay.adopt(message.outcome);
        resolve(message.verdict);
      });
      worker.on("error", reject);
      worker.on("exit", () =>
        reject(new InvariantError(`the thread that re-ran ${replay.grid} ended early`)),
      );
    });
  } finally {
    await worker.terminate();
  }
}
