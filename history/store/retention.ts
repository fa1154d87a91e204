import {
  DAY_MS,
  decodeBuckets,
  emptyBuckets,
  encodeBuckets,
  floorTo,
  HOUR_MS,
  layBuckets,
  MINUTE_MS,
  MINUTES,
  RAW,
  SECONDS,
} from "./levels.ts";
import { decodeSamples, encodeSamples, noSamples } from "./raw-samples.ts";
import type { StoreDatabase } from "./store-database.ts";

/** How long and how much is kept. */
export interface Retention {
  readonly rawDays: number;
  readonly secondsDays: number;
  readonly minutesDays: number;
  readonly quartersDays: number;
  readonly recordsDays: number;
  readonly sizeBytesMax: number;
}

/** Rows removed in one go, so that one turn stays short. */
const ROWS_PER_STEP = 2000;
const PAGES_PER_STEP = 500;
/** Hours younger than this may still be taken back by a failover; they stay in minutes. */
const JOIN_AGE_MS = 2 * HOUR_MS;
/** An hour with fewer stored minutes than this is read as fast as it is. */
const JOIN_COUNT_MIN = 12;
const SERIES_PER_STEP = 20;

/**
 * One step of housekeeping: removes what is too old or too much, and joins an old hour's minutes into one row each, which makes
 * reading a day an order of magnitude faster.
 * @param nowMs - Newest time in the store.
 * @returns True if there is more to do.
 */
export function keepHouse(database: StoreDatabase, retention: Retention, nowMs: number): boolean {
  const isRemoved = removeOld(database, retention, nowMs) || removeExcess(database, retention);
  if (isRemoved) database.db.exec(`PRAGMA incremental_vacuum(${PAGES_PER_STEP})`);
  return isRemoved || joinHours(database, nowMs);
}

function removeOld(database: StoreDatabase, retention: Retention, nowMs: number): boolean {
  const { rawDays, secondsDays, minutesDays, quartersDays, recordsDays } = retention;
  let count = 0;
  [rawDays, secondsDays, minutesDays, quartersDays].forEach((days, level) => {
    // A chunk of quarters spans a day, one of minutes an hour: it goes once all of it is too old.
    const spanMs = [HOUR_MS, HOUR_MS, HOUR_MS, DAY_MS][level] ?? 0;
    count += removeChunks(database, level, nowMs - days * DAY_MS - spanMs);
  });
  for (const table of ["event", "alarm", "audit"]) {
    const result = database
      .prepare(
        `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE time_ms < ? LIMIT ?)`,
      )
      .run(nowMs - recordsDays * DAY_MS, ROWS_PER_STEP);
    count += result.changes;
  }
  return count > 0;
}

function removeChunks(database: StoreDatabase, level: number, beforeMs: number): number {
  const result = database
    .prepare(
      "DELETE FROM chunk WHERE rowid IN (SELECT rowid FROM chunk WHERE level = ? AND start_ms < ? ORDER BY start_ms LIMIT ?)",
    )
    .run(level, beforeMs, ROWS_PER_STEP);
  return result.changes;
}

/** Too large: the oldest hour of changes goes first, of seconds when there are no more changes. Coarser roll-ups are small and stay. */
function removeExcess(database: StoreDatabase, { sizeBytesMax }: Retention): boolean {
  if (usedBytes(database) <= sizeBytesMax) return false;
  for (const level of [RAW, SECONDS.number]) {
    const [oldest] = database.all(
      "SELECT MIN(start_ms) AS start_ms, MAX(start_ms) AS last_ms FROM chunk WHERE level = ?",
      level,
    );
    const startMs = oldest?.["start_ms"];
    if (typeof startMs !== "number" || startMs === oldest?.["last_ms"]) continue;
    if (removeChunks(database, level, floorTo(startMs, HOUR_MS) + HOUR_MS) > 0) return true;
  }
  return false;
}

