import { availableParallelism, cpus, totalmem } from "node:os";
import type { FaultKind } from "./cell.ts";
import { STAGES } from "./breakdown.ts";
import type { LaneResult, Measured } from "./run-lane.ts";
import type { Quantile } from "./statistics.ts";
import { quantile, rateUpperPerHour } from "./statistics.ts";

export interface Target {
  readonly text: string;
  readonly found: string;
  readonly isMet: boolean;
}

const LIMITS = [
  { laneId: "r-ems-default", p50Ms: 150, p99Ms: 250, baselineId: "election-100-1000" },
  { laneId: "r-ems-fast", p50Ms: 100, p99Ms: 150, baselineId: "election-20-200" },
] as const;
const RATIO_MIN = 10;
const SCAN_MS = 100;
/** Outputs of two leaders further apart than this and one scan: a scan was missed. */
const MISSED_SCANS = 1.5;
/** A pause of the machine that may have decided the figure. */
const PAUSE_MS_MIN = 20;

const ms = (value: number) => (value < 1000 ? value.toFixed(1) : Math.round(value).toString());
const gapsOf = ({ measured }: LaneResult, kind: FaultKind) =>
  measured.filter((one) => one.kind === kind).map(({ gapMs }) => gapMs);
const median = (values: readonly number[]) => quantile(values, 0.5).value;

/** What the issue asks for, as far as the lanes that ran can show it. */
export function targetsOf(results: readonly LaneResult[]): Target[] {
  const targets: Target[] = [];
  const add = (text: string, found: string, isMet: boolean) => targets.push({ text, found, isMet });
  for (const { laneId, p50Ms, p99Ms, baselineId } of LIMITS) {
    const own = results.find(({ lane }) => lane.id === laneId);
    if (own === undefined) continue;
    const baseline = results.find(({ lane }) => lane.id === baselineId);
    for (const kind of ["kill", "power-cut"] as const) {
      const gaps = gapsOf(own, kind);
      if (gaps.length === 0) continue;
      const [p50, p99] = [median(gaps), quantile(gaps, 0.99).value];
      add(`${laneId}, ${kind}: p50 at most ${p50Ms} ms`, `${ms(p50)} ms`, p50 <= p50Ms);
      add(`${laneId}, ${kind}: p99 at most ${p99Ms} ms`, `${ms(p99)} ms`, p99 <= p99Ms);
      const theirs = baseline === undefined ? [] : gapsOf(baseline, kind);
      if (theirs.length === 0) continue;
      const ratio = median(theirs) / p50;
      add(
        `${laneId}, ${kind}: median ${RATIO_MIN} times better than ${baselineId}`,
        `${ratio.toFixed(1)} times`,
        ratio >= RATIO_MIN,
      );
    }
    add(`${laneId}: zero double writes`, String(own.overlapCount), own.overlapCount === 0);
    const intervals = handoversOf(own);
    if (intervals.length > 0) {
      const missedCount = intervals.filter((one) => one > MISSED_SCANS * SCAN_MS).length;
      add(
        `${laneId}: planned handover misses no scan`,
        `${missedCount} of ${intervals.length}`,
        missedCount === 0,
      );
    }
  }
  return targets;
}

const handoversOf = ({ measured }: LaneResult) =>
  measured.flatMap(({ handover }) => (handover === null ? [] : [handover.intervalMs]));

/** The report as text, ratios first. */
export function reportOf(results: readonly LaneResult[], minutes: number): string {
  return [
    ...machineLines(minutes),
    "",
    ...ratioLines(results),
    ...gapLines(results),
    ...handoverLines(results),
    ...stageLines(results),
    ...otherLines(results),
    ...problemLines(results),
    "Targets",
    ...targetsOf(results).map(
      ({ text, found, isMet }) => `  ${isMet ? "met     " : "NOT MET "}${text}: ${found}`,
    ),
  ].join("\n");
}

function machineLines(minutes: number): string[] {
  const model = cpus()[0]?.model ?? "unknown processor";
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  return [
    `Failover at the devices, ${new Date().toISOString().slice(0, 16)} UTC, ${minutes.toFixed(0)} min`,
    `${availableParallelism()} cores (${model}), ${memoryGb} GiB, ${process.platform}, Node ${process.versions.node}`,
  ];
}

function ratioLines(results: readonly LaneResult[]): string[] {
  const lines: string[] = [];
  for (const { laneId, baselineId } of LIMITS) {
    const own = results.find(({ lane }) => lane.id === laneId);
    if (own === undefined) continue;
    for (const other of results.filter(({ lane }) => lane.baseline !== null)) {
      const isPair = other.lane.id === baselineId || other.lane.id.startsWith("lease-loop");
      if (!isPair) continue;
      for (const kind of ["kill", "power-cut"] as const) {
        const [ours, theirs] = [gapsOf(own, kind), gapsOf(other, kind)];
        if (ours.length === 0 || theirs.length === 0) continue;
        const ratio = median(theirs) / median(ours);
        lines.push(`  ${laneId} against ${other.lane.id}, ${kind}: ${ratio.toFixed(1)} times`);
      }
    }
  }
  return lines.length === 0 ? [] : ["Medians: how many times sooner", ...lines, ""];
}

