import { expect, it } from "vitest";
import { MUTANTS } from "../mutants/mutants.ts";
import { projectFiles, read } from "./project-files.ts";

const PAGE = "docs/07-resilience/failover.md";

/** Rows of its tables: what claims to hold a rule. */
const rows = read(PAGE)
  .split("\n")
  .filter((line) => line.startsWith("|"));
const inRows = (pattern: RegExp) =>
  rows.flatMap((row) => [...row.matchAll(pattern)].map((match) => match[1] ?? ""));

it("the page of the failover rules names tests that exist", () => {
  const tests = projectFiles()
    .filter((path) => path.endsWith(".test.ts"))
    .map(read)
    .join("\n");
  const named = inRows(/(?<!\*)\*([^*|]+)\*(?!\*)/g);
  expect(named.length).toBeGreaterThan(30);
  // What a test fills in for each of its cases stands as "..." on the page.
  const isThere = (name: string) => name.split("...").every((part) => tests.includes(part.trim()));
  expect(named.filter((name) => !isThere(name))).toEqual([]);
});

it("the page of the failover rules names every rule that a model takes away, and every mutant", () => {
  const codes = inRows(/`([A-Za-z_-]+)`/g);
  const removed = codes.filter((code) => code.startsWith("NO_"));
  const table = read("scripts/model-table.mjs").matchAll(/^ {2}(NO_[A-Z_]+): \{/gm);
  const removals = [...table].map((match) => match[1] ?? "");
  expect(removals.length).toBeGreaterThan(20);
  expect([...new Set(removed)].sort()).toEqual(removals.sort());
  expect(MUTANTS.map(({ name }) => name).filter((name) => !codes.includes(name))).toEqual([]);
});
