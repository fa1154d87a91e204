/**
 * Plant time of one grid on this node: milliseconds since the grid was commissioned, carried by frames, never going back. Between
 * frames it continues by this node's monotonic clock.
 */
export interface PlantTime {
  /** A frame was received, built or restored at `nowMs` of the monotonic clock. */
  observe(plantTimeMs: number, nowMs: number): void;
  /** Whole milliseconds, at least `minimumMs`. */
  at(nowMs: number, minimumMs?: number): number;
}

export function createPlantTime(): PlantTime {
  let plantTimeMs = 0;
  let observedAtMs: number | null = null;
  return {
    observe(observedMs, nowMs) {
      const elapsedMs = observedAtMs === null ? 0 : Math.max(0, nowMs - observedAtMs);
      const expectedMs = plantTimeMs + elapsedMs;
      // Its own frame, in whole milliseconds: the rest is kept, or the plant's clock would lose half a millisecond with each frame.
      plantTimeMs =
        Math.floor(expectedMs) === observedMs ? expectedMs : Math.max(plantTimeMs, observedMs);
      observedAtMs = nowMs;
    },
    at(nowMs, minimumMs = 0) {
      const elapsedMs = observedAtMs === null ? 0 : Math.max(0, nowMs - observedAtMs);
      return Math.max(minimumMs, Math.floor(plantTimeMs + elapsedMs));
    },
  };
}
