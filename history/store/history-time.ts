/** A frame's place in time: plant time as in the frame, and the UTC time under which history keeps it. */
export interface TimePoint {
  readonly plantMs: number;
  readonly timeMs: number;
}

/** Where the wall clock is behind, history's time goes on at this share of plant time until the clock has caught up. */
const SLEW = 0.5;

/**
 * History's time of a frame: its wall time, but never going back, so that nothing stands in the wrong order and no bucket is written
 * twice. A wall clock that is set back is followed slowly; one set forward at once. It depends on frames alone: every node has the same.
 */
export function historyTimeMs(before: TimePoint | null, plantMs: number, wallMs: number): number {
  if (before === null) return wallMs;
  const leastMs = before.timeMs + Math.max(0, plantMs - before.plantMs) * SLEW;
  return Math.max(wallMs, Math.ceil(leastMs));
}
