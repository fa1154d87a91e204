import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import {
  ENTRY_BYTES_MAX,
  ENTRY_PREFIX_BYTES,
  scanEntries,
  type JournalEntry,
} from "../journal-entry.ts";
import { listSegments, segmentPath } from "../segment-disk.ts";

/** A place in a journal's files; the end of an entry. */
export interface TailPlace {
  readonly segment: number;
  readonly byteAt: number;
}

export interface TailedEntry {
  readonly entry: JournalEntry;
  /** Where the entry begins. */
  readonly place: TailPlace;
}

export function comparePlaces(a: TailPlace, b: TailPlace): number {
  return a.segment !== b.segment ? a.segment - b.segment : a.byteAt - b.byteAt;
}

const READ_BYTES = 1024 * 1024;

/**
 * Reads a journal that another thread is writing, entry by entry, as it grows. Takes no lock and changes nothing. What is not whole
 * yet is left for the next time; what is damaged ends its segment.
 */
export class JournalTail {
  readonly #directory: string;
  #segment: number;
  #byteAt: number;
  /** Size of the segment when it was last read from its beginning because its place was no entry's. */
  #rereadBytes = -1;

  /** @param from - Where to begin; the oldest entry that is still there where that place is gone. */
  constructor(directory: string, from: TailPlace) {
    this.#directory = directory;
    this.#segment = from.segment;
    this.#byteAt = from.byteAt;
  }

  get place(): TailPlace {
    return { segment: this.#segment, byteAt: this.#byteAt };
  }

  /** Up to about a megabyte of further entries; none if nothing new is there. */
  read(): TailedEntry[] {
    for (;;) {
      const taken = this.#readSegment();
      if (taken.length > 0) return taken;
      const next = listSegments(this.#directory).find((segment) => segment > this.#segment);
      if (next === undefined) return [];
      // The next one exists, so this one grew for the last time before: look once more, then go on.
      const late = this.#readSegment();
      if (late.length > 0) return late;
      this.#segment = next;
      this.#byteAt = 0;
    }
  }

  #readSegment(): TailedEntry[] {
    const segment = this.#segment;
    const file = openIfThere(segmentPath(this.#directory, segment));
    if (file === null) return [];
    try {
      let bytes = readAt(file, this.#byteAt, READ_BYTES);
      if (isPart(bytes)) {
        const wholeBytes = bytes.readUInt32LE(0) + ENTRY_PREFIX_BYTES;
        bytes = readAt(file, this.#byteAt, wholeBytes);
      }
      const startAt = this.#byteAt;
      const { entries, ends, goodBytes } = scanEntries(bytes);
      const isBeingWritten = bytes.length < ENTRY_PREFIX_BYTES || isPart(bytes);
      if (goodBytes === 0 && !isBeingWritten) this.#lookAgain(fstatSync(file).size);
      this.#byteAt += goodBytes;
      return entries.map((entry, index) => ({
        entry,
        place: { segment, byteAt: startAt + (ends[index - 1] ?? 0) },
      }));
    } finally {
      closeSync(file);
    }
  }

  /** A segment that was made anew under its old number (after a full disk) has its entries elsewhere. Who reads knows what it had. */
  #lookAgain(sizeBytes: number): void {
    if (this.#byteAt === 0 || sizeBytes === this.#rereadBytes) return;
    this.#rereadBytes = sizeBytes;
    this.#byteAt = 0;
  }
}

/** An entry that announces more than there is: longer than what was read, or its writer is not done with it. */
function isPart(bytes: Buffer): boolean {
  if (bytes.length < ENTRY_PREFIX_BYTES) return false;
  const length = bytes.readUInt32LE(0);
  return length <= ENTRY_BYTES_MAX && length + ENTRY_PREFIX_BYTES > bytes.length;
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, "code") === "ENOENT") return null;
    throw error;
  }
}

function readAt(file: number, at: number, byteCountMax: number): Buffer {
  // No more than there is: a buffer for each look at a quiet journal would keep tens of megabytes until the next collection.
  const byteCount = Math.max(0, Math.min(byteCountMax, fstatSync(file).size - at));
  const bytes = Buffer.allocUnsafe(byteCount);
  let done = 0;
  while (done < byteCount) {
    const count = readSync(file, bytes, done, byteCount - done, at + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}
