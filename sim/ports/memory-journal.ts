import type { EncodedFrame } from "../../kernel/frame.ts";
import type { Clock } from "../../kernel/ports/clock.ts";
import type { Journal, JournalNote, RecoveredLog, Snapshot } from "../../kernel/ports/journal.ts";
import { comparePositions } from "../../kernel/record.ts";
import type { LogPosition } from "../../kernel/record.ts";

/** The disk of one simulated node: survives its process, loses what was not synced when the power goes. */
export interface MemoryDisk {
  /** A journal on this disk, for one life of the process. */
  open(clock: Clock, syncMs: number): Journal;
  recover(grid: string): RecoveredLog;
  /** The process is killed: of what was not yet synced, the oldest `keptShare` (0 to 1) had reached the kernel and survives. */
  kill(keptShare: number): void;
  setFailed(isFailed: boolean): void;
  readonly notes: readonly JournalNote[];
}

interface GridRecord {
  snapshot: Snapshot | null;
  frames: EncodedFrame[];
  plantTimeMs: number;
  epochMax: number;
}

export function createMemoryDisk(): MemoryDisk {
  const synced = new Map<string, GridRecord>();
  const notes: JournalNote[] = [];
  let pending: ((records: Map<string, GridRecord>) => void)[] = [];
  let isFailed = false;

  const recordOf = (records: Map<string, GridRecord>, grid: string): GridRecord => {
    const record = records.get(grid) ?? { snapshot: null, frames: [], plantTimeMs: 0, epochMax: 0 };
    records.set(grid, record);
    return record;
  };

  return {
    notes,
    open(clock, syncMs) {
      const handlers: ((grid: string, position: LogPosition) => void)[] = [];
      const healthHandlers: ((health: "good" | "failed", reason: string) => void)[] = [];
      let newest = new Map<string, LogPosition>();
      let isClosed = false;
      let isReportedFailed = false;
      let isArmed = false;
      const arm = () => {
        if (isArmed || isClosed) return;
        isArmed = true;
        clock.at(clock.monotonicMs() + syncMs, sync);
      };
      const sync = () => {
        isArmed = false;
        if (isClosed) return;
        if (isFailed !== isReportedFailed) {
          isReportedFailed = isFailed;
          for (const handler of healthHandlers)
            handler(isFailed ? "failed" : "good", "the simulated disk");
        }
        if (isFailed) return arm();
        for (const write of pending) write(synced);
        pending = [];
        const done = newest;
        newest = new Map();
        for (const [grid, position] of done)
          for (const handler of handlers) handler(grid, position);
      };
      return {
        appendFrame(encoded) {
          newest.set(encoded.frame.grid, encoded.position);
          pending.push((records) => {
            const record = recordOf(records, encoded.frame.grid);
            record.frames.push(encoded);
            record.plantTimeMs = Math.max(record.plantTimeMs, encoded.frame.plantTimeMs);
            record.epochMax = Math.max(record.epochMax, encoded.position.epoch);
          });
          arm();
        },
        appendSnapshot(snapshot) {
          pending.push((records) => {
            const record = recordOf(records, snapshot.grid);
            record.snapshot = snapshot;
            record.frames = record.frames.filter(
              (held) => comparePositions(held.position, snapshot.position) > 0,
            );
            record.plantTimeMs = Math.max(record.plantTimeMs, snapshot.plantTimeMs);
          });
          arm();
        },
        markVoid(grid, after) {
          pending.push((records) => {
            const record = recordOf(records, grid);
            record.frames = record.frames.filter(
              (held) => held.position.sequence <= after.sequence,
            );
          });
          arm();
        },
        note: (note) => void notes.push(note),
        onSynced: (handler) => void handlers.push(handler),
        onHealthChanged: (handler) => void healthHandlers.push(handler),
        close() {
          isClosed = true;
          return Promise.resolve();
        },
      };
    },
    recover(grid) {
      const { snapshot, frames, plantTimeMs, epochMax } = recordOf(synced, grid);
      return {
        snapshot,
        frames: [...frames],
        last: frames.at(-1)?.position ?? snapshot?.position ?? null,
        plantTimeMs,
        epochMax,
        cutByteCount: 0,
      };
    },
    kill(keptShare) {
      for (const write of pending.slice(0, Math.floor(pending.length * keptShare))) write(synced);
      pending = [];
    },
    setFailed(next) {
      isFailed = next;
    },
  };
}
