import { existsSync } from "node:fs";
import { DatabaseSync, type DatabaseSyncInstance } from "@photostructure/sqlite";
import type { StoreDatabase } from "./store-database.ts";

/** In the order in which they depend on each other. */
const TABLES = ["series", "label", "event", "alarm", "audit", "chunk", "checkpoint", "export"];
const ROWS_PER_STEP = 500;
/** Rows that cannot be read are stepped over in strides this long. */
const STRIDE_MAX = 1_000_000;

/**
 * Copies what can still be read of a damaged database into a new one. Rows on damaged pages are left out; as far back as the journal
 * reaches everything is taken from there again.
 * @param oldestSegment - Of the journal.
 * @returns Rows copied.
 */
export function salvage(damagedPath: string, into: StoreDatabase, oldestSegment: number): number {
  if (!existsSync(damagedPath)) return 0;
  let from: DatabaseSyncInstance;
  try {
    from = new DatabaseSync(damagedPath, { readOnly: true });
  } catch {
    return 0;
  }
  let copiedCount = 0;
  try {
    for (const table of TABLES) {
      into.transact(() => {
        copiedCount +=
          table === "checkpoint" || table === "export"
            ? copyWhole(from, into, table)
            : copyByRow(from, into, table);
      });
    }
    into.transact(() => goBack(into, oldestSegment));
  } finally {
    from.close();
  }
  return copiedCount;
}

/** Each grid goes on from its oldest checkpoint that the journal still has. */
function goBack(into: StoreDatabase, oldestSegment: number): void {
  for (const row of into.all("SELECT DISTINCT grid FROM checkpoint")) {
    const grid = String(row["grid"]);
    const oldest = into.checkpoints(grid).findLast(({ place }) => place.segment >= oldestSegment);
    if (oldest !== undefined) into.takeBack(grid, oldest.state.minuteMs, Number.MAX_SAFE_INTEGER);
  }
}

type Row = Record<string, string | number | Uint8Array | null>;

/** Tables without row ids are small: all or nothing. */
function copyWhole(from: DatabaseSyncInstance, into: StoreDatabase, table: string): number {
  try {
    return insert(into, table, from.prepare(`SELECT * FROM ${table}`).all() as Row[]);
  } catch {
    return 0;
  }
}

function copyByRow(from: DatabaseSyncInstance, into: StoreDatabase, table: string): number {
  let copiedCount = 0;
  let after = 0;
  let stride = 1;
  while (stride < STRIDE_MAX) {
    try {
      const rows = from
        .prepare(
          `SELECT rowid AS row_number, * FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ?`,
        )
        .all(after, stride > 1 ? 1 : ROWS_PER_STEP) as Row[];
      const last = rows.at(-1);
      if (last === undefined) break;
      copiedCount += insert(
        into,
        table,
        rows.map(({ row_number: _number, ...row }) => row),
      );
      after = Number(last["row_number"]);
      stride = 1;
    } catch {
      after += stride;
      stride *= 2;
    }
  }
  return copiedCount;
}

function insert(into: StoreDatabase, table: string, rows: readonly Row[]): number {
  for (const row of rows) {
    const names = Object.keys(row);
    const places = names.map(() => "?").join(", ");
    into
      .prepare(`INSERT OR IGNORE INTO ${table} (${names.join(", ")}) VALUES (${places})`)
      .run(...Object.values(row));
  }
  return rows.length;
}
