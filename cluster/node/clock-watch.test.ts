import { expect, it } from "vitest";
import { compareClocks, createClockWatch } from "./clock-watch.ts";

const before = { monotonicMs: 1000, bootMs: 51_000, wallMs: 1_790_000_000_000 };

it.each([
  ["equal steps are steady", 100, 100, 100, "steady"],
  ["the boot clock's resolution is no suspension", 100, 115, 100, "steady"],
  ["boot time ahead of monotonic time is a suspension", 100, 400, 400, "suspended"],
  ["a pause of the process alone is none: all clocks went on", 5000, 5000, 5000, "steady"],
  ["a wall clock set back is a step, nothing more", 100, 100, -3_600_000, "wallStepped"],
])("%s", (_name, monotonicMs, bootMs, wallMs, expected) => {
  const now = {
    monotonicMs: before.monotonicMs + monotonicMs,
    bootMs: before.bootMs + bootMs,
    wallMs: before.wallMs + wallMs,
  };
  expect(compareClocks(before, now, 5).type).toBe(expected);
});

/** A machine whose clocks are set by hand. */
function machine() {
  const now = { monotonicMs: 1000, bootMs: 51_000, wallMs: 1_790_000_000_000 };
  let bootReadCount = 0;
  const clock = { monotonicMs: () => now.monotonicMs, wallMs: () => now.wallMs };
  const watch = createClockWatch(clock, 5, () => {
    bootReadCount++;
    return now.bootMs;
  });
  const pass = (monotonicMs: number, bootMs: number, wallMs: number) => {
    now.monotonicMs += monotonicMs;
    now.bootMs += bootMs;
    now.wallMs += wallMs;
  };
  return { watch, pass, bootReadCount: () => bootReadCount };
}

it("sees a sleep at the very first question after it, and asks the boot clock only where wall time is suspicious", () => {
  const { watch, pass, bootReadCount } = machine();
  const readCount = bootReadCount();
  pass(5000, 5000, 5000);
  expect(watch.sleptMs()).toBe(0);
  expect(bootReadCount()).toBe(readCount);
  pass(1, 3001, 3001);
  expect(watch.sleptMs()).toBe(3000);
  expect(watch.compare()).toEqual({ type: "suspended", byMs: 3000 });
  expect(watch.compare()).toEqual({ type: "steady" });
});

it("takes a wall clock that was set for what it is", () => {
  const { watch, pass } = machine();
  pass(100, 100, 3_600_100);
  expect(watch.sleptMs()).toBe(0);
  expect(watch.compare()).toEqual({ type: "wallStepped", byMs: 3_600_000 });
});
