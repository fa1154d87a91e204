import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import { readCsvPlayback } from "./csv-series.ts";
import { createTerm, termSchema } from "./generators.ts";
import { describeManifest, loadPlayback } from "./load-playback.ts";
import { parsePlaybackMap } from "./playback-map.ts";
import { parseTime, type TimeFormat } from "./playback-times.ts";
import type { Playback } from "./signal.ts";

const configs = join(import.meta.dirname, "..", "..", "configs");
const vessel = loadManifest(join(configs, "vessel.toml"));
const describePoint = describeManifest(vessel);
const kindOf = (id: string) =>
  vessel.grids.flatMap((grid) => grid.devices).find((device) => device.id === id)?.kind ?? null;

describe("times of a file", () => {
  const at = Date.parse("2026-12-31T23:05:09Z");
  it.each<[string, TimeFormat, number]>([
    ["2026-12-31T23:05:09Z", "auto", at],
    ["2026-12-31 23:05:09", "auto", at],
    ["2026-12-31 23:05:09.250", "iso", at + 250],
    ["2027-01-01T00:05:09+01:00", "iso", at],
    ["31.12.2026 23:05:09", "auto", at],
    ["31.12.2026 23:05:09,5", "dd.mm.yyyy", at + 500],
    ["31/12/2026 23:05:09", "dd/mm/yyyy", at],
    ["12/31/2026 11:05:09 PM", "mm/dd/yyyy", at],
    ["2026/12/31 23:05:09", "auto", at],
    ["1798758309", "auto", at],
    ["1798758309000", "auto", at],
    ["1798758309", "epoch-s", at],
    ["2,5", "minutes", 150_000],
    ["0.5", "hours", 1_800_000],
    ["12.5", "auto", 12_500],
    ["07:30", "time-of-day", 27_000_000],
    ["12:30 AM", "time-of-day", 1_800_000],
  ])("%s (%s)", (text, format, expected) => expect(parseTime(text, format, 0)).toBe(expected));

  it("in a zone where they name none", () => {
    expect(parseTime("2027-01-01 00:05:09", "iso", 60)).toBe(at);
  });

  it.each<[string, TimeFormat]>([
    ["30.02.2026 10:00", "dd.mm.yyyy"],
    ["31/12/2026", "auto"],
    ["13/12/2026", "mm/dd/yyyy"],
    ["25:00", "time-of-day"],
    ["", "auto"],
    ["soon", "auto"],
  ])("%j is none (%s)", (text, format) => expect(parseTime(text, format, 0)).toBeNull());
});

/** Values of the only signal at these seconds. */
function valuesAt(playback: Playback, ...seconds: number[]) {
  const [signal] = playback.signals;
  return seconds.map((s) => signal?.at(s * 1000));
}

