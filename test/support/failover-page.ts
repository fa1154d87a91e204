import { projectFiles, read } from "../house/project-files.ts";

/** What the page of the failover rules says of each rule, and what it claims to hold it. */

const PAGE = "docs/07-resilience/failover.md";

export interface RuleRow {
  readonly rule: string;
  /** Names of tests; what a test fills in for each of its cases stands as "...". */
  readonly tests: readonly string[];
  /** Models' removals, mutants and whatever else stands in a fixed width. */
  readonly codes: readonly string[];
}

const all = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map((match) => match[1] ?? "");

/** Rows of its tables of rules; what stands before them explains. */
export function rowsOfFailoverPage(): readonly RuleRow[] {
  const [, rules = ""] = read(PAGE).split("\n## Rules, and what holds each\n");
  return rules
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => ({
      rule: line.split("|")[1]?.trim() ?? "",
      tests: all(line.split("|")[3] ?? "", /(?<!\*)\*([^*|]+)\*(?!\*)/g),
      codes: all(line, /`([A-Za-z_-]+)`/g),
    }));
}

/** The test files that hold a test of that name. */
export function filesOfTest(name: string): readonly string[] {
  const parts = partsOf(name);
  return testTexts()
    .filter(({ text }) => parts.every((part) => text.includes(part)))
    .map(({ path }) => path);
}

/** Finds a test of that name among what vitest reports. */
export function patternOfTest(name: string): string {
  const escaped = partsOf(name).map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return escaped.join(".*");
}

const partsOf = (name: string) => name.split("...").map((part) => part.trim());

let texts: readonly { readonly path: string; readonly text: string }[] | null = null;

function testTexts() {
  texts ??= projectFiles()
    .filter((path) => path.endsWith(".test.ts"))
    .map((path) => ({ path, text: read(path) }));
  return texts;
}
