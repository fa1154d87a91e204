import { expect, it } from "vitest";
import { Latency } from "./latency.ts";

const after = (...answersMs: number[]) => {
  const latency = new Latency(500);
  for (const ms of answersMs) latency.answered(ms);
  return latency;
};

it("waits as long as the profile says until something was measured", () => {
  expect(new Latency(500).timeoutMs).toBe(500);
  expect(new Latency(500).meanMs).toBeNull();
});

it.each([
  ["a quick device is given 150 ms", after(...Array.from({ length: 50 }, () => 1)), 150],
  ["a slow one twice what it takes", after(...Array.from({ length: 99 }, () => 100)), 200],
  ["never more than the profile says", after(400, 450, 400), 500],
])("%s", (_name, latency, timeoutMs) => {
  expect(latency.timeoutMs).toBeCloseTo(timeoutMs, 0);
});

it("a device that answers unevenly is waited for longer", () => {
  const even = after(...Array.from({ length: 60 }, () => 60));
  const uneven = after(...Array.from({ length: 60 }, (_, i) => (i % 2 ? 20 : 100)));
  expect(uneven.timeoutMs).toBeGreaterThan(even.timeoutMs * 2);
});

it("each time-out doubles the wait up to the limit, and an answer ends that", () => {
  const latency = after(...Array.from({ length: 50 }, () => 1));
  const waits: number[] = [];
  for (let i = 0; i < 4; i++) {
    latency.timedOut();
    waits.push(Math.round(latency.timeoutMs));
  }
  expect(waits).toEqual([300, 500, 500, 500]);
  latency.answered(1);
  expect(Math.round(latency.timeoutMs)).toBe(150);
});

it("a silent device is not waited for any longer", () => {
  const latency = after(...Array.from({ length: 50 }, () => 1));
  latency.timedOut();
  latency.settle();
  expect(Math.round(latency.timeoutMs)).toBe(150);
});
