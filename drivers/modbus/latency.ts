/** Nothing on a busy host answers faster for sure: pauses of its programs of up to 100 ms were measured. */
const TIMEOUT_MS_MIN = 150;
/** Weights of the newest answer in the mean and in the mean deviation, as TCP weighs them (RFC 6298). */
const MEAN_WEIGHT = 1 / 8;
const DEVIATION_WEIGHT = 1 / 4;
const DEVIATIONS = 4;

/** How long a device takes to answer, and how long to wait for it by that. No clock. */
export class Latency {
  readonly #limitMs: number;
  #meanMs: number | null = null;
  #deviationMs = 0;
  #doublings = 0;

  /** @param limitMs - Longest wait, whatever was measured; the wait until something was. */
  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Mean of late; null where nothing was measured. */
  get meanMs(): number | null {
    return this.#meanMs;
  }

  answered(tookMs: number): void {
    this.#doublings = 0;
    if (this.#meanMs === null) {
      this.#meanMs = tookMs;
      this.#deviationMs = tookMs / 2;
      return;
    }
    this.#deviationMs += DEVIATION_WEIGHT * (Math.abs(tookMs - this.#meanMs) - this.#deviationMs);
    this.#meanMs += MEAN_WEIGHT * (tookMs - this.#meanMs);
  }

  /** The next wait is twice as long: the device may have become slower. */
  timedOut(): void {
    this.#doublings = Math.min(this.#doublings + 1, 8);
  }

  /** Where the device is silent for good, waiting longer only holds up the others on its line. */
  settle(): void {
    this.#doublings = 0;
  }

  /** A request that was not answered after so long has failed. Between 150 ms and the limit. */
  get timeoutMs(): number {
    if (this.#meanMs === null) return this.#limitMs;
    const measuredMs = this.#meanMs + DEVIATIONS * this.#deviationMs;
    const waitMs = Math.max(TIMEOUT_MS_MIN, measuredMs * 2) * 2 ** this.#doublings;
    return Math.min(this.#limitMs, waitMs);
  }
}
