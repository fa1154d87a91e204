import type { Clock, Timer } from "../../kernel/ports/clock.ts";

/** `setTimeout` takes 31 bits; later deadlines are reached in steps. */
const STEP_MS_MAX = 2_000_000_000;

/**
 * Time of this process. Deadlines are absolute. `setTimeout` counts whole milliseconds from a time that the event loop
 * cached, and may fire early: a timer is armed again for what is left, so that callbacks never run before their time.
 */
export function createSystemClock(): Clock {
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    at: armTimer,
  };
}

function armTimer(atMonotonicMs: number, callback: () => void): Timer {
  let timeout: NodeJS.Timeout;
  const arm = () => {
    const restMs = Math.ceil(atMonotonicMs - performance.now());
    timeout = setTimeout(look, Math.min(Math.max(restMs, 1), STEP_MS_MAX));
  };
  const look = () => {
    if (performance.now() >= atMonotonicMs) callback();
    else arm();
  };
  arm();
  return { cancel: () => clearTimeout(timeout) };
}
