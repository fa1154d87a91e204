import { present } from "../../kernel/assert.ts";
import type { WriteReport } from "../../kernel/ports/device-io.ts";
import type { PointValue } from "../../kernel/point.ts";
import type { Words } from "./codec.ts";
import { WriteBudget } from "./write-budget.ts";
import type { LevelLayout } from "./write-plan.ts";

/** A level that the device refused or did not keep is written again at most so often. */
const REWRITE_MS = 1000;

export type ReportLevel = (point: string, outcome: WriteReport["outcome"], reason: string) => void;

interface LevelState {
  /** Registers that should hold now; null where the level is not in the image. */
  wanted: readonly number[] | null;
  /** Registers of the last acknowledged write that no read-back has contradicted. */
  confirmed: readonly number[] | null;
  /** Registers last shown by the device. */
  shown: readonly number[] | null;
  /** Registers that the device refused or did not keep, and when to try the same again. */
  refused: readonly number[] | null;
  retryAtMs: number;
  writtenAtMs: number;
  isReadBackOwed: boolean;
  /** Writes in a row that the device did not answer. */
  unansweredCount: number;
  /** Last thing reported that would repeat every scan; null after any success. */
  lastReport: string | null;
}

function isEqual(a: readonly number[] | null, b: readonly number[] | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((word, index) => word === b[index]);
}

/** The set-points of one device: what should hold, what the device is known to hold, what is due. No I/O, no clock. */
export class LevelImage {
  readonly #layout: readonly LevelLayout[];
  readonly #states: LevelState[];
  readonly #report: ReportLevel;
  /** Longest time from an acknowledged write until the device shows it. */
  readonly #settleMs: number;
  /** Levels are served at least so often; Infinity where the device has no watchdog. */
  readonly #serveMs: number;
  /** For each level what its register bears; null where it does not wear. */
  readonly #budgets: readonly (WriteBudget | null)[];

