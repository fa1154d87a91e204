import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Snapshot } from "../kernel/ports/journal.ts";
import type { LogPosition } from "../kernel/record.ts";
import { comparePositions } from "../kernel/record.ts";
import { type JournalEntry, scanEntries, snapshotOf } from "./journal-entry.ts";
import { readSegments } from "./segment-disk.ts";

/** A frame as a journal holds it: its text is what its hash says, but is not parsed. */
export interface RecordedFrame {
  readonly position: LogPosition;
  readonly previousHash: string;
  readonly plantTimeMs: number;
  readonly wallTimeMs: number;
  /** UTF-8. */
  readonly text: Buffer;
}

export interface RecordedNote {
  readonly plantTimeMs: number;
  readonly kind: string;
  readonly text: string;
}

/** All that one journal says about one grid, in the order of the file. */
export interface GridEntries {
  readonly frames: RecordedFrame[];
  readonly snapshots: Snapshot[];
  readonly notes: RecordedNote[];
  /** Hashes of frames that a new leader did not continue. */
  readonly voidHashes: Set<string>;
}

/**
 * Reads a journal that may be in use: it takes no lock and changes nothing. Damaged parts and frames whose text does not have their
 * hash are passed over.
 * @param fromWallMs - What is older is not needed: segments are read backwards until each grid has a snapshot from before.
 * @throws {@link RemsError} `REMS_NOT_FOUND` if there is no journal in the directory.
 */
export function readJournal(dataDirectory: string, fromWallMs: number): Map<string, GridEntries> {
  const newestFirst: JournalEntry[][] = [];
  for (const bytes of readSegments(join(dataDirectory, "journal"))) {
    const { entries } = scanEntries(bytes);
    newestFirst.push([...entries]);
    if (startsBefore(entries, newestFirst, fromWallMs)) break;
  }
  const grids = new Map<string, GridEntries>();
  for (const entries of newestFirst.reverse()) {
    for (const entry of entries) if (entry.grid !== "") take(gridOf(grids, entry.grid), entry);
  }
  return grids;
}

function gridOf(grids: Map<string, GridEntries>, grid: string): GridEntries {
  const known = grids.get(grid) ?? { frames: [], snapshots: [], notes: [], voidHashes: new Set() };
  grids.set(grid, known);
  return known;
}

function take(into: GridEntries, entry: JournalEntry): void {
  if (entry.kind === "frame") {
    const { position, previousHash, plantTimeMs, text } = entry;
    if (sha256Hex(text) !== position.hash) return;
    into.voidHashes.delete(position.hash);
    into.frames.push({ position, previousHash, plantTimeMs, text, wallTimeMs: wallTimeOf(text) });
  } else if (entry.kind === "snapshot") {
    const snapshot = snapshotOf(entry);
    if (snapshot !== null) into.snapshots.push(snapshot);
  } else if (entry.kind === "note") {
    const text = entry.text.toString("utf8");
    const at = text.indexOf("\n");
    if (at < 0) return;
    const { plantTimeMs } = entry;
    into.notes.push({ plantTimeMs, kind: text.slice(0, at), text: text.slice(at + 1) });
  } else if (entry.kind === "void") {
    for (const { position } of into.frames.toReversed()) {
      if (comparePositions(position, entry.position) <= 0) break;
      into.voidHashes.add(position.hash);
    }
  }
}

/** True if every grid seen so far has, in this segment, a snapshot that is older than `fromWallMs`. */
function startsBefore(
  entries: readonly JournalEntry[],
  all: readonly JournalEntry[][],
  fromWallMs: number,
): boolean {
  const missing = new Set(all.flatMap((part) => part.map(({ grid }) => grid)));
  missing.delete("");
  const hasSnapshot = new Set<string>();
  for (const entry of entries) {
    if (entry.kind === "snapshot") hasSnapshot.add(entry.grid);
    else if (entry.kind === "frame" && hasSnapshot.has(entry.grid)) {
      if (wallTimeOf(entry.text) > fromWallMs) break;
      missing.delete(entry.grid);
    }
  }
  return missing.size === 0;
}

const WALL_TIME = /"wallTimeMs":(\d+)\}$/;
const TAIL_BYTES = 64;

/** Keys stand in order, so the wall time ends a frame's text: read without parsing the rest. */
function wallTimeOf(text: Buffer): number {
  const tail = text.toString("latin1", Math.max(0, text.length - TAIL_BYTES));
  return Number(WALL_TIME.exec(tail)?.[1] ?? Number.NaN);
}

/** As {@link hashOf} of the kernel, by the machine's own library: a journal holds many frames. */
export function sha256Hex(data: Buffer | string): string {
  return createHash("sha256").update(data).digest("hex").slice(0, 32);
}
