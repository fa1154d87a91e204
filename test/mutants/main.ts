import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { writeMarkdownIntoPage } from "../support/write-page.ts";
import { cache, root } from "./apply-mutant.ts";
import type { Mutant } from "./mutants.ts";
import { MUTANTS } from "./mutants.ts";
import type { MutantRow } from "./progress.ts";
import { openProgress } from "./progress.ts";
import { runMutant, unseenByWorld } from "./run-mutant.ts";
import { findFailingTests, testsBeside } from "./run-tests.ts";
import { TEST_MUTANTS } from "./test-mutants.ts";

/**
 * `npm run mutants`: deliberate defects in the failover rules. The deterministic world must catch each, or where it cannot see a rule the tests of
 * that rule alone; and of the tests that the page of the rules names beside a mutant one must fail.
 */

const SEEDS_MAX = 20_000;
const ALL = [...MUTANTS, ...TEST_MUTANTS];
const EXAMPLES = `
Examples:
  npm run mutants                              all, up to 20,000 seeds each, and the tests of their rules
  npm run mutants -- --sample                  those that few seeds catch, without the tests
  npm run mutants -- --tests                   all, the tests of their rules without the world
  npm run mutants -- --write-page              all, and the table into the documentation
  npm run mutants -- --write-page --resume     the same, and goes on where an earlier run was cut short
  npm run mutants -- union-rule-skipped        one, with what was found

Exit code: 0 all caught, 1 one was not, 2 the command is wrong.`;

interface Options {
  readonly seeds: number;
  readonly sample?: true;
  readonly tests?: true;
  readonly jobs: number;
  readonly json?: true;
  readonly writePage?: true;
  readonly resume?: true;
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("a whole number from 1 is needed.");
}

const program = new Command("mutants")
  .description(
    "Runs the deterministic world, and the tests of each rule, against deliberate defects in the failover rules.",
  )
  .argument("[names...]", "only these mutants")
  .option("--seeds <count>", "seeds at most for each", whole, SEEDS_MAX)
  .option("--sample", "only those that few seeds catch")
  .option("--tests", "only the tests of each rule, not the world")
  .option("--jobs <count>", "processes at once", whole, Math.min(2, availableParallelism()))
  .option("--write-page", "put the table into docs/07-resilience/mutants.md")
  .option("--resume", "take over what an earlier run found, where code and mutant are the same")
  .option("--json", "print the results as JSON at the end, and no progress")
  .addHelpText("after", EXAMPLES)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

const options = program.opts<Options>();
const chosen = choose(program.args);
if (options.writePage === true && (chosen.length < ALL.length || options.tests === true))
  program.error("--write-page writes the whole table: leave out --sample, --tests and names");
const progress = openProgress(options.tests === true ? 0 : options.seeds, options.resume === true);
const results: (MutantRow | undefined)[] = chosen.map(() => undefined);
const startedMs = performance.now();
let next = 0;
await Promise.all(Array.from({ length: options.jobs }, work));
report();

function choose(names: readonly string[]): readonly Mutant[] {
  const unknown = names.filter((name) => !ALL.some((mutant) => mutant.name === name));
  if (unknown.length > 0) {
    program.error(
      `unknown: ${unknown.join(", ")}; there are ${ALL.map(({ name }) => name).join(", ")}`,
    );
  }
  return ALL.filter(({ name, isSample }) =>
    names.length > 0 ? names.includes(name) : options.sample !== true || isSample === true,
  );
}

async function work(): Promise<void> {
  for (let at = next++; at < chosen.length; at = next++) {
    const mutant = chosen[at];
    if (mutant === undefined) return;
    const found = progress.find(mutant);
    if (found !== null) {
      results[at] = found;
      if (options.json !== true) process.stdout.write(`${lineOf(found)} (found before)\n`);
      continue;
    }
    let printedMs = performance.now();
    const seen =
      options.tests === true || TEST_MUTANTS.includes(mutant)
        ? unseenByWorld(mutant)
        : await runMutant(mutant, options.seeds, (seedCount) => {
            if (options.json === true || performance.now() - printedMs < 10_000) return;
            printedMs = performance.now();
            process.stdout.write(`     ${mutant.name}: ${seedCount} of ${options.seeds} seeds\n`);
          });
    const tests = options.sample === true ? [] : testsBeside(mutant);
    const failingTests = tests.length === 0 ? [] : await findFailingTests(mutant);
    const row: MutantRow = { ...seen, tests, failingTests };
    results[at] = row;
    progress.add(mutant, row);
    if (options.json !== true) process.stdout.write(`${lineOf(row)}\n`);
  }
}

function isCaught({ world, check, tests, failingTests }: MutantRow): boolean {
  const isByTests = failingTests.length > 0;
  return world === null ? isByTests : check !== null && (tests.length === 0 || isByTests);
}

/** Tests that claim to hold a rule although they pass with every mutant of it. */
function idleTests(rows: readonly MutantRow[]): readonly string[] {
  const failing = new Set(rows.flatMap(({ failingTests }) => failingTests));
  return [...new Set(rows.flatMap(({ tests }) => tests))].filter((test) => !failing.has(test));
}

function lineOf(row: MutantRow): string {
  const { name, world, seedCount, check, text, tests, failingTests } = row;
  const found =
    check === null ? `not caught within ${seedCount} seeds` : `${check}, seed ${seedCount}`;
  const parts = [
    ...(world === null
      ? []
      : [`${found}${chosen.length === 1 && check !== null ? `: ${text}` : ""}`]),
    ...(tests.length === 0
      ? []
      : [`fails ${failingTests.length} of ${tests.length} tests of its rule`]),
  ];
  return `${isCaught(row) ? "ok  " : "FAIL"} ${name}: ${parts.join("; ")}`;
}

function report(): void {
  const rows = results.filter((row) => row !== undefined);
  const idle = chosen.length === ALL.length ? idleTests(rows) : [];
  for (const test of idle) process.stdout.write(`FAIL no mutant of its rule fails "${test}"\n`);
  const failed = rows.filter((row) => !isCaught(row)).length + idle.length;
  const summary = { passed: rows.filter(isCaught).length, failed, rows };
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, "results.json"), `${JSON.stringify(summary, null, 2)}\n`);
  if (options.json === true) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else {
    const table = rows.map((row) => `| ${cellsOf(row).join(" | ")} |`);
    const text = [
      "| rule | mutant | what is wrong | seeds needed | check | tests that fail |",
      "|---|---|---|---|---|---|",
      ...table,
      "",
      `${new Date().toISOString().slice(0, 10)}, ${options.seeds.toLocaleString("en")} seeds at most for each: ${summary.passed} caught, ${rows.length - summary.passed} not caught.`,
      "",
    ].join("\n");
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    process.stdout.write(
      `\n${text}mutants: ${summary.passed} caught, ${rows.length - summary.passed} not caught, ${idle.length} tests that none fails (${seconds} s)\n`,
    );
    if (options.writePage === true) {
      const page = join(root, "docs", "07-resilience", "mutants.md");
      writeMarkdownIntoPage(page, `npm run mutants -- ${process.argv.slice(2).join(" ")}`, text);
    }
  }
  process.exitCode = failed === 0 ? 0 : 1;
}

function cellsOf({ rule, name, what, world, seedCount, check, failingTests }: MutantRow) {
  const seeds = world === null ? "" : `${seedCount}${world === "vessel" ? " (of the vessel)" : ""}`;
  const found = world === null ? "" : (check ?? "not caught");
  return [
    rule,
    `\`${name}\``,
    what,
    seeds,
    found,
    failingTests.map((test) => `*${test}*`).join("; "),
  ];
}
