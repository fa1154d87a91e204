import type { WriteEntry } from "../devices/simulated-device.ts";
import type { Term } from "./terms.ts";

/** What happened at the plant besides writes, for the judgement. */
export interface PlantSample {
  readonly atMs: number;
  readonly frequencyHzMin: number;
  readonly frequencyHzMax: number;
}

export interface PlantMove {
  readonly atMs: number;
  readonly kind: "breaker" | "startStop";
}

/** Everything that the referee kept of one grid. Bounded: the oldest goes first. */
export interface GridLog {
  readonly writes: readonly WriteEntry[];
  readonly samples: readonly PlantSample[];
  readonly moves: readonly PlantMove[];
}

/** The instant of a fault that somebody caused on purpose. */
export interface FaultMark {
  readonly id: string;
  readonly grid: string;
  /** The leader that it struck. */
  readonly from: string;
  readonly reason: string;
  /** `process.hrtime` of this machine, ms. */
  readonly atMonotonicMs: number;
}

/** One failover as the devices saw it. Times are milliseconds on the machine's monotonic clock. */
export interface FailoverSummary {
  /** Id of the fault mark; null where nobody announced the fault. */
  readonly id: string | null;
  readonly grid: string;
  readonly from: string;
  readonly to: string;
  /** Null where no device of the grid holds an epoch. */
  readonly epoch: number | null;
  readonly reason: string;
  readonly faultAtMs: number;
  /** Null where the old leader never wrote in the time that is kept. */
  readonly lastOldWriteMs: number | null;
  readonly firstNewWriteMs: number;
  /** From the fault to the successor's first accepted write at any device of the grid. */
  readonly gapMs: number;
  /** Longest time in the window without a write at a device that has a command watchdog. */
  readonly silenceMs: number;
  readonly overlapCount: number;
  readonly lateWriteCount: number;
  readonly frequencyHzMin: number;
  readonly frequencyHzMax: number;
  readonly breakersMovedCount: number;
  readonly startsStopsCount: number;
  /** Largest difference between a power set-point that a device held and the successor's first one. */
  readonly setpointStepKwMax: number;
}

/**
 * Measures one change of leader from the log: a pure function.
 *
 * @param term - The new leadership.
 * @param mark - The fault that led to it. Without one the old leader's last write stands for the fault.
 * @param endMs - End of the window that begins with the fault; where another leadership ended it, its first write is not part of it.
 */
export function judgeFailover(
  term: Term,
  mark: FaultMark | null,
  log: GridLog,
  endMs: number,
): FailoverSummary {
  const from = term.from ?? "";
  const accepted = log.writes.filter((entry) => entry.refusal === null && entry.atMs < endMs);
  const own = new Map<string, number>();
  for (const entry of accepted) {
    const isOwn = entry.writer === term.writer && entry.atMs >= term.startMs;
    if (isOwn && !own.has(entry.device)) own.set(entry.device, entry.atMs);
  }
  const isSameNode = from === term.writer;
  const ofOld = accepted.filter(
    (entry) => entry.writer === from && (!isSameNode || entry.atMs < term.startMs),
  );
  const lastOldWriteMs = ofOld.at(-1)?.atMs ?? null;
  const lastBeforeMs = ofOld.filter((entry) => entry.atMs < term.startMs).at(-1)?.atMs;
  const faultAtMs = mark?.atMonotonicMs ?? lastBeforeMs ?? term.startMs;
  const inWindow = <T extends { readonly atMs: number }>(list: readonly T[]) =>
    list.filter((item) => item.atMs >= faultAtMs && item.atMs <= endMs);
  // Where the host paused over the whole window the last sample before it stands.
  const inside = inWindow(log.samples);
  const samples = inside.length > 0 ? inside : log.samples.slice(-1);
  const moves = inWindow(log.moves);
  const { overlapCount, lateWriteCount } = countOverlaps(ofOld, own);
  return {
    id: mark?.id ?? null,
    grid: term.grid,
    from,
    to: term.writer,
    epoch: term.epoch ?? epochOf(accepted, term),
    reason: mark?.reason ?? "unmarked",
    faultAtMs,
    lastOldWriteMs,
    firstNewWriteMs: term.startMs,
    gapMs: term.startMs - faultAtMs,
    silenceMs: longestSilenceMs(accepted, faultAtMs, endMs),
    overlapCount,
    lateWriteCount,
    frequencyHzMin: samples.reduce(
      (min, sample) => Math.min(min, sample.frequencyHzMin),
      samples[0]?.frequencyHzMin ?? 0,
    ),
    frequencyHzMax: samples.reduce((max, sample) => Math.max(max, sample.frequencyHzMax), 0),
    breakersMovedCount: moves.filter((move) => move.kind === "breaker").length,
    startsStopsCount: moves.filter((move) => move.kind === "startStop").length,
    setpointStepKwMax: largestStepKw(accepted, term),
  };
}

/** The term may have been opened at a plain device; a fenced one tells its epoch a moment later. */
function epochOf(accepted: readonly WriteEntry[], term: Term): number | null {
  const entry = accepted.find(
    ({ atMs, writer, epoch }) => atMs >= term.startMs && writer === term.writer && epoch !== null,
  );
  return entry?.epoch ?? null;
}

/** Writes of the old leader after the new one's first at the same device. */
function countOverlaps(
  ofOld: readonly WriteEntry[],
  firstOfNew: ReadonlyMap<string, number>,
): { overlapCount: number; lateWriteCount: number } {
  let overlapCount = 0;
  const late = new Set<number>();
  for (const entry of ofOld) {
    const firstMs = firstOfNew.get(entry.device);
    if (firstMs === undefined || entry.atMs < firstMs) continue;
    const isOld = entry.connectionOpenedAtMs < firstMs;
    if (!entry.isFenced && isOld && !late.has(entry.connectionId)) late.add(entry.connectionId);
    else overlapCount += 1;
  }
  return { overlapCount, lateWriteCount: late.size };
}

/** A device that holds no set-point in the time kept has nothing to be silent about. */
function longestSilenceMs(
  accepted: readonly WriteEntry[],
  faultAtMs: number,
  endMs: number,
): number {
  const lastMs = new Map<string, number>();
  let longestMs = 0;
  for (const entry of accepted) {
    const previousMs = lastMs.get(entry.device);
    if (!entry.hasWatchdog || (previousMs === undefined && entry.levels.length === 0)) continue;
    if (previousMs !== undefined && entry.atMs >= faultAtMs) {
      longestMs = Math.max(longestMs, entry.atMs - previousMs);
    }
    lastMs.set(entry.device, entry.atMs);
  }
  for (const previousMs of lastMs.values()) longestMs = Math.max(longestMs, endMs - previousMs);
  return longestMs;
}

function largestStepKw(accepted: readonly WriteEntry[], term: Term): number {
  const held = new Map<string, number>();
  const judged = new Set<string>();
  let stepKw = 0;
  for (const entry of accepted) {
    const isNew = entry.writer === term.writer && entry.atMs >= term.startMs;
    for (const { point, value, unit } of entry.levels) {
      if (unit !== "kW") continue;
      const key = `${entry.device}.${point}`;
      const before = held.get(key);
      if (isNew && !judged.has(key)) {
        judged.add(key);
        if (before !== undefined) stepKw = Math.max(stepKw, Math.abs(value - before));
      }
      held.set(key, value);
    }
  }
  return stepKw;
}
