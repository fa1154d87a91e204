/**
 * Times of the failover rules, milliseconds. The names are those of the manifest.
 * What must hold between them is checked by {@link checkTimings}.
 */
export interface Timings {
  /** One control cycle. */
  readonly scanMs: number;
  /** Longest silence of a leader: a heartbeat goes out where no frame did. */
  readonly heartbeatMs: number;
  /** A standby's promise is good for the leader so long from the sending of the acknowledged message. */
  readonly leaseMs: number;
  /** A standby that misses acknowledgements for so long is removed from the in-sync set. */
  readonly shrinkMs: number;
  /** A standby's promise binds it so long from the receipt of the message. */
  readonly graceMs: number;
  /** Further wait per rank before a takeover. */
  readonly staggerMs: number;
  /** Authority of a leader that stands alone in the record. */
  readonly soloLeaseMs: number;
  /** Such a leader renews the record so often. */
  readonly soloRenewMs: number;
  /** A record with a lone leader must stay unchanged so long before a controller that is not in sync may take over. */
  readonly soloGraceMs: number;
  /** Wait per rank before an absent record is created; longest wait for silent controllers' journal positions. */
  readonly coldStartMs: number;
  /** Members of the old set that can continue by log tail rejoin within this time. */
  readonly rejoinMs: number;
  /** A standby that hears "no authority" for so long goes on to a takeover. */
  readonly holdMs: number;
  /** A leader that reaches fewer critical devices than a standby for so long hands over. */
  readonly ioLossMs: number;
  /** A planned handover that is not complete after so long ends in an ordinary takeover. */
  readonly handoverMs: number;
  /** Frames are on disk so long after they were appended. */
  readonly journalSyncMs: number;
  /** The most that two nodes' clocks differ over one grace. */
  readonly clockDivergenceMs: number;
  /** A point that was not read for so long is `uncertain`. */
  readonly staleMs: number;
  /** Deadline of one call to the coordinator. */
  readonly coordinatorMs: number;
}

export type TimingSetName = "fast" | "default" | "relaxed";

const DEFAULT: Timings = {
  scanMs: 100,
  heartbeatMs: 20,
  leaseMs: 100,
  shrinkMs: 60,
  graceMs: 130,
  staggerMs: 40,
  soloLeaseMs: 2000,
  soloRenewMs: 500,
  soloGraceMs: 2600,
  coldStartMs: 5000,
  rejoinMs: 500,
  holdMs: 500,
  ioLossMs: 500,
  handoverMs: 200,
  journalSyncMs: 20,
  clockDivergenceMs: 5,
  staleMs: 1000,
  coordinatorMs: 150,
};

/**
 * `fast`: a dedicated machine with real-time priority. `default`: a quiet machine. `relaxed`: virtual or busy hosts,
 * where pauses of 90 to 220 ms were measured. A pause longer than the grace costs an unnecessary takeover, never safety.
 */
export const TIMING_SETS: Readonly<Record<TimingSetName, Timings>> = {
  fast: { ...DEFAULT, heartbeatMs: 15, leaseMs: 60, shrinkMs: 40, graceMs: 80 },
  default: DEFAULT,
  relaxed: { ...DEFAULT, heartbeatMs: 50, leaseMs: 300, shrinkMs: 180, graceMs: 390 },
};

export interface TimingProblem {
  readonly timing: keyof Timings;
  readonly foundMs: number;
  readonly allowed: string;
}

/** Checks the inequalities that the failover rules rest on. An empty list means that the set is safe. */
export function checkTimings(t: Timings): TimingProblem[] {
  const problems: TimingProblem[] = [];
  const require = (isMet: boolean, timing: keyof Timings, allowed: string) => {
    if (!isMet) problems.push({ timing, foundMs: t[timing], allowed });
  };
  for (const timing of Object.keys(DEFAULT) as (keyof Timings)[]) {
    require(Number.isFinite(t[timing]) &&
      t[timing] > 0, timing, "a positive number of milliseconds");
  }
  // × 11 / 10, not × 1.1: 100 × 1.1 is more than 110 in binary.
  const graceMsMin = (t.leaseMs * 11) / 10 + 2 * t.clockDivergenceMs;
  require(t.graceMs >=
    graceMsMin, "graceMs", `at least leaseMs × 1.1 + 2 × clockDivergenceMs = ${graceMsMin.toFixed(1)}`);
  require(t.shrinkMs < t.leaseMs, "shrinkMs", `less than leaseMs = ${t.leaseMs}`);
  require(t.heartbeatMs * 2 <=
    t.shrinkMs, "heartbeatMs", `at most half of shrinkMs = ${t.shrinkMs / 2}`);
  require(t.soloRenewMs * 2 <=
    t.soloLeaseMs, "soloRenewMs", `at most half of soloLeaseMs = ${t.soloLeaseMs / 2}`);
  const soloGraceMsMin = (t.soloLeaseMs * 11) / 10 + 2 * t.clockDivergenceMs;
  require(t.soloGraceMs >=
    soloGraceMsMin, "soloGraceMs", `at least soloLeaseMs × 1.1 + 2 × clockDivergenceMs = ${soloGraceMsMin.toFixed(1)}`);
  require(t.coldStartMs > t.soloGraceMs, "coldStartMs", `more than soloGraceMs = ${t.soloGraceMs}`);
  require(t.journalSyncMs <= 100, "journalSyncMs", "at most 100");
  require(t.scanMs >= 20 && t.scanMs <= 1000, "scanMs", "20 to 1000");
  return problems;
}

/**
 * The least watchdog that a commandable profile may declare, milliseconds: the longest takeover (a stale one: the solo grace
 * and a scan), two scans, and 500 ms. 3400 for `default`.
 */
export function watchdogMsMin(t: Timings): number {
  return t.soloGraceMs + t.scanMs + 2 * t.scanMs + 500;
}
