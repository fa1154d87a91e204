import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { present } from "../kernel/assert.ts";
import { assembleIncident } from "./assemble-incident.ts";
import { encodeIncident } from "./incident.ts";
import type { IncidentJob, IncidentJobResult } from "./incident-job.ts";
import { pruneIncidents, storeIncident } from "./incident-store.ts";
import { readNodeHistory } from "./node-history.ts";

/** Makes one incident and ends. Everybody else goes first: it may take its time. */
const NICENESS = 10;
const LIMITS = { countMax: 50, totalBytesMax: 256 * 1024 * 1024 };

const port = present(parentPort, "the incident worker runs as a worker thread");
const job = workerData as IncidentJob;

function make(): IncidentJobResult {
  const { dataDirectory, fromWallMs, toWallMs, name } = job;
  const history = readNodeHistory(dataDirectory, fromWallMs, toWallMs);
  const bytes = encodeIncident(assembleIncident([history], { ...job, nowMs: Date.now() }));
  if (name === null) return { type: "bytes", bytes };
  const path = storeIncident(dataDirectory, name, bytes);
  pruneIncidents(dataDirectory, LIMITS);
  return { type: "stored", path, byteCount: bytes.length };
}

try {
  // Of this thread only, on Linux; elsewhere it stays as it is.
  if (process.platform === "linux") setPriority(NICENESS);
} catch {
  // A user that may not change it: then it takes its turn like the others.
}
try {
  port.postMessage(make());
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  port.postMessage({ type: "failed", text } satisfies IncidentJobResult);
}
