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

it("bears what it is given for a day", () => {
  const count = spendAll(new WriteBudget(240), 24);
  expect(count).toBeLessThanOrEqual(240);
  expect(count).toBeGreaterThanOrEqual(238);
});

it("begins with nothing, saves up an hour's share, and that may go at once", () => {
  const budget = new WriteBudget(240);
  expect(budget.has(0)).toBe(false);
  let burst = 0;
  while (budget.has(3 * HOUR_MS)) {
    budget.spend(3 * HOUR_MS);
    burst++;
  }
  expect(burst).toBe(10);
  expect(budget.has(3 * HOUR_MS + HOUR_MS / 10 - 1000)).toBe(false);
  expect(budget.has(3 * HOUR_MS + HOUR_MS / 10 + 1000)).toBe(true);
});

it("a budget of one a day allows one, after that day", () => {
  const budget = new WriteBudget(1);
  expect(spendAll(budget, 24)).toBe(0);
  expect(spendAll(budget, 24, 24 * HOUR_MS)).toBe(1);
});

it("quiet days are not saved up", () => {
  const budget = new WriteBudget(240);
  spendAll(budget, 1);
  expect(spendAll(budget, 1, 30 * 24 * HOUR_MS)).toBeLessThanOrEqual(20);
});

it("processes that are started again and again, and controllers that take turns, spend no more than one", () => {
  let count = 0;
  for (let start = 0; start < 24 * 12; start++)
    count += spendAll(new WriteBudget(240), 1 / 12, (start * HOUR_MS) / 12);
  const turns = [new WriteBudget(240), new WriteBudget(240)];
  for (let turn = 0; turn < 24; turn++) {
    const budget = turns[turn % 2];
    budget?.empty();
    count += budget === undefined ? 0 : spendAll(budget, 1, (24 + turn) * HOUR_MS);
  }
  expect(count).toBeLessThanOrEqual(480);
});
