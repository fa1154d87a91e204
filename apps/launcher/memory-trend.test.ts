import { expect, it } from "vitest";
import { memoryTrend } from "./memory-trend.ts";
import type { MemorySample } from "./memory-trend.ts";

function life(
  pid: number,
  fromS: number,
  toS: number,
  mbAt: (s: number) => number,
): MemorySample[] {
  const samples: MemorySample[] = [];
  for (let s = fromS; s <= toS; s += 10) {
    samples.push({ pid, atMs: s * 1000, residentMb: mbAt(s - fromS) });
  }
  return samples;
}

it("finds a leak of one megabyte a minute", () => {
  const { slopeMbPerMin } = memoryTrend(life(1, 0, 600, (s) => 100 + s / 60));
  expect(slopeMbPerMin).toBeCloseTo(1, 6);
});

it("does not count what a process takes in its first three minutes", () => {
  const { slopeMbPerMin, residentMbMax } = memoryTrend(
    life(1, 0, 600, (s) => Math.min(180, 100 + s)),
  );
  expect(slopeMbPerMin).toBeCloseTo(0, 6);
  expect(residentMbMax).toBe(180);
});

it("judges the longest life of a node that was started again", () => {
  const short = life(1, 0, 60, () => 300);
  const long = life(2, 70, 700, (s) => 100 + s / 600);
  const trend = memoryTrend([...short, ...long]);
  expect(trend.slopeMbPerMin).toBeCloseTo(0.1, 6);
  expect(trend.lifeMs).toBe(630_000);
  expect(trend.residentMbMax).toBe(300);
});

it.each([
  ["no samples", []],
  ["a life that ended before it was warm", life(1, 0, 170, () => 100)],
  ["less than a minute and a half after that", life(1, 0, 250, () => 100)],
])("says nothing about %s", (_name, samples) => {
  expect(memoryTrend(samples).slopeMbPerMin).toBeNull();
});
