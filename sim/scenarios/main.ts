import { fork } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { RemsError } from "../../kernel/errors.ts";
import { INVARIANTS } from "./invariants.ts";
import { madeOf } from "./report-made.ts";
import { reportPage } from "./report-page.ts";
import { loadScenarios, type ScenarioSpec } from "./scenario-file.ts";
import type { RunReport, ScenarioTask, TaskRefusal, TaskReport } from "./scenario-worker.ts";

/** `npm run scenarios`: the library of scenarios, each with no fault, with its leader killed, and with a pause. */

const EXAMPLES = `
Examples:
  npm run scenarios                                   all: no fault, one kill and one pause each
  npm run scenarios -- --kill-each-step               all, the leader killed at every step
  npm run scenarios -- --no-kill --pause-each-step    all, the leader standing still at every step
  npm run scenarios -- start-at-85-percent --trace    one, with all that happened
  npm run scenarios -- blackout-both --kill 7         one, the leader killed at its seventh step
  npm run scenarios -- --trials vessel --html trials.html   a list of trials with curves, to print
  npm run scenarios -- --trials land land-black --html t.html   some of a list
  npm run scenarios -- --list                         what there is

Exit code: 0 all as expected, 1 something found wrong, 2 the command is wrong.`;

const TITLES: Readonly<Record<string, string>> = {
  vessel: "Commissioning trials of the power management of a vessel",
  land: "Tests of a microgrid controller's states and transitions, in the manner of IEEE 2030.8",
};

const FINDING_COUNT_SHOWN = 6;

interface Options {
  readonly seed: number;
  readonly killEachStep?: true;
  readonly pauseEachStep?: true;
  readonly kill?: number | boolean;
  readonly pause?: number | boolean;
  readonly fault: boolean;
  readonly twice?: true;
  readonly trace?: true;
  readonly list?: true;
  readonly jobs: number;
  readonly report?: string;
  readonly html?: string;
  readonly trials?: string;
  readonly variants?: true;
}

function whole(min: number) {
  return (text: string): number => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= min) return value;
    throw new InvalidArgumentError(`a whole number from ${min} is needed.`);
  };
}

const program = new Command("scenarios")
  .description(
    "Runs scripted scenarios of power management: real controllers on a simulated plant.",
  )
  .argument("[name...]", "scenarios, or beginnings of their names; without: all")
  .option("--seed <seed>", "decides noise, delays and where faults strike", whole(0), 1)
  .option("--kill-each-step", "the leader is killed at every step, not at one")
  .option("--kill <step>", "the leader is killed at that step only", whole(1))
  .option("--no-kill", "no kills")
  .option("--pause <step>", "the leader stands still at that step only", whole(1))
  .option("--pause-each-step", "the leader stands still at every step, not at one")
  .option("--no-pause", "no pauses")
  .option("--no-fault", "without faults only")
  .option("--twice", "each is run twice without a fault and must leave the same journal")
  .option("--trace", "print all that happened")
  .option("--list", "print names and what they cover")
  .option("--jobs <count>", "processes at once", whole(1), Math.min(2, availableParallelism()))
  .option("--report <file>", "write counts and findings as JSON")
  .option("--html <file>", "write a report with curves, to read in a browser and to print")
  .option("--variants", "also the other initial conditions of scenarios that have some")
  .option("--trials <list>", "the scenarios of one list of trials: vessel or land")
  .addHelpText("after", EXAMPLES)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

