import type { Clock, Timer } from "../kernel/ports/clock.ts";

/** The one timer for whatever the failover rules wait for next. */
export interface DeadlineTimer {
  /** A timer that stands already and fires no later is kept: deadlines mostly move on, with every message. */
  arm(): void;
  /** For good. */
  close(): void;
}

/** @param nextMs - The next deadline as it is now, infinite where there is none. @param onDue - It has passed. */
export function createDeadlineTimer(
  clock: Clock,
  nextMs: () => number,
  onDue: (nowMs: number) => void,
): DeadlineTimer {
  let timer: Timer | null = null;
  let standsAtMs = Number.POSITIVE_INFINITY;
  let isClosed = false;

  function arm(): void {
    if (isClosed) return;
    const atMs = Math.max(nextMs(), clock.monotonicMs());
    if (timer !== null && standsAtMs <= atMs) return;
    timer?.cancel();
    timer = null;
    if (!Number.isFinite(atMs)) return;
    standsAtMs = atMs;
    timer = clock.at(atMs, fire);
  }

  function fire(): void {
    timer = null;
    const nowMs = clock.monotonicMs();
    if (nowMs >= nextMs()) onDue(nowMs);
    else arm();
  }

  return {
    arm,
    close() {
      isClosed = true;
      timer?.cancel();
    },
  };
}

/** Scans on absolute times, `scanMs` apart: one that comes late delays no other. */
export interface ScanTimer {
  /** The next scan is due at `atMs`. */
  start(atMs: number): void;
  /** Runs the scan that is due; {@link goOn} waits for the next. */
  run(scan: () => void): { readonly latenessMs: number; readonly missedCount: number };
  goOn(): void;
  /** For good. */
  close(): void;
}

export function createScanTimer(clock: Clock, scanMs: number, onDue: () => void): ScanTimer {
  let timer: Timer | null = null;
  let nextAtMs = 0;
  let isClosed = false;

  function goOn(): void {
    timer?.cancel();
    if (!isClosed) timer = clock.at(nextAtMs, onDue);
  }

  return {
    goOn,
    start(atMs) {
      nextAtMs = atMs;
      goOn();
    },
    run(scan) {
      const latenessMs = Math.max(0, clock.monotonicMs() - nextAtMs);
      scan();
      const missedCount = Math.floor(latenessMs / scanMs);
      nextAtMs += (missedCount + 1) * scanMs;
      return { latenessMs, missedCount };
    },
    close() {
      isClosed = true;
      timer?.cancel();
    },
  };
}
