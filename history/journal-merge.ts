import { present } from "../kernel/assert.ts";
import { decodeFrame, type EncodedFrame } from "../kernel/frame.ts";
import { HASH_NONE } from "../kernel/hash.ts";
import type { JournalNote, Snapshot } from "../kernel/ports/journal.ts";
import { comparePositions, type LogPosition } from "../kernel/record.ts";
import { noteOf, snapshotOf, type JournalEntry } from "./journal-entry.ts";
import { isHashTrue, readSegment, type EntryPlace, type JournalSource } from "./journal-places.ts";
import { nativeHashOf } from "./native-hash.ts";

/** One frame of the merged record; its text stays on disk until it is asked for. */
export interface MergedFrame {
  readonly position: LogPosition;
  readonly previousHash: string;
  readonly plantTimeMs: number;
  readonly wallTimeMs: number;
}

/** Frames that no journal holds. */
export interface JournalGap {
  /** Last frame before it; null where the record begins with the gap. */
  readonly after: LogPosition | null;
  readonly before: LogPosition;
}

/** What several controllers' journals say about one grid, as one record. */
export interface MergedJournal {
  readonly grid: string;
  /** In order; each continues the one before, except across {@link gaps}. */
  readonly frames: readonly MergedFrame[];
  readonly gaps: readonly JournalGap[];
  /** Places of the snapshots that belong to the record, in order. */
  readonly snapshots: readonly LogPosition[];
  /** Frames that a later leader did not continue: in a journal, not in the record. */
  readonly voidFrameCount: number;
  /** Torn or corrupt bytes, passed over. */
  readonly damagedByteCount: number;
  /** The frames from index `from` up to, not including, `to`, decoded and checked. */
  read(from?: number, to?: number): Generator<EncodedFrame>;
  snapshot(position: LogPosition): Snapshot;
  /** Lines beside the frames, of every source, by plant time; both ends included. */
  notes(fromPlantMs: number, toPlantMs: number): MergedNote[];
}

export interface MergedNote extends JournalNote {
  /** Name of the journal that holds it. */
  readonly source: string;
}

interface IndexedFrame extends MergedFrame {
  readonly place: EntryPlace;
  isVoid: boolean;
}

interface Index {
  readonly frames: Map<string, IndexedFrame>;
  readonly snapshots: Map<string, { readonly position: LogPosition; readonly place: EntryPlace }>;
  readonly notes: MergedNote[];
  damagedByteCount: number;
}

/**
 * Merges the journals of a grid's controllers into one record.
 *
 * The record is the chain of hashes that ends at the frame furthest ahead (by epoch, then sequence) of all journals. What a journal
 * lacks, because its node was down, cut off or lost its last milliseconds, another one has; a frame that a later leader did not
 * continue is on no such chain and is left out. Where no journal has a frame the record goes on behind a gap, which is named.
 *
 * @param onProgress - Called per segment, with bytes read so far and in all.
 */
export function mergeJournals(
  sources: readonly JournalSource[],
  grid: string,
  onProgress: (doneBytes: number, totalBytes: number) => void = () => {},
): MergedJournal {
  const index = indexJournals(sources, grid, onProgress);
  const { chain, gaps } = chainOf(index);
  const onChain = new Set(chain.map(({ position }) => position.hash));
  const snapshots = [...index.snapshots.values()]
    .filter(({ position }) => onChain.has(position.hash) || isInGap(gaps, position))
    .sort((a, b) => comparePositions(a.position, b.position));
  const read = entryReader(sources);
  return {
    grid,
    frames: chain,
    gaps,
    snapshots: snapshots.map(({ position }) => position),
    voidFrameCount: index.frames.size - chain.length,
    damagedByteCount: index.damagedByteCount,
    *read(from = 0, to = chain.length) {
      for (const { place } of chain.slice(from, to))
        yield decodeFrame(textOf(read(place)), nativeHashOf);
    },
    snapshot(position) {
      const found = present(index.snapshots.get(position.hash), "the record has this snapshot");
      return present(snapshotOf(read(found.place)), "a snapshot that was indexed can be read");
    },
    notes: (fromMs, toMs) =>
      index.notes.filter(({ plantTimeMs }) => plantTimeMs >= fromMs && plantTimeMs <= toMs),
  };
}

/** Ids of the grids that the journals hold frames or snapshots of, in order of appearance. */
export function gridsInJournals(sources: readonly JournalSource[]): string[] {
  const grids = new Set<string>();
  for (const source of sources) {
    for (const segment of source.disk.list()) {
      for (const { kind, grid } of readSegment(source, segment).entries) {
        if (kind === "frame" || kind === "snapshot") grids.add(grid);
      }
    }
  }
  return [...grids];
}

