import { clamp, moveToward } from "../kernel/math.ts";

/** Shore carries base load up to this part of its limit, percent: the rest is room for load changes. */
const BASE_LOAD_PCT = 90;

/**
 * Next base load to take from shore, kW. Shore takes the load up to its limit; sets carry the rest.
 * @param minimumOthersKw - What connected sets must keep so that they are not driven backwards.
 */
export function nextShoreReferenceKw(input: {
  readonly referenceKw: number;
  readonly limitKw: number;
  readonly loadKw: number;
  readonly minimumOthersKw: number;
  readonly isUnloading: boolean;
  readonly rampPctPerS: number;
  readonly elapsedMs: number;
}): number {
  const stepKw = (input.limitKw * input.rampPctPerS * input.elapsedMs) / 100_000;
  const mostKw = Math.max(0, (input.limitKw * BASE_LOAD_PCT) / 100);
  const targetKw = input.isUnloading ? 0 : clamp(input.loadKw - input.minimumOthersKw, 0, mostKw);
  return moveToward(input.referenceKw, targetKw, stepKw);
}
