import { expect, it } from "vitest";
import { MUTANTS } from "../mutants/mutants.ts";
import { TEST_MUTANTS } from "../mutants/test-mutants.ts";
import { filesOfTest, rowsOfFailoverPage } from "../support/failover-page.ts";
import { read } from "./project-files.ts";

const rows = rowsOfFailoverPage();
const mutants = [...MUTANTS, ...TEST_MUTANTS].map(({ name }) => name);
const codes = rows.flatMap((row) => row.codes);

it("the page of the failover rules names tests that exist", () => {
  const named = rows.flatMap(({ tests }) => tests);
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((name) => filesOfTest(name).length === 0)).toEqual([]);
});

it("the page of the failover rules names every rule that a model takes away, and every mutant", () => {
  const removed = codes.filter((code) => code.startsWith("NO_"));
  const table = read("scripts/model-table.mjs").matchAll(/^ {2}(NO_[A-Z_]+): \{/gm);
  const removals = [...table].map((match) => match[1] ?? "");
  expect(removals.length).toBeGreaterThan(20);
  expect([...new Set(removed)].sort()).toEqual(removals.sort());
  expect(mutants.filter((name) => !codes.includes(name))).toEqual([]);
});

it("every rule on that page that names tests names a mutant which they are run against", () => {
  const without = rows.filter((row) => !row.codes.some((code) => mutants.includes(code)));
  expect(without.flatMap(({ tests }) => tests)).toEqual([]);
});
