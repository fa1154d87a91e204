import type { DatabaseSyncInstance } from "@photostructure/sqlite";
import { RemsError } from "../../kernel/errors.ts";

/**
 * How the database came to be, step by step: the version of a file is the number of steps it has gone. Never change a step that was
 * released, add one. `history/store/fixtures` keeps a file of every version, and a test migrates each.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  -- A point of a grid. kind: number, flag (0 and 1) or label (values are numbers of labels).
  CREATE TABLE series (
    id INTEGER PRIMARY KEY, grid TEXT NOT NULL, point TEXT NOT NULL, kind TEXT NOT NULL, is_counter INTEGER NOT NULL,
    UNIQUE (grid, point));
  CREATE TABLE label (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
  -- Changes (level 0) and roll-ups (1: 1 s, 2: 1 min, 3: 15 min) of a series from start_ms on, packed.
  CREATE TABLE chunk (
    series INTEGER NOT NULL, level INTEGER NOT NULL, start_ms INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (series, level, start_ms));
  CREATE INDEX chunk_by_age ON chunk (level, start_ms);
  -- What each grid goes on from, and the place in the journal that belongs to it.
  CREATE TABLE checkpoint (
    grid TEXT NOT NULL, minute_ms INTEGER NOT NULL, segment INTEGER NOT NULL, byte_at INTEGER NOT NULL,
    epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, hash TEXT NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (grid, minute_ms)) WITHOUT ROWID;
  -- key: hash of the content, so that nothing is kept twice.
  CREATE TABLE event (
    key TEXT PRIMARY KEY, time_ms INTEGER NOT NULL, plant_ms REAL NOT NULL, grid TEXT NOT NULL, epoch INTEGER NOT NULL,
    sequence INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL, text TEXT NOT NULL, details TEXT NOT NULL);
  CREATE INDEX event_by_time ON event (time_ms);
  CREATE TABLE alarm (
    key TEXT PRIMARY KEY, time_ms INTEGER NOT NULL, plant_ms REAL NOT NULL, grid TEXT NOT NULL, epoch INTEGER NOT NULL,
    sequence INTEGER NOT NULL, code TEXT NOT NULL, actor TEXT NOT NULL, priority TEXT NOT NULL, change TEXT NOT NULL,
    text TEXT NOT NULL, user TEXT NOT NULL);
  CREATE INDEX alarm_by_time ON alarm (time_ms);
  -- is_void: in a frame that a later leader did not continue; it had no effect.
  CREATE TABLE audit (
    key TEXT PRIMARY KEY, time_ms INTEGER NOT NULL, plant_ms REAL NOT NULL, grid TEXT NOT NULL, epoch INTEGER NOT NULL,
    sequence INTEGER NOT NULL, request_id TEXT NOT NULL, user TEXT NOT NULL, role TEXT NOT NULL, action TEXT NOT NULL,
    target TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL, is_void INTEGER NOT NULL DEFAULT 0);
  CREATE INDEX audit_by_time ON audit (time_ms);
  `,
  `
  -- Up to where each server has everything.
  CREATE TABLE export (
    server TEXT NOT NULL, grid TEXT NOT NULL, time_ms INTEGER NOT NULL, PRIMARY KEY (server, grid)) WITHOUT ROWID;
  `,
];

/**
 * Brings a database to this version's form.
 * @throws {@link RemsError} `REMS_HISTORY_FAILED` if a newer version wrote it.
 */
export function migrate(
  db: DatabaseSyncInstance,
  migrations: readonly string[] = MIGRATIONS,
): void {
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as {
    user_version: number;
  };
  if (version > migrations.length) {
    throw new RemsError(
      "REMS_HISTORY_FAILED",
      `the history database has version ${version}; this R-EMS knows up to ${migrations.length}. Start the version that wrote it, or move the file away`,
      { details: { version } },
    );
  }
  migrations.slice(version).forEach((step, index) => {
    db.exec("BEGIN IMMEDIATE");
    try {
      db.exec(step);
      db.exec(`PRAGMA user_version = ${version + index + 1}`);
      db.exec("COMMIT");
    } catch (error) {
      db.exec("ROLLBACK");
      throw error;
    }
  });
}
