import { expect, test } from "vitest";
import { createPlantTime } from "./plant-time.ts";

test("an hour of own frames takes an hour of plant time, though each carries whole milliseconds", () => {
  const plantTime = createPlantTime();
  plantTime.observe(0, 0);
  const periodMs = 100.7;
  for (let nowMs = periodMs; nowMs <= 3_600_000; nowMs += periodMs) {
    plantTime.observe(plantTime.at(nowMs), nowMs);
  }
  expect(plantTime.at(3_600_000)).toBeGreaterThanOrEqual(3_599_998);
  expect(plantTime.at(3_600_000)).toBeLessThanOrEqual(3_600_000);
});

test("it never goes back, also where a frame is older than what was expected", () => {
  const plantTime = createPlantTime();
  plantTime.observe(1000, 0);
  expect(plantTime.at(50.9)).toBe(1050);
  plantTime.observe(1020, 60);
  expect(plantTime.at(60)).toBe(1020);
  plantTime.observe(900, 70);
  expect(plantTime.at(70)).toBe(1020);
  expect(plantTime.at(70, 1030)).toBe(1030);
});