describe("a table", () => {
  const mapOf = (column: string, time = "") =>
    parsePlaybackMap(
      `[time]\n${time}\n[[columns]]\ncolumn = "P"\npoint = "f1.activePowerKw"\n${column}`,
      "map.toml",
    );

  it("plays columns that are named as points, without a map", () => {
    const text = "time,f1.activePowerKw,note,f2.activePowerKw\n0,100,x,1\n10,200,y,2\n";
    const playback = readCsvPlayback(text, "a.csv", null, describePoint);
    expect(playback.signals.map(({ device }) => device)).toEqual(["f1", "f2"]);
    expect(playback.durationMs).toBe(10_000);
    expect(valuesAt(playback, 0, 5, 10, 99)).toEqual([100, 100, 200, 200]);
  });

  it("turns units, takes decimal commas, dates and rows in any order", () => {
    const text = "t;P\n31.12.2026 00:00:10;0,25\n31.12.2026 00:00:00;0,5\n";
    const playback = readCsvPlayback(
      text,
      "a.csv",
      mapOf('unit = "MW"\nscale = 0.5\noffset = 1'),
      describePoint,
    );
    expect(valuesAt(playback, 0, 10)).toEqual([251, 126]);
    expect(playback.startWallMs).toBe(Date.parse("2026-12-31T00:00:00Z"));
  });

  it("joins by lines, and has gaps that hold, are zero or give the device back", () => {
    const text = "t,P\n0,100\n10,200\n100,300\n";
    const play = (column: string) => readCsvPlayback(text, "a.csv", mapOf(column), describePoint);
    expect(valuesAt(play('between = "line"'), 5, 55)).toEqual([150, 250]);
    expect(valuesAt(play('between = "line"\ngap_s = 20'), 5, 55)).toEqual([150, 200]);
    expect(valuesAt(play('gap_s = 20\nin_gap = "zero"'), 25, 55, 100)).toEqual([200, 0, 300]);
    expect(valuesAt(play('gap_s = 20\nin_gap = "release"'), 55)).toEqual([null]);
  });

  it("takes what is no number as a gap, and says where", () => {
    const text = "t,P\n0,100\n1,NaN\n2,\n3,12x\nlater,5\n4,140\n";
    const playback = readCsvPlayback(text, "a.csv", mapOf(""), describePoint);
    expect(valuesAt(playback, 1, 3, 4)).toEqual([100, 100, 140]);
    expect(playback.remarks).toEqual([
      'a.csv:6: "later" is no time (auto); the row is passed over',
      'a.csv:5: "12x" is no number for f1.activePowerKw; taken as a gap',
    ]);
  });

  it.each([
    [
      "t,P\n0,1\n",
      'unit = "kV"',
      'unit "kV" cannot be turned into kW of f1.activePowerKw; allowed are W, kW, MW',
    ],
    ["t,Q\n0,1\n", "", 'found no column "P"; allowed: "t", "Q"'],
    ["t,P\n", "", "found no rows below a row of headings"],
    ["t,P\nsoon,1\n", "", 'found no time in column "t"'],
  ])("is refused with what is allowed: %j", (text, column, error) => {
    expect(() => readCsvPlayback(text, "a.csv", mapOf(column), describePoint)).toThrow(error);
  });

  it("names points that there are not", () => {
    const map = parsePlaybackMap(
      '[[columns]]\ncolumn = 2\npoint = "dg1.powerReferenceKw"\n',
      "map.toml",
    );
    expect(() => readCsvPlayback("t,P\n0,1\n", "a.csv", map, describePoint)).toThrow(
      'the installation has no point "dg1.powerReferenceKw"',
    );
    expect(() => parsePlaybackMap("[[columns]]\ncolumns = 2\n", "map.toml")).toThrow(
      "map.toml: columns.0",
    );
  });
});

describe("generated signals", () => {
  const term = (value: object, startH = 0) => createTerm(termSchema.parse(value), startH);

  it("sine, steps and ramps are what their formulas say", () => {
    const sine = term({ kind: "sine", mean: 10, amplitude: 2, period_s: 40 });
    expect([0, 10, 20, 30].map((s) => Math.round(sine(s) * 1000) / 1000)).toEqual([10, 12, 10, 8]);
    const at_h = [
      [0, 1],
      [1, 5],
    ];
    expect([0, 3599, 3600, 9000].map(term({ kind: "steps", at_h }))).toEqual([1, 1, 5, 5]);
    expect([0, 1800, 3600, 9000].map(term({ kind: "ramps", at_h }))).toEqual([1, 3, 5, 5]);
    expect([24 * 3600, 25 * 3600].map(term({ kind: "steps", at_h, repeat_h: 24 }))).toEqual([1, 5]);
  });

  it("noise is one course for a seed, whichever way it is looked at, with the deviation asked for", () => {
    const noise = { kind: "noise", deviation: 10, tau_s: 5, seed: 7 };
    const one = term(noise);
    const values = Array.from({ length: 5000 }, (_, s) => one(s));
    const again = term(noise);
    expect([again(400), again(100), again(400)]).toEqual([values[400], values[100], values[400]]);
    const rms = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    expect(rms).toBeGreaterThan(7);
    expect(rms).toBeLessThan(11);
    expect(term({ ...noise, seed: 8 })(400)).not.toBe(values[400]);
    expect(term({ ...noise, between_h: [[1, 2]] })(400)).toBe(0);
  });

  it("days begin at the hour that playing begins, and the sun sets", () => {
    const hours = Array.from({ length: 24 }, (_, h) => h * 10);
    expect(term({ kind: "day", hours }, 6)(1800)).toBe(65);
    expect(term({ kind: "day", hours, smooth: false }, 23)(3600)).toBe(0);
    const sun = term({ kind: "sun", peak: 400, sunrise_h: 6, sunset_h: 18 });
    expect([5, 12, 19].map((h) => Math.round(sun(h * 3600)))).toEqual([0, 400, 0]);
  });
});

