/** Handle of an armed timer. */
export interface Timer {
  cancel(): void;
}

/** Time as the shell sees it. Monotonic milliseconds have an arbitrary start and may have fractions. */
export interface Clock {
  monotonicMs(): number;
  /** UTC, milliseconds since 1970. Data only. */
  wallMs(): number;
  /** Calls `callback` once, at `atMonotonicMs` or as soon after it as the thread is free; never from inside `at`. */
  at(atMonotonicMs: number, callback: () => void): Timer;
}
