import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { present } from "../../kernel/assert.ts";
import type { EncodedFrame } from "../../kernel/frame.ts";
import { eventNote } from "../../kernel/history-record.ts";
import type { PointSample } from "../../kernel/point.ts";
import { entryPrefix, frameBody, noteBody, snapshotBody, voidBody } from "../journal-entry.ts";
import { JournalFile } from "../journal-file.ts";
import { openSegmentDisk, segmentPath } from "../segment-disk.ts";
import { chain, lastOf, snapshotAt, WALL_ORIGIN_MS } from "../test-frames.ts";
import { HistoryStore } from "./history-store.ts";
import { floorTo, MINUTE_MS } from "./levels.ts";
import { queryPoints, type PointsQuery } from "./points-query.ts";
import { queryRecords, type RecordsQuery } from "./records-query.ts";

let directory: string;
let file: JournalFile;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rems-store-"));
  file = journalFile();
});
afterEach(() => {
  file.close();
  rmSync(directory, { recursive: true, force: true });
});

const journalFile = () =>
  JournalFile.open(openSegmentDisk(join(directory, "journal")), ["port"], {
    segmentBytesMax: 100_000,
    totalBytesMax: 1e9,
  }).file;

function write(...bodies: readonly Buffer[]): void {
  for (const body of bodies) file.append(body);
  file.flush();
}
const writeFrames = (frames: readonly EncodedFrame[]) => write(...frames.map(frameBody));

function open(name = "history.db"): HistoryStore {
  return new HistoryStore({
    path: join(directory, name),
    journalDirectory: join(directory, "journal"),
    grids: [{ id: "port", metered: [{ device: "dg1", isSource: true }] }],
    deadBandOf: () => 0,
  });
}

function catchUp(store: HistoryStore): HistoryStore {
  while (store.turn());
  return store;
}

/** Wall time of a sequence in `chain`. */
const at = (sequence: number) => WALL_ORIGIN_MS + sequence * 100;
const query = (more: Partial<PointsQuery> = {}): PointsQuery => ({
  grid: "port",
  points: ["dg1.activePowerKw"],
  fromMs: at(0),
  toMs: at(100_000),
  resolution: "raw",
  samplesMax: 1_000_000,
  ...more,
});
const records = (table: RecordsQuery["table"], more: Partial<RecordsQuery> = {}): RecordsQuery => ({
  table,
  grid: "",
  fromMs: 0,
  toMs: at(1e9),
  actorPrefix: "",
  what: "",
  how: "",
  user: "",
  text: "",
  pageSize: 100,
  pageToken: "",
  ...more,
});

function changes(store: HistoryStore, more: Partial<PointsQuery> = {}) {
  const [found] = queryPoints(store, query(more));
  const { timesMs = [], values = [] } = found?.samples ?? {};
  return timesMs.map((timeMs, i) => [(timeMs - at(0)) / 100, values[i]]);
}

const steps = (sequence: number): { points: PointSample[] } => ({
  points: [["dg1.activePowerKw", Math.floor(sequence / 7), "good"]],
});

/** Everything that a store holds and answers. */
function picture(store: HistoryStore) {
  const points = ["dg1.activePowerKw", "dg1.energyOutKwh"];
  return (["raw", "1s", "1m", "15m"] as const).map((resolution) =>
    queryPoints(store, query({ points, resolution, toMs: at(3000) })),
  );
}

