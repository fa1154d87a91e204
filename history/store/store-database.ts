import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import {
  DatabaseSync,
  type DatabaseSyncInstance,
  type StatementSyncInstance,
} from "@photostructure/sqlite";
import type { LogPosition } from "../../kernel/record.ts";
import type { ChunkRow, CollectorState } from "./grid-collector.ts";
import { comparePlaces, type TailPlace } from "./journal-tail.ts";
import {
  decodeBuckets,
  emptyBuckets,
  encodeBuckets,
  floorTo,
  HOUR_MS,
  layBuckets,
  MINUTE_MS,
  RAW,
} from "./levels.ts";
import { decodeSamples, encodeSamples, noSamples } from "./raw-samples.ts";
import { migrate } from "./schema.ts";
import type { SeriesKind } from "./series.ts";
import type { AlarmRow, AuditRow, EventRow, SeriesRow, StoredRecord } from "./rows.ts";

/** Where a grid goes on from after a start, or after frames were taken back. */
export interface Checkpoint {
  readonly place: TailPlace;
  readonly position: LogPosition;
  readonly state: CollectorState;
}

/** Checkpoints of the last minutes are all kept, older ones hourly: frames are taken back from minutes ago, seldom from hours. */
const RECENT_MS = 15 * MINUTE_MS;
const CHECKPOINT_AGE_MS_MAX = 7 * 24 * HOUR_MS;

type Row = Record<string, string | number | bigint | Uint8Array | null>;

/** The database file: statements and their parameters, nothing more. Blocking; everything may throw SQLite's error. */
export class StoreDatabase {
  readonly path: string;
  readonly db: DatabaseSyncInstance;
  readonly #statements = new Map<string, StatementSyncInstance>();

