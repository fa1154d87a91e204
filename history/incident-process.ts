import { setPriority } from "node:os";
import { assembleIncident } from "./assemble-incident.ts";
import { encodeIncident } from "./incident.ts";
import type { IncidentJob, IncidentJobResult } from "./incident-job.ts";
import { pruneIncidents, storeIncident } from "./incident-store.ts";
import { readNodeHistory } from "./node-history.ts";

/** Makes one incident and ends. Everybody else goes first: it may take its time. */
const NICENESS = 10;
const LIMITS = { countMax: 50, totalBytesMax: 256 * 1024 * 1024 };

function make(job: IncidentJob): IncidentJobResult {
  const { dataDirectory, fromWallMs, toWallMs, name } = job;
  const history = readNodeHistory(dataDirectory, fromWallMs, toWallMs);
  const bytes = encodeIncident(assembleIncident([history], { ...job, nowMs: Date.now() }));
  if (name === null) return { type: "bytes", bytes };
  const path = storeIncident(dataDirectory, name, bytes);
  pruneIncidents(dataDirectory, LIMITS);
  return { type: "stored", path, byteCount: bytes.length };
}

function answer(result: IncidentJobResult): void {
  process.send?.(result);
}

try {
  setPriority(NICENESS);
} catch {
  // A user that may not change it: then it takes its turn like the others.
}
process.once("message", (job: IncidentJob) => {
  try {
    answer(make(job));
  } catch (error) {
    answer({ type: "failed", text: error instanceof Error ? error.message : String(error) });
  }
});
// The daemon has its answer, or is gone.
process.once("disconnect", () => process.exit());
