import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startApi, type ApiHandle } from "../../../api/api.ts";
import { loadManifest } from "../../../configs/load-manifest.ts";
import { frameBody, noteBody } from "../../../history/journal-entry.ts";
import { JournalFile } from "../../../history/journal-file.ts";
import { openSegmentDisk } from "../../../history/segment-disk.ts";
import { startStore, type StoreHandle } from "../../../history/store/store.ts";
import { chain, WALL_ORIGIN_MS } from "../../../history/test-frames.ts";
import { alarmNote } from "../../../kernel/history-record.ts";
import { runCli } from "../cli.ts";
import { plotText } from "./plot.ts";

let directory: string;
let api: ApiHandle;
let store: StoreHandle;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "rems-history-"));
  const { file } = JournalFile.open(openSegmentDisk(join(directory, "journal")), ["port"], {
    segmentBytesMax: 1e6,
    totalBytesMax: 1e9,
  });
  const frames = chain(null, 1500, 1, "port", (s) => ({
    points: [
      ["dg1.activePowerKw", Math.floor(s / 10), "good"],
      ["bat1.state", s < 700 ? "ready" : "following", "good"],
    ],
  }));
  for (const frame of frames) file.append(frameBody(frame));
  const alarm = {
    code: "DEVICE_TRIPPED",
    actor: "grids/port/devices/dg1",
    priority: "high",
    change: "raised",
    text: 'dg1 has tripped, "again"',
    user: "",
  } as const;
  file.append(noteBody(alarmNote("port", 150_000, alarm)));
  file.flush();
  file.close();
  store = await startStore(
    {
      path: join(directory, "history", "history.db"),
      journalDirectory: join(directory, "journal"),
      grids: [{ id: "port", metered: [{ device: "dg1", isSource: true }] }],
      deadBands: [],
      retention: {
        rawDays: 1e4,
        secondsDays: 1e4,
        minutesDays: 1e4,
        quartersDays: 1e4,
        recordsDays: 1e4,
        sizeBytesMax: 1e9,
      },
      servers: [],
    },
    { onHealthChanged: () => {}, onServersChanged: () => {}, onRestarted: () => {} },
  );
  api = await startApi({
    manifest: loadManifest(new URL("../../../configs/vessel.toml", import.meta.url).pathname),
    node: "n1",
    version: "0.1.0",
    operatorPort: 0,
    httpPort: 0,
    onSnapshotNeeded: () => {},
    onHealthChanged: () => {},
  });
  api.connectHistory(store.connect());
});
afterAll(async () => {
  await api.close();
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

async function run(...argv: readonly string[]) {
  const out: string[] = [];
  const error: string[] = [];
  const terminal = {
    out: (text: string) => void out.push(text),
    error: (text: string) => void error.push(text),
    hasColours: false,
  };
  const address = `--address=127.0.0.1:${api.operatorPort}`;
  const all = [address, "--timeout=20", ...argv];
  const code = await runCli(all, terminal, new AbortController().signal);
  return { code, out: out.join("\n"), error: error.join("\n") };
}
const RANGE = [
  "--from",
  new Date(WALL_ORIGIN_MS).toISOString(),
  "--to",
  new Date(WALL_ORIGIN_MS + 150_100).toISOString(),
];

it("lists what has a history, finds the grid of a point by itself, and names what there is instead of what there is not", async () => {
  const alarms = () => run("history", "alarms", ...RANGE).then(({ out }) => out);
  await expect.poll(alarms, { timeout: 20_000 }).toContain("TRIPPED");
  const series = await run("history", "series");
  expect(series.out).toMatch(/port +dg1\.energyOutKwh +counter/);
  const picture = await run("history", "points", "dg1.activePowerKw", ...RANGE);
  expect(picture.out).toMatch(/SIMULATION\ndg1\.activePowerKw +min 0 +mean .* max 149/);
  const absent = await run("history", "points", "dg1.speed", ...RANGE);
  expect(absent.code).not.toBe(0);
  expect(absent.error).toContain("port: dg1.activePowerKw");
});

it("gives values as JSON and changes of labels as a table", async () => {
  const json = await run(
    "--json",
    "history",
    "points",
    "dg1.activePowerKw",
    "--resolution",
    "1m",
    ...RANGE,
  );
  const history = JSON.parse(json.out) as { mean: number[]; stepMs: number };
  expect(history.stepMs).toBe(60_000);
  expect(history.mean.length).toBeGreaterThanOrEqual(3);
  const table = await run("history", "points", "bat1.state", "--resolution", "raw", ...RANGE);
  expect(table.out).toMatch(/ready +good\n.*following +good/);
});

it("exports CSV: roll-ups, changes, and records with quotes", async () => {
  const points = await run(
    "history",
    "export",
    "dg1.activePowerKw",
    "--resolution",
    "1s",
    "--stat",
    "min,max",
    "-o",
    "-",
    ...RANGE,
  );
  const lines = points.out.split("\n");
  expect(lines[0]).toBe("time,dg1.activePowerKw.min,dg1.activePowerKw.max");
  expect(lines[2]).toBe("2023-11-14T22:13:21.000Z,1,1");
  expect(lines).toHaveLength(151);
  const file = join(directory, "alarms.csv");
  expect((await run("history", "export", "alarms", "-o", file, ...RANGE)).code).toBe(0);
  expect(readFileSync(file, "utf8")).toContain('"dg1 has tripped, ""again"""');
});

it.each([
  [
    "a statistic that there is not",
    ["dg1.activePowerKw", "--stat", "min,avg", "-o", "-"],
    "min, mean, max",
  ],
  [
    "a file that cannot be written",
    ["alarms", "-o", "/dev/null/alarms.csv"],
    "/dev/null/alarms.csv cannot be written",
  ],
])("export refuses %s, and says so", async (_name, argv, text) => {
  const { code, error } = await run("history", "export", ...argv, ...RANGE);
  expect([code, error]).toEqual([2, expect.stringContaining(text)]);
});

it("a list that ends at its limit says so", async () => {
  const { out } = await run("history", "alarms", "--limit", "1", ...RANGE);
  expect(out).toMatch(/DEVICE_TRIPPED.*\nthe newest 1; --limit shows more$/);
});

it("backs up while it runs, restores into a stopped node, and refuses what is no backup", async () => {
  const made = await run("--json", "history", "backup", "one.db");
  const { path } = JSON.parse(made.out) as { path: string };
  expect((await run("history", "backup", "one.db")).error).toMatch(/exists already/);
  const other = join(directory, "other");
  expect((await run("history", "restore", path, other)).out).toMatch(/restored to/);
  const refused = await run("history", "restore", new URL(import.meta.url).pathname, other);
  expect(refused.error).toMatch(/no backup that can be restored/);
});

it("a curve has its band, its gap and its scale", () => {
  const mean = Array.from({ length: 60 }, (_, i) => (i > 20 && i < 40 ? Number.NaN : i));
  const text = plotText({ startMs: 0, stepMs: 1000, min: mean, mean, max: mean }, 51, 4);
  expect(`\n${text}`).toMatchInlineSnapshot(`
    "
            59┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⣀⣀⡠⠤⠤⠒⠒⠒⠉
              ┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠒⠉⠉⠉⠀⠀⠀⠀⠀⠀⠀⠀⠀
        19.667┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⢀⣀⣀⠤⠤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀
             0┤⣀⡠⠤⠤⠒⠒⠒⠉⠉⠁⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀
               00:00:00      00:00:30      00:01:00 UTC"
  `);
});
