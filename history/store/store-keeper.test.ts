import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { present } from "../../kernel/assert.ts";
import { frameBody } from "../journal-entry.ts";
import { JournalFile } from "../journal-file.ts";
import { openSegmentDisk } from "../segment-disk.ts";
import { chain, WALL_ORIGIN_MS } from "../test-frames.ts";
import { DAY_MS, HOUR_MS } from "./levels.ts";
import { queryPoints } from "./points-query.ts";
import { queryRecords } from "./records-query.ts";
import { keepHouse, usedBytes, type Retention } from "./retention.ts";
import { MIGRATIONS } from "./schema.ts";
import { StoreDatabase } from "./store-database.ts";
import { StoreKeeper } from "./store-keeper.ts";

const KEEP: Retention = {
  rawDays: 1e4,
  secondsDays: 1e4,
  minutesDays: 1e4,
  quartersDays: 1e4,
  recordsDays: 1e4,
  sizeBytesMax: 1e9,
};

let directory: string;
let file: JournalFile;
let nowMs: number;
let health: [cause: string | null, atMs: number][];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rems-keeper-"));
  file = JournalFile.open(openSegmentDisk(join(directory, "journal")), ["port"], {
    segmentBytesMax: 1e5,
    totalBytesMax: 1e9,
  }).file;
  nowMs = 0;
  health = [];
});
afterEach(() => {
  file.close();
  rmSync(directory, { recursive: true, force: true });
});

const path = () => join(directory, "history", "history.db");
const frames = chain(null, 3000, 1, "port", (s) => ({
  points: [["dg1.activePowerKw", Math.floor(s / 3), "good"]],
}));
const write = (from: number, to: number) => {
  for (const frame of frames.slice(from, to)) file.append(frameBody(frame));
  file.flush();
};

function keeperOf(): StoreKeeper {
  return new StoreKeeper(
    {
      path: path(),
      journalDirectory: join(directory, "journal"),
      grids: [{ id: "port", metered: [] }],
      deadBands: [{ point: "activePowerKw", band: 0 }],
      retention: KEEP,
      servers: [],
    },
    { nowMs: () => nowMs, onHealthChanged: (cause) => void health.push([cause, nowMs]) },
  );
}

/** Runs the keeper for so long of its own time. */
function run(keeper: StoreKeeper, forMs: number): void {
  for (const endMs = nowMs + forMs; nowMs < endMs; nowMs += 100) while (keeper.turn());
}

function values(keeper: StoreKeeper): (number | undefined)[] {
  const query = {
    grid: "port",
    points: ["dg1.activePowerKw"],
    fromMs: WALL_ORIGIN_MS,
    toMs: WALL_ORIGIN_MS + 400_000,
    resolution: "raw",
    samplesMax: 1e6,
  } as const;
  return queryPoints(keeper.store, query)[0]?.samples?.values ?? [];
}
const upTo = (sequence: number) =>
  Array.from({ length: Math.floor(sequence / 3) + 1 }, (_, i) => i);

describe("a disk that fills", () => {
  it("is told within two seconds, and five seconds after its cure everything is there", () => {
    const keeper = keeperOf();
    write(0, 1000);
    run(keeper, 500);
    expect(health).toEqual([]);
    // SQLite's own limit of pages is a full disk to it: the same error, from the same place.
    const { db } = keeper.store.database;
    const { page_count: pages } = db.prepare("PRAGMA page_count").get() as { page_count: number };
    db.exec(`PRAGMA max_page_count = ${pages}; PRAGMA wal_checkpoint(TRUNCATE)`);
    const faultMs = nowMs;
    write(1000, 2500);
    const limited = keeper.store;
    for (const until = nowMs + 2000; nowMs < until && health.length === 0; nowMs += 100) {
      while (keeper.turn());
    }
    expect(health[0]?.[0]).toBe("full");
    expect((health[0]?.[1] ?? Infinity) - faultMs).toBeLessThanOrEqual(2000);
    const curedMs = nowMs;
    run(keeper, 5000);
    expect(health[1]?.[0]).toBe(null);
    expect((health[1]?.[1] ?? Infinity) - curedMs).toBeLessThanOrEqual(5000);
    expect(keeper.store).not.toBe(limited);
    expect(values(keeper)).toEqual(upTo(2500));
    keeper.close();
  });
});

