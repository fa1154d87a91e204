import { assert } from "../kernel/assert.ts";

/** A source in droop: its frequency falls by `droopPct` of nominal from no load to its rating. */
export interface DroopSource {
  readonly ratedKw: number;
  readonly droopPct: number;
}

export interface DroopResponse {
  /** What each source takes of the step, kW, in the order given. */
  readonly stepsKw: readonly number[];
  /** Change of the settled frequency, Hz; negative for a load that is added. */
  readonly frequencyStepHz: number;
}

/**
 * How sources in droop share a load step by themselves, before any reference moves: f = f0·(1 − R·(p − pset)), one f for all.
 * @param stepKw - Load added (positive) or removed.
 * @throws {@link InvariantError} if a rating or droop is not positive or there is no source.
 */
export function droopResponse(
  sources: readonly DroopSource[],
  stepKw: number,
  nominalFrequencyHz: number,
): DroopResponse {
  assert(sources.length > 0, "a load step is shared by at least one source");
  let stiffness = 0;
  for (const { ratedKw, droopPct } of sources) {
    assert(ratedKw > 0 && droopPct > 0, "a source in droop has a positive rating and droop");
    stiffness += ratedKw / (droopPct / 100);
  }
  const perUnit = stepKw / stiffness;
  return {
    stepsKw: sources.map(({ ratedKw, droopPct }) => (ratedKw / (droopPct / 100)) * perUnit),
    frequencyStepHz: -perUnit * nominalFrequencyHz + 0,
  };
}

/**
 * The reactive reference that a running set must have, judged by what it gives at which voltage: V = V0·(1 − kq·(q − qset)), per unit
 * of rated apparent power; kvar within 0…100 % of that.
 */
export function reactiveReferenceInForceKvar(
  source: { readonly apparentKva: number; readonly voltageDroopPct: number },
  reactiveKvar: number,
  voltageV: number,
  nominalVoltageV: number,
): number {
  const { apparentKva, voltageDroopPct } = source;
  if (voltageDroopPct <= 0 || voltageV <= 0) return Math.max(0, reactiveKvar);
  const offPu = (nominalVoltageV - voltageV) / nominalVoltageV;
  const referenceKvar = reactiveKvar - (offPu * apparentKva) / (voltageDroopPct / 100);
  return Math.min(Math.max(0, referenceKvar), apparentKva);
}

/**
 * The droop reference that a running set must have, judged by what it gives at which frequency, kW within 0…110 % of rating.
 * So a leader that never saw the reference can go on from it without a step.
 */
export function referenceInForceKw(
  source: DroopSource,
  powerKw: number,
  frequencyHz: number,
  nominalFrequencyHz: number,
): number {
  if (source.droopPct <= 0 || frequencyHz <= 0) return Math.max(0, powerKw);
  const offPu = (nominalFrequencyHz - frequencyHz) / nominalFrequencyHz;
  const referenceKw = powerKw - (offPu * source.ratedKw) / (source.droopPct / 100);
  return Math.min(Math.max(0, referenceKw), source.ratedKw * 1.1);
}