describe("points", () => {
  it("keeps every change, and only changes", () => {
    writeFrames(chain(null, 100, 1, "port", steps));
    const store = catchUp(open());
    expect(changes(store)).toEqual(Array.from({ length: 15 }, (_, i) => [Math.max(1, i * 7), i]));
    store.close();
  });

  it("rolls up to seconds, minutes and quarters with least, mean and greatest, whether closed or open", () => {
    writeFrames(
      chain(null, 2000, 1, "port", (s) => ({ points: [["dg1.activePowerKw", s, "good"]] })),
    );
    const store = catchUp(open());
    const minute = floorTo(at(1000), MINUTE_MS);
    const [seconds] = queryPoints(
      store,
      query({ resolution: "1s", fromMs: minute, toMs: minute + 3000 }),
    );
    const first = (minute - at(0)) / 100;
    expect([...(seconds?.buckets?.min ?? [])]).toEqual([first, first + 10, first + 20]);
    expect([...(seconds?.buckets?.max ?? [])]).toEqual([first + 9, first + 19, first + 29]);
    expect([...(seconds?.buckets?.mean ?? [])]).toEqual([first + 4.5, first + 14.5, first + 24.5]);
    const [minutes] = queryPoints(
      store,
      query({ resolution: "1m", fromMs: minute, toMs: minute + MINUTE_MS }),
    );
    expect(minutes?.buckets?.mean[0]).toBeCloseTo(first + 299.5, 1);
    expect(minutes?.buckets?.max[0]).toBe(first + 599);
    // The minute that is still open has what it has so far.
    const [open_] = queryPoints(
      store,
      query({ resolution: "1m", fromMs: floorTo(at(2000), MINUTE_MS), toMs: at(2001) }),
    );
    expect(open_?.buckets?.max[0]).toBe(1999);
    store.close();
  });

  it("a steady point has its seconds too, though none are written", () => {
    writeFrames(
      chain(null, 1300, 1, "port", (s) => ({
        points: s === 1 ? [["dg1.activePowerKw", 500, "good"]] : [],
      })),
    );
    const store = catchUp(open());
    const [found] = queryPoints(store, query({ resolution: "1s", fromMs: at(10), toMs: at(1290) }));
    expect([...(found?.buckets?.mean ?? [])].every((value) => value === 500)).toBe(true);
    store.close();
  });

  it("joins buckets on the way out until they fit, and gives changes page by page", () => {
    writeFrames(chain(null, 700, 1, "port", steps));
    const store = catchUp(open());
    const [joined] = queryPoints(
      store,
      query({ resolution: "1s", samplesMax: 10, fromMs: at(0), toMs: at(600) }),
    );
    expect(joined?.buckets?.mean.length).toBe(10);
    expect(joined?.buckets?.stepMs).toBe(6000);
    const [page] = queryPoints(store, query({ samplesMax: 5 }));
    expect(page?.samples?.values).toEqual([0, 1, 2, 3, 4]);
    expect(changes(store, { samplesMax: 2, fromMs: page?.nextMs ?? 0 })).toEqual([
      [35, 5],
      [42, 6],
    ]);
    expect(() => queryPoints(store, query({ points: ["dg1.nothing"] }))).toThrow(
      /dg1\.activePowerKw.*REMS_NOT_FOUND/,
    );
    store.close();
  });

  it("a bad value does not count, and a hole without frames is no value", () => {
    const first = chain(null, 50, 1, "port", (s) => ({
      points:
        s === 1
          ? [["dg1.activePowerKw", 100, "good"]]
          : s === 30
            ? [["dg1.activePowerKw", 9, "bad"]]
            : [],
    }));
    const later = chain(lastOf(first), 5, 2, "port", (s) => ({
      plantTimeMs: s * 100 + 60_000,
      wallTimeMs: at(s) + 60_000,
      points: s === 51 ? [["dg1.activePowerKw", 200, "good"]] : [],
    }));
    writeFrames([...first, ...later]);
    const store = catchUp(open());
    const [found] = queryPoints(store, query({ resolution: "1s", fromMs: at(0), toMs: at(660) }));
    const mean = [...(found?.buckets?.mean ?? [])];
    expect(mean[1]).toBe(100);
    expect(mean.slice(4, 64).every(Number.isNaN)).toBe(true);
    expect(mean[65]).toBe(200);
    store.close();
  });
});