describe("what is shipped", () => {
  it("the voyage drives the vessel with the loads of its day", () => {
    const voyage = loadPlayback("voyage", null, describePoint, kindOf);
    const totalAt = (h: number) =>
      voyage.signals
        .filter(({ point }) => point === "activePowerKw")
        .reduce((sum, signal) => sum + Number(signal.at(h * 3_600_000)), 0);
    expect([1, 7, 17, 22].map((h) => Math.round(totalAt(h)))).toEqual([480, 420, 660, 480]);
    expect(Math.abs(totalAt(12) - 660)).toBeLessThan(60);
    const thrusters = voyage.signals.filter(({ point }) => point === "demandKw");
    expect(thrusters.map((signal) => signal.at(3_600_000))).toEqual([0, 0]);
    expect(thrusters.map((signal) => Number(signal.at(5.75 * 3_600_000)) > 0)).toEqual([
      true,
      true,
    ]);
  });

  it("the land site's day fits its installation", () => {
    const land = loadManifest(join(configs, "land-battery.toml"));
    const day = loadPlayback("land-day", null, describeManifest(land), () => null);
    expect(day.signals).toHaveLength(4);
    // 09:00, three hours after the start.
    expect(Number(day.signals[0]?.at(3 * 3_600_000))).toBe(220);
  });

  it("a name that is nothing is told what there is", () => {
    expect(() => loadPlayback("journey", null, describePoint, kindOf)).toThrow(
      "shipped are voyage and land-day",
    );
  });
});

describe("an incident", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "r-ems-playback-"));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("plays what its consumers drew when it happened", () => {
    const path = join(
      import.meta.dirname,
      "..",
      "..",
      "test",
      "incidents",
      "vessel-failover.incident",
    );
    const playback = loadPlayback(path, null, describePoint, kindOf);
    const names = playback.signals.map(({ device, point }) => `${device}.${point}`);
    expect(names).toEqual(expect.arrayContaining(["f1.activePowerKw", "bt1.demandKw"]));
    expect(names.filter((name) => name.startsWith("dg"))).toEqual([]);
    const f1 = playback.signals.find(({ device }) => device === "f1");
    expect(Number(f1?.at(30_000))).toBeGreaterThan(180);
  });

  it("or a table with a map that adds generated signals", () => {
    const csv = join(directory, "a.csv");
    const map = join(directory, "a.toml");
    writeFileSync(csv, "t,P\n0,100\n");
    const columns = '[[columns]]\ncolumn = "P"\npoint = "f1.activePowerKw"\n';
    writeFileSync(
      map,
      `${columns}[[signals]]\npoint = "f2.activePowerKw"\nterms = [{ kind = "constant", value = 7 }]\n`,
    );
    const playback = loadPlayback(csv, map, describePoint, kindOf);
    expect(playback.signals.map((signal) => signal.at(0))).toEqual([100, 7]);
    expect(readFileSync(csv, "utf8")).toContain("P");
  });
});
