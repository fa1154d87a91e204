import { expect, it } from "vitest";
import { compareClocks } from "./clock-watch.ts";

const before = { monotonicMs: 1000, bootMs: 51_000, wallMs: 1_790_000_000_000 };

it.each([
  ["equal steps are steady", 100, 100, 100, "steady"],
  ["the boot clock's resolution is no suspension", 100, 120, 100, "steady"],
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
