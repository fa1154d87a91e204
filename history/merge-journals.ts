import { HASH_NONE } from "../kernel/hash.ts";
import type { Snapshot } from "../kernel/ports/journal.ts";
import { comparePositions } from "../kernel/record.ts";
import type { GridEntries, RecordedFrame, RecordedNote } from "./read-journal.ts";

/** A part of a grid's record in which every frame continues the one before. */
export interface RecordRun {
  /** State before the first frame; null where the first frame is the grid's very first. */
  readonly base: Snapshot | null;
  readonly frames: readonly RecordedFrame[];
}

/** One grid's record as all journals together hold it. */
export interface MergedRecord {
  /** Oldest first. More than one where frames are missing in every journal. */
  readonly runs: readonly RecordRun[];
  /** Of frames in the runs. */
  readonly snapshots: readonly Snapshot[];
  readonly notes: readonly RecordedNote[];
  /** Frames that were never continued and so are no part of the record. */
  readonly voidCount: number;
}

const RUN_COUNT_MAX = 1000;

/**
 * Merges what several controllers wrote about one grid into one record, gapless wherever any of them has the frames.
 *
 * The newest frame that was not taken back is the end; from there the hashes name each predecessor, whoever wrote it down. So frames
 * that a new leader did not continue fall out by themselves, and no order of the journals matters.
 */
export function mergeJournals(journals: readonly GridEntries[]): MergedRecord {
  const byHash = new Map<string, RecordedFrame>();
  for (const { frames } of journals)
    for (const frame of frames) byHash.set(frame.position.hash, frame);
  const snapshots = new Map<string, Snapshot>();
  for (const { snapshots: held } of journals)
    for (const snapshot of held) snapshots.set(snapshot.position.hash, snapshot);
  const isVoid = (hash: string) => journals.some(({ voidHashes }) => voidHashes.has(hash));
  const newestFirst = [...byHash.values()].sort((a, b) => comparePositions(b.position, a.position));

  const runs: RecordRun[] = [];
  const used = new Set<string>();
  let oldest: RecordedFrame | null = null;
  for (const head of newestFirst) {
    if (runs.length >= RUN_COUNT_MAX) break;
    const { position } = head;
    if (oldest !== null && comparePositions(position, oldest.position) >= 0) continue;
    if (isVoid(position.hash)) continue;
    const frames: RecordedFrame[] = [];
    let at: RecordedFrame | undefined = head;
    while (at !== undefined) {
      frames.push(at);
      used.add(at.position.hash);
      oldest = at;
      at = byHash.get(at.previousHash);
    }
    const run = runFrom(frames.reverse(), snapshots);
    if (run !== null) runs.push(run);
  }
  return {
    runs: runs.reverse(),
    snapshots: [...snapshots.values()].filter(({ position }) => used.has(position.hash)),
    notes: mergeNotes(journals),
    voidCount: byHash.size - used.size,
  };
}

/** Frames before the first snapshot cannot be re-run, unless they are the grid's first. */
function runFrom(
  frames: readonly RecordedFrame[],
  snapshots: ReadonlyMap<string, Snapshot>,
): RecordRun | null {
  const [first] = frames;
  if (first === undefined) return null;
  const base = snapshots.get(first.previousHash);
  if (base !== undefined) return { base, frames };
  if (first.previousHash === HASH_NONE) return { base: null, frames };
  const at = frames.findIndex(({ position }) => snapshots.has(position.hash));
  const found = snapshots.get(frames[at]?.position.hash ?? "");
  const rest = frames.slice(at + 1);
  return found === undefined || rest.length === 0 ? null : { base: found, frames: rest };
}

/** By plant time; what several controllers wrote alike stands once. */
function mergeNotes(journals: readonly GridEntries[]): RecordedNote[] {
  const byText = new Map<string, RecordedNote>();
  for (const { notes } of journals) {
    for (const note of notes) {
      byText.set(`${note.plantTimeMs}|${note.kind}|${note.text}`, note);
    }
  }
  return [...byText.values()].sort((a, b) => a.plantTimeMs - b.plantTimeMs);
}
