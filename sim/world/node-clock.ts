import type { Clock, Timer } from "../../kernel/ports/clock.ts";
import type { SeededRandom } from "../ports/seeded-random.ts";

/** A timer is asked a little late, never early. */
export const TIMER_LATENESS_MS_MAX = 0.4;
/** So much more true time that rounding never makes a timer early. */
const ROUNDING_MS = 1e-6;

/** Time and scheduling of one simulated computer: its clock runs at its own rate, and its process may stand still. */
export class NodeClock implements Clock {
  readonly #world: Clock;
  readonly #random: SeededRandom;
  /** Local milliseconds per true millisecond. */
  readonly rate: number;
  #offsetMs: number;
  #pausedUntilMs = -Infinity;
  #isTimersFirst = false;
  #first: (() => void)[] = [];
  #backlog: { readonly isTimer: boolean; readonly callback: () => void }[] = [];

  constructor(world: Clock, random: SeededRandom, rate: number, offsetMs: number) {
    this.#world = world;
    this.#random = random;
    this.rate = rate;
    this.#offsetMs = offsetMs;
  }

  monotonicMs(): number {
    return this.#offsetMs + this.rate * this.#world.monotonicMs();
  }

  wallMs(): number {
    return this.#world.wallMs();
  }

  get isPaused(): boolean {
    return this.#world.monotonicMs() < this.#pausedUntilMs;
  }

  at(localMs: number, callback: () => void): Timer {
    const nowMs = this.#world.monotonicMs();
    const trueMs = (localMs - this.#offsetMs) / this.rate;
    const latenessMs = this.#random.next() * TIMER_LATENESS_MS_MAX + ROUNDING_MS;
    let isCancelled = false;
    const timer = this.#world.at(Math.max(trueMs, nowMs) + latenessMs, () =>
      this.#run(true, () => {
        if (!isCancelled) callback();
      }),
    );
    return {
      cancel() {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  /** Runs something that came from outside: at once, or when the process goes on. */
  run(callback: () => void): void {
    this.#run(false, callback);
  }

  #run(isTimer: boolean, callback: () => void): void {
    if (this.isPaused) this.#backlog.push({ isTimer, callback });
    else callback();
  }

  /** The process stands still; its clock goes on. On resuming, timers run first, as in Node, or everything in order of arrival. */
  pause(forMs: number): void {
    const untilMs = this.#world.monotonicMs() + forMs;
    if (untilMs <= this.#pausedUntilMs) return;
    this.#pausedUntilMs = untilMs;
    this.#isTimersFirst = this.#random.next() < 0.7;
    this.#world.at(untilMs, () => this.#resume());
  }

  #resume(): void {
    if (this.isPaused) return;
    for (const callback of this.#first.splice(0)) callback();
    const backlog = this.#backlog;
    this.#backlog = [];
    if (this.#isTimersFirst) backlog.sort((a, b) => Number(b.isTimer) - Number(a.isTimer));
    for (const { isTimer, callback } of backlog) this.#run(isTimer, callback);
  }

  /** Runs `callback` on resuming, before anything that waited. */
  runFirst(callback: () => void): void {
    if (this.isPaused) this.#first.push(callback);
    else callback();
  }

  /** The computer slept: its clock stood still so long. */
  lose(trueMs: number): void {
    this.#offsetMs -= this.rate * trueMs;
  }

  /** The process is gone, and with it what it was to do. */
  forget(): void {
    this.#backlog = [];
    this.#first = [];
    this.#pausedUntilMs = -Infinity;
  }
}
