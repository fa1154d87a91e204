import { decodeFrame, type EncodedFrame } from "../kernel/frame.ts";
import { HASH_NONE } from "../kernel/hash.ts";
import { RemsError } from "../kernel/errors.ts";
import type { Snapshot } from "../kernel/ports/journal.ts";
import { comparePositions, type LogPosition } from "../kernel/record.ts";
import { snapshotOf, type JournalEntry } from "./journal-entry.ts";
import { nativeHashOf } from "./native-hash.ts";

/** An entry and the segment that it stands in. */
export interface PlacedEntry {
  readonly segment: number;
  readonly entry: JournalEntry;
}

/** What a grid's entries amount to: frames and snapshots that hold, oldest first. */
export interface GridLog {
  readonly items: PlacedEntry[];
  /** Highest epoch and plant time seen, in void frames too. */
  epochMax: number;
  plantTimeMs: number;
}

/**
 * Follows the hash chain through entries in the order of the file.
 *
 * A frame holds if it continues the last one that holds; a snapshot always does; a void mark takes back what came after its
 * place. Frames behind a gap or a damaged place continue nothing, so they are passed over until a snapshot comes.
 */
export function followLogs(entries: readonly PlacedEntry[]): Map<string, GridLog> {
  const logs = new Map<string, GridLog>();
  const logOf = (grid: string): GridLog => {
    const log = logs.get(grid) ?? { items: [], epochMax: 0, plantTimeMs: 0 };
    logs.set(grid, log);
    return log;
  };
  for (const placed of entries) {
    const { entry } = placed;
    if (entry.kind === "segment") {
      for (const [grid, carried] of carriedOf(entry)) raise(logOf(grid), carried);
    } else if (entry.kind === "frame" || entry.kind === "snapshot") {
      const log = logOf(entry.grid);
      raise(log, { epochMax: entry.position.epoch, plantTimeMs: entry.plantTimeMs });
      const lastHash = log.items.at(-1)?.entry.position.hash ?? HASH_NONE;
      if (entry.kind === "snapshot" || entry.previousHash === lastHash) log.items.push(placed);
    } else if (entry.kind === "void") {
      cutAfter(logOf(entry.grid).items, entry.position);
    }
  }
  return logs;
}

/** What a segment's first entry carries over from the segments before it. */
export interface CarriedGrid {
  readonly epochMax: number;
  readonly plantTimeMs: number;
}

export function segmentText(carried: ReadonlyMap<string, CarriedGrid>): string {
  const grids: Record<string, CarriedGrid> = {};
  for (const [grid, { epochMax, plantTimeMs }] of carried) grids[grid] = { epochMax, plantTimeMs };
  return JSON.stringify({ format: 1, grids });
}

function carriedOf(entry: JournalEntry): [string, CarriedGrid][] {
  try {
    const header: unknown = JSON.parse(entry.text.toString("utf8"));
    return Object.entries((header as { readonly grids: Record<string, CarriedGrid> }).grids);
  } catch {
    return [];
  }
}

function raise(log: GridLog, to: CarriedGrid): void {
  log.epochMax = Math.max(log.epochMax, to.epochMax);
  log.plantTimeMs = Math.max(log.plantTimeMs, to.plantTimeMs);
}

function cutAfter(items: PlacedEntry[], after: LogPosition): void {
  const at = items.findLastIndex(({ entry }) => entry.position.hash === after.hash);
  if (at >= 0) {
    items.length = at + 1;
    return;
  }
  while (items.length > 0 && comparePositions(items.at(-1)?.entry.position ?? null, after) > 0) {
    items.pop();
  }
}

/** The part of a log that a core can start from. */
export interface UsableLog {
  readonly snapshot: Snapshot | null;
  readonly frames: readonly EncodedFrame[];
  readonly last: LogPosition | null;
  /** Segment in which it begins; null for an empty log. */
  readonly baseSegment: number | null;
}

const NOTHING: UsableLog = { snapshot: null, frames: [], last: null, baseSegment: null };

/** True if `log` needs nothing from older segments. */
export function hasSnapshot(log: GridLog | undefined): boolean {
  return log?.items.some(({ entry }) => entry.kind === "snapshot") ?? false;
}

/** The newest snapshot that holds and the frames behind it, each decoded and checked against its hash. */
export function usableLog(log: GridLog | undefined): UsableLog {
  const items = log?.items ?? [];
  const at = items.findLastIndex(({ entry }) => entry.kind === "snapshot");
  const base = items[Math.max(at, 0)];
  if (base === undefined) return NOTHING;
  const snapshot = at < 0 ? null : snapshotOf(base.entry);
  if (at >= 0 && snapshot === null) return NOTHING;
  const frames: EncodedFrame[] = [];
  for (const { entry } of items.slice(at + 1)) {
    const encoded = verifiedFrame(entry);
    if (encoded === null) break;
    frames.push(encoded);
  }
  const last = frames.at(-1)?.position ?? snapshot?.position ?? null;
  return { snapshot, frames, last, baseSegment: base.segment };
}

function verifiedFrame(entry: JournalEntry): EncodedFrame | null {
  try {
    const encoded = decodeFrame(entry.text.toString("utf8"), nativeHashOf);
    const { frame, position } = encoded;
    const isSame =
      frame.grid === entry.grid &&
      frame.previousHash === entry.previousHash &&
      position.hash === entry.position.hash &&
      position.epoch === entry.position.epoch &&
      position.sequence === entry.position.sequence;
    return isSame ? encoded : null;
  } catch (error) {
    if (RemsError.find(error, "REMS_MESSAGE_INVALID") !== undefined) return null;
    throw error;
  }
}
