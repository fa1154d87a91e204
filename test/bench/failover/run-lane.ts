import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Installation } from "../../../apps/launcher/cluster.ts";
import { startInstallation } from "../../../apps/launcher/cluster.ts";
import type { FailoverMessage } from "../../../apps/launcher/events.ts";
import type { HostPauses } from "../../../apps/launcher/host-pauses.ts";
import { machineMonotonicMs } from "../../../apps/launcher/host-pauses.ts";
import { present } from "../../../kernel/assert.ts";
import { tracePath } from "../../../apps/launcher/run-files.ts";
import { readTrace } from "../../support/trace-lines.ts";
import { writeBenchInstallation } from "./bench-installation.ts";
import type { Breakdown, HandoverParts } from "./breakdown.ts";
import { breakdownOf, handoverPartsOf } from "./breakdown.ts";
import type { FaultKind } from "./cell.ts";
import { Cell } from "./cell.ts";
import type { Lane } from "./lanes.ts";

export interface LaneOptions {
  readonly projectDirectory: string;
  readonly directory: string;
  readonly killCount: number;
  /** A frozen leader shows double writes, not speed: fewer of them. */
  readonly freezeCount: number;
  readonly faults: readonly FaultKind[];
  readonly idleMs: number;
  readonly hostPauses: HostPauses;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** One fault of one lane as the referee at the devices measured it. */
export interface Measured {
  readonly kind: FaultKind;
  readonly gapMs: number;
  readonly overlapCount: number;
  readonly lateWriteCount: number;
  /** Longest pause of the machine itself between the fault and the first write. */
  readonly hostPauseMs: number;
  readonly breakdown: Breakdown | null;
  /** Nobody was in sync at the moment of the fault: the successor took over with what it had. */
  readonly isStale: boolean;
  readonly handover: HandoverParts | null;
}

export interface LaneResult {
  readonly lane: Lane;
  readonly measured: readonly Measured[];
  /** What could not be measured, and why: each is a finding. */
  readonly problems: readonly string[];
  /** Handovers that were refused and asked for again. */
  readonly refusedCount: number;
  /** Accepted writes of a leader that another had followed, over the whole of the lane. */
  readonly overlapCount: number;
  readonly lateWriteCount: number;
  /** Changes of leader that nobody caused, while nothing was done, and for how long that was watched, summed over the cells. */
  readonly falseTakeoverCount: number;
  readonly idleHours: number;
  /** Of one core, mean over the nodes in idle time. */
  readonly cpuPctPerNode: number;
}

/** A lane with so many is given up: what it has measured is reported. */
const PROBLEM_COUNT_MAX = 5;
const CLOCK_TICKS_PER_S = 100;
const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export async function runLane(lane: Lane, options: LaneOptions): Promise<LaneResult> {
  const directory = join(options.directory, lane.id);
  mkdirSync(directory, { recursive: true });
  const { manifest, plantPath } = await writeBenchInstallation(
    directory,
    lane.cellCount,
    lane.timingSet,
  );
  const failovers: FailoverMessage[] = [];
  const installation = await oneAfterTheOther(() =>
    startInstallation({
      manifest,
      projectDirectory: options.projectDirectory,
      runDirectory: directory,
      plantPath,
      coordinator: "etcd",
      etcdTimings: lane.etcd,
      refereeWindowMs: 500,
      isTraced: lane.baseline === null,
      nodeProgram: lane.baseline === null ? undefined : baselineProgram(lane.baseline),
      seed: 1,
      signal: options.signal,
      onEvent(event) {
        if (event.type === "failover") failovers.push(event.failover);
        if (event.type === "node" && event.state === "ended")
          options.say(`${lane.id}: ${event.text}`);
      },
    }),
  );
  try {
    return await measure(lane, installation, failovers, options);
  } finally {
    await installation.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

let started: Promise<unknown> = Promise.resolve();

/** Dozens of programs that start at once would keep each other from being ready in time. */
function oneAfterTheOther<T>(start: () => Promise<T>): Promise<T> {
  const next = started.then(start);
  started = next.catch(() => {});
  return next;
}

/** One lane's result from those of its shards. */
export function mergeShards(shards: readonly LaneResult[]): LaneResult {
  const first = present(shards[0], "a lane has a shard");
  const sum = (of: (shard: LaneResult) => number) =>
    shards.reduce((total, shard) => total + of(shard), 0);
  return {
    lane: first.lane,
    measured: shards.flatMap(({ measured }) => measured),
    problems: shards.flatMap(({ problems }) => problems),
    refusedCount: sum(({ refusedCount }) => refusedCount),
    overlapCount: sum(({ overlapCount }) => overlapCount),
    lateWriteCount: sum(({ lateWriteCount }) => lateWriteCount),
    falseTakeoverCount: sum(({ falseTakeoverCount }) => falseTakeoverCount),
    idleHours: sum(({ idleHours }) => idleHours),
    cpuPctPerNode: sum(({ cpuPctPerNode }) => cpuPctPerNode) / shards.length,
  };
}

function baselineProgram(args: readonly string[]) {
  const program = fileURLToPath(new URL("baseline-node.ts", import.meta.url));
  return { nodeArgs: ["--import", "tsx"], program, args };
}

async function measure(
  lane: Lane,
  installation: Installation,
  failovers: readonly FailoverMessage[],
  options: LaneOptions,
): Promise<LaneResult> {
  const cells = Array.from(
    { length: lane.cellCount },
    (_, i) =>
      new Cell({
        installation,
        cell: i + 1,
        isBaseline: lane.baseline !== null,
        freezeMs: lane.freezeMs,
        failoverMsMax: lane.failoverMsMax,
      }),
  );
  const measured: Measured[] = [];
  const problems: string[] = [];
  await Promise.all(cells.map((cell) => cell.untilSettled()));
  const idle = await beIdle(lane, installation, failovers, options);
  for (const kind of lane.faults.filter((one) => options.faults.includes(one))) {
    const count = kind === "freeze" ? options.freezeCount : options.killCount;
    let leftCount = count;
    const runCell = async (cell: Cell) => {
      const mayGoOn = () =>
        !options.signal.aborted && !installation.isBroken && problems.length < PROBLEM_COUNT_MAX;
      while (leftCount > 0 && mayGoOn()) {
        leftCount--;
        const failover = await cell.strike(kind, failovers).catch((error: unknown) => {
          problems.push(
            `${lane.id} ${kind}: ${error instanceof Error ? error.message : String(error)}`,
          );
          options.say(problems.at(-1) ?? "");
          return null;
        });
        if (failover === null) continue;
        const one = judge(lane, kind, failover, options);
        measured.push(one);
        const doneCount = measured.filter((other) => other.kind === kind).length;
        options.say(`${lane.id} ${kind} ${doneCount}/${count}: ${textOf(one)}`);
      }
    };
    await Promise.all(cells.map(runCell));
  }
  for (const cell of cells) cell.close();
  // Totals come once a second.
  await delay(1500);
  const totals = installation.totals();
  return {
    lane,
    measured,
    problems,
    refusedCount: cells.reduce((sum, cell) => sum + cell.refusedCount, 0),
    overlapCount: totals?.overlapCount ?? 0,
    lateWriteCount: totals?.lateWriteCount ?? 0,
    ...idle,
  };
}

async function beIdle(
  lane: Lane,
  installation: Installation,
  failovers: readonly FailoverMessage[],
  { idleMs, say, signal }: LaneOptions,
) {
  say(`${lane.id}: idle for ${Math.round(idleMs / 1000)} s`);
  const pids = installation.nodeViews().map(({ pid }) => pid);
  const cpuMs = () => pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0);
  const fromMs = machineMonotonicMs();
  const cpuBeforeMs = cpuMs();
  const failoverCount = failovers.length;
  while (machineMonotonicMs() - fromMs < idleMs && !signal.aborted) await delay(100);
  const lastedMs = machineMonotonicMs() - fromMs;
  return {
    cpuPctPerNode: ((cpuMs() - cpuBeforeMs) / lastedMs / pids.length) * 100,
    falseTakeoverCount: failovers.length - failoverCount,
    idleHours: (lastedMs / 3_600_000) * lane.cellCount,
  };
}

/** Processor time of a process with all its threads, ms; 0 where the system does not tell. */
function cpuMsOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS_PER_S;
  } catch {
    return 0;
  }
}

