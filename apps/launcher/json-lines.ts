import type { FailoverMessage, LauncherEvent } from "./events.ts";
import type { RunOutcome } from "./run.ts";

const round = (value: number) => Math.round(value * 100) / 100;

/** One line of `--json`. `atMs` is the machine's monotonic clock, the one that faults are measured by. */
export function eventLine(event: LauncherEvent, atMs: number): string {
  if (event.type !== "failover") return JSON.stringify({ atMs: round(atMs), ...event });
  const { grid, from, to, gapMs } = event.failover;
  return JSON.stringify({ atMs: round(atMs), type: "measured", grid, from, to, gapMs });
}

/** What was measured at the devices, exactly these fields. */
export function failoverLine(failover: FailoverMessage): string {
  const { grid, from, to, epoch, reason } = failover;
  return JSON.stringify({
    grid,
    from,
    to,
    epoch,
    reason,
    faultAtMs: round(failover.faultAtMs),
    lastOldWriteMs: failover.lastOldWriteMs === null ? null : round(failover.lastOldWriteMs),
    firstNewWriteMs: round(failover.firstNewWriteMs),
    gapMs: round(failover.gapMs),
    silenceMs: round(failover.silenceMs),
    overlapCount: failover.overlapCount,
    lateWriteCount: failover.lateWriteCount,
    frequencyHzMin: round(failover.frequencyHzMin),
    frequencyHzMax: round(failover.frequencyHzMax),
    breakersMovedCount: failover.breakersMovedCount,
    startsStopsCount: failover.startsStopsCount,
    setpointStepKwMax: round(failover.setpointStepKwMax),
  });
}

export function summaryOf(outcome: RunOutcome, exitCode: number) {
  const { totals } = outcome;
  return {
    isSimulation: true,
    exitCode,
    coordinator: outcome.coordinator,
    durationMs: Math.round(outcome.durationMs),
    failoverCount: outcome.failovers.length,
    gapMsMax: round(Math.max(0, ...outcome.failovers.map(({ gapMs }) => gapMs))),
    overlapCount: totals?.overlapCount ?? 0,
    lateWriteCount: totals?.lateWriteCount ?? 0,
    refusedCount: totals?.refusedCount ?? 0,
    writeCount: totals?.writeCount ?? 0,
    breakersMovedCount: totals?.breakersMovedCount ?? 0,
    startsStopsCount: totals?.startsStopsCount ?? 0,
    outOfPhaseCount: totals?.outOfPhaseCount ?? 0,
    isAllLed: outcome.isAllLed,
    hostPauseMsMax: round(outcome.hostPauseMsMax),
    faultPauseMsMax: round(outcome.faultPauseMsMax),
    failures: outcome.failures,
  };
}

/** The end of `--json`: one object per failover, then the totals. */
export function endLines(outcome: RunOutcome, exitCode: number): string[] {
  return [
    ...outcome.failovers.map(failoverLine),
    JSON.stringify({ summary: summaryOf(outcome, exitCode) }),
  ];
}
