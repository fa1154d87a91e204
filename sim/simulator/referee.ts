import type { WriteEntry } from "../devices/simulated-device.ts";
import { type Term, TermTracker } from "./terms.ts";
import {
  type FailoverSummary,
  type FaultMark,
  type PlantMove,
  type PlantSample,
  judgeFailover,
} from "./judge.ts";

export interface RefereeTotals {
  readonly failoverCount: number;
  readonly writeCount: number;
  readonly refusedCount: number;
  readonly toolWriteCount: number;
  /** Accepted writes of a leader that another had followed, over the whole run. */
  readonly overlapCount: number;
  readonly lateWriteCount: number;
  readonly breakersMovedCount: number;
  readonly startsStopsCount: number;
  readonly gapMsMax: number;
}

const KEEP_MS = 120_000;
const WRITE_COUNT_MAX = 50_000;
const MARK_COUNT_MAX = 200;
/** A fault belongs to a change of leader that follows within this time. */
const MARK_VALID_MS = 60_000;

interface GridCase {
  readonly tracker: TermTracker;
  readonly writes: WriteEntry[];
  readonly samples: PlantSample[];
  readonly moves: PlantMove[];
  /** Changes of leader whose window is still open. */
  readonly open: Term[];
}

/**
 * Judges what the devices saw: who commanded a grid, when that changed, and how the plant took it. Fed with writes, samples and
 * moves in the order of time; gives summaries when their window has passed.
 */
export class Referee {
  readonly #grids = new Map<string, GridCase>();
  readonly #nodes: ReadonlySet<string>;
  readonly #windowMs: number;
  #marks: FaultMark[] = [];
  #failoverCount = 0;
  #writeCount = 0;
  #refusedCount = 0;
  #toolWriteCount = 0;
  #breakersMovedCount = 0;
  #startsStopsCount = 0;
  #gapMsMax = 0;

  constructor(grids: readonly string[], nodes: readonly string[], windowMs = 3000) {
    this.#nodes = new Set(nodes);
    this.#windowMs = windowMs;
    for (const grid of grids) {
      this.#grids.set(grid, {
        tracker: new TermTracker(),
        writes: [],
        samples: [],
        moves: [],
        open: [],
      });
    }
  }

  /** Returns the node that now leads the grid where that changed. */
  onWrite(entry: WriteEntry): Term | null {
    this.#writeCount += 1;
    if (entry.refusal !== null) this.#refusedCount += 1;
    const gridCase = this.#grids.get(entry.grid);
    if (gridCase === undefined) return null;
    if (!this.#nodes.has(entry.writer)) {
      this.#toolWriteCount += 1;
      return null;
    }
    gridCase.writes.push(entry);
    if (gridCase.writes.length > WRITE_COUNT_MAX) gridCase.writes.shift();
    if (entry.refusal !== null) return null;
    const isMarked = this.#marks.some(
      (mark) => mark.grid === entry.grid && entry.connectionOpenedAtMs > mark.atMonotonicMs,
    );
    const { writer } = gridCase.tracker;
    const isStruck = this.#marks.some(
      (mark) =>
        mark.grid === entry.grid && mark.from === writer && mark.atMonotonicMs <= entry.atMs,
    );
    const term = gridCase.tracker.onWrite(entry, isMarked, isStruck);
    if (term !== null && term.from !== null) gridCase.open.push(term);
    return term;
  }

  onSample(grid: string, sample: PlantSample): void {
    this.#grids.get(grid)?.samples.push(sample);
  }

  onMove(grid: string, move: PlantMove): void {
    if (move.kind === "breaker") this.#breakersMovedCount += 1;
    else this.#startsStopsCount += 1;
    this.#grids.get(grid)?.moves.push(move);
  }

  /** The instant of a fault, on the machine's monotonic clock. */
  onMark(mark: FaultMark): void {
    this.#marks.push(mark);
    if (this.#marks.length > MARK_COUNT_MAX) this.#marks.shift();
  }

  /** Closes the windows that have passed. */
  tick(nowMs: number): FailoverSummary[] {
    const summaries: FailoverSummary[] = [];
    for (const gridCase of this.#grids.values()) {
      gridCase.tracker.settle(nowMs);
      for (let first = gridCase.open[0]; first !== undefined; first = gridCase.open[0]) {
        const next = gridCase.open[1];
        const endMs = Math.min(first.startMs + this.#windowMs, next?.startMs ?? Infinity);
        if (nowMs < endMs) break;
        gridCase.open.shift();
        const summary = this.#judge(first, gridCase, endMs);
        if (summary !== null) summaries.push(summary);
      }
      forget(gridCase, nowMs - KEEP_MS);
    }
    return summaries;
  }

  totals(): RefereeTotals {
    let overlapCount = 0;
    let lateWriteCount = 0;
    for (const { tracker } of this.#grids.values()) {
      overlapCount += tracker.overlapCount;
      lateWriteCount += tracker.lateWriteCount;
    }
    return {
      failoverCount: this.#failoverCount,
      writeCount: this.#writeCount,
      refusedCount: this.#refusedCount,
      toolWriteCount: this.#toolWriteCount,
      overlapCount,
      lateWriteCount,
      breakersMovedCount: this.#breakersMovedCount,
      startsStopsCount: this.#startsStopsCount,
      gapMsMax: this.#gapMsMax,
    };
  }

  /** The latest fault before the change of leader; one that struck the old leader before any other. */
  #markOf(term: Term): FaultMark | null {
    const candidates = this.#marks.filter(
      (mark) =>
        mark.grid === term.grid &&
        mark.atMonotonicMs <= term.startMs &&
        mark.atMonotonicMs > term.startMs - MARK_VALID_MS,
    );
    const ofOld = candidates.filter((mark) => mark.from === term.from);
    return ofOld.at(-1) ?? candidates.at(-1) ?? null;
  }

  /** Earlier faults of the grid led to nothing: they must not be taken for the cause of a later change. */
  #dropMarksUntil(last: FaultMark): void {
    this.#marks = this.#marks.filter(
      (mark) => mark.grid !== last.grid || mark.atMonotonicMs > last.atMonotonicMs,
    );
  }

  #judge(term: Term, gridCase: GridCase, endMs: number): FailoverSummary | null {
    const mark = this.#markOf(term);
    // The same node under a new epoch, and nobody did anything: it lost and regained its authority, no failover.
    if (mark === null && term.from === term.writer) return null;
    if (mark !== null) this.#dropMarksUntil(mark);
    const summary = judgeFailover(term, mark, gridCase, endMs);
    this.#failoverCount += 1;
    this.#gapMsMax = Math.max(this.#gapMsMax, summary.gapMs);
    return summary;
  }
}

function forget(gridCase: GridCase, beforeMs: number): void {
  for (const list of [gridCase.writes, gridCase.samples, gridCase.moves]) {
    let count = 0;
    while (count < list.length && (list[count]?.atMs ?? beforeMs) < beforeMs) count += 1;
    // In larger pieces, so that the lists are not copied at every tick.
    if (count > 500) list.splice(0, count);
  }
}
