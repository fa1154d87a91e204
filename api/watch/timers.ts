/** Time for streams that send at most so often; tests give their own. */
export interface WatchTimers {
  /** Monotonic. */
  nowMs(): number;
  /** @returns What cancels it. */
  schedule(afterMs: number, action: () => void): () => void;
}

export const systemTimers: WatchTimers = {
  nowMs: () => performance.now(),
  schedule(afterMs, action) {
    const timer = setTimeout(action, afterMs);
    return () => clearTimeout(timer);
  },
};
