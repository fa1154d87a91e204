import { hashOf } from "../../kernel/hash.ts";

/**
 * Pause before a restart: `msMin` doubled with each crash in a row, at most `msMax`, of which jitter takes up to half,
 * so that actors that crashed together do not come back together. Whole milliseconds.
 *
 * @param crashCount - Crashes in a row, from 1.
 * @param jitter - In [0, 1).
 */
export function backoffMs(
  msMin: number,
  msMax: number,
  crashCount: number,
  jitter: number,
): number {
  let longestMs = Math.min(msMin, msMax);
  for (let i = 1; i < crashCount && longestMs < msMax && longestMs > 0; i++)
    longestMs = Math.min(longestMs * 2, msMax);
  return Math.round(longestMs * (1 - jitter / 2));
}

/** Jitter in [0, 1) that every replica derives alike: from the actor's address and how often it was restarted. */
export function replicatedJitter(address: string, restartCount: number): number {
  return Number.parseInt(hashOf(`${address}#${restartCount}`).slice(0, 8), 16) / 0x1_0000_0000;
}