/** Of the pages that hold something. */
export function usedBytes(database: StoreDatabase): number {
  const value = (name: string) => Number(database.all(`PRAGMA ${name}`)[0]?.[name] ?? 0);
  return (value("page_count") - value("freelist_count")) * value("page_size");
}

/** Joins the minutes of old hours, for some series. */
function joinHours(database: StoreDatabase, nowMs: number): boolean {
  const endMs = floorTo(nowMs - JOIN_AGE_MS, HOUR_MS);
  const [done] = database.all("SELECT value FROM meta WHERE name = 'joined_ms'");
  const fromMs = Math.max(Number(done?.["value"] ?? 0), endMs - DAY_MS);
  if (fromMs >= endMs) return false;
  const hours = database.all(
    `SELECT series, level, start_ms - start_ms % ${HOUR_MS} AS hour_ms FROM chunk
     WHERE level < 2 AND start_ms >= ? AND start_ms < ?
     GROUP BY level, hour_ms, series HAVING COUNT(*) >= ? LIMIT ?`,
    fromMs,
    endMs,
    JOIN_COUNT_MIN,
    SERIES_PER_STEP,
  );
  for (const row of hours) {
    const [series, level, hourMs] = ["series", "level", "hour_ms"].map((name) => Number(row[name]));
    if (series === undefined || level === undefined || hourMs === undefined) continue;
    joinHour(database, series, level, hourMs);
  }
  if (hours.length === SERIES_PER_STEP) return true;
  database.prepare("INSERT OR REPLACE INTO meta VALUES ('joined_ms', ?)").run(String(endMs));
  return false;
}

function joinHour(database: StoreDatabase, series: number, level: number, hourMs: number): void {
  const [of] = database.all("SELECT is_counter FROM series WHERE id = ?", series);
  const isWide = of?.["is_counter"] === 1;
  const data =
    level === RAW
      ? joinRaw(database, series, hourMs)
      : joinSeconds(database, series, hourMs, isWide);
  database
    .prepare("DELETE FROM chunk WHERE series = ? AND level = ? AND start_ms > ? AND start_ms < ?")
    .run(series, level, hourMs, hourMs + HOUR_MS);
  database.putChunk({ series, level, startMs: hourMs, data });
}

function joinRaw(database: StoreDatabase, series: number, hourMs: number): Uint8Array {
  const all = noSamples();
  for (const { startMs, data } of database.chunks(series, RAW, hourMs, hourMs + HOUR_MS)) {
    decodeSamples(data, startMs, all);
  }
  return encodeSamples(all, hourMs);
}

function joinSeconds(
  database: StoreDatabase,
  series: number,
  hourMs: number,
  isWide: boolean,
): Uint8Array {
  const hour = emptyBuckets(HOUR_MS / SECONDS.bucketMs);
  // Minutes in which nothing changed are in their roll-ups only.
  for (const chunk of database.chunks(series, MINUTES.number, hourMs, hourMs + 1)) {
    const [min, mean, max] = decodeBuckets(chunk.data, isWide);
    mean?.forEach((value, index) => {
      const [from, to] = [index * 60, index * 60 + 60];
      hour.min.fill(min?.[index] ?? value, from, to);
      hour.mean.fill(value, from, to);
      hour.max.fill(max?.[index] ?? value, from, to);
    });
  }
  for (const { startMs, data } of database.chunks(
    series,
    SECONDS.number,
    hourMs,
    hourMs + HOUR_MS,
  )) {
    const parts = decodeBuckets(data, isWide);
    // A minute that has seconds of its own has nothing but these, its holes included.
    const from = (startMs - hourMs) / 1000;
    for (const part of [hour.min, hour.mean, hour.max]) {
      part.fill(Number.NaN, from, from + MINUTE_MS / 1000);
    }
    layBuckets(hour, hourMs, SECONDS.bucketMs, startMs, parts);
  }
  return encodeBuckets(hour, isWide);
}
