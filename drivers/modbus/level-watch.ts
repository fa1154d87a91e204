import type { LevelSupervision } from "../../configs/profile.ts";
import type { ReportLevel } from "./level-image.ts";

interface WatchState {
  /** Since when an acknowledged write waits to be shown by the device; null where none does. */
  owedSinceMs: number | null;
  isUnconfirmed: boolean;
  /** Since when the effect differs from what is wanted; null where it does not. */
  apartSinceMs: number | null;
  isUnfollowed: boolean;
  /** The set-point whose effect was seen last. */
  followed: number | null;
}

/**
 * Whether a device does what it acknowledged: a set-point is to be shown by the device within one time, and to have its effect (a measured
 * value close to it) within another. A set-point that moves is followed as long as the effect is never apart from it for that time. No I/O, no clock.
 */
export class LevelWatch {
  readonly #levels: ReadonlyMap<string, { rule: LevelSupervision; state: WatchState }>;
  readonly #report: ReportLevel;

  constructor(
    levels: readonly { readonly point: string; readonly supervision: LevelSupervision }[],
    report: ReportLevel,
  ) {
    this.#levels = new Map(
      levels.map(({ point, supervision }) => [point, { rule: supervision, state: fresh() }]),
    );
    this.#report = report;
  }

  /** The device acknowledged a write of this level. */
  written(point: string, nowMs: number): void {
    const state = this.#levels.get(point)?.state;
    if (state !== undefined) state.owedSinceMs ??= nowMs;
  }

  /** The device shows what was written. */
  confirmed(point: string): void {
    const state = this.#levels.get(point)?.state;
    if (state === undefined) return;
    state.owedSinceMs = null;
    state.isUnconfirmed = false;
  }

  /** Nothing is held any more, or the device is away: nothing is owed. */
  clear(): void {
    for (const { state } of this.#levels.values()) Object.assign(state, fresh());
  }

  /**
   * Looks at every level.
   * @param wanted - Set-points that hold now.
   * @param measured - A measured value of the device; null where it is not known.
   */
  check(
    wanted: ReadonlyMap<string, number>,
    measured: (point: string) => number | null,
    nowMs: number,
  ): void {
    for (const [point, { rule, state }] of this.#levels) {
      const value = wanted.get(point);
      if (value === undefined) {
        Object.assign(state, fresh());
        continue;
      }
      this.#checkShown(point, rule, state, nowMs);
      this.#checkEffect(point, value, rule, state, measured, nowMs);
    }
  }

  #checkShown(point: string, rule: LevelSupervision, state: WatchState, nowMs: number): void {
    const { owedSinceMs } = state;
    if (owedSinceMs === null || state.isUnconfirmed) return;
    if (nowMs - owedSinceMs < rule.confirmWithinMs) return;
    state.isUnconfirmed = true;
    const reason = `acknowledged, and not shown by the device within ${rule.confirmWithinMs} ms`;
    this.#report(point, "unconfirmed", reason);
  }

  #checkEffect(
    point: string,
    value: number,
    rule: LevelSupervision,
    state: WatchState,
    measured: (point: string) => number | null,
    nowMs: number,
  ): void {
    const { followedBy } = rule;
    if (followedBy === null) return;
    const effect = measured(followedBy.point);
    if (effect === null) {
      state.apartSinceMs = null;
      return;
    }
    const { tolerance, withinMs } = followedBy;
    if (Math.abs(effect - value) <= tolerance) {
      const isNews = state.followed === null || Math.abs(state.followed - value) > tolerance;
      if (isNews || state.isUnfollowed) this.#report(point, "followed", "");
      state.followed = isNews ? value : state.followed;
      state.apartSinceMs = null;
      state.isUnfollowed = false;
      return;
    }
    state.apartSinceMs ??= nowMs;
    if (state.isUnfollowed || nowMs - state.apartSinceMs < withinMs) return;
    state.isUnfollowed = true;
    this.#report(
      point,
      "unfollowed",
      `wanted ${value}, ${followedBy.point} shows ${effect} for ${withinMs} ms`,
    );
  }
}

function fresh(): WatchState {
  return {
    owedSinceMs: null,
    isUnconfirmed: false,
    apartSinceMs: null,
    isUnfollowed: false,
    followed: null,
  };
}
