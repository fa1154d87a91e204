import { assert } from "../kernel/assert.ts";
import { clamp } from "../kernel/math.ts";

/** What is added to the references of the sharing sets so that frequency and voltage come to nominal, per unit of rating. */
export type Trim = {
  readonly frequencyPu: number;
  readonly voltagePu: number;
};

export const NO_TRIM: Trim = { frequencyPu: 0, voltagePu: 0 };

export interface TrimInput {
  /** Held now, per unit of rating. */
  readonly trimPu: number;
  /** Measured, per unit of nominal; null where it is not known: the trim rests. */
  readonly measuredPu: number | null;
  /** Droop of the sets, per unit; what an error stands for in load. > 0. */
  readonly droopPu: number;
  readonly deadbandPu: number;
  readonly timeConstantS: number;
  /** Most trim either way, per unit of rating. */
  readonly authorityPu: number;
  readonly elapsedMs: number;
}

/**
 * One step of secondary control: an integrator of limited authority on what remains of the error.
 *
 * References that add up to the load bring frequency to nominal where governors are exact. The trim takes out what their droop and
 * the measurement are off by. Within the dead band it rests, and beyond what its authority could ever take out as well: that is a load
 * step under way, and wound up it would still be there afterwards. Where nothing is known it rests, so that droop alone shares.
 */
export function nextTrimPu(input: TrimInput): number {
  const { trimPu, measuredPu, droopPu, deadbandPu, timeConstantS, authorityPu } = input;
  assert(droopPu > 0, "the droop of sets that restore frequency is positive");
  if (measuredPu === null || timeConstantS <= 0) return trimPu;
  const errorPu = 1 - measuredPu;
  if (Math.abs(errorPu) > authorityPu * droopPu + deadbandPu) return trimPu;
  const beyondPu = Math.abs(errorPu) <= deadbandPu ? 0 : errorPu - Math.sign(errorPu) * deadbandPu;
  const stepPu = ((beyondPu / droopPu) * input.elapsedMs) / (timeConstantS * 1000);
  return clamp(trimPu + stepPu, -authorityPu, authorityPu);
}
