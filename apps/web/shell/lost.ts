import { isConnected, lostAtMs } from "../data/node-link.ts";
import { useClock } from "../parts/use-clock.ts";

/** The next node is found sooner: that is not told. */
const TOLD_AFTER_MS = 1500;

/** Since when no node answers, ms of this computer's clock; null while one does, or the next is being asked. */
export function useLost(): number | null {
  const nowMs = useClock(500);
  const isTold = !isConnected.value && nowMs - lostAtMs.value > TOLD_AFTER_MS;
  return isTold ? lostAtMs.value : null;
}
