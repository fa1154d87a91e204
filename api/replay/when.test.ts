import { describe, expect, it } from "vitest";
import { parseDuration, parseWhen } from "./when.ts";

const startMs = Date.parse("2026-11-26T23:50:00Z");
const frame = { startMs, endMs: startMs + 1_200_000 };
const utc = (text: string) => new Date(parseWhen(text, frame)).toISOString().slice(0, 19);

describe("a time on the command line", () => {
  it.each([
    ["2026-11-26T23:55:01Z", "2026-11-26T23:55:01"],
    ["2026-11-26T23:55:01", "2026-11-26T23:55:01"],
    ["2026-11-26 23:55", "2026-11-26T23:55:00"],
    ["2026-11-27T00:55:01+01:00", "2026-11-26T23:55:01"],
    ["23:55:01", "2026-11-26T23:55:01"],
    ["00:05", "2026-11-27T00:05:00"],
    ["+90s", "2026-11-26T23:51:30"],
    ["-10m", "2026-11-27T00:00:00"],
    ["start", "2026-11-26T23:50:00"],
    ["end", "2026-11-27T00:10:00"],
    ["now", "2026-11-27T00:10:00"],
  ])("%s is %s", (text, expected) => expect(utc(text)).toBe(expected));

  it.each(["", "yesterday", "25:00", "+5", "2026-13-01", "12"])(
    "%j is none, and the error says what is",
    (text) => expect(() => utc(text)).toThrow("allowed are 2026-11-26T00:13:00Z"),
  );

  it("durations have a unit", () => {
    expect(["250ms", "1.5s", "2m", "1h", "7", "s"].map(parseDuration)).toEqual([
      250,
      1500,
      120_000,
      3_600_000,
      null,
      null,
    ]);
  });
});
