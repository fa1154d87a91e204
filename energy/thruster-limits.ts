import { clamp, moveToward } from "../kernel/math.ts";

/** A heavy consumer whose limit R-EMS holds. */
export interface ConsumerLimitInput {
  readonly ratedKw: number;
  /** Drawn now, kW; the rating where it is not known. */
  readonly powerKw: number;
  readonly limitKw: number;
  readonly isGranted: boolean;
  /** Free capacity of the island; negative in overload. */
  readonly freeKw: number;
  readonly marginKw: number;
  /** Its part of what is free or lacking, 0…1. */
  readonly part: number;
  readonly isCapacityKnown: boolean;
  readonly rampPctPerS: number;
  readonly elapsedMs: number;
}

/**
 * Next limit of a heavy consumer, kW. Without a grant it is what is drawn, so that nothing is cut and nothing grows. With a grant
 * it rises by its ramp to what is drawn plus its part of what is free beyond the margin; where capacity lacks it falls at once.
 */
export function nextConsumerLimitKw(input: ConsumerLimitInput): number {
  const { powerKw, ratedKw, freeKw } = input;
  const drawnKw = clamp(powerKw, 0, ratedKw);
  const stepKw = (ratedKw * input.rampPctPerS * input.elapsedMs) / 100_000;
  if (!input.isCapacityKnown) return Math.max(Math.min(input.limitKw, ratedKw), drawnKw);
  if (freeKw < 0) return clamp(drawnKw + input.part * freeKw, 0, ratedKw);
  if (!input.isGranted) return drawnKw;
  const roomKw = input.part * Math.max(0, freeKw - input.marginKw);
  const targetKw = Math.min(ratedKw, drawnKw + roomKw);
  const fromKw = Math.max(Math.min(input.limitKw, targetKw), drawnKw);
  return moveToward(fromKw, targetKw, stepKw);
}
