/** One look at the three clocks, milliseconds. */
export interface ClockReading {
  readonly monotonicMs: number;
  /** Time since boot that goes on while the machine is suspended. */
  readonly bootMs: number;
  readonly wallMs: number;
}

export type ClockVerdict =
  | { readonly type: "steady" }
  /** The wall clock was set: data only, no promise rests on it. */
  | { readonly type: "wallStepped"; readonly byMs: number }
  /** The machine slept while the monotonic clock stood still: promises cannot be trusted. */
  | { readonly type: "suspended"; readonly byMs: number };

/** The boot clock is read with a resolution of 10 ms. */
const BOOT_RESOLUTION_MS = 30;
const WALL_STEP_MS = 1000;

/** Compares two readings: whoever sleeps makes boot time run ahead of monotonic time. */
export function compareClocks(
  before: ClockReading,
  now: ClockReading,
  divergenceMsMax: number,
): ClockVerdict {
  const elapsedMs = now.monotonicMs - before.monotonicMs;
  const sleptMs = now.bootMs - before.bootMs - elapsedMs;
  if (sleptMs > BOOT_RESOLUTION_MS + divergenceMsMax) return { type: "suspended", byMs: sleptMs };
  const steppedMs = now.wallMs - before.wallMs - elapsedMs;
  if (Math.abs(steppedMs) > WALL_STEP_MS) return { type: "wallStepped", byMs: steppedMs };
  return { type: "steady" };
}
