import type { RunOutcome } from "../../apps/launcher/run.ts";
import type { ChaosLog } from "./run-chaos.ts";
import type { Check, Verdict } from "./referee.ts";
import { checksOf } from "./referee.ts";

export interface Report {
  readonly seed: number;
  readonly durationMs: number;
  readonly fromMs: number;
  readonly means: readonly string[];
  readonly log: ChaosLog;
  readonly verdict: Verdict;
  /** Null where the run did not come to its end. */
  readonly outcome: RunOutcome | null;
}

const LISTED_COUNT_MAX = 20;
const ms = (value: number) => `${Math.round(value)} ms`;

/** Everything that a person wants to know of a run, in the order in which he asks. */
export function reportText(report: Report): string {
  const { verdict, outcome, log, fromMs } = report;
  const second = (atMs: number) => `${((atMs - fromMs) / 1000).toFixed(1)} s`.padStart(9);
  const lines = [
    `chaos: seed ${report.seed}, ${Math.round(report.durationMs / 1000)} s, ${log.faults.length} faults, coordinator ${outcome?.coordinator ?? "unknown"}`,
    ...report.means.map((line) => `  ${line}`),
    "",
    "Faults",
    ...countsOf(log).map((line) => `  ${line}`),
    "",
    ...gapLines(report),
    ...lateLines(verdict, second),
    ...lostLines(verdict),
    `Longest pause of the machine itself: ${ms(outcome?.hostPauseMsMax ?? 0)}`,
    "",
    "Checks",
    ...checksOf(verdict).map(checkLine),
    ...endChecks(report).map(checkLine),
  ];
  return lines.join("\n");
}

const checkLine = ({ isMet, text, found }: Check) =>
  `  ${isMet ? "ok    " : "FAILED"} ${text}: ${found}`;

function countsOf({ faults, refused }: ChaosLog): string[] {
  const counts = new Map<string, number>();
  for (const { kind } of faults) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const lines = [[...counts].map(([kind, count]) => `${kind} ${count}`).join(", ")];
  if (refused.length > 0) lines.push(`not done: ${refused.slice(0, LISTED_COUNT_MAX).join("; ")}`);
  return lines;
}

function gapLines({ outcome, fromMs }: Report): string[] {
  const failovers = outcome?.failovers ?? [];
  const byReason = new Map<string, number[]>();
  for (const { reason, gapMs } of failovers) {
    const gaps = byReason.get(reason) ?? [];
    gaps.push(gapMs);
    byReason.set(reason, gaps);
  }
  const rows = [...byReason].map(([reason, gaps]) => {
    const sorted = [...gaps].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    return `  ${reason.padEnd(18)}${String(gaps.length).padStart(4)}${ms(median).padStart(12)}${ms(sorted.at(-1) ?? 0).padStart(12)}`;
  });
  const each = failovers.map(
    ({ faultAtMs, grid, from, to, reason, gapMs, epoch }) =>
      `  ${((faultAtMs - fromMs) / 1000).toFixed(1).padStart(7)} s  ${grid.padEnd(10)} ${from}→${to}  epoch ${epoch ?? "?"}  ${reason}  ${ms(gapMs)}`,
  );
  return [
    "Gaps at the devices, fault to the successor's first write (with others' faults on top, and as busy as this machine was)",
    `  ${"fault".padEnd(18)}${"n".padStart(4)}${"median".padStart(12)}${"longest".padStart(12)}`,
    ...rows,
    "",
    ...each,
    "",
  ];
}

function lateLines({ lateWrites }: Verdict, second: (atMs: number) => string): string[] {
  if (lateWrites.length === 0) return ["Late writes: none", ""];
  const listed = lateWrites.slice(0, LISTED_COUNT_MAX);
  return [
    `Late writes at devices that another leader had written: ${lateWrites.length}`,
    ...listed.map(
      ({ atMs, device, writer, successor, lateMs, explanation, isFenced }) =>
        `  ${second(atMs)}  ${device}${isFenced ? " (checks epochs)" : ""}: ${writer}, ${ms(lateMs)} after ${successor}; ${explanation ?? "NOTHING EXPLAINS IT"}`,
    ),
    "",
  ];
}

function lostLines({ lostFrames }: Verdict): string[] {
  if (lostFrames.length === 0) return [];
  return [
    `Issued frames that a later leader lacks: ${lostFrames.length}`,
    ...lostFrames
      .slice(0, LISTED_COUNT_MAX)
      .map(
        ({ grid, epoch, sequence, issuedBy, missingInEpoch, isAllowed }) =>
          `  ${grid} ${epoch}:${sequence} of ${issuedBy}, missing in epoch ${missingInEpoch}${isAllowed ? " (stale takeover, alarmed)" : ""}`,
      ),
    "",
  ];
}

/** What the launcher found while the run lasted. */
export function endChecks({ outcome }: Report): Check[] {
  const failures = outcome?.failures ?? ["the run did not come to its end"];
  return [
    {
      text: "all led, in sync and of one state at the end, no process ended by itself, nothing closed out of phase",
      found: failures.length === 0 ? "so it is" : failures.join("; "),
      isMet: failures.length === 0,
    },
  ];
}

export function reportJson(report: Report): object {
  const { outcome, verdict } = report;
  return {
    ...report,
    outcome: outcome === null ? null : { ...outcome, failoverCount: outcome.failovers.length },
    checks: [...checksOf(verdict), ...endChecks(report)],
  };
}
