import process from "node:process";
import { Command, InvalidArgumentError, Option } from "commander";
import type { CampaignTotal } from "./campaign.ts";
import { jobCountDefault, runCampaign } from "./campaign.ts";
import { describeFault } from "./faults.ts";
import type { WorldResult } from "./run-world.ts";
import { runWorld } from "./run-world.ts";
import type { WorldKind } from "./scenario.ts";
import { shrink } from "./shrink.ts";

/** `npm run world`: seeds of the deterministic world, one seed with its trace, or the fewest faults of a seed that fails. */

const SEEDS_DEFAULT: Readonly<Record<WorldKind, number>> = { counter: 2_000, vessel: 20 };
const PROGRESS_MS = 1_000;
const EXAMPLES = `
Examples:
  npm run world                                   2,000 counter seeds, from 1
  npm run world -- --seeds 1000 --world vessel    the whole vessel, 1,000 seeds
  npm run world -- --seed 42                      one seed with its trace
  npm run world -- --seed 42 --shrink             the fewest faults with which it still fails

Exit code: 0 nothing found, 1 something found wrong, 2 the command is wrong.`;

interface Options {
  readonly seeds?: number;
  readonly first: number;
  readonly step: number;
  readonly world: WorldKind;
  readonly jobs: number;
  readonly twice: number;
  readonly json?: true;
  readonly seed?: number;
  readonly shrink?: true;
}

function whole(min: number) {
  return (text: string): number => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= min) return value;
    throw new InvalidArgumentError(`a whole number from ${min} is needed.`);
  };
}

const program = new Command("world")
  .description(
    "Runs the deterministic world: a whole cluster on virtual time, its faults drawn from a seed.",
  )
  .option("--seeds <count>", "how many seeds", whole(1))
  .option("--first <seed>", "the first of them", whole(0), 1)
  .option(
    "--step <count>",
    "from one seed to the next; every 24th counter seed is of one kind",
    whole(1),
    1,
  )
  .addOption(
    new Option("--world <kind>", "what is run").choices(["counter", "vessel"]).default("counter"),
  )
  .option("--jobs <count>", "processes at once", whole(1), jobCountDefault())
  .option("--twice <every>", "every so many seeds one is run twice; 0: none", whole(0), 20)
  .option("--json", "print one JSON object at the end, and no progress")
  .option("--seed <seed>", "run one seed and print its trace", whole(0))
  .option("--shrink", "with --seed: leave out faults while it still fails")
  .addHelpText("after", EXAMPLES)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

const options = program.opts<Options>();
if (options.seed === undefined) {
  if (options.shrink === true) program.error("--shrink needs --seed <seed>");
  await runSeeds();
} else runOneSeed(options.seed);

function commandOf(seed: number): string {
  return `npm run world -- --world ${options.world} --seed ${seed}`;
}

async function runSeeds(): Promise<void> {
  const startedMs = performance.now();
  const seedCount = options.seeds ?? SEEDS_DEFAULT[options.world];
  let printedMs = startedMs;
  let reportedCount = 0;
  const total = await runCampaign({
    kind: options.world,
    first: options.first,
    seedCount,
    step: options.step,
    jobCount: options.jobs,
    twiceEvery: options.twice,
    onProgress(sofar) {
      if (options.json === true) return;
      for (const { seed, check, atMs, text } of sofar.failures.slice(reportedCount)) {
        process.stdout.write(
          `\nseed ${seed}: ${check} at ${atMs.toFixed(1)} ms: ${text}\n  ${commandOf(seed)}\n`,
        );
      }
      reportedCount = sofar.failures.length;
      const nowMs = performance.now();
      if (nowMs - printedMs < PROGRESS_MS) return;
      printedMs = nowMs;
      const share = ((100 * sofar.seedCount) / seedCount).toFixed(0);
      const text = `${sofar.seedCount} of ${seedCount} seeds (${share} %), ${sofar.failures.length} failed`;
      process.stdout.write(process.stdout.isTTY ? `\r${text}` : `${text}\n`);
    },
  });
  report(total, performance.now() - startedMs);
  process.exitCode = total.failures.length > 0 ? 1 : 0;
}

function report(total: CampaignTotal, realMs: number): void {
  const timesRealTime = total.virtualMs / realMs;
  if (options.json === true) {
    process.stdout.write(
      `${JSON.stringify({ world: options.world, first: options.first, ...total, realMs, timesRealTime })}\n`,
    );
    return;
  }
  const counts = Object.entries(total.counts).map(([name, count]) => `${name} ${count}`);
  process.stdout.write(
    [
      `${process.stdout.isTTY ? "\r" : ""}${options.world}: ${total.seedCount} seeds from ${options.first}, ${total.failures.length} failed, ${total.twiceCount} run twice`,
      `${(total.virtualMs / 1000).toFixed(0)} s of the world in ${(realMs / 1000).toFixed(1)} s (${timesRealTime.toFixed(0)} times real time, ${options.jobs} processes), ${total.eventCount} events`,
      `${(total.cpuMs / 1000).toFixed(0)} s of processor time: ${(total.virtualMs / total.cpuMs).toFixed(0)} s of the world for each`,
      counts.join(", "),
      ...gapLines(total),
      "",
    ].join("\n"),
  );
}

/** How near single faults came to the bound of the gap at a device. */
function gapLines({ gaps }: CampaignTotal): string[] {
  const lines = Object.entries(gaps).map(([formula, { faultCount, nearest }]) => {
    const { gapMs, boundMs } = nearest;
    return `  ${gapMs.toFixed(0)} of at most ${boundMs.toFixed(0)} ms: ${formula} (${faultCount} faults)`;
  });
  return lines.length === 0
    ? []
    : ["gaps at a device after a single fault, the nearest to its bound:", ...lines];
}

function runOneSeed(seed: number): void {
  const run = { seed, kind: options.world, isTraced: true };
  const result = options.shrink === true ? shrunk(run) : runWorld(run);
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
  } else print(seed, result);
  process.exitCode = result.violation === null ? 0 : 1;
}

function shrunk(run: Parameters<typeof shrink>[0]): WorldResult {
  const found = shrink(run, (faultCount, tryCount) => {
    if (process.stderr.isTTY)
      process.stderr.write(`\r${tryCount} runs, ${faultCount} faults left `);
  });
  if (process.stderr.isTTY) process.stderr.write("\n");
  if (found !== null) return found;
  process.stdout.write("This seed does not fail: there is nothing to shrink.\n");
  return runWorld({ ...run, isTraced: false });
}

function print(
  seed: number,
  { scenario, trace, violation, traceHash, virtualMs, gap }: WorldResult,
): void {
  const lines = [
    ...trace,
    "",
    `seed ${seed}: ${scenario.nodes.length} nodes, lease ${scenario.timings.leaseMs} ms, ${scenario.faults.length} faults`,
    ...scenario.faults.map((fault) => `  ${describeFault(fault)}`),
    ...(gap === null
      ? []
      : [
          `gap at a device ${gap.gapMs.toFixed(1)} of at most ${gap.boundMs.toFixed(1)} ms: ${gap.formula}`,
        ]),
    `trace ${traceHash}, ${virtualMs.toFixed(0)} ms of the world`,
    violation === null
      ? "nothing was found wrong"
      : `${violation.check} at ${violation.atMs.toFixed(3)} ms: ${violation.text}`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
