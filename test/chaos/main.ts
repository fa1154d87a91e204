import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { machineMonotonicMs, watchHostPauses } from "../../apps/launcher/host-pauses.ts";
import { clockText, eventText } from "../../apps/launcher/plain-lines.ts";
import { findProjectDirectory } from "../../apps/launcher/project.ts";
import { runInstallation } from "../../apps/launcher/run.ts";
import { loadManifest } from "../../configs/load-manifest.ts";
import { RemsError } from "../../kernel/errors.ts";
import { freePorts } from "../support/free-ports.ts";
import { writeIntoPage } from "../support/write-page.ts";
import { endWithOutside, prepareEnvironment, runInside } from "./environment.ts";
import { gatherEvidence } from "./evidence.ts";
import type { ChaosProgramOptions } from "./options.ts";
import { parseChaosOptions } from "./options.ts";
import { drawRun } from "./picture.ts";
import type { Evidence } from "./referee.ts";
import { checksOf, judgeChaos } from "./referee.ts";
import type { Report } from "./report.ts";
import { endChecks, reportJson, reportText } from "./report.ts";
import type { ChaosLog } from "./run-chaos.ts";
import { startChaos } from "./run-chaos.ts";

/** `npm run chaos`: a seeded schedule of faults at real processes, real etcd, and devices that log every write. */

/** `stretched` survives pauses of most of a second: for machines that do much else. */
const STRETCHED =
  "timings = { heartbeat_ms = 100, lease_ms = 1000, shrink_ms = 600, grace_ms = 1300, stagger_ms = 100, handover_ms = 1000, coordinator_ms = 500 }";

function timingLines(timingSet: ChaosProgramOptions["timingSet"]): string {
  return timingSet === "stretched"
    ? `timing_set = "relaxed"\n${STRETCHED}`
    : `timing_set = "${timingSet}"`;
}

/** The vessel on ports that are free now. */
async function writeManifest(
  folder: string,
  timingSet: ChaosProgramOptions["timingSet"],
): Promise<string> {
  const shipped = join(findProjectDirectory(), "configs", "vessel.toml");
  const portLine = /^((?:peer_|operator_|http_)?port) = \d+$/gm;
  const text = readFileSync(shipped, "utf8");
  const ports = await freePorts(text.match(portLine)?.length ?? 0);
  const path = join(folder, "vessel.toml");
  const withPorts = text
    .replaceAll(portLine, (_line, key: string) => `${key} = ${ports.pop()}`)
    .replaceAll(/^nominal_frequency_hz = .*$/gm, (line) => `${line}\n${timingLines(timingSet)}`);
  writeFileSync(path, withPorts);
  return path;
}

async function run(options: ChaosProgramOptions): Promise<number> {
  const projectDirectory = findProjectDirectory();
  const folder = mkdtempSync(join(tmpdir(), "r-ems-chaos-"));
  const manifest = loadManifest(await writeManifest(folder, options.timingSet));
  const nodes = manifest.nodes.map(({ id }) => id);
  const environment = await prepareEnvironment(projectDirectory, nodes);
  const hostPauses = watchHostPauses();
  const abort = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => (abort.signal.aborted ? process.exit(1) : abort.abort()));
  }
  endWithOutside(() => abort.abort());
  const fromMs = machineMonotonicMs();
  const say = (text: string) =>
    process.stderr.write(`${clockText(machineMonotonicMs() - fromMs)}  ${text}\n`);
  for (const line of environment.means) say(line);
  const log: ChaosLog = { faults: [], refused: [] };
  const { disk, clock } = environment.disturbances;
  const kinds = options.kinds.filter(
    (kind) => (kind !== "fill-disk" || disk !== null) && (kind !== "step-clock" || clock !== null),
  );
  let evidence: Evidence | null = null;
  try {
    const outcome = await runInstallation({
      manifest,
      projectDirectory,
      coordinator: "etcd",
      durationMs: null,
      schedule: [],
      seed: options.seed,
      attempt: 1,
      isKept: false,
      hostPauses,
      signal: abort.signal,
      onEvent(event) {
        if (event.type === "plant") return;
        say(eventText(event));
      },
      installation: { ...environment, isTraced: true },
      onRunning: (context) =>
        startChaos(context, { ...options, kinds, clockNode: environment.clockNode }, log),
      onStopped(runDirectory) {
        evidence = gatherEvidence(runDirectory, nodes, environment.dataDirectory, log.faults);
        return checksOf(judgeChaos(evidence))
          .filter(({ isMet }) => !isMet)
          .map(({ text, found }) => `${text}: ${found}`);
      },
    });
    if (evidence === null) throw new RemsError("REMS_PROGRAM_FAILED", "the run left no evidence");
    const verdict = judgeChaos(evidence);
    // What the referee found stands under its own heading.
    const refereed = new Set(checksOf(verdict).map(({ text, found }) => `${text}: ${found}`));
    const failures = outcome.failures.filter((text) => !refereed.has(text));
    const report: Report = {
      seed: options.seed,
      durationMs: machineMonotonicMs() - fromMs,
      fromMs,
      means: environment.means,
      log,
      verdict,
      outcome: { ...outcome, failures },
    };
    writeReport(options, report, evidence);
    const checks = [...checksOf(verdict), ...endChecks(report)];
    return checks.every(({ isMet }) => isMet) && !abort.signal.aborted ? 0 : 1;
  } finally {
    await hostPauses.close();
    environment.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeReport(options: ChaosProgramOptions, report: Report, evidence: Evidence): void {
  const directory = options.outDirectory;
  mkdirSync(directory, { recursive: true });
  const text = reportText(report);
  const grids = [...new Set(report.verdict.leaderships.map(({ grid }) => grid))].sort();
  const picture = drawRun({
    title: `chaos, seed ${report.seed}: who led, gaps, writes by node`,
    nodes: evidence.nodes,
    grids,
    fromMs: report.fromMs,
    toMs: report.fromMs + report.durationMs,
    leaderships: report.verdict.leaderships,
    faults: evidence.faults,
    failovers: report.outcome?.failovers ?? [],
    writes: evidence.writes,
  });
  writeFileSync(join(directory, "chaos.txt"), `${text}\n`);
  writeFileSync(join(directory, "chaos.json"), JSON.stringify(reportJson(report), null, 1));
  writeFileSync(join(directory, "chaos.svg"), picture);
  if (options.isPageWritten) {
    const page = join(findProjectDirectory(), "docs", "07-resilience", "chaos.md");
    writeIntoPage(page, `npm run chaos -- ${process.argv.slice(2).join(" ")}`, text);
  }
  process.stdout.write(`${text}\n\nReport and picture: ${directory}/chaos.{txt,json,svg}\n`);
}

async function main(): Promise<number> {
  const options = parseChaosOptions(process.argv.slice(2));
  const inside = options.isInNamespaces ? await runInside() : null;
  return inside ?? (await run(options));
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    const isExpected = error instanceof RemsError;
    const text =
      error instanceof Error ? (isExpected ? error.message : error.stack) : String(error);
    process.stderr.write(`${text ?? ""}\n`);
    process.exit(isExpected ? 2 : 1);
  },
);
