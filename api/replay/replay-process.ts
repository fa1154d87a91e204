import { readFileSync } from "node:fs";
import { setPriority } from "node:os";
import { readIncident } from "../../history/incident.ts";
import { ReplaySession } from "./replay-session.ts";
import { serveReplayHttp } from "./serve-replay.ts";

/** What the process that serves one replay answers, once. */
export type ReplayProcessMessage =
  | { readonly type: "serving"; readonly port: number }
  | { readonly type: "failed"; readonly text: string };

/** Whoever controls goes first. */
const NICENESS = 10;

async function begin(path: string): Promise<ReplayProcessMessage> {
  try {
    const session = new ReplaySession(readIncident(readFileSync(path)));
    return { type: "serving", port: await serveReplayHttp(session) };
  } catch (error) {
    return { type: "failed", text: error instanceof Error ? error.message : String(error) };
  }
}

try {
  setPriority(NICENESS);
} catch {
  // A user that may not change it: then it takes its turn like the others.
}
process.once(
  "message",
  (path: string) => void begin(path).then((answer) => process.send?.(answer)),
);
// The node closed it, or is gone.
process.once("disconnect", () => process.exit());
