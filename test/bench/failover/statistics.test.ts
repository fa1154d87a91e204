import { describe, expect, it } from "vitest";
import { quantile, rateUpperPerHour } from "./statistics.ts";

const upTo = (n: number) => Array.from({ length: n }, (_, i) => n - i);

describe("quantile", () => {
  it("is the value of the nearest rank, whatever the order", () => {
    expect(quantile(upTo(100), 0.5).value).toBe(50);
    expect(quantile(upTo(100), 0.99).value).toBe(99);
    expect(quantile([7], 0.99).value).toBe(7);
  });

  // Ranks 40 and 61 of 100: the table of confidence intervals of a median in David and Nagaraja.
  it("gives the median of 100 values the interval of the 40th to the 61st", () => {
    expect(quantile(upTo(100), 0.5)).toEqual({ value: 50, low: 40, high: 61 });
  });

  it("has no upper bound of a 99th percentile from 100 values, and one from 500", () => {
    expect(quantile(upTo(100), 0.99).high).toBeNull();
    const { value, low, high } = quantile(upTo(500), 0.99);
    expect(value).toBe(495);
    expect(low).toBeLessThan(495);
    expect(high).toBeGreaterThan(495);
  });

  it("encloses the true quantile about as often as it says", () => {
    // A sequence that fills the unit interval evenly stands for 400 independent samples of 60.
    let seed = 1;
    const next = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    let hits = 0;
    for (let run = 0; run < 400; run++) {
      const { low, high } = quantile(Array.from({ length: 60 }, next), 0.5);
      if ((low ?? 0) <= 0.5 && (high ?? 1) >= 0.5) hits++;
    }
    expect(hits / 400).toBeGreaterThan(0.93);
  });
});

describe("rateUpperPerHour", () => {
  it("is three per hour after an hour without an event", () => {
    expect(rateUpperPerHour(0, 1)).toBeCloseTo(2.996, 2);
  });

  it("is 4.74 after one event, and scales with time", () => {
    expect(rateUpperPerHour(1, 1)).toBeCloseTo(4.744, 2);
    expect(rateUpperPerHour(1, 0.5)).toBeCloseTo(9.488, 2);
  });
});
