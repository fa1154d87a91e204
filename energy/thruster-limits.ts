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
  /** Its part of what is free, 0…1. */
  readonly part: number;
  /** What it gives up where capacity lacks, kW ≥ 0. */
  readonly yieldKw: number;
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
  if (freeKw < 0) return clamp(drawnKw - input.yieldKw, 0, ratedKw);
  if (!input.isGranted) return drawnKw;
  const roomKw = input.part * Math.max(0, freeKw - input.marginKw);
  const targetKw = Math.min(ratedKw, drawnKw + roomKw);
  const fromKw = Math.max(Math.min(input.limitKw, targetKw), drawnKw);
  return moveToward(fromKw, targetKw, stepKw);
}

/**
 * What each consumer gives up where capacity lacks, kW, in the order given: those that matter least first, down to nothing; among
 * equals by what each draws. One order over the whole island, so that each grid limits its own drives by the same figures.
 * @param lackKw - ≥ 0.
 */
export function yieldsKw(
  consumers: readonly { readonly priority: number; readonly powerKw: number }[],
  lackKw: number,
): number[] {
  const yields = consumers.map(() => 0);
  let leftKw = Math.max(0, lackKw);
  const levels = [...new Set(consumers.map(({ priority }) => priority))].sort((a, b) => a - b);
  for (const level of levels) {
    const drawnKw = (index: number) => {
      const one = consumers[index];
      return one === undefined || one.priority !== level ? 0 : Math.max(0, one.powerKw);
    };
    let sumKw = 0;
    for (const index of yields.keys()) sumKw += drawnKw(index);
    if (sumKw <= 0) continue;
    const part = Math.min(1, leftKw / sumKw);
    for (const index of yields.keys()) yields[index] = (yields[index] ?? 0) + part * drawnKw(index);
    leftKw -= part * sumKw;
  }
  return yields;
}
