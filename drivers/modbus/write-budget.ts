const DAY_MS = 86_400_000;
/** What may be spent at once: the budget of an hour. */
const BURST_PARTS = 24;

/**
 * Writes that a register kept in flash memory bears: so many a day, an hour's share of them at once. Counted by this process alone: a restart and
 * a takeover begin with a full hour. No clock.
 */
export class WriteBudget {
  readonly #perMs: number;
  readonly #countMax: number;
  #count: number;
  #atMs = -Infinity;

  /** @param perDay - At least 1. */
  constructor(perDay: number) {
    this.#perMs = perDay / DAY_MS;
    this.#countMax = Math.max(1, Math.floor(perDay / BURST_PARTS));
    this.#count = this.#countMax;
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

  #refill(nowMs: number): void {
    if (this.#atMs !== -Infinity) {
      this.#count = Math.min(this.#countMax, this.#count + (nowMs - this.#atMs) * this.#perMs);
    }
    this.#atMs = nowMs;
  }
}