const options = program.opts<Options>();
try {
  const specs = chosen(loadScenarios(), program.args);
  if (options.list === true) list(specs);
  else await runAll(specs);
} catch (error) {
  if (!(error instanceof RemsError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}

function chosen(specs: readonly ScenarioSpec[], names: readonly string[]): readonly ScenarioSpec[] {
  for (const name of names)
    if (!specs.some((spec) => spec.name.startsWith(name)))
      throw new RemsError(
        "REMS_NOT_FOUND",
        `there is no scenario ${name}; there are ${specs.map((spec) => spec.name).join(", ")}`,
      );
  const { trials } = options;
  const isNamed = ({ name }: ScenarioSpec) =>
    names.length === 0 || names.some((one) => name.startsWith(one));
  if (trials !== undefined) {
    const listed = specs.filter((spec) => spec.trials.includes(trials) && isNamed(spec));
    if (listed.length > 0) return listed;
    const lists = [...new Set(specs.flatMap((spec) => spec.trials))].join(", ");
    const what = names.length === 0 ? "" : ` with ${names.join(", ")}`;
    throw new RemsError(
      "REMS_NOT_FOUND",
      `there is no list of trials ${trials}${what}; there are ${lists}`,
    );
  }
  const hasVariants = options.variants === true || names.length > 0;
  return specs.filter((spec) => isNamed(spec) && (hasVariants || !spec.isVariant));
}

function list(specs: readonly ScenarioSpec[]): void {
  let theme = "";
  for (const spec of specs) {
    if (spec.theme !== theme) process.stdout.write(`\n${spec.theme}\n`);
    ({ theme } = spec);
    process.stdout.write(`  ${spec.name.padEnd(34)} ${spec.text} [${spec.covers.join("; ")}]\n`);
  }
  process.stdout.write("\nBeside every scenario:\n");
  for (const { name, rule } of INVARIANTS) process.stdout.write(`  ${name.padEnd(34)} ${rule}\n`);
}

function taskOf(spec: ScenarioSpec): ScenarioTask {
  const isSingle = typeof options.kill === "number" || typeof options.pause === "number";
  const none = !options.fault || isSingle ? "none" : "one";
  return {
    name: spec.name,
    seed: options.seed,
    kills: killsOf(options, none),
    pauses:
      typeof options.pause === "number"
        ? options.pause
        : options.pauseEachStep === true
          ? "each"
          : options.pause === false
            ? "none"
            : none,
    isTraced: options.trace === true,
    isTwice: options.twice === true,
    hasCurves: options.html !== undefined,
  };
}

function killsOf(
  { kill, killEachStep }: Options,
  otherwise: "none" | "one",
): ScenarioTask["kills"] {
  if (typeof kill === "number") return kill;
  if (kill === false) return "none";
  return killEachStep === true ? "each" : otherwise;
}

async function runAll(specs: readonly ScenarioSpec[]): Promise<void> {
  const startedMs = performance.now();
  const width = Math.max(...specs.map(({ name }) => name.length));
  process.stdout.write(
    `${"scenario".padEnd(width)}  no fault  kills    pauses   steps  world s  cpu s\n`,
  );
  const reports: TaskReport[] = [];
  let next = 0;
  const take = () => {
    const spec = specs[next++];
    return spec === undefined ? undefined : taskOf(spec);
  };
  const show = (report: TaskReport) => {
    reports.push(report);
    process.stdout.write(rowOf(report, width));
  };
  const jobs = Math.min(options.jobs, specs.length);
  await Promise.all(Array.from({ length: jobs }, () => runJob(take, show)));
  const runs = reports.flatMap((report) => report.runs);
  const failedCount = runs.filter(({ findings }) => findings.length > 0).length;
  const [virtualS, cpuS] = [sum(reports, "virtualMs") / 1000, sum(reports, "cpuMs") / 1000];
  process.stdout.write(
    `${specs.length} scenarios, ${runs.length} runs, ${failedCount} failed; ${virtualS.toFixed(0)} s of the plant in ${((performance.now() - startedMs) / 1000).toFixed(1)} s, ${cpuS.toFixed(1)} s of processor time (${(virtualS / cpuS).toFixed(0)} times real time on one core)\n`,
  );
  writeReport(reports, runs.length - failedCount, failedCount);
  writePage(specs, reports);
  process.exitCode = failedCount > 0 ? 1 : 0;
}

function sum(reports: readonly TaskReport[], field: "virtualMs" | "cpuMs"): number {
  return reports.reduce((total, report) => total + report[field], 0);
}

function rowOf(report: TaskReport, width: number): string {
  const { name, runs, stepCount, virtualMs, cpuMs } = report;
  const verdict = (prefix: string) => {
    const own = runs.filter(({ variant }) => variant.startsWith(prefix));
    const well = own.filter(({ findings }) => findings.length === 0).length;
    if (own.length === 0) return "-";
    return well === own.length ? `ok ${own.length}` : `FAIL ${own.length - well}/${own.length}`;
  };
  const row = [
    name.padEnd(width),
    verdict("no fault").padEnd(8),
    verdict("kill").padEnd(7),
    verdict("pause").padEnd(7),
    String(stepCount).padStart(5),
    (virtualMs / 1000).toFixed(0).padStart(7),
    (cpuMs / 1000).toFixed(1).padStart(5),
  ].join("  ");
  return `${row}\n${recoveryLine(runs)}${runs.map((run) => detailsOf(name, run)).join("")}`;
}

/** From loss of voltage to the last essential feeder: without a fault, and the longest of all runs. */
function recoveryLine(runs: readonly RunReport[]): string {
  const times = (some: readonly RunReport[]) =>
    some.flatMap(({ recoveries }) => recoveries.map(({ forMs }) => forMs ?? Infinity));
  const all = times(runs).filter((forMs) => Number.isFinite(forMs));
  if (all.length === 0) return "";
  const undisturbed = times(runs.filter(({ strike }) => strike === null));
  const text = (values: readonly number[]) => (Math.max(...values) / 1000).toFixed(1);
  const open = times(runs).filter((forMs) => !Number.isFinite(forMs)).length;
  const rest = open > 0 ? `; ${open} not back at the end of their run` : "";
  return `  busbar back after ${text(undisturbed)} s, at most ${text(all)} s in all runs${rest}\n`;
}

/** What went wrong in a run and the one command that does it again; with `--trace` all that happened. */
function detailsOf(name: string, { variant, strike, findings, lines }: RunReport): string {
  const trace = lines.length === 0 ? "" : `\n  ${name}, ${variant}:\n${lines.join("\n")}\n\n`;
  if (findings.length === 0) return trace;
  const where =
    strike === null
      ? variant
      : `${variant} of the leader of ${strike.grid} at ${(strike.atMs / 1000).toFixed(3)} s (${strike.step})`;
  const shown = findings
    .slice(0, FINDING_COUNT_SHOWN)
    .map(
      ({ check, atMs, text }) =>
        `    ${(atMs / 1000).toFixed(2).padStart(7)} s  ${check}: ${text}\n`,
    );
  const more = findings.length - shown.length;
  return `${trace}  ${where}:\n${shown.join("")}${more > 0 ? `    and ${more} more\n` : ""}    ${commandOf(name, variant)}\n`;
}

function commandOf(name: string, variant: string): string {
  const [kind, step] = variant.split(" ");
  const how = kind === "kill" || kind === "pause" ? ` --${kind} ${step ?? ""}` : " --no-fault";
  return `npm run scenarios -- ${name} --seed ${options.seed}${how} --trace`;
}

function writeReport(reports: readonly TaskReport[], passed: number, failed: number): void {
  if (options.report === undefined) return;
  mkdirSync(dirname(options.report), { recursive: true });
  const scenarios = reports.map(({ name, runs }) => ({
    name,
    runs: runs.map(({ variant, findings, journalHash, recoveries }) => ({
      variant,
      findings,
      journalHash,
      recoveries,
    })),
  }));
  writeFileSync(options.report, `${JSON.stringify({ passed, failed, scenarios }, null, 1)}\n`);
}

function writePage(specs: readonly ScenarioSpec[], reports: readonly TaskReport[]): void {
  if (options.html === undefined) return;
  const entries = specs.flatMap((spec) => {
    const report = reports.find(({ name }) => name === spec.name);
    return report === undefined ? [] : [{ spec, report }];
  });
  const title = TITLES[options.trials ?? ""] ?? "Scenarios of power management";
  mkdirSync(dirname(options.html), { recursive: true });
  writeFileSync(options.html, reportPage(title, madeOf(specs, options.seed), entries));
  process.stdout.write(`report written to ${options.html}\n`);
}

/** One worker process, given one scenario after the other. */
function runJob(
  take: () => ScenarioTask | undefined,
  show: (report: TaskReport) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const path = fileURLToPath(new URL("./scenario-worker.js", import.meta.url));
    // Nearly all that a run allocates is short-lived: more room for the young saves a fifteenth of the processor time.
    const worker = fork(path, { execArgv: [...process.execArgv, "--max-semi-space-size=16"] });
    let isDone = false;
    const advance = () => {
      const task = take();
      if (task !== undefined) {
        worker.send(task);
        return;
      }
      isDone = true;
      worker.disconnect();
    };
    worker.on("message", (report: TaskReport | TaskRefusal) => {
      if ("refused" in report) {
        isDone = true;
        worker.kill();
        return reject(new RemsError("REMS_CONFIG_INVALID", report.refused));
      }
      show(report);
      advance();
    });
    worker.on("error", reject);
    worker.on("exit", (code, signal) => {
      if (isDone) return resolve();
      const how = signal ?? `exit code ${String(code)}`;
      reject(new RemsError("REMS_PROGRAM_FAILED", `a process that ran scenarios ended (${how})`));
    });
    advance();
  });
}
