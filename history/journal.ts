import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { RemsError } from "../kernel/errors.ts";
import { decodeFrame } from "../kernel/frame.ts";
import type { Journal, RecoveredLog } from "../kernel/ports/journal.ts";
import type { LogPosition } from "../kernel/record.ts";
import { createRing, openRingWriter, ringBytesFor } from "../kernel/ring.ts";
import { lockDirectory } from "./directory-lock.ts";
import { frameBody, noteBody, snapshotBody, voidBody } from "./journal-entry.ts";
import type {
  JournalWorkerData,
  JournalWorkerMessage,
  RecoveredMessage,
} from "./journal-messages.ts";
import { startWorker } from "./start-worker.ts";
import { nativeHashOf } from "./native-hash.ts";

export interface JournalOptions {
  /** The node's data directory; one process owns it. */
  readonly directory: string;
  readonly grids: readonly string[];
  /** Longest time from an append to its sync on a disk that keeps up, apart from the sync itself; 20 by default. */
  readonly journalSyncMs?: number;
  /** 32 MiB by default. */
  readonly segmentBytesMax?: number;
  /** 512 MiB by default. The newest snapshot of each grid and what follows it always stay. */
  readonly totalBytesMax?: number;
  /** Segments older than this go too; by size alone where absent. */
  readonly ageMsMax?: number;
  /** Room between the threads: what may wait while the disk does not take it. That of a few devices where absent. */
  readonly ringBytes?: number;
}

export interface OpenedJournal {
  readonly journal: Journal;
  /** One log per grid of the options, empty for a new journal. */
  readonly recovered: ReadonlyMap<string, RecoveredLog>;
  /** A grid's log on disk has a gap: append a snapshot of it, or nothing counts as synced any more. */
  onSnapshotNeeded(handler: (grid: string) => void): void;
}

const MEBIBYTE = 1024 * 1024;
const RESTART_MS = 1000;
const CLOSE_MS_MAX = 5000;

/**
 * Takes the data directory, recovers what its journal holds, and starts the history worker that writes it from then on.
 * @throws {@link RemsError} `REMS_DIRECTORY_LOCKED`, `REMS_DIRECTORY_UNWRITABLE`, or `REMS_JOURNAL_FAILED` if it cannot be read.
 */
export async function openJournal(options: JournalOptions): Promise<OpenedJournal> {
  const lock = lockDirectory(options.directory);
  const ring = createRing(options.ringBytes ?? ringBytesFor(0));
  const data: JournalWorkerData = {
    directory: join(options.directory, "journal"),
    grids: options.grids,
    journalSyncMs: options.journalSyncMs ?? 20,
    limits: {
      segmentBytesMax: options.segmentBytesMax ?? 32 * MEBIBYTE,
      totalBytesMax: options.totalBytesMax ?? 512 * MEBIBYTE,
      ...(options.ageMsMax === undefined ? {} : { ageMsMax: options.ageMsMax }),
    },
    ring,
  };
  try {
    return await connect(data, () => lock.release());
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function connect(data: JournalWorkerData, release: () => void): Promise<OpenedJournal> {
  const writer = openRingWriter(data.ring);
  const syncedHandlers: ((grid: string, position: LogPosition) => void)[] = [];
  const healthHandlers: ((health: "good" | "failed", reason: string) => void)[] = [];
  const snapshotHandlers: ((grid: string) => void)[] = [];
  /** Only a worker that served before is started again. */
  let isServing = false;
  let worker: Worker;

  const onMessage = (message: JournalWorkerMessage): void => {
    switch (message.type) {
      case "synced":
        for (const [grid, position] of message.moved) {
          for (const handler of syncedHandlers) handler(grid, position);
        }
        return;
      case "broken":
        for (const grid of message.grids) for (const handler of snapshotHandlers) handler(grid);
        return;
      case "health":
        reportHealth(message.reason);
        return;
      default:
    }
  };
  const reportHealth = (reason: string): void => {
    for (const handler of healthHandlers) handler(reason === "" ? "good" : "failed", reason);
  };
  const start = (): Promise<readonly [RecoveredMessage[], number]> =>
    new Promise((resolve, reject) => {
      let reason = "it ended";
      worker = startWorker(import.meta.url, "journal-worker", data);
      worker.on("message", (message: JournalWorkerMessage) => {
        if (message.type === "opened") resolve([[...message.grids], message.cutByteCount]);
        else onMessage(message);
      });
      worker.on("error", (error: Error) => {
        reason = error.message;
      });
      worker.on("exit", () => {
        reject(new RemsError("REMS_JOURNAL_FAILED", `the history worker failed: ${reason}`));
        if (!isServing) return;
        // The ring keeps what was not taken; the new worker finds the break in the chain and asks for a snapshot.
        reportHealth(`the history worker failed: ${reason}`);
        setTimeout(
          () =>
            void start().then(
              () => reportHealth(""),
              () => {},
            ),
          RESTART_MS,
        ).unref();
      });
    });

  const [grids, cutByteCount] = await start();
  isServing = true;
  const recovered = new Map(grids.map((log) => [log.grid, recoveredLog(log, cutByteCount)]));
  const journal: Journal = {
    appendFrame: (encoded) => void writer.offer(frameBody(encoded)),
    appendSnapshot: (snapshot) => void writer.offer(snapshotBody(snapshot)),
    markVoid: (grid, after) => void writer.offer(voidBody(grid, after)),
    note: (note) => void writer.offer(noteBody(note)),
    onSynced: (handler) => void syncedHandlers.push(handler),
    onHealthChanged: (handler) => void healthHandlers.push(handler),
    close: () => {
      isServing = false;
      return new Promise((resolve) => {
        const timer = setTimeout(() => void worker.terminate(), CLOSE_MS_MAX);
        worker.once("exit", () => {
          clearTimeout(timer);
          release();
          resolve();
        });
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
        worker.postMessage("close");
      });
    },
  };
  return {
    journal,
    recovered,
    onSnapshotNeeded: (handler) => void snapshotHandlers.push(handler),
  };
}

function recoveredLog(log: RecoveredMessage, cutByteCount: number): RecoveredLog {
  const frames = log.frameTexts.map((text) => decodeFrame(text, nativeHashOf));
  return {
    snapshot: log.snapshot,
    frames,
    last: frames.at(-1)?.position ?? log.snapshot?.position ?? null,
    plantTimeMs: log.plantTimeMs,
    epochMax: log.epochMax,
    cutByteCount,
  };
}
