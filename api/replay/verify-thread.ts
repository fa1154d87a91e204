import { parentPort, workerData } from "node:worker_threads";
import type { Manifest } from "../../configs/manifest.ts";
import type { GridRecording } from "../../history/incident.ts";
import { type ErrorCode, RemsError } from "../../kernel/errors.ts";
import { GridReplay, type ReplayOutcome } from "./grid-replay.ts";
import { type GridVerdict, verifyGrid } from "./verify.ts";

/** What a thread that re-runs one grid is given; see `verify-grids.ts`. */
export interface VerifyTask {
  readonly manifest: Manifest;
  readonly recording: GridRecording;
}

/** What it tells. An error of another kind ends the thread. */
export type VerifyMessage =
  | { readonly type: "progress"; readonly doneCount: number }
  | { readonly type: "done"; readonly verdict: GridVerdict; readonly outcome: ReplayOutcome }
  | { readonly type: "failed"; readonly code: ErrorCode; readonly text: string };

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
const tell = (message: VerifyMessage): void => parentPort?.postMessage(message);

try {
  const { manifest, recording } = workerData as VerifyTask;
  const replay = new GridReplay(manifest, recording);
  const verdict = verifyGrid(
    replay,
    () => performance.now(),
    (doneCount) => tell({ type: "progress", doneCount }),
  );
  tell({ type: "done", verdict, outcome: replay.outcome() });
} catch (error) {
  if (!(error instanceof RemsError)) throw error;
  const { code, message } = error;
  tell({ type: "failed", code, text: message.replace(` [${code}]`, "") });
}
