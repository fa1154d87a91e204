import { join } from "node:path";
import { Command, CommanderError, Option } from "commander";
import { parseDurationMs } from "../../../apps/launcher/schedule.ts";
import { findProjectDirectory } from "../../../apps/launcher/project.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { FAULT_KINDS } from "./cell.ts";
import type { FaultKind } from "./cell.ts";
import { LANES } from "./lanes.ts";

export interface BenchOptions {
  /** Of each kind of fault in each lane. */
  readonly killCount: number;
  readonly idleMs: number;
  readonly lanes: readonly string[];
  readonly faults: readonly FaultKind[];
  readonly jsonPath: string;
  /** The report also goes into the documentation. */
  readonly isPageWritten: boolean;
}

const HELP = `
Lanes:
${LANES.map(({ id, title }) => `  ${id.padEnd(22)}${title}`).join("\n")}

Examples:
  npm run bench:failover                                  100 of each fault in every lane
  npm run bench:failover -- --kills 10 --idle 10s         a quick look
  npm run bench:failover -- --kills 500 --lane r-ems-default --lane r-ems-fast
  npm run bench:failover -- --kills 20 --idle 1s --lane r-ems-fast --fault handover

Exit codes: 0 every target is met, 1 one is not, 2 options, ports or programs. Progress goes to stderr, the report to stdout.`;

/** @throws {@link RemsError} `REMS_REQUEST_INVALID`; help ends the process. */
export function parseBenchOptions(argv: readonly string[]): BenchOptions {
  const known = LANES.map(({ id }) => id);
  const program = new Command("npm run bench:failover --")
    .description(
      "Measures failovers at the devices: R-EMS beside etcd3's Election and Kubernetes' lease loop.",
    )
    .addOption(
      new Option("--kills <count>", "faults of each kind").argParser(parseCount).default(100),
    )
    .addOption(
      new Option("--idle <duration>", "time without faults, per lane")
        .argParser(parseDurationMs)
        .default(60_000, "60s"),
    )
    .addOption(
      new Option("--lane <id>", "only this one; may be repeated")
        .argParser((id: string, before: readonly string[]) => [...before, id])
        .default([] as readonly string[], "all"),
    )
    .addOption(
      new Option("--fault <kind>", `only this kind; may be repeated: ${FAULT_KINDS.join(", ")}`)
        .argParser((kind: string, before: readonly FaultKind[]) => [...before, parseKind(kind)])
        .default([] as readonly FaultKind[], "all"),
    )
    .option(
      "--json <file>",
      "every single failover",
      join(findProjectDirectory(), ".cache", "failover-bench.json"),
    )
    .option("--write-page", "put the report into docs/07-resilience/failover-figures.md", false)
    .addHelpText("after", HELP)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
    if (error instanceof RemsError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw invalid(`${message.replace(/^error: /, "")}; see npm run bench:failover -- --help`);
  }
  const options = program.opts<{
    kills: number;
    idle: number;
    lane: readonly string[];
    fault: readonly FaultKind[];
    json: string;
    writePage: boolean;
  }>();
  const unknown = options.lane.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    throw invalid(`--lane "${unknown}" is not known; there are ${known.join(", ")}`);
  }
  return {
    killCount: options.kills,
    idleMs: options.idle,
    lanes: options.lane.length > 0 ? options.lane : known,
    faults: options.fault.length > 0 ? options.fault : FAULT_KINDS,
    jsonPath: options.json,
    isPageWritten: options.writePage,
  };
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0 && count <= 10_000) return count;
  throw invalid(`--kills "${text}": allowed are whole numbers from 1 to 10000`);
}

function parseKind(text: string): FaultKind {
  const kind = FAULT_KINDS.find((one) => one === text);
  if (kind !== undefined) return kind;
  throw invalid(`--fault "${text}" is not known; there are ${FAULT_KINDS.join(", ")}`);
}

const invalid = (text: string) => new RemsError("REMS_REQUEST_INVALID", text);
