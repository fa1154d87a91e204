import { RemsError } from "../../kernel/errors.ts";
import type { HistoryStore } from "../store/history-store.ts";
import { floorTo, HOUR_MS, MINUTE_MS, RAW } from "../store/levels.ts";
import { decodeSamples, noSamples, QUALITIES, type RawSamples } from "../store/raw-samples.ts";
import type { Series } from "../store/series.ts";
import type { HistoryServer, ServerRecord, ServerSample } from "./history-server.ts";

/** What younger frames say may still be taken back by a failover. */
const SETTLE_MS = 10_000;
/** Sent in one go at most: what a server missed is given to it in such pieces. */
const WINDOW_MS = 10 * MINUTE_MS;
const SAMPLES_PER_WRITE = 5000;
const QUALITY_NAMES = Object.keys(QUALITIES);

/**
 * Gives one server what it does not have yet, grid by grid. How far it has everything stands in the store: after a lost connection or a
 * restart it goes on there. A piece that may not have arrived is sent again; the server knows what it has by its key.
 */
export class Exporter {
  readonly #id: string;
  readonly #server: HistoryServer;
  readonly #store: () => HistoryStore | null;

  constructor(id: string, server: HistoryServer, store: () => HistoryStore | null) {
    this.#id = id;
    this.#server = server;
    this.#store = store;
  }

  /**
   * Asks whether the server is there, and sends one piece of each grid.
   * @returns True if there is more to send.
   * @throws What the server, or the store, failed with.
   */
  async step(grids: readonly string[]): Promise<boolean> {
    await this.#server.ping();
    let hasMore = false;
    for (const grid of grids) hasMore = (await this.#sendPiece(grid)) || hasMore;
    return hasMore;
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async #sendPiece(grid: string): Promise<boolean> {
    const store = this.#store();
    if (store === null) return false;
    const fromMs = this.#cursorMs(store, grid);
    const settledMs = store.reachMs(grid) - SETTLE_MS;
    const toMs = Math.min(settledMs, fromMs + WINDOW_MS);
    if (toMs <= fromMs) return false;
    const samples = [...samplesBetween(store, grid, fromMs, toMs)];
    const records = recordsBetween(store, grid, fromMs, toMs);
    for (let at = 0; at < samples.length || at === 0; at += SAMPLES_PER_WRITE) {
      await this.#server.write(samples.slice(at, at + SAMPLES_PER_WRITE), at === 0 ? records : []);
    }
    // The store may have been opened anew meanwhile: then this piece is sent once more.
    if (this.#store() !== store) return true;
    store.database
      .prepare("INSERT OR REPLACE INTO export VALUES (?, ?, ?)")
      .run(this.#id, grid, toMs);
    return toMs < settledMs;
  }

  /** A server that is new gets everything that is still there. */
  #cursorMs({ database }: HistoryStore, grid: string): number {
    const [known] = database.all(
      "SELECT time_ms FROM export WHERE server = ? AND grid = ?",
      this.#id,
      grid,
    );
    if (known !== undefined) return Number(known["time_ms"]);
    const [first] = database.all(
      "SELECT MIN(start_ms) AS start_ms FROM chunk WHERE level = ? AND series IN (SELECT id FROM series WHERE grid = ?)",
      RAW,
      grid,
    );
    return Number(first?.["start_ms"] ?? 0) || Number.MAX_SAFE_INTEGER;
  }
}

function* samplesBetween(
  store: HistoryStore,
  grid: string,
  fromMs: number,
  toMs: number,
): Generator<ServerSample> {
  const rows = store.database.all(
    "SELECT series, start_ms, data FROM chunk WHERE level = ? AND start_ms >= ? AND start_ms < ?",
    RAW,
    floorTo(fromMs, HOUR_MS),
    toMs,
  );
  const collector = store.collectorOf(grid);
  for (const row of rows) {
    const series = store.registry.byId(Number(row["series"]));
    if (series === null || collector?.openSeries.get(series.point) !== series) continue;
    const samples = noSamples();
    decodeSamples(row["data"] as Uint8Array, Number(row["start_ms"]), samples);
    yield* shown(store, grid, series, samples, fromMs, toMs);
  }
  for (const series of collector?.openSeries.values() ?? []) {
    yield* shown(store, grid, series, series.raw, fromMs, toMs);
  }
}

function* shown(
  store: HistoryStore,
  grid: string,
  series: Series,
  { timesMs, values, qualities }: RawSamples,
  fromMs: number,
  toMs: number,
): Generator<ServerSample> {
  const dot = series.point.lastIndexOf(".");
  const [device, point] = [series.point.slice(0, dot), series.point.slice(dot + 1)];
  for (const [index, timeMs] of timesMs.entries()) {
    if (timeMs < fromMs || timeMs >= toMs) continue;
    const value = valueOf(store, series, values[index] ?? Number.NaN);
    const quality = QUALITY_NAMES[qualities[index] ?? QUALITIES.none] ?? "none";
    yield { grid, device, point, timeMs, value, quality };
  }
}

function valueOf(store: HistoryStore, { kind }: Series, value: number): ServerSample["value"] {
  if (Number.isNaN(value)) return null;
  if (kind === "flag") return value === 1;
  return kind === "label" ? store.registry.labelOf(value) : value;
}

const TABLES = ["event", "alarm", "audit"] as const;

function recordsBetween(
  { database }: HistoryStore,
  grid: string,
  fromMs: number,
  toMs: number,
): ServerRecord[] {
  return TABLES.flatMap((type) =>
    database
      .all(
        `SELECT * FROM ${type} WHERE grid = ? AND time_ms >= ? AND time_ms < ?`,
        grid,
        fromMs,
        toMs,
      )
      .map(({ key, time_ms: timeMs, grid: _grid, ...rest }) => ({
        type,
        key: String(key),
        grid,
        timeMs: Number(timeMs),
        fields: Object.fromEntries(
          Object.entries(rest).map(([name, value]) => [name, String(value)]),
        ),
      })),
  );
}

/** Why a step failed, for a log. */
export function reasonOf(error: unknown): string {
  if (error instanceof RemsError) return error.message;
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