  /** Opens or makes the file and brings it to this version. */
  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.db = new DatabaseSync(path);
    // A commit of a write-ahead log need not be synced: what a power cut takes from it the journal brings again.
    this.db.exec(
      "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000; PRAGMA cache_size = -2000",
    );
    migrate(this.db);
  }

  prepare(sql: string): StatementSyncInstance {
    const known = this.#statements.get(sql) ?? this.db.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }

  all(sql: string, ...values: readonly (string | number)[]): Row[] {
    return this.prepare(sql).all(...values) as Row[];
  }

  /** Runs `action` in one transaction. */
  transact(action: () => void): void {
    this.db.exec("BEGIN IMMEDIATE");
    try {
      action();
      this.db.exec("COMMIT");
    } catch (error) {
      if (this.db.isTransaction) this.db.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.db.close();
  }

  // --- series ---

  series(): SeriesRow[] {
    return this.all("SELECT id, grid, point, kind, is_counter FROM series ORDER BY id").map(
      (row) => ({
        id: Number(row["id"]),
        grid: String(row["grid"]),
        point: String(row["point"]),
        kind: String(row["kind"]) as SeriesKind,
        isCounter: row["is_counter"] === 1,
      }),
    );
  }

  labels(): [id: number, text: string][] {
    return this.all("SELECT id, text FROM label").map((row) => [
      Number(row["id"]),
      String(row["text"]),
    ]);
  }

  addSeries({ id, grid, point, kind, isCounter }: SeriesRow): void {
    this.prepare("INSERT OR IGNORE INTO series VALUES (?, ?, ?, ?, ?)").run(
      id,
      grid,
      point,
      kind,
      isCounter ? 1 : 0,
    );
  }

  addLabel(id: number, text: string): void {
    this.prepare("INSERT OR IGNORE INTO label VALUES (?, ?)").run(id, text);
  }

  // --- chunks ---

  putChunk({ series, level, startMs, data }: ChunkRow): void {
    this.prepare("INSERT OR REPLACE INTO chunk VALUES (?, ?, ?, ?)").run(
      series,
      level,
      startMs,
      data,
    );
  }

  /** Chunks that begin in [fromMs, toMs), in order. */
  chunks(
    series: number,
    level: number,
    fromMs: number,
    toMs: number,
  ): { readonly startMs: number; readonly data: Uint8Array }[] {
    return this.all(
      "SELECT start_ms, data FROM chunk WHERE series = ? AND level = ? AND start_ms >= ? AND start_ms < ? ORDER BY start_ms",
      series,
      level,
      fromMs,
      toMs,
    ).map((row) => ({ startMs: Number(row["start_ms"]), data: row["data"] as Uint8Array }));
  }

  // --- checkpoints ---

  putCheckpoint(grid: string, { place, position, state }: Checkpoint): void {
    const { minuteMs } = state;
    this.prepare("INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?, ?, ?, ?, ?)").run(
      grid,
      minuteMs,
      place.segment,
      place.byteAt,
      position.epoch,
      position.sequence,
      position.hash,
      JSON.stringify(state),
    );
    this.prepare(
      "DELETE FROM checkpoint WHERE grid = ? AND (minute_ms < ? OR (minute_ms < ? AND minute_ms % ? != 0))",
    ).run(grid, minuteMs - CHECKPOINT_AGE_MS_MAX, minuteMs - RECENT_MS, HOUR_MS);
  }

  /** Newest first. */
  checkpoints(grid: string): Checkpoint[] {
    return this.all(
      "SELECT segment, byte_at, epoch, sequence, hash, state FROM checkpoint WHERE grid = ? ORDER BY minute_ms DESC",
      grid,
    ).map((row) => ({
      place: { segment: Number(row["segment"]), byteAt: Number(row["byte_at"]) },
      position: {
        epoch: Number(row["epoch"]),
        sequence: Number(row["sequence"]),
        hash: String(row["hash"]),
      },
      state: JSON.parse(String(row["state"])) as CollectorState,
    }));
  }

  /** Takes back what a grid has from `minuteMs` on, and the records after `sequence`. */
  takeBack(grid: string, minuteMs: number, sequence: number): void {
    this.prepare(
      "DELETE FROM chunk WHERE series IN (SELECT id FROM series WHERE grid = ?) AND start_ms >= ?",
    ).run(grid, minuteMs);
    this.#cutHour(grid, minuteMs);
    this.prepare("DELETE FROM checkpoint WHERE grid = ? AND minute_ms > ?").run(grid, minuteMs);
    for (const table of ["event", "alarm"]) {
      this.prepare(`DELETE FROM ${table} WHERE grid = ? AND sequence > ?`).run(grid, sequence);
    }
    this.prepare("UPDATE audit SET is_void = 1 WHERE grid = ? AND sequence > ?").run(
      grid,
      sequence,
    );
  }

  /** Chunks of a whole hour that reach beyond `minuteMs` end there. */
  #cutHour(grid: string, minuteMs: number): void {
    const rows = this.all(
      "SELECT id, is_counter, level, start_ms, data FROM chunk JOIN series ON series = id WHERE grid = ? AND level < 2 AND start_ms = ?",
      grid,
      floorTo(minuteMs, HOUR_MS),
    );
    for (const row of rows) {
      const [startMs, level] = [Number(row["start_ms"]), Number(row["level"])];
      const cut = level === RAW ? cutSamples : cutBuckets(row["is_counter"] === 1);
      const data = cut(row["data"] as Uint8Array, startMs, minuteMs);
      this.putChunk({ series: Number(row["id"]), level, startMs, data });
    }
  }

  // --- records ---

  addRecord(record: StoredRecord): void {
    if (record.type === "event") this.#addEvent(record);
    else if (record.type === "alarm") this.#addAlarm(record);
    else this.#addAudit(record);
  }

  #addEvent(row: EventRow): void {
    this.prepare("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").run(
      ...headOf(row),
      row.kind,
      row.actor,
      row.text,
      row.details,
    );
  }

  #addAlarm(row: AlarmRow): void {
    this.prepare("INSERT OR IGNORE INTO alarm VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").run(
      ...headOf(row),
      row.code,
      row.actor,
      row.priority,
      row.change,
      row.text,
      row.user,
    );
  }

  #addAudit(row: AuditRow): void {
    this.prepare(
      "INSERT OR IGNORE INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
    ).run(
      ...headOf(row),
      row.requestId,
      row.user,
      row.role,
      row.action,
      row.target,
      row.outcome,
      row.reason,
    );
  }
}

function cutSamples(data: Uint8Array, startMs: number, endMs: number): Uint8Array {
  const all = noSamples();
  decodeSamples(data, startMs, all);
  const count = all.timesMs.filter((timeMs) => timeMs < endMs).length;
  for (const column of [all.timesMs, all.values, all.qualities]) column.length = count;
  return encodeSamples(all, startMs);
}

function cutBuckets(isWide: boolean) {
  return (data: Uint8Array, startMs: number, endMs: number): Uint8Array => {
    const parts = decodeBuckets(data, isWide);
    const count = Math.min(parts[0]?.length ?? 0, Math.max(0, (endMs - startMs) / 1000));
    const kept = emptyBuckets(count);
    layBuckets(kept, startMs, 1000, startMs, parts);
    return encodeBuckets(kept, isWide);
  };
}

function headOf({ key, timeMs, plantMs, grid, epoch, sequence }: StoredRecord) {
  return [key, timeMs, plantMs, grid, epoch, sequence] as const;
}

/** Of a grid's checkpoints, newest first, the one to go on from if nothing after `sequence` holds. */
export function checkpointBefore(
  checkpoints: readonly Checkpoint[],
  sequence: number,
  before: TailPlace,
): Checkpoint | null {
  return (
    checkpoints.find(
      ({ place, position }) => comparePlaces(place, before) < 0 && position.sequence <= sequence,
    ) ?? null
  );
}
