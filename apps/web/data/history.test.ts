import { expect, it } from "vitest";
import { linesOf, pointWords, unitOfPoint } from "./history.ts";
import type { PointHistory } from "./messages.ts";

const history = (point: string, part: Partial<PointHistory>): PointHistory => ({
  series: { grid: "port", point, kind: "SERIES_KIND_NUMBER", isCounter: false },
  startMs: 0,
  stepMs: 0,
  min: [],
  mean: [],
  max: [],
  timesMs: [],
  values: [],
  labels: [],
  qualities: [],
  nextFromMs: 0,
  ...part,
});

it("lays roll-ups and changes over one axis of time; a change holds until the next", () => {
  const means = history("dg1.activePowerKw", {
    startMs: 1000,
    stepMs: 1000,
    mean: [10, null, 30],
    min: [9, null, 29],
    max: [11, null, 31],
  });
  const changes = history("dg1.frequencyHz", { timesMs: [1500, 2500], values: [50, 51] });
  const { times, lines } = linesOf([means, changes], unitOfPoint);
  expect(times).toEqual([1, 1.5, 2, 2.5, 3]);
  expect(lines[0]).toMatchObject({
    unit: "kW",
    values: [10, null, null, null, 30],
    isStepped: false,
  });
  expect(lines[0]?.band?.max).toEqual([11, null, null, null, 31]);
  expect(lines[1]).toMatchObject({ unit: "Hz", values: [null, 50, 50, 51, 51], isStepped: true });
});

it("holds nothing from where the history says that nothing is known", () => {
  const changes = history("f1.activePowerKw", {
    timesMs: [1000, 2000, 3000],
    values: [5, null, 7],
    qualities: ["SAMPLE_QUALITY_GOOD", "SAMPLE_QUALITY_NONE", "SAMPLE_QUALITY_GOOD"],
  });
  expect(linesOf([changes], unitOfPoint).lines[0]?.values).toEqual([5, null, 7]);
});

it("leaves out points without a history", () => {
  expect(linesOf([history("x.y", {})], unitOfPoint)).toEqual({ times: [], lines: [] });
});

it("reads unit and words from a point's name", () => {
  expect(unitOfPoint("dg1.energyOutKwh")).toBe("kWh");
  expect(unitOfPoint("bat1.socPct")).toBe("%");
  expect(unitOfPoint("dg1.isClosed")).toBe("");
  expect(pointWords("powerReferenceKw")).toBe("power reference");
  expect(pointWords("isReadyToStart")).toBe("ready to start");
});
