import { startWorker } from "./start-worker.ts";

/** What the incident worker is started with: plain data. */
export interface IncidentJob {
  readonly dataDirectory: string;
  /** Empty: all that the node recorded. */
  readonly grids: readonly string[];
  readonly fromWallMs: number;
  readonly toWallMs: number;
  readonly reason: string;
  readonly version: string;
  /** Name of the file to write among the captured incidents; null: hand the bytes back instead. */
  readonly name: string | null;
}

export type IncidentJobResult =
  | { readonly type: "stored"; readonly path: string; readonly byteCount: number }
  | { readonly type: "bytes"; readonly bytes: Uint8Array }
  | { readonly type: "failed"; readonly text: string };

const JOB_MS_MAX = 120_000;
const HEAP_MIB_MAX = 1024;

/** Makes an incident of a node's own journal, on a thread of its own. Never rejects. */
export function runIncidentJob(job: IncidentJob): Promise<IncidentJobResult> {
  return new Promise((resolve) => {
    const worker = startWorker(import.meta.url, "incident-worker", job, {
      maxOldGenerationSizeMb: HEAP_MIB_MAX,
    });
    let failure = "its thread ended";
    const timer = setTimeout(() => {
      failure = `it took longer than ${JOB_MS_MAX / 1000} s`;
      void worker.terminate();
    }, JOB_MS_MAX);
    worker.on("message", resolve);
    worker.on("error", (error: Error) => {
      failure = error.message;
    });
    worker.on("exit", () => {
      clearTimeout(timer);
      resolve({ type: "failed", text: failure });
    });
  });
}
