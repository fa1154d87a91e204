import { describe, expect, it } from "vitest";
import { nextTrimPu } from "./restoration.ts";

const step = (trimPu: number, measuredPu: number | null, elapsedMs = 100) =>
  nextTrimPu({
    trimPu,
    measuredPu,
    droopPu: 0.04,
    deadbandPu: 0.0005,
    timeConstantS: 10,
    authorityPu: 0.05,
    elapsedMs,
  });

describe("secondary control", () => {
  it("adds what the error beyond the dead band stands for, over its time constant", () => {
    // 0.1 % low, 0.05 % of it counts: 1.25 % of rating in 10 s.
    expect(step(0, 0.999, 10_000)).toBeCloseTo(0.0125, 9);
    expect(step(0, 1.001, 10_000)).toBeCloseTo(-0.0125, 9);
  });

  it("rests within the dead band, and where nothing is known", () => {
    expect(step(0.02, 0.9996)).toBe(0.02);
    expect(step(0.02, null)).toBe(0.02);
  });

  it("never exceeds its authority", () => {
    expect(step(0.049, 0.998, 60_000)).toBe(0.05);
    expect(step(-0.049, 1.002, 60_000)).toBe(-0.05);
  });

  it("does not wind up on an error that it could not take out: a load step under way", () => {
    expect(step(0.01, 0.9974)).toBe(0.01);
    expect(step(0.01, 1.0026)).toBe(0.01);
  });

  it("brings a set whose governor is 1 % of rating off back to nominal, without overshoot", () => {
    // Steady state of one droop set: f = 1 + R · (reference + offset − load).
    let trimPu = 0;
    let lowest = 1;
    let measuredPu = 1;
    for (let ms = 0; ms < 120_000; ms += 100) {
      measuredPu = 1 + 0.04 * (0.6 + trimPu - 0.03 - 0.6);
      lowest = Math.min(lowest, measuredPu);
      trimPu = step(trimPu, measuredPu);
    }
    expect(lowest).toBeCloseTo(1 - 0.04 * 0.03, 9);
    expect(measuredPu).toBeGreaterThanOrEqual(1 - 0.000501);
    expect(measuredPu).toBeLessThanOrEqual(1);
  });
});
