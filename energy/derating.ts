import { moveToward } from "../kernel/math.ts";

/** What a genset that says that it is derated is counted with, kW, and whether that is on its way up. */
export type Capability = {
  readonly kw: number;
  readonly isRising: boolean;
};

/** A capability comes back only where it is stated so much higher, percent of rating: what wavers starts and stops no sets. */
const HYSTERESIS_PCT = 5;
/** And then no faster than this, percent of rating per second. */
const RISE_PCT_PER_S = 1;

/**
 * What a set is counted with. Less than before counts at once: nobody relies on what is not there. More comes back by a ramp, and only
 * once it is clearly more.
 * @param before - Null where it was not derated.
 * @param statedKw - What it says that it can give now, 0 < kW ≤ rating.
 * @returns Null where it is not derated any more.
 */
export function nextCapability(
  before: Capability | null,
  statedKw: number,
  ratedKw: number,
  elapsedMs: number,
): Capability | null {
  if (before === null) return statedKw < ratedKw ? { kw: statedKw, isRising: false } : null;
  if (statedKw <= before.kw) return { kw: statedKw, isRising: false };
  const isRising =
    before.isRising ||
    statedKw >= ratedKw ||
    statedKw - before.kw >= (ratedKw * HYSTERESIS_PCT) / 100;
  if (!isRising) return before;
  const kw = moveToward(before.kw, statedKw, (ratedKw * RISE_PCT_PER_S * elapsedMs) / 100_000);
  if (kw >= ratedKw) return null;
  return { kw, isRising: kw < statedKw };
}
