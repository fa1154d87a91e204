import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What the process that makes an incident is told: plain data. */
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

/**
 * Makes an incident of a node's own journal, in a process of its own: its memory is given back when it ends, which that of a thread is
 * not, and the system can put it last. Never rejects.
 */
export function runIncidentJob(job: IncidentJob): Promise<IncidentJobResult> {
  return new Promise((resolve) => {
    const isSource = import.meta.url.endsWith(".ts");
    const program = new URL(`./incident-process.${isSource ? "ts" : "js"}`, import.meta.url);
    const child = fork(fileURLToPath(program), [], {
      serialization: "advanced",
      execArgv: [
        `--max-old-space-size=${HEAP_MIB_MAX}`,
        ...(isSource ? ["--import", import.meta.resolve("tsx")] : []),
      ],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    let failure = "its process ended";
    const timer = setTimeout(() => {
      failure = `it took longer than ${JOB_MS_MAX / 1000} s`;
      child.kill("SIGKILL");
    }, JOB_MS_MAX);
    child.on("message", (result) => {
      resolve(result as IncidentJobResult);
      child.disconnect();
    });
    child.on("error", (error: Error) => {
      failure = error.message;
    });
    child.on("close", () => {
      clearTimeout(timer);
      resolve({ type: "failed", text: failure });
    });
    child.send(job);
  });
}
