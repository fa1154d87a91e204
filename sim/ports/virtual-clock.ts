import { assert, present } from "../../kernel/assert.ts";
import type { Clock, Timer } from "../../kernel/ports/clock.ts";

/** A clock that moves only when told to: one per simulated world, shared by all its parts. */
export interface VirtualClock extends Clock {
  /** Runs every timer that is due up to `monotonicMs`, in order of time, then of arming, and stands there. */
  advanceTo(monotonicMs: number): void;
  advanceBy(durationMs: number): void;
  /** Runs the one timer that is due next, if it is due by `limitMs`; false, and the clock stands, where none is. */
  runNext(limitMs: number): boolean;
  /** When the next timer is due; null where none is armed. */
  nextTimerMs(): number | null;
}

interface Entry {
  readonly atMs: number;
  readonly order: number;
  /** Null once the timer was cancelled or has run. */
  callback: (() => void) | null;
}

/** More callbacks than this at one instant are a loop that re-arms itself without moving time. */
const CALLBACKS_PER_INSTANT_MAX = 100_000;

/**
 * @param options.startMs - First monotonic time; default 0.
 * @param options.wallStartMs - UTC at that time; default 2026-01-01T00:00:00Z.
 */
export function createVirtualClock(
  options: { readonly startMs?: number; readonly wallStartMs?: number } = {},
): VirtualClock {
  const startMs = options.startMs ?? 0;
  const wallStartMs = options.wallStartMs ?? 1_767_225_600_000;
  let nowMs = startMs;
  let armedCount = 0;
  let cancelledCount = 0;
  let heap: Entry[] = [];

  function at(atMonotonicMs: number, callback: () => void): Timer {
    assert(Number.isFinite(atMonotonicMs), "a timer is armed for a finite time");
    // A time in the past runs at the present instant, after what is due already.
    const entry: Entry = { atMs: Math.max(atMonotonicMs, nowMs), order: armedCount, callback };
    armedCount += 1;
    push(heap, entry);
    return {
      cancel() {
        if (entry.callback === null) return;
        entry.callback = null;
        cancelledCount += 1;
        if (cancelledCount > 64 && cancelledCount * 2 > heap.length) compact();
      },
    };
  }

  function compact(): void {
    const live = heap.filter((entry) => entry.callback !== null);
    heap = [];
    for (const entry of live) push(heap, entry);
    cancelledCount = 0;
  }

  function nextTimerMs(): number | null {
    for (;;) {
      const first = heap[0];
      if (first === undefined) return null;
      if (first.callback !== null) return first.atMs;
      pop(heap);
      cancelledCount -= 1;
    }
  }

  let instantCount = 0;

  function runNext(limitMs: number): boolean {
    const nextMs = nextTimerMs();
    if (nextMs === null || nextMs > limitMs) return false;
    instantCount = nextMs === nowMs ? instantCount + 1 : 0;
    assert(instantCount < CALLBACKS_PER_INSTANT_MAX, "timers at one instant come to an end");
    nowMs = nextMs;
    const entry = pop(heap);
    const run = present(entry.callback, "a live timer has its callback");
    entry.callback = null;
    run();
    return true;
  }

  function advanceTo(monotonicMs: number): void {
    assert(monotonicMs >= nowMs, "a clock never goes back");
    while (runNext(monotonicMs));
    nowMs = monotonicMs;
  }

  return {
    monotonicMs: () => nowMs,
    wallMs: () => wallStartMs + (nowMs - startMs),
    at,
    advanceTo,
    advanceBy: (durationMs) => advanceTo(nowMs + durationMs),
    runNext,
    nextTimerMs,
  };
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs !== b.atMs ? a.atMs < b.atMs : a.order < b.order;
}

function push(heap: Entry[], entry: Entry): void {
  let index = heap.length;
  heap.push(entry);
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex] as Entry;
    if (!isBefore(entry, parent)) break;
    heap[index] = parent;
    index = parentIndex;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): Entry {
  const first = present(heap[0], "the heap holds a timer");
  const last = heap.pop() as Entry;
  if (heap.length === 0) return first;
  let index = 0;
  for (;;) {
    const leftIndex = 2 * index + 1;
    if (leftIndex >= heap.length) break;
    const left = heap[leftIndex] as Entry;
    const right = heap[leftIndex + 1];
    const childIndex = right !== undefined && isBefore(right, left) ? leftIndex + 1 : leftIndex;
    const child = heap[childIndex] as Entry;
    if (!isBefore(child, last)) break;
    heap[index] = child;
    index = childIndex;
  }
  heap[index] = last;
  return first;
}