describe("energy", () => {
  it("counts by trapezoid over plant time, each direction for itself", () => {
    // In a scan of 100 ms 36,000 kW are one kilowatt-hour. The power rises by that much per scan, from −2 to 7 times it.
    writeFrames(
      chain(null, 10, 1, "port", (s) => ({
        points: [["dg1.activePowerKw", (s - 3) * 36_000, "good"]],
      })),
    );
    const store = catchUp(open());
    const total = (point: string) => store.registry.find("port", point)?.held;
    expect(total("dg1.energyOutKwh")).toBeCloseTo(24.5, 9);
    expect(total("dg1.energyInKwh")).toBeCloseTo(2, 9);
    store.close();
  });
});

describe("a restart at any moment", () => {
  it("gives the same history as none at all", () => {
    const frames = chain(null, 2500, 1, "port", steps);
    writeFrames(frames);
    const once = catchUp(open("once.db"));
    const expected = picture(once);
    once.close();
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2500 }), { maxLength: 5 }), (stops) => {
        rmSync(join(directory, "journal"), { recursive: true, force: true });
        rmSync(join(directory, "many.db"), { force: true });
        file = journalFile();
        let done = 0;
        for (const stop of [...stops.sort((a, b) => a - b), 2500]) {
          writeFrames(frames.slice(done, Math.max(done, stop)));
          done = Math.max(done, stop);
          // Closed without a word: what was not in the database by then comes from the journal again.
          catchUp(open("many.db")).close();
        }
        const many = catchUp(open("many.db"));
        expect(picture(many)).toEqual(expected);
        many.close();
      }),
      { numRuns: 8 },
    );
  });
});

describe("a failover", () => {
  const good = chain(null, 900, 1, "port", steps);
  const voided = chain(lastOf(good), 800, 1, "port", () => ({
    points: [["dg1.activePowerKw", 9999, "good"]],
  }));
  const next = chain(lastOf(good), 1200, 2, "port", steps);

  it("leaves no trace of frames that the new leader did not continue, however long ago they were", () => {
    writeFrames([...good, ...next]);
    const clean = catchUp(open("clean.db"));
    const expected = picture(clean);
    const events = queryRecords(clean.database, records("event"));
    clean.close();
    rmSync(join(directory, "journal"), { recursive: true, force: true });
    file = journalFile();
    writeFrames([...good, ...voided]);
    const store = catchUp(open());
    expect(changes(store).some(([, value]) => value === 9999)).toBe(true);
    write(voidBody("port", lastOf(good)));
    writeFrames(next);
    catchUp(store);
    expect(picture(store)).toEqual(expected);
    expect(queryRecords(store.database, records("event"))).toEqual(events);
    store.close();
  });

  it("goes through one failover after the other, marked or not", () => {
    const second = chain(lastOf(next.slice(0, 700)), 300, 3, "port", steps);
    const third = chain(lastOf(second.slice(0, 10)), 900, 4, "port", steps);
    writeFrames([...good, ...next.slice(0, 700), ...second.slice(0, 10), ...third]);
    const clean = catchUp(open("clean.db"));
    const expected = picture(clean);
    clean.close();
    rmSync(join(directory, "journal"), { recursive: true, force: true });
    file = journalFile();
    // As a node does that is overtaken without knowing, and that a mark tells about all of it at the end.
    writeFrames([...good, ...voided, ...next, ...second, ...third.slice(0, 20)]);
    write(voidBody("port", lastOf(third.slice(0, 20))));
    writeFrames(third.slice(20));
    const store = catchUp(open());
    expect(picture(store)).toEqual(expected);
    store.close();
  });

  it("waits for the rest of an entry that is being written, and takes nothing twice meanwhile", () => {
    const good = chain(null, 20);
    writeFrames([...good, ...chain(lastOf(good), 5)]);
    write(voidBody("port", lastOf(good)));
    const more = chain(lastOf(good), 30, 2);
    writeFrames(more);
    const store = catchUp(open());
    const [next] = chain(lastOf(more), 1, 2);
    const body = frameBody(present(next, "one frame was made"));
    const entry = Buffer.concat([entryPrefix(body), body]);
    const segment = segmentPath(join(directory, "journal"), 1);
    for (const byteCount of [5, 40, entry.length - 1]) {
      const half = openSync(segment, "a");
      const before = fstatSync(half).size;
      writeSync(half, entry.subarray(0, byteCount));
      expect(store.turn()).toBe(false);
      ftruncateSync(half, before);
      closeSync(half);
    }
    writeFrames([present(next, "one frame was made")]);
    expect(store.turn()).toBe(true);
    expect(store.reachMs("port")).toBe(at(51));
    store.close();
  });

  it("frames that were missed are a hole, behind which the snapshot's image holds", () => {
    const image = JSON.stringify({
      core: {},
      points: [["dg1.activePowerKw", 42, "good"]],
      connections: [],
    });
    const rest = chain(lastOf(good.slice(0, 800)), 50, 2, "port", () => ({}));
    writeFrames(good.slice(0, 400));
    write(snapshotBody(snapshotAt(lastOf(good.slice(0, 800)), "port", image)));
    writeFrames(rest);
    const store = catchUp(open());
    const [found] = queryPoints(store, query({ resolution: "1s", toMs: at(850) }));
    const mean = [...(found?.buckets?.mean ?? [])];
    expect(mean.slice(42, 79).every(Number.isNaN)).toBe(true);
    expect(mean.at(-2)).toBe(42);
    store.close();
  });
});