  /** @param serveMs - Time between two writes that keeps the device's watchdog content; Infinity where it has none. */
  constructor(
    layout: readonly LevelLayout[],
    timing: { settleMs: number; serveMs: number },
    report: ReportLevel,
  ) {
    this.#layout = layout;
    this.#settleMs = timing.settleMs;
    this.#serveMs = timing.serveMs;
    this.#report = report;
    this.#budgets = layout.map(({ mapping }) => {
      const { writesPerDayMax } = mapping.supervision;
      return writesPerDayMax === null ? null : new WriteBudget(writesPerDayMax);
    });
    this.#states = layout.map(() => ({
      wanted: null,
      confirmed: null,
      shown: null,
      refused: null,
      retryAtMs: -Infinity,
      writtenAtMs: -Infinity,
      isReadBackOwed: false,
      unansweredCount: 0,
      lastReport: null,
    }));
  }

  /** Takes the complete image of set-points: what is not in `values` is not held. Returns the levels whose registers changed. */
  replace(values: ReadonlyMap<string, PointValue>): readonly number[] {
    const changed: number[] = [];
    for (const [index, level] of this.#layout.entries()) {
      const state = this.#at(index);
      const value = values.get(level.point);
      const words = value === undefined ? null : level.codec.encode(value);
      if (value !== undefined && words === null) {
        this.#reportOnce(index, "dropped", `${String(value)} does not fit the register`);
      }
      if (isEqual(words, state.wanted)) continue;
      state.wanted = words;
      if (words !== null) changed.push(index);
    }
    return changed;
  }

  /** Levels that must be written now: all that are held where the watchdog is due, else those that differ from what is confirmed. */
  due(nowMs: number): readonly boolean[] {
    return this.#states.map((state, index) => {
      if (state.wanted === null) return false;
      const budget = this.#budgets[index] ?? null;
      const isRefused = isEqual(state.wanted, state.refused) && nowMs < state.retryAtMs;
      if (isRefused) return false;
      const isChanged = !isEqual(state.wanted, state.confirmed);
      if (budget === null) return isChanged || nowMs - state.writtenAtMs >= this.#serveMs;
      // A register that wears is not written to say again what the device shows, whoever wrote it.
      if (!isChanged || this.#isShown(index, state)) return false;
      const isAffordable = budget.has(nowMs);
      if (!isAffordable)
        this.#reportOnce(index, "dropped", "its register has no write left for now");
      return isAffordable;
    });
  }

  /** A write that carried these levels has gone out, whatever becomes of it. */
  spent(levels: readonly number[], nowMs: number): void {
    for (const index of levels) this.#budgets[index]?.spend(nowMs);
  }

  /** Levels that no write may carry along that is meant for others: each costs their registers a write. */
  isSpared(index: number): boolean {
    return (this.#budgets[index] ?? null) !== null;
  }

  /** Registers to send for each level: as wanted, else as the device last showed them; null where neither is known. */
  words(): readonly (readonly number[] | null)[] {
    return this.#states.map((state) => state.wanted ?? state.shown);
  }

  /** The device acknowledged `sent` for these levels. */
  acknowledged(
    levels: readonly number[],
    sent: readonly (readonly number[] | null)[],
    nowMs: number,
  ): void {
    for (const index of levels) {
      const state = this.#at(index);
      state.confirmed = sent[index] ?? null;
      state.refused = null;
      state.writtenAtMs = nowMs;
      state.isReadBackOwed = true;
      state.unansweredCount = 0;
      state.lastReport = null;
      if (state.wanted !== null) this.#report(this.#point(index), "written", "");
    }
  }

  /** The device refused the request that carried these levels. */
  refused(
    levels: readonly number[],
    sent: readonly (readonly number[] | null)[],
    reason: string,
    nowMs: number,
  ): void {
    for (const index of levels) {
      const state = this.#at(index);
      state.confirmed = null;
      state.refused = sent[index] ?? null;
      state.retryAtMs = nowMs + REWRITE_MS;
      state.isReadBackOwed = false;
      if (state.wanted !== null) this.#reportOnce(index, "failed", reason);
    }
  }

  /**
   * Nobody can tell whether the device took these levels. They are tried again at once, for the answer may just have been late;
   * from the second time on as rarely as refused ones, since each costs all devices behind the connection a reset.
   */
  unanswered(
    levels: readonly number[],
    sent: readonly (readonly number[] | null)[],
    reason: string,
    nowMs: number,
  ): void {
    for (const index of levels) {
      const state = this.#at(index);
      state.confirmed = null;
      state.isReadBackOwed = false;
      state.unansweredCount++;
      if (state.unansweredCount > 1) {
        state.refused = sent[index] ?? null;
        state.retryAtMs = nowMs + REWRITE_MS;
      }
      if (state.wanted !== null) this.#reportOnce(index, "unknown", reason);
    }
  }

  /** These levels were not written. */
  dropped(levels: readonly number[], reason: string): void {
    for (const index of levels) this.#reportOnce(index, "dropped", reason);
  }

  /** Reports a level that only would be written, once for each value. */
  reportWould(levels: readonly number[], reason: string): void {
    for (const index of levels) this.#report(this.#point(index), "wouldWrite", reason);
  }

  /**
   * The device showed `words` for a level, in a reply to a request that was sent after the last acknowledged write. A value
   * that differs from the confirmed one is written again, at most once a second.
   */
  readBack(level: number, words: Words, at: number, nowMs: number): void {
    const state = this.#at(level);
    const codec = this.#codec(level);
    const shown = state.shown;
    if (shown === null || !isSameWords(shown, words, at)) {
      const taken = [Number(words[at])];
      if (codec.wordCount === 2) taken.push(Number(words[at + 1]));
      state.shown = taken;
    }
    if (state.confirmed === null || state.wanted === null) return;
    if (codec.isSame(state.confirmed, words, at)) {
      if (!state.isReadBackOwed) return;
      state.isReadBackOwed = false;
      this.#report(this.#point(level), "confirmed", "");
      return;
    }
    if (nowMs - state.writtenAtMs < this.#settleMs) return;
    this.#reportOnce(
      level,
      "failed",
      `wrote ${String(codec.decode(state.confirmed, 0))}, read back ${String(codec.decode(words, at))}`,
    );
    state.refused = state.confirmed;
    state.retryAtMs = state.writtenAtMs + REWRITE_MS;
    state.confirmed = null;
    state.isReadBackOwed = false;
  }

  /** The connection was lost: the device may have restarted, and what it held is unconfirmed. */
  unconfirm(): void {
    for (const state of this.#states) {
      state.confirmed = null;
      state.isReadBackOwed = false;
    }
  }

  /** Forgets all that was learnt about writes, so that everything held is written again at once; others may have written since. */
  forget(): void {
    this.unconfirm();
    for (const budget of this.#budgets) budget?.empty();
    for (const state of this.#states) {
      state.refused = null;
      state.unansweredCount = 0;
      state.lastReport = null;
    }
  }

  /** Holds nothing any more, until the next image. */
  release(): void {
    this.forget();
    for (const state of this.#states) state.wanted = null;
  }

  #isShown(index: number, { wanted, shown }: LevelState): boolean {
    if (wanted === null || shown === null) return false;
    return this.#codec(index).isSame(wanted, shown, 0);
  }

  #at(index: number): LevelState {
    return present(this.#states[index], "a level has a state");
  }

  #codec(index: number): LevelLayout["codec"] {
    return present(this.#layout[index], "a level has a layout").codec;
  }

  #point(index: number): string {
    return present(this.#layout[index], "a level has a layout").point;
  }

  #reportOnce(index: number, outcome: WriteReport["outcome"], reason: string): void {
    const state = this.#at(index);
    const report = `${outcome} ${reason}`;
    if (state.lastReport === report) return;
    state.lastReport = report;
    this.#report(this.#point(index), outcome, reason);
  }
}

function isSameWords(shown: readonly number[], words: Words, at: number): boolean {
  for (let i = 0; i < shown.length; i++) if (shown[i] !== words[at + i]) return false;
  return true;
}
