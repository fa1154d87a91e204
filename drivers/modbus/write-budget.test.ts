import { expect, it } from "vitest";
import { WriteBudget } from "./write-budget.ts";

const HOUR_MS = 3_600_000;

/** Writes whenever it may, every second for so many hours. */
function spendAll(budget: WriteBudget, hours: number, fromMs = 0): number {
  let count = 0;
  for (let atMs = fromMs; atMs < fromMs + hours * HOUR_MS; atMs += 1000) {
    if (!budget.has(atMs)) continue;
    budget.spend(atMs);
    count++;
  }
  return count;
}

it("bears what it is given for a day, and an hour's share more at the start", () => {
  expect(spendAll(new WriteBudget(240), 24)).toBeLessThanOrEqual(250);
  expect(spendAll(new WriteBudget(240), 24)).toBeGreaterThanOrEqual(248);
});

it("an hour's share may go at once, then one at a time", () => {
  const budget = new WriteBudget(240);
  let burst = 0;
  while (budget.has(0)) {
    budget.spend(0);
    burst++;
  }
  expect(burst).toBe(10);
  expect(budget.has(HOUR_MS / 10 - 1000)).toBe(false);
  expect(budget.has(HOUR_MS / 10 + 1000)).toBe(true);
});

it("a budget of one a day allows one", () => {
  const budget = new WriteBudget(1);
  expect(spendAll(budget, 24)).toBe(1);
  expect(spendAll(budget, 2, 24 * HOUR_MS)).toBe(1);
});

it("quiet days are not saved up", () => {
  const budget = new WriteBudget(240);
  spendAll(budget, 1);
  expect(spendAll(budget, 1, 30 * 24 * HOUR_MS)).toBeLessThanOrEqual(20);
});
