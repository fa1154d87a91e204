import { RemsError } from "../../kernel/errors.ts";
import { systemTimers, type WatchTimers } from "./timers.ts";

const UPDATES_PER_SECOND_MAX = 50;

/** Lets an action run at most so many times a second: what comes in between is done once, at the end of the pause. */
export class Pace {
  readonly #action: () => void;
  readonly #pauseMs: number;
  readonly #timers: WatchTimers;
  #nextAtMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | null = null;

  /**
   * @param perSecondMax - 0: as it comes.
   * @throws {@link RemsError} `REMS_REQUEST_INVALID` for less than 0 or more than 50 a second.
   */
  constructor(perSecondMax: number, action: () => void, timers: WatchTimers = systemTimers) {
    if (!(perSecondMax >= 0 && perSecondMax <= UPDATES_PER_SECOND_MAX)) {
      throw new RemsError(
        "REMS_REQUEST_INVALID",
        `updates_per_second_max is ${perSecondMax}; allowed is 0 (as it comes) to ${UPDATES_PER_SECOND_MAX}`,
        { details: { field: "updates_per_second_max" } },
      );
    }
    this.#action = action;
    this.#pauseMs = perSecondMax === 0 ? 0 : 1000 / perSecondMax;
    this.#timers = timers;
  }

  ask(): void {
    if (this.#cancel !== null) return;
    const nowMs = this.#timers.nowMs();
    if (nowMs >= this.#nextAtMs) {
      this.#run(nowMs);
      return;
    }
    this.#cancel = this.#timers.schedule(this.#nextAtMs - nowMs, () => {
      this.#cancel = null;
      this.#run(this.#timers.nowMs());
    });
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #run(nowMs: number): void {
    this.#nextAtMs = nowMs + this.#pauseMs;
    this.#action();
  }
}