function gapLines(results: readonly LaneResult[]): string[] {
  if (results.every(({ measured }) => measured.every(({ kind }) => kind === "handover"))) return [];
  const head = [
    "fault at the leader to the successor's first write, ms",
    "n",
    "p50 [95 %]",
    "p99 [95 %]",
    "max",
    "double",
    "late",
    "stale",
    "pauses",
  ];
  const rows: string[][] = [];
  for (const result of results) {
    for (const kind of ["kill", "power-cut", "freeze"] as const) {
      const some = result.measured.filter((one) => one.kind === kind);
      if (some.length === 0) continue;
      const gaps = some.map(({ gapMs }) => gapMs);
      rows.push([
        `${result.lane.id} ${kind}`,
        String(gaps.length),
        withInterval(quantile(gaps, 0.5)),
        withInterval(quantile(gaps, 0.99)),
        ms(Math.max(...gaps)),
        String(sumOf(some, ({ overlapCount }) => overlapCount)),
        String(sumOf(some, ({ lateWriteCount }) => lateWriteCount)),
        String(some.filter(({ isStale }) => isStale).length),
        String(some.filter(({ hostPauseMs }) => hostPauseMs >= PAUSE_MS_MIN).length),
      ]);
    }
  }
  return [
    ...table([head, ...rows]),
    "stale: no standby was in sync at the moment of the fault",
    `pauses: failovers during which the machine itself stood still for ${PAUSE_MS_MIN} ms or more`,
    "",
  ];
}

const sumOf = (some: readonly Measured[], of: (one: Measured) => number) =>
  some.reduce((sum, one) => sum + of(one), 0);

function withInterval({ value, low, high }: Quantile): string {
  const bound = (one: number | null) => (one === null ? "?" : ms(one));
  return `${ms(value)} [${bound(low)}–${bound(high)}]`;
}

function handoverLines(results: readonly LaneResult[]): string[] {
  const rows = results.flatMap((result) => {
    const intervals = handoversOf(result);
    if (intervals.length === 0) return [];
    const missedCount = intervals.filter((one) => one > MISSED_SCANS * SCAN_MS).length;
    return [
      [
        result.lane.id,
        String(intervals.length),
        withInterval(quantile(intervals, 0.5)),
        withInterval(quantile(intervals, 0.99)),
        ms(Math.max(...intervals)),
        String(missedCount),
        String(result.refusedCount),
      ],
    ];
  });
  if (rows.length === 0) return [];
  const head = [
    `planned handover: last outputs to first, ms (a scan is ${SCAN_MS})`,
    "n",
    "p50 [95 %]",
    "p99 [95 %]",
    "max",
    "scans missed",
    "refused, asked again",
  ];
  return [...table([head, ...rows]), ""];
}

function stageLines(results: readonly LaneResult[]): string[] {
  const rows: string[][] = [];
  for (const result of results) {
    for (const kind of ["kill", "power-cut"] as const) {
      const some = result.measured.flatMap((one) =>
        one.kind === kind && one.breakdown !== null ? [one.breakdown] : [],
      );
      if (some.length === 0) continue;
      const cells = STAGES.map((stage) => {
        const values = some.map((one) => one[stage]);
        return `${ms(median(values))} / ${ms(quantile(values, 0.99).value)}`;
      });
      rows.push([`${result.lane.id} ${kind}`, ...cells]);
    }
  }
  if (rows.length === 0) return [];
  const head = [
    "where the time goes, ms p50 / p99",
    "promise",
    "wait",
    "transaction",
    "first frame",
    "release",
    "write",
  ];
  return [...table([head, ...rows]), ""];
}

function problemLines(results: readonly LaneResult[]): string[] {
  const problems = results.flatMap((result) => result.problems);
  if (problems.length === 0) return [];
  return ["Not measured", ...problems.map((problem) => `  ${problem}`), ""];
}

function otherLines(results: readonly LaneResult[]): string[] {
  const rows = results.map((result) => [
    result.lane.id,
    result.cpuPctPerNode.toFixed(1),
    String(result.falseTakeoverCount),
    (result.idleHours * 60).toFixed(1),
    result.idleHours > 0
      ? `${(result.falseTakeoverCount / result.idleHours).toFixed(1)} (at most ${rateUpperPerHour(result.falseTakeoverCount, result.idleHours).toFixed(0)})`
      : "",
    String(result.overlapCount),
    String(result.lateWriteCount),
  ]);
  const head = [
    "whole lane",
    "CPU % of a core per node",
    "false takeovers",
    "in idle min",
    "per hour",
    "double writes",
    "late writes",
  ];
  return [...table([head, ...rows]), ""];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

/** Everything, for later. */
export function jsonOf(results: readonly LaneResult[], minutes: number): object {
  return {
    machine: machineLines(minutes),
    targets: targetsOf(results),
    lanes: results.map(({ lane, ...result }) => ({ id: lane.id, title: lane.title, ...result })),
  };
}
