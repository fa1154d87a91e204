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
  #sleptMs = 0;
  /** Sleep that the clock has not lost yet: it does so on waking. */
  #sleepsMs = 0;
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
    let timer = this.#world.at(Math.max(trueMs, nowMs) + latenessMs, () =>
      this.#run(true, () => {
        if (isCancelled) return;
        // The clock stood still meanwhile: the time has not come yet.
        if (this.monotonicMs() < localMs) timer = this.at(localMs, callback);
        else callback();
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
    this.#loseSleep();
    const backlog = this.#backlog;
    this.#backlog = [];
    if (this.#isTimersFirst) backlog.sort((a, b) => Number(b.isTimer) - Number(a.isTimer));
    for (const { isTimer, callback } of backlog) this.#run(isTimer, callback);
  }

  #loseSleep(): void {
    this.#offsetMs -= this.rate * this.#sleepsMs;
    this.#sleptMs += this.#sleepsMs;
    this.#sleepsMs = 0;
  }

  /** The computer sleeps: its process stands still, and so does its clock. */
  sleep(forMs: number): void {
    this.pause(forMs);
    this.#sleepsMs += forMs;
  }

  /** How long it has slept so far, as the boot clock tells it. */
  sleptMs(): number {
    return this.#sleptMs;
  }

  /** The process is gone, and with it what it was to do. A computer that slept is awake for the next one: its clock lost what it slept. */
  forget(): void {
    const leftMs = Math.max(0, this.#pausedUntilMs - this.#world.monotonicMs());
    this.#sleepsMs = Math.max(0, this.#sleepsMs - leftMs);
    this.#loseSleep();
    this.#backlog = [];
    this.#pausedUntilMs = -Infinity;
  }
}
