import type { EncodedFrame } from "../frame.ts";
import type { LogPosition } from "../record.ts";

export interface Snapshot {
  readonly grid: string;
  readonly position: LogPosition;
  readonly plantTimeMs: number;
  readonly coreVersion: string;
  readonly manifestHash: string;
  /** Canonical text of the core's state. */
  readonly state: string;
}

/** What a journal held when it was opened: the newest snapshot and the frames after it, gapless and hash-chained. */
export interface RecoveredLog {
  readonly snapshot: Snapshot | null;
  readonly frames: readonly EncodedFrame[];
  /** Last position, of a frame or of the snapshot; null for a new journal. */
  readonly last: LogPosition | null;
  /** Highest plant time seen. */
  readonly plantTimeMs: number;
  /** Highest epoch seen, void frames included. */
  readonly epochMax: number;
  /** Bytes that were cut off because they were torn or corrupt. */
  readonly cutByteCount: number;
}

/**
 * Kinds of lines beside the frames. `event`, `alarm` and `audit` are records for the history store, as JSON of their types in
 * `kernel/history-record.ts`; `stateHash` is of the state after a frame, so that a replay can be checked; the others are for people.
 */
export const NOTE_KINDS = [
  "wouldWrite",
  "write",
  "role",
  "stateHash",
  "event",
  "alarm",
  "audit",
] as const;

/** A line beside the frames: what was written to devices, or would have been. Explains, decides nothing. */
export interface JournalNote {
  readonly grid: string;
  readonly plantTimeMs: number;
  readonly kind: (typeof NOTE_KINDS)[number];
  readonly text: string;
}

/** Append-only record of a node's grids. Appending never blocks and never throws; a full buffer drops and marks a gap. */
export interface Journal {
  appendFrame(encoded: EncodedFrame): void;
  appendSnapshot(snapshot: Snapshot): void;
  /** The frames of `grid` after `position` are void: a new leader did not continue them. They stay in the file, marked. */
  markVoid(grid: string, after: LogPosition): void;
  note(note: JournalNote): void;
  /** Reports, per grid, the last frame known to be on disk. */
  onSynced(handler: (grid: string, position: LogPosition) => void): void;
  /** `failed` while the disk refuses writes. */
  onHealthChanged(handler: (health: "good" | "failed", reason: string) => void): void;
  close(): Promise<void>;
}