function indexJournals(
  sources: readonly JournalSource[],
  grid: string,
  onProgress: (doneBytes: number, totalBytes: number) => void,
): Index {
  const index: Index = {
    frames: new Map(),
    snapshots: new Map(),
    notes: [],
    damagedByteCount: 0,
  };
  const files = sources.flatMap((source, at) =>
    source.disk.list().map((segment) => ({ source, at, segment, size: source.disk.size(segment) })),
  );
  const totalBytes = files.reduce((sum, { size }) => sum + size, 0);
  let doneBytes = 0;
  let followed = { source: -1, last: [] as IndexedFrame[] };
  for (const { source, at, segment, size } of files) {
    if (followed.source !== at) followed = { source: at, last: [] };
    const { entries, damagedByteCount } = readSegment(source, segment);
    index.damagedByteCount += damagedByteCount;
    entries.forEach((entry, number) => {
      if (entry.grid !== grid) return;
      const place: EntryPlace = { source: at, segment, index: number };
      addEntry(index, followed.last, entry, place, source.name);
    });
    doneBytes += size;
    onProgress(doneBytes, totalBytes);
  }
  index.notes.sort((a, b) => a.plantTimeMs - b.plantTimeMs);
  return index;
}

/** @param held - The frames of this journal that no void mark took back yet. */
function addEntry(
  index: Index,
  held: IndexedFrame[],
  entry: JournalEntry,
  place: EntryPlace,
  source: string,
): void {
  const { position, plantTimeMs, previousHash } = entry;
  switch (entry.kind) {
    case "frame": {
      const known = index.frames.get(position.hash);
      if (known !== undefined) return void held.push(known);
      if (!isHashTrue(entry)) return;
      const wallTimeMs = wallTimeOf(entry);
      const frame = { position, previousHash, plantTimeMs, wallTimeMs, place, isVoid: false };
      index.frames.set(position.hash, frame);
      held.push(frame);
      return;
    }
    case "snapshot":
      if (snapshotOf(entry) !== null) index.snapshots.set(position.hash, { position, place });
      return;
    case "void":
      while (held.length > 0 && comparePositions(held.at(-1)?.position ?? null, position) > 0) {
        const taken = held.pop();
        if (taken !== undefined) taken.isVoid = true;
      }
      return;
    case "note": {
      const note = noteOf(entry);
      if (note !== null) index.notes.push({ ...note, source });
      return;
    }
    default:
  }
}

function chainOf({ frames }: Index): { chain: IndexedFrame[]; gaps: JournalGap[] } {
  const byPlace = [...frames.values()].sort((a, b) => comparePositions(a.position, b.position));
  // Void marks only decide where the chain itself is silent: at its end, and behind a gap.
  const candidates = byPlace.filter(({ isVoid }) => !isVoid);
  const chain: IndexedFrame[] = [];
  const gaps: JournalGap[] = [];
  let next = candidates.pop() ?? byPlace.at(-1);
  while (next !== undefined) {
    chain.push(next);
    const { position, previousHash } = next;
    let previous = frames.get(previousHash);
    if (previous === undefined && previousHash !== HASH_NONE) {
      do previous = candidates.pop();
      while (
        previous !== undefined &&
        (previous.position.sequence >= position.sequence ||
          previous.position.epoch > position.epoch)
      );
      gaps.push({ after: previous?.position ?? null, before: position });
    }
    next = previous;
  }
  return { chain: chain.reverse(), gaps: gaps.reverse() };
}

function isInGap(gaps: readonly JournalGap[], position: LogPosition): boolean {
  return gaps.some(
    ({ after, before }) =>
      comparePositions(position, after) > 0 && comparePositions(position, before) < 0,
  );
}

/** Reads entries by place; a segment stays in memory while its neighbours are asked for. */
function entryReader(sources: readonly JournalSource[]): (place: EntryPlace) => JournalEntry {
  const cached = new Map<number, { segment: number; entries: readonly JournalEntry[] }>();
  return ({ source, segment, index }) => {
    let found = cached.get(source);
    if (found?.segment !== segment) {
      const of = present(sources[source], "a place names one of the sources");
      found = { segment, entries: readSegment(of, segment).entries };
      cached.set(source, found);
    }
    return present(found.entries[index], "an entry that was indexed is still there");
  };
}

function textOf(entry: JournalEntry): string {
  return entry.text.toString("utf8");
}

/** The last key of a frame's canonical text: found without parsing the rest. */
function wallTimeOf({ text }: JournalEntry): number {
  const end = text.toString("latin1", Math.max(0, text.length - 48));
  return Number(/"wallTimeMs":(\d+)\}$/.exec(end)?.[1] ?? 0);
}
