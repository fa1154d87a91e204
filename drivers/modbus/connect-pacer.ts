const BURST_COUNT = 10;
const INTERVAL_MS = 5;

/**
 * Spreads the opening of connections: ten at once, then one in five milliseconds, so that fifty devices that return together do not
 * meet their switch, their gateway and this thread with fifty connections in one moment. No clock.
 */
export class ConnectPacer {
  /** Where it lies in the past, the time since then was not used. */
  #nextAtMs = -Infinity;

  /** @returns How long to wait before connecting; 0 takes the place. */
  waitMs(nowMs: number): number {
    const earliestMs = Math.max(this.#nextAtMs, nowMs - BURST_COUNT * INTERVAL_MS);
    if (earliestMs > nowMs) return earliestMs - nowMs;
    this.#nextAtMs = earliestMs + INTERVAL_MS;
    return 0;
  }
}
