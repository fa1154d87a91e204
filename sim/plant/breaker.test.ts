import { expect, it } from "vitest";
import { BreakerModel } from "./breaker.ts";

const STEP_MS = 5;

/** Time until the position changes, ms; infinity where it does not. */
function travelMs(breaker: BreakerModel): number {
  for (let ms = STEP_MS; ms <= 1000; ms += STEP_MS) if (breaker.step(STEP_MS)) return ms;
  return Number.POSITIVE_INFINITY;
}

it("a breaker closes in 60 ms and opens in 40; its contacts change at the end", () => {
  const breaker = new BreakerModel({ closeMs: 60, openMs: 40, isClosed: false });
  expect(breaker.close()).toBe(true);
  expect(breaker.isClosed).toBe(false);
  expect(travelMs(breaker)).toBe(60);
  expect(breaker.isClosed).toBe(true);
  expect(breaker.open()).toBe(true);
  expect(breaker.isClosed).toBe(true);
  expect(travelMs(breaker)).toBe(40);
  expect(breaker.movedCount).toBe(2);
});

it("a breaker that is told to open while it closes stays open, and one that has tripped does not close", () => {
  const breaker = new BreakerModel({ closeMs: 60, openMs: 40, isClosed: false });
  breaker.close();
  breaker.step(STEP_MS);
  breaker.open();
  expect(travelMs(breaker)).toBe(Number.POSITIVE_INFINITY);
  breaker.trip();
  expect(breaker.close()).toBe(false);
  breaker.reset();
  expect(breaker.close()).toBe(true);
  expect(travelMs(breaker)).toBe(60);
});
