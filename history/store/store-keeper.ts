import { existsSync, readSync, openSync, closeSync, renameSync, rmSync, statSync } from "node:fs";
import { RemsError } from "../../kernel/errors.ts";
import { listSegments } from "../segment-disk.ts";
import { deadBands } from "./dead-bands.ts";
import { HistoryStore } from "./history-store.ts";
import { keepHouse } from "./retention.ts";
import { salvage } from "./salvage.ts";
import { StoreDatabase } from "./store-database.ts";
import type { StoreCause, StoreWorkerData } from "./store-messages.ts";

/** What {@link StoreKeeper} needs of the world. */
export interface StoreKeeperPorts {
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly onHealthChanged: (cause: StoreCause | null, reason: string) => void;
}

const RETRY_MS = 1000;
/** A write once a second shows within two that the disk is full. */
const ALIVE_MS = 1000;
/** A file up to this size is looked through when it is opened, which takes about a second; damage in a larger one shows where it is met. */
const CHECKED_BYTES_MAX = 256_000_000;
const HOUSE_MS = 10_000;
const MAGIC = "SQLite format 3\0";
/** Result codes of SQLite (sqlite.org/rescode.html): full, corrupt, not a database. */
const FULL = 13;
const CORRUPT: readonly number[] = [11, 26];

/**
 * Keeps a store open whatever happens to its file: after an error it opens it again, one that is corrupt it puts aside and makes
 * anew from what can still be read of it. What happened meanwhile the journal has.
 */
export class StoreKeeper {
  readonly #data: StoreWorkerData;
  readonly #ports: StoreKeeperPorts;
  #store: HistoryStore | null = null;
  #retryAtMs = 0;
  #aliveAtMs = 0;
  #houseAtMs = 0;
  #inode = 0;
  #cause: StoreCause | null = null;
  /** A damaged file that waits to be read out. */
  #damaged = "";

  constructor(data: StoreWorkerData, ports: StoreKeeperPorts) {
    this.#data = data;
    this.#ports = ports;
  }

  /** @throws {@link RemsError} `REMS_HISTORY_FAILED` while the database does not work. */
  get store(): HistoryStore {
    if (this.#store !== null) return this.#store;
    throw new RemsError(
      "REMS_HISTORY_FAILED",
      "the history database does not work now; it is tried again every second",
      { isRetryable: true },
    );
  }

  get isOpen(): boolean {
    return this.#store !== null;
  }

  /** Does what is due. Never throws. @returns True if there is more to do at once. */
  turn(): boolean {
    const nowMs = this.#ports.nowMs();
    try {
      if (this.#store === null && nowMs < this.#retryAtMs) return false;
      this.#store ??= this.#open();
      const isBusy = this.#store.turn();
      this.#showAlive(this.#store, nowMs);
      if (!isBusy && nowMs >= this.#houseAtMs) return this.#keepHouse(this.#store, nowMs);
      return isBusy;
    } catch (error) {
      this.onError(error);
      return false;
    }
  }

  /** The database is closed, and opened again within a second. */
  onError(error: unknown): void {
    const code: unknown = error instanceof Error ? Reflect.get(error, "errcode") : undefined;
    const primary = typeof code === "number" ? code & 0xff : 0;
    const isCorrupt = CORRUPT.includes(primary) || isDamage(error);
    const cause = primary === FULL ? "full" : isCorrupt ? "corrupt" : "failed";
    this.#closeStore();
    this.#retryAtMs = this.#ports.nowMs() + RETRY_MS;
    const message = error instanceof Error ? error.message : String(error);
    this.#report(cause, `${this.#data.path}: ${message}`);
    if (isCorrupt) this.#putAside();
  }

  close(): void {
    this.#closeStore();
  }

  #open(): HistoryStore {
    const { path, journalDirectory, grids, deadBands: own } = this.#data;
    if (this.#damaged !== "") {
      const fresh = new StoreDatabase(path);
      salvage(this.#damaged, fresh, listSegments(journalDirectory)[0] ?? 0);
      fresh.close();
      this.#damaged = "";
    }
    const store = new HistoryStore({
      path,
      journalDirectory,
      grids,
      deadBandOf: deadBands(own),
    });
    this.#inode = statSync(path).ino;
    if (statSync(path).size <= CHECKED_BYTES_MAX) checkPages(store.database);
    return store;
  }

  #showAlive(store: HistoryStore, nowMs: number): void {
    if (nowMs < this.#aliveAtMs) return;
    this.#aliveAtMs = nowMs + ALIVE_MS;
    this.#checkFile();
    store.database
      .prepare("INSERT OR REPLACE INTO meta VALUES ('alive', ?)")
      .run(String(Math.round(nowMs)));
    this.#report(null, "");
  }

  /** SQLite does not look at what it has in memory: a file that was overwritten, cut or replaced is found here. */
  #checkFile(): void {
    const { path } = this.#data;
    const isThere = existsSync(path) && statSync(path).ino === this.#inode;
    if (isThere && headOf(path) === MAGIC) return;
    throw new RemsError(
      "REMS_HISTORY_FAILED",
      isThere ? "its beginning was overwritten" : "it was removed or replaced",
      { details: { isDamaged: true } },
    );
  }

  #keepHouse(store: HistoryStore, nowMs: number): boolean {
    const reachMs = Math.max(0, ...this.#data.grids.map(({ id }) => store.reachMs(id)));
    let hasMore = false;
    if (reachMs > 0) {
      store.database.transact(() => {
        hasMore = keepHouse(store.database, this.#data.retention, reachMs);
      });
    }
    if (!hasMore) this.#houseAtMs = nowMs + HOUSE_MS;
    return hasMore;
  }

  #closeStore(): void {
    const store = this.#store;
    this.#store = null;
    try {
      store?.close();
    } catch {
      // It failed already; what it failed with was reported.
    }
  }

  #putAside(): void {
    const { path } = this.#data;
    const aside = `${path}.damaged`;
    try {
      for (const end of ["-wal", "-shm"]) rmSync(`${aside}${end}`, { force: true });
      if (existsSync(path)) renameSync(path, aside);
      if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${aside}-wal`);
      rmSync(`${path}-shm`, { force: true });
      this.#damaged = aside;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#report("failed", `the damaged file cannot be put aside: ${message}`);
    }
  }

  #report(cause: StoreCause | null, reason: string): void {
    if (cause === this.#cause) return;
    this.#cause = cause;
    this.#ports.onHealthChanged(cause, reason);
  }
}

function checkPages(database: StoreDatabase): void {
  const [first] = database.all("PRAGMA quick_check(1)");
  const verdict = String(first?.["quick_check"] ?? "ok");
  if (verdict === "ok") return;
  database.close();
  throw new RemsError("REMS_HISTORY_FAILED", verdict, { details: { isDamaged: true } });
}

function isDamage(error: unknown): boolean {
  return error instanceof RemsError && error.details["isDamaged"] === true;
}

function headOf(path: string): string {
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(MAGIC.length);
    readSync(file, bytes, 0, bytes.length, 0);
    return bytes.toString("latin1");
  } finally {
    closeSync(file);
  }
}
