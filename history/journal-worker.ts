import { parentPort, workerData } from "node:worker_threads";
import { present } from "../kernel/assert.ts";
import { openRingReader } from "../kernel/ring.ts";
import { JournalFile } from "./journal-file.ts";
import type { JournalWorkerData, JournalWorkerMessage } from "./journal-messages.ts";
import { openSegmentDisk } from "./segment-disk.ts";
import { keepWorkerHeapSmall } from "./worker-heap.ts";

/** The history worker: owns the journal's files, takes entries from the ring, and syncs them in groups. */
const RETRY_MS = 500;
/** Taken from the ring per round, so that a group stays small enough to be synced in one go. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;

const port = present(parentPort, "the journal worker runs as a worker thread");
const data = workerData as JournalWorkerData;
const send = (message: JournalWorkerMessage): void => port.postMessage(message);
const ring = openRingReader(data.ring);
const disk = openSegmentDisk(data.directory);
const { file, recovered, cutByteCount } = JournalFile.open(disk, data.grids, data.limits);

send({
  type: "opened",
  cutByteCount,
  grids: [...recovered].map(([grid, log]) => ({
    grid,
    snapshot: log.snapshot,
    frameTexts: log.frames.map((frame) => frame.text),
    epochMax: log.epochMax,
    plantTimeMs: log.plantTimeMs,
  })),
});

let failure = "";
let brokenText = "";
let isClosing = false;
port.on("message", () => {
  isClosing = true;
});

function takeGroup(): void {
  let byteCount = 0;
  while (byteCount < GROUP_BYTES_MAX) {
    const record = ring.take();
    if (record === null) break;
    if (record.lostCount > 0) file.appendGap(record.lostCount);
    file.append(Buffer.from(record.data.buffer));
    byteCount += record.data.length;
  }
}

/** @returns False if the disk refused. */
function flush(): boolean {
  try {
    const moved = file.flush();
    if (moved.length > 0) send({ type: "synced", moved });
    failure = "";
    return true;
  } catch (error) {
    failure = `the disk refuses the journal in ${data.directory}: ${error instanceof Error ? error.message : String(error)}`;
    return false;
  }
}

let reported = "";
function reportHealth(): void {
  const broken = file.brokenGrids();
  const text = broken.join(",");
  if (text !== brokenText && broken.length > 0) send({ type: "broken", grids: broken });
  brokenText = text;
  const gap = text === "" ? "" : `the journal of ${text} has a gap and waits for a snapshot`;
  const reason = failure === "" ? gap : failure;
  if (reason !== reported) send({ type: "health", reason });
  reported = reason;
}

function round(): void {
  // While the disk refuses, nothing more is taken: the ring's bound is the bound of all that waits.
  if (failure === "") takeGroup();
  const isGood = flush();
  reportHealth();
  if (!isClosing) {
    setTimeout(round, isGood ? data.journalSyncMs : RETRY_MS);
    return;
  }
  takeGroup();
  flush();
  file.close();
  send({ type: "closed" });
  port.close();
}
keepWorkerHeapSmall();
round();