describe("a damaged database", () => {
  it.each<[name: string, when: "while it is open" | "while it is closed", damage: () => void]>([
    ["whose beginning was overwritten", "while it is open", () => overwrite(0, 64)],
    ["that was removed", "while it is open", () => rmSync(path())],
    ["with overwritten pages", "while it is closed", () => overwrite(16_384, 40_000)],
  ])(
    "%s %s is put aside, and what was read of it and of the journal is there again",
    (_name, whenIsIt, damage) => {
      const keeper = keeperOf();
      write(0, 2500);
      run(keeper, 500);
      keeper.store.database.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      expect(values(keeper)).toEqual(upTo(2500));
      // What SQLite has in memory it does not look up: as after a restart.
      keeper.close();
      const again = keeperOf();
      if (whenIsIt === "while it is open") run(again, 300);
      const faultMs = nowMs;
      damage();
      write(2500, 2900);
      for (const until = nowMs + 2000; nowMs < until && health.length === 0; nowMs += 100) {
        while (again.turn());
        if (again.isOpen) tryAsking(again);
      }
      expect(health[0]?.[0]).toBe("corrupt");
      expect((health[0]?.[1] ?? Infinity) - faultMs).toBeLessThanOrEqual(2000);
      run(again, 5000);
      expect(health.at(-1)?.[0]).toBe(null);
      // Where the old file gives out and the journal goes on a value may stand twice; none is missing and none is wrong.
      const found = values(again);
      expect(found.filter((value, i) => value !== found[i - 1])).toEqual(upTo(2900));
      again.close();
    },
  );

  function overwrite(at: number, byteCount: number): void {
    const handle = openSync(path(), "r+");
    writeSync(handle, Buffer.alloc(byteCount, 0x5a), 0, byteCount, at);
    closeSync(handle);
  }

  /** As the worker does with a question that fails. */
  function tryAsking(keeper: StoreKeeper): void {
    try {
      values(keeper);
    } catch (error) {
      keeper.onError(error);
    }
  }
});

describe("a database of an earlier version", () => {
  it("is brought to this one with everything in it, and one of a later version is refused", () => {
    const copy = join(directory, "old.db");
    const kept = fileURLToPath(new URL("./fixtures/history-1.db", import.meta.url));
    copyFileSync(kept, copy);
    const database = new StoreDatabase(copy);
    const [version] = database.all("PRAGMA user_version");
    expect(version).toEqual({ user_version: MIGRATIONS.length });
    expect(database.series().map(({ point }) => point)).toContain("dg1.activePowerKw");
    const events = queryRecords(database, {
      table: "event",
      grid: "",
      fromMs: 0,
      toMs: 1e15,
      actorPrefix: "port",
      what: "",
      how: "",
      user: "",
      text: "",
      pageSize: 10,
      pageToken: "",
    });
    expect(events.rows.length).toBeGreaterThan(0);
    database.db.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    database.close();
    expect(() => new StoreDatabase(copy)).toThrow(/REMS_HISTORY_FAILED/);
  });
});

describe("keeping house", () => {
  const nowMs_ = WALL_ORIGIN_MS + 10 * DAY_MS;
  const house = (database: StoreDatabase, retention: Partial<Retention>, atMs: number) => {
    let stepCount = 0;
    while (keepHouse(database, { ...KEEP, ...retention }, atMs) && stepCount++ < 1000);
    expect(stepCount).toBeLessThan(1000);
  };

  it("joins old minutes into hours without changing an answer", () => {
    const keeper = keeperOf();
    write(0, 3000);
    run(keeper, 500);
    const before = values(keeper);
    const chunksOf = () =>
      Number(keeper.store.database.all("SELECT COUNT(*) AS n FROM chunk")[0]?.["n"]);
    const more = keeper.store.database.chunks(1, 0, 0, 1e15);
    for (let i = 1; i < 30; i++) {
      // Further minutes of the same hour, so that there is something to join.
      const startMs = Math.floor(WALL_ORIGIN_MS / HOUR_MS) * HOUR_MS + (i % 12) * 60_000;
      keeper.store.database.putChunk({
        series: 1,
        level: 0,
        startMs,
        data: present(more[0], "a chunk").data,
      });
    }
    const countBefore = chunksOf();
    house(keeper.store.database, {}, WALL_ORIGIN_MS + 4 * HOUR_MS);
    expect(chunksOf()).toBeLessThan(countBefore);
    expect(values(keeper).length).toBeGreaterThanOrEqual(before.length);
    keeper.close();
  });

  it("removes what is older than its time, each kind by itself", () => {
    const keeper = keeperOf();
    write(0, 3000);
    run(keeper, 500);
    const { database } = keeper.store;
    const levels = () =>
      database.all("SELECT DISTINCT level FROM chunk ORDER BY level").map((row) => row["level"]);
    expect(levels()).toEqual([0, 1, 2, 3]);
    house(database, { rawDays: 1 }, nowMs_);
    expect(levels()).toEqual([1, 2, 3]);
    house(database, { secondsDays: 1 }, nowMs_);
    expect(levels()).toEqual([2, 3]);
    keeper.close();
  });

  it("a database that is too large loses its oldest changes", () => {
    const keeper = keeperOf();
    const { database } = (run(keeper, 200), keeper.store);
    database.transact(() => {
      for (let hour = 0; hour < 50; hour++) {
        const startMs = WALL_ORIGIN_MS + hour * HOUR_MS;
        database.putChunk({ series: 9, level: 0, startMs, data: new Uint8Array(100_000) });
      }
    });
    house(database, { sizeBytesMax: 2e6 }, WALL_ORIGIN_MS + 50 * HOUR_MS);
    expect(usedBytes(database)).toBeLessThanOrEqual(2e6);
    const [left] = database.chunks(9, 0, 0, 1e15);
    expect(left?.startMs).toBeGreaterThan(WALL_ORIGIN_MS + 20 * HOUR_MS);
    keeper.close();
    expect(existsSync(path())).toBe(true);
    expect(statSync(path()).size).toBeGreaterThan(0);
  });
});
