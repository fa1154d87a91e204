import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { writeMarkdownIntoPage } from "../support/write-page.ts";
import { cache, root } from "./apply-mutant.ts";
import type { Mutant } from "./mutants.ts";
import { MUTANTS } from "./mutants.ts";
import { openProgress } from "./progress.ts";
import type { MutantResult } from "./run-mutant.ts";
import { runMutant } from "./run-mutant.ts";

/** `npm run mutants`: runs the deterministic world against deliberate defects in the failover rules; each must be caught. */

const SEEDS_MAX = 20_000;
const EXAMPLES = `
Examples:
  npm run mutants                              all, up to 20,000 seeds each
  npm run mutants -- --sample                  those that few seeds catch
  npm run mutants -- --write-page              all, and the table into the documentation
  npm run mutants -- --write-page --resume     the same, and goes on where an earlier run was cut short
  npm run mutants -- union-rule-skipped        one, with what was found

Exit code: 0 all caught, 1 one was not, 2 the command is wrong.`;

interface Options {
  readonly seeds: number;
  readonly sample?: true;
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
  .description("Runs the deterministic world against deliberate defects in the failover rules.")
  .argument("[names...]", "only these mutants")
  .option("--seeds <count>", "seeds at most for each", whole, SEEDS_MAX)
  .option("--sample", "only those that few seeds catch")
  .option("--jobs <count>", "processes at once", whole, Math.min(2, availableParallelism()))
  .option("--write-page", "put the table into docs/07-resilience/mutants.md")
  .option("--resume", "take over what an earlier run found, where code and mutant are the same")
  .option("--json", "print the results as JSON at the end, and no progress")
  .addHelpText("after", EXAMPLES)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

const options = program.opts<Options>();
const chosen = choose(program.args);
if (options.writePage === true && chosen.length < MUTANTS.length)
  program.error("--write-page writes the whole table: leave out --sample and names");
const progress = openProgress(options.seeds, options.resume === true);
const results: (MutantResult | undefined)[] = chosen.map(() => undefined);
const startedMs = performance.now();
let next = 0;
await Promise.all(Array.from({ length: options.jobs }, work));
report();

function choose(names: readonly string[]): readonly Mutant[] {
  const unknown = names.filter((name) => !MUTANTS.some((mutant) => mutant.name === name));
  if (unknown.length > 0) {
    program.error(
      `unknown: ${unknown.join(", ")}; there are ${MUTANTS.map(({ name }) => name).join(", ")}`,
    );
  }
  return MUTANTS.filter(({ name, isSample }) =>
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
    const result = await runMutant(mutant, options.seeds, (seedCount) => {
      if (options.json === true || performance.now() - printedMs < 10_000) return;
      printedMs = performance.now();
      process.stdout.write(`     ${mutant.name}: ${seedCount} of ${options.seeds} seeds\n`);
    });
    results[at] = result;
    progress.add(mutant, result);
    if (options.json !== true) process.stdout.write(`${lineOf(result)}\n`);
  }
}

function lineOf({ name, seedCount, check, text }: MutantResult): string {
  if (check === null) return `FAIL ${name}: not caught within ${seedCount} seeds`;
  return `ok   ${name}: ${check}, seed ${seedCount}${chosen.length === 1 ? `: ${text}` : ""}`;
}

function report(): void {
  const rows = results.filter((row) => row !== undefined);
  const failed = rows.filter(({ check }) => check === null).length;
  const summary = { passed: rows.length - failed, failed, rows };
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, "results.json"), `${JSON.stringify(summary, null, 2)}\n`);
  if (options.json === true) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else {
    const table = rows.map(
      ({ name, rule, what, world, seedCount, check }) =>
        `| ${rule} | \`${name}\` | ${what} | ${seedCount}${world === "vessel" ? " (of the vessel)" : ""} | ${check ?? "not caught"} |`,
    );
    const text = [
      "| rule | mutant | what is wrong | seeds needed | check |",
      "|---|---|---|---|---|",
      ...table,
      "",
      `${new Date().toISOString().slice(0, 10)}, ${options.seeds.toLocaleString("en")} seeds at most for each: ${summary.passed} caught, ${failed} not caught.`,
      "",
    ].join("\n");
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    process.stdout.write(
      `\n${text}mutants: ${summary.passed} caught, ${failed} not caught (${seconds} s)\n`,
    );
    if (options.writePage === true) {
      const page = join(root, "docs", "07-resilience", "mutants.md");
      writeMarkdownIntoPage(page, `npm run mutants -- ${process.argv.slice(2).join(" ")}`, text);
    }
  }
  process.exitCode = failed === 0 ? 0 : 1;
}