function judge(
  lane: Lane,
  kind: FaultKind,
  failover: FailoverMessage,
  { directory, hostPauses }: LaneOptions,
): Measured {
  const traceOf = (node: string) => readTrace(tracePath(join(directory, lane.id), node));
  const isOurs = lane.baseline === null;
  const next = isOurs ? traceOf(failover.to) : [];
  const isHandover = kind === "handover";
  return {
    kind,
    gapMs: failover.gapMs,
    overlapCount: failover.overlapCount,
    lateWriteCount: failover.lateWriteCount,
    hostPauseMs: hostPauses.longestMs(failover.faultAtMs, failover.firstNewWriteMs + 5),
    breakdown: isOurs && !isHandover ? breakdownOf(failover, next) : null,
    isStale: next.some(
      ({ step, origin, atMs }) =>
        step === "led" &&
        origin === "stale" &&
        atMs >= failover.faultAtMs &&
        atMs <= failover.firstNewWriteMs,
    ),
    handover: isOurs && isHandover ? handoverPartsOf(failover, traceOf(failover.from), next) : null,
  };
}

function textOf(measured: Measured): string {
  const { gapMs, breakdown, handover, hostPauseMs, overlapCount, isStale } = measured;
  const ms = (value: number) => value.toFixed(1);
  const parts = [
    handover === null
      ? `${ms(gapMs)} ms`
      : `outputs ${ms(handover.intervalMs)} ms apart = resigning ${ms(handover.resigningMs)} + transaction ${ms(handover.transactionMs)} + frame ${ms(handover.firstFrameMs)} + release ${ms(handover.releaseMs)}`,
  ];
  if (breakdown !== null) {
    const { promiseMs, staggerMs, transactionMs, firstFrameMs, releaseMs, writeMs } = breakdown;
    parts.push(
      `= promise ${ms(promiseMs)} + wait ${ms(staggerMs)} + transaction ${ms(transactionMs)} + frame ${ms(firstFrameMs)} + release ${ms(releaseMs)} + write ${ms(writeMs)}`,
    );
  }
  if (hostPauseMs > 0) parts.push(`(machine paused ${ms(hostPauseMs)})`);
  if (isStale) parts.push("stale: nobody was in sync");
  if (overlapCount > 0) parts.push(`double writes ${overlapCount}`);
  return parts.join(" ");
}
