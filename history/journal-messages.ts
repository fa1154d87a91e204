import type { Snapshot } from "../kernel/ports/journal.ts";
import type { LogPosition } from "../kernel/record.ts";
import type { JournalLimits } from "./journal-file.ts";

export interface JournalWorkerData {
  /** Of the segments themselves. */
  readonly directory: string;
  readonly grids: readonly string[];
  readonly journalSyncMs: number;
  readonly limits: JournalLimits;
  readonly ring: SharedArrayBuffer;
}

/** What the history worker tells the control thread. The other way goes entries by the ring, and any message means: close. */
export type JournalWorkerMessage =
  | {
      readonly type: "opened";
      readonly cutByteCount: number;
      readonly grids: readonly RecoveredMessage[];
    }
  | { readonly type: "synced"; readonly moved: readonly (readonly [string, LogPosition])[] }
  /** These grids need a snapshot before anything counts as synced again. */
  | { readonly type: "broken"; readonly grids: readonly string[] }
  /** Empty: good. */
  | { readonly type: "health"; readonly reason: string }
  | { readonly type: "closed" };

export interface RecoveredMessage {
  readonly grid: string;
  readonly snapshot: Snapshot | null;
  readonly frameTexts: readonly string[];
  readonly epochMax: number;
  readonly plantTimeMs: number;
}
