import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { alarmNote } from "../../kernel/history-record.ts";
import { debianTool } from "../../test/peers/debian-tools.ts";
import { eventually } from "../../test/support/eventually.ts";
import { frameBody, noteBody } from "../journal-entry.ts";
import { JournalFile } from "../journal-file.ts";
import { openSegmentDisk } from "../segment-disk.ts";
import { HistoryStore } from "../store/history-store.ts";
import { chain, lastOf, WALL_ORIGIN_MS } from "../test-frames.ts";
import { createInfluxServer, recordLine, sampleLine } from "./influxdb.ts";
import { startExports } from "./start-exports.ts";

let directory: string;
let port: number;
let influxd: ChildProcess | null = null;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
}

async function startInflux(): Promise<void> {
  const folder = join(directory, "influx");
  influxd = spawn(debianTool("influxdb").program, [], {
    stdio: "ignore",
    env: {
      ...process.env,
      INFLUXDB_REPORTING_DISABLED: "true",
      INFLUXDB_BIND_ADDRESS: "127.0.0.1:0",
      INFLUXDB_HTTP_BIND_ADDRESS: `127.0.0.1:${port}`,
      INFLUXDB_META_DIR: join(folder, "meta"),
      INFLUXDB_DATA_DIR: join(folder, "data"),
      INFLUXDB_DATA_WAL_DIR: join(folder, "wal"),
    },
  });
  const isThere = () =>
    server()
      .ping()
      .then(
        () => true,
        () => false,
      );
  await eventually("InfluxDB answers", isThere, 30_000);
}

function stopInflux(): Promise<void> {
  const child = influxd;
  influxd = null;
  if (child === null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

const url = () => `http://127.0.0.1:${port}`;
const server = () => createInfluxServer({ url: url(), database: "rems", secret: "" });

async function ask(query: string): Promise<(number | string)[][]> {
  const path = `${url()}/query?db=rems&epoch=ms&q=${encodeURIComponent(query)}`;
  const answer = (await (await fetch(path, { method: "POST" })).json()) as {
    results: { series?: { values: (number | string)[][] }[] }[];
  };
  return answer.results[0]?.series?.[0]?.values ?? [];
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "rems-influx-"));
  port = await freePort();
  await startInflux();
  await ask("CREATE DATABASE rems");
});
afterAll(async () => {
  await stopInflux();
  rmSync(directory, { recursive: true, force: true });
});

it("a real server that is lost and comes back has everything once: what it missed is given to it from the store", async () => {
  const { file } = JournalFile.open(openSegmentDisk(join(directory, "journal")), ["port"], {
    segmentBytesMax: 1e6,
    totalBytesMax: 1e9,
  });
  const frames = chain(null, 3000, 1, "port", (s) => ({
    points:
      s % 5 === 0
        ? [
            ["dg1.activePowerKw", s, "good"],
            ["dg1.isClosed", s % 50 === 0, "good"],
          ]
        : [],
  }));
  const store = new HistoryStore({
    path: join(directory, "history.db"),
    journalDirectory: join(directory, "journal"),
    grids: [{ id: "port", metered: [] }],
    deadBandOf: () => 0,
  });
  const write = (from: number, to: number) => {
    for (const frame of frames.slice(from, to)) file.append(frameBody(frame));
    file.flush();
    while (store.turn());
  };
  const lost: (string | null)[] = [];
  const exports = startExports({
    options: [
      { id: "one", kind: "influxdb", url: url(), namespace: "", database: "rems", secret: "" },
    ],
    grids: ["port"],
    store: () => store,
    onLostChanged: (reason) => void lost.push(reason),
  });
  const count = async () => Number((await ask('SELECT COUNT(value) FROM "point"'))[0]?.[1] ?? 0);
  // The last ten seconds may still be taken back.
  const settled = (sequence: number) => Math.ceil((sequence - 100) / 5) - 1;
  try {
    write(0, 1000);
    const alarm = {
      code: "A",
      actor: "grids/port",
      priority: "high",
      change: "raised",
      text: 'a "b", c=d',
      user: "",
    } as const;
    file.append(noteBody(alarmNote("port", 100_000, alarm)));
    await expect.poll(count, { timeout: 15_000 }).toBe(settled(1000));

    await stopInflux();
    await expect.poll(() => lost.length, { timeout: 2500 }).toBe(1);
    write(1000, 2500);
    await startInflux();
    await expect.poll(() => lost.at(-1), { timeout: 5000 }).toBe(null);
    await expect.poll(count, { timeout: 15_000 }).toBe(settled(2500));
    write(2500, 3000);
    await expect.poll(count, { timeout: 15_000 }).toBe(settled(3000));

    const values = await ask("SELECT value FROM \"point\" WHERE point='activePowerKw'");
    expect(
      values.map(([timeMs, value]) => [(Number(timeMs) - WALL_ORIGIN_MS) / 100, value]),
    ).toEqual(Array.from({ length: settled(3000) }, (_, i) => [(i + 1) * 5, (i + 1) * 5]));
    expect(await ask("SELECT text FROM alarm")).toMatchObject([[expect.anything(), 'a "b", c=d']]);
    expect(lastOf(frames).sequence).toBe(3000);
  } finally {
    exports.stop();
    store.close();
    file.close();
  }
}, 90_000);

it("lines are escaped as the protocol wants it", () => {
  const sample = { grid: "a b", device: "dg=1", point: "p,q", timeMs: 5, quality: "good" };
  expect(sampleLine({ ...sample, value: 'x"\\' })).toBe(
    'point,grid=a\\ b,device=dg\\=1,point=p\\,q label="x\\"\\\\",quality="good" 5000000',
  );
  expect(sampleLine({ ...sample, value: null })).toMatch(/ quality="good" 5000000$/);
  const record = {
    type: "event",
    key: "000000ff00",
    grid: "port",
    timeMs: 7,
    fields: { text: "a\nb" },
  } as const;
  expect(recordLine(record)).toBe('event,grid=port text="a b",key="000000ff00" 7000255');
});
