import { join } from "node:path";
import { Command, CommanderError, Option } from "commander";
import { findProjectDirectory } from "../../apps/launcher/project.ts";
import { parseDurationMs } from "../../apps/launcher/schedule.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { FaultKind } from "./schedule.ts";
import { FAULT_KINDS } from "./schedule.ts";

export interface ChaosProgramOptions {
  readonly durationMs: number;
  readonly seed: number;
  readonly kinds: readonly FaultKind[];
  readonly timingSet: "fast" | "default" | "relaxed" | "stretched";
  /** Report and picture go here, as `chaos.txt`, `chaos.json` and `chaos.svg`. */
  readonly outDirectory: string;
  /** Network and mount namespaces are used where the system allows them. */
  readonly isInNamespaces: boolean;
  /** The report also goes into the documentation. */
  readonly isPageWritten: boolean;
}

const HELP = `
Faults: ${FAULT_KINDS.join(", ")}

Examples:
  npm run chaos                                 two minutes, seed 1
  npm run chaos -- --for 20m --seed 1
  npm run chaos -- --for 3m --only power-cut,freeze --timing-set stretched   # on a machine that does much else

The order and kind of the faults follow from the seed; whom one strikes depends on who leads when its turn comes.
Exit codes: 0 every check is met, 1 one is not, 2 options, ports or programs. Progress goes to stderr, the report to stdout.`;

/** @throws {@link RemsError} `REMS_REQUEST_INVALID`; help ends the process. */
export function parseChaosOptions(argv: readonly string[]): ChaosProgramOptions {
  const program = new Command("npm run chaos --")
    .description(
      "Faults of all kinds at real processes, judged at the devices and by the journals.",
    )
    .addOption(new Option("--for <duration>").argParser(parseDurationMs).default(120_000, "2m"))
    .addOption(new Option("--seed <number>").argParser(parseSeed).default(1))
    .addOption(new Option("--only <faults>", "separated by commas").argParser(parseKinds))
    .addOption(
      new Option("--timing-set <name>", "stretched is for machines that do much else")
        .choices(["fast", "default", "relaxed", "stretched"])
        .default("default"),
    )
    .option(
      "--out <directory>",
      "for report and picture",
      join(findProjectDirectory(), ".cache", "chaos"),
    )
    .option("--no-namespaces", "cut by the launcher's relays, even where packets could be dropped")
    .option("--write-page", "put the report into docs/07-resilience/chaos.md", false)
    .addHelpText("after", HELP)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
    if (error instanceof RemsError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw invalid(`${message.replace(/^error: /, "")}; see npm run chaos -- --help`);
  }
  const options = program.opts<{
    for: number;
    seed: number;
    only?: readonly FaultKind[];
    timingSet: ChaosProgramOptions["timingSet"];
    out: string;
    namespaces: boolean;
    writePage: boolean;
  }>();
  return {
    durationMs: options.for,
    seed: options.seed,
    kinds: options.only ?? FAULT_KINDS,
    timingSet: options.timingSet,
    outDirectory: options.out,
    isInNamespaces: options.namespaces,
    isPageWritten: options.writePage,
  };
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw invalid(`--seed "${text}": allowed are whole numbers from 0`);
}

function parseKinds(text: string): readonly FaultKind[] {
  return text.split(",").map((name) => {
    const found = FAULT_KINDS.find((kind) => kind === name.trim());
    if (found !== undefined) return found;
    throw invalid(`--only "${name}" is no fault; there are ${FAULT_KINDS.join(", ")}`);
  });
}

const invalid = (text: string) => new RemsError("REMS_REQUEST_INVALID", text);
