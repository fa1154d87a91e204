import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { RemsError } from "../kernel/errors.ts";
import { scanEntries, type JournalEntry } from "./journal-entry.ts";
import { openSegmentDisk, type SegmentDisk } from "./segment-disk.ts";

/** A journal to read from: nothing of it is changed. */
export interface JournalSource {
  /** For people: the directory, or the node that it is of. */
  readonly name: string;
  readonly disk: Pick<SegmentDisk, "list" | "size" | "read">;
}

/** Where an entry stands. */
export interface EntryPlace {
  readonly source: number;
  readonly segment: number;
  /** Number of the entry within its segment. */
  readonly index: number;
}

/**
 * Opens a journal for reading: a node's data directory, the folder of the segments themselves, or a copy of either.
 * @throws {@link RemsError} `REMS_NOT_FOUND` if there is no journal.
 */
export function openJournalSource(directory: string): JournalSource {
  const inner = join(directory, "journal");
  const path = existsSync(inner) && statSync(inner).isDirectory() ? inner : directory;
  const isThere = existsSync(path) && statSync(path).isDirectory();
  const disk = isThere ? openSegmentDisk(path) : null;
  if (disk === null || disk.list().length === 0) {
    throw new RemsError(
      "REMS_NOT_FOUND",
      `there is no journal in ${directory}; name a node's data directory, or a folder with journal-*.rems files`,
      { details: { directory } },
    );
  }
  return { name: directory, disk };
}

/** The entries of one segment that are whole, and how many bytes behind them are torn or corrupt. */
export function readSegment(
  { disk }: JournalSource,
  segment: number,
): { readonly entries: readonly JournalEntry[]; readonly damagedByteCount: number } {
  const bytes = disk.read(segment);
  const { entries, goodBytes } = scanEntries(bytes);
  return { entries, damagedByteCount: bytes.length - goodBytes };
}

/** True if a frame's text has the hash that its entry says: the CRC found torn bytes, this finds what was never written so. */
export function isHashTrue(entry: JournalEntry): boolean {
  const hash = createHash("sha256").update(entry.text).digest("hex").slice(0, 32);
  return hash === entry.position.hash;
}
