const DAY_MS = 86_400_000;
/** What may be saved up, and then be spent at once: the budget of an hour. */
const SAVED_PARTS = 24;

/**
 * Writes that a register kept in flash memory bears: so many a day, of which an hour's share can be saved up. What others have spent before
 * (an earlier process, another controller) is not known, so the worst is taken for true: each leadership begins with nothing. So no
 * number of restarts and takeovers wears the register faster than one controller may. No clock.
 */
export class WriteBudget {
  readonly #perMs: number;
  readonly #countMax: number;
  #count = 0;
  #atMs = -Infinity;

  /** @param perDay - At least 1. */
  constructor(perDay: number) {
    this.#perMs = perDay / DAY_MS;
    this.#countMax = Math.max(1, Math.floor(perDay / SAVED_PARTS));
  }

  /** One more write may go. */
  has(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#count >= 1;
  }

  /** One has gone, whatever became of it. */
  spend(nowMs: number): void {
    this.#refill(nowMs);
    this.#count = Math.max(0, this.#count - 1);
  }

  /** Others may have written: nothing is left, and what is saved up is so from the next look on. */
  empty(): void {
    this.#count = 0;
    this.#atMs = -Infinity;
  }

  #refill(nowMs: number): void {
    if (this.#atMs !== -Infinity) {
      this.#count = Math.min(this.#countMax, this.#count + (nowMs - this.#atMs) * this.#perMs);
    }
    this.#atMs = nowMs;
  }
}