describe("records", () => {
  it("enter once, whatever is read again, and are found by what they are", () => {
    const request = {
      requestId: "r1",
      role: "operator",
      user: "ada",
      actor: "grids/port/devices/dg1",
      command: "start",
      arguments: { powerKw: 5 },
    } as const;
    const frames = chain(null, 20, 1, "port", (s) => ({ requests: s === 5 ? [request] : [] }));
    const event = {
      kind: "transition",
      actor: "grids/port/devices/dg1",
      text: "ready → starting: 100 % asked",
      details: {},
    };
    writeFrames(frames);
    write(noteBody(eventNote("port", 2000, event)), noteBody(eventNote("port", 2000, event)));
    const store = catchUp(open());
    store.close();
    const again = catchUp(open());
    const found = (table: RecordsQuery["table"], more: Partial<RecordsQuery> = {}) =>
      queryRecords(again.database, records(table, more)).rows;
    expect(found("event", { actorPrefix: "port/dg1" })).toMatchObject([
      { ...event, details: "{}" },
    ]);
    expect(found("event", { text: "100 %" })).toHaveLength(1);
    expect(found("event", { text: "100_%" })).toHaveLength(0);
    expect(found("audit", { user: "ada" })).toMatchObject([
      { request_id: "r1", action: "start", reason: "powerKw=5", outcome: "requested" },
    ]);
    expect(() => found("event", { pageToken: "x" })).toThrow(/REMS_REQUEST_INVALID/);
    again.close();
  });

  it("come page by page, newest first", () => {
    writeFrames(chain(null, 1));
    for (let i = 0; i < 25; i++) {
      const record = { kind: "test", actor: "grids/port", text: `${i}`, details: {} };
      write(noteBody(eventNote("port", 100, record)));
    }
    const store = catchUp(open());
    const texts: unknown[] = [];
    let pageToken = "";
    do {
      const page = queryRecords(store.database, records("event", { pageSize: 10, pageToken }));
      texts.push(...page.rows.map((row) => row["text"]));
      ({ nextPageToken: pageToken } = page);
    } while (pageToken !== "");
    expect(new Set(texts).size).toBe(25);
    expect(texts).toHaveLength(25);
    store.close();
  });
});
