import { uptime } from "node:os";
import type { Clock } from "../../kernel/ports/clock.ts";

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

/** The boot clock is read with a resolution of 10 ms. No machine sleeps for less than this. */
const BOOT_RESOLUTION_MS = 15;
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

/** Recognises that this machine slept: its monotonic clock stood still, and no promise counted by it can be trusted. */
export interface ClockWatch {
  /** How long the machine has slept so far. Cheap enough to be asked before every write. */
  sleptMs(): number;
  /** Compares all three clocks, whatever the cheap look says. Tells what was found since the last comparison. */
  compare(): ClockVerdict;
}

/** Wall time that runs away from monotonic time by so much is a reason to look at the boot clock, which costs a system call. */
const WALL_SUSPICION_MS = 5;
/** A reading that takes longer was interrupted, and is taken again. */
const READING_MS_MAX = 2;
const READING_COUNT_MAX = 5;

export function createClockWatch(
  clock: Pick<Clock, "monotonicMs" | "wallMs">,
  divergenceMsMax: number,
  bootMs: () => number = () => uptime() * 1000,
): ClockWatch {
  const read = (): ClockReading => {
    for (let count = 1; ; count++) {
      const monotonicMs = clock.monotonicMs();
      const reading = { monotonicMs, bootMs: bootMs(), wallMs: clock.wallMs() };
      const isQuick = clock.monotonicMs() - monotonicMs <= READING_MS_MAX;
      if (isQuick || count === READING_COUNT_MAX) return reading;
    }
  };
  let before = read();
  let sleptMs = 0;
  let unreported: ClockVerdict = { type: "steady" };

  const look = (): void => {
    const now = read();
    const verdict = compareClocks(before, now, divergenceMsMax);
    before = now;
    if (verdict.type === "suspended") sleptMs += verdict.byMs;
    if (verdict.type !== "steady") unreported = verdict;
  };
  return {
    sleptMs() {
      const elapsedMs = clock.monotonicMs() - before.monotonicMs;
      const wallElapsedMs = clock.wallMs() - before.wallMs;
      if (Math.abs(wallElapsedMs - elapsedMs) > WALL_SUSPICION_MS) look();
      return sleptMs;
    },
    compare() {
      look();
      const verdict = unreported;
      unreported = { type: "steady" };
      return verdict;
    },
  };
}
