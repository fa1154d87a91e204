import { moveToward } from "../kernel/math.ts";

/** A set whose droop reference R-EMS holds. */
export interface SharingSet {
  readonly device: string;
  readonly ratedKw: number;
  /** Reference that ramps go on from, kW: held, or judged by measurement where none is held yet. */
  readonly referenceKw: number;
  /**
   * `share`: takes its equal part. `fixed`: goes to `targetKw` (base load, or not the set that takes what varies). `unload`: goes to
   * 0. `hold`: keeps its reference (its state is not known).
   */
  readonly aim: "share" | "fixed" | "unload" | "hold";
  /** Of `fixed`, kW ≥ 0. */
  readonly targetKw?: number;
}

export interface SharingInput {
  readonly sets: readonly SharingSet[];
  /** What all sets together must give so that frequency is nominal, kW. */
  readonly demandKw: number;
  /** Where the island's master states it: the share of rating, per unit. Null: computed from the demand. */
  readonly sharePu: number | null;
  readonly rampPctPerS: number;
  /** Time since the last step, already limited to two scans, ms. */
  readonly elapsedMs: number;
}

/** A set-point within this much of its target, percent of rating, rests: noise of the load is no reason to write. */
const DEADBAND_PCT = 0.5;

/**
 * Next droop references, in the order of the sets, kW.
 *
 * Equal shares in percent of rating. A reference is the power at which a set runs at nominal frequency, so references that
 * add up to the load restore nominal frequency without closing the speed loop. Sets on their way (being loaded or unloaded)
 * ramp; the others take what those leave.
 */
export function nextReferencesKw(input: SharingInput): number[] {
  const { sets, elapsedMs, rampPctPerS } = input;
  const starts = sets.map((set) => set.referenceKw);
  const ratedKw = sumRated(sets);
  if (ratedKw <= 0) return starts.map((startKw, index) => aloneKw(startKw, sets, index, input));
  const sharePu =
    input.sharePu ?? limited((input.demandKw - heldKw(sets, starts)) / ratedKw, 0, 1.1);
  const stepsKw = sets.map((set) => (set.ratedKw * rampPctPerS * elapsedMs) / 100_000);
  const next: number[] = [];
  for (const [index, set] of sets.entries()) {
    const startKw = starts[index] ?? 0;
    const stepKw = stepsKw[index] ?? 0;
    if (set.aim === "hold") next.push(startKw);
    else if (set.aim === "unload") next.push(moveToward(startKw, 0, stepKw));
    else if (set.aim === "fixed") next.push(approach(startKw, aimKw(set), stepKw, set.ratedKw));
    else next.push(approach(startKw, sharePu * set.ratedKw, stepKw, set.ratedKw));
  }
  return input.sharePu === null ? compensate(input, starts, next, stepsKw) : next;
}

/** Where no set shares: who is on the way goes on, the others keep what they have. */
function aloneKw(
  startKw: number,
  sets: readonly SharingSet[],
  index: number,
  input: SharingInput,
): number {
  const set = sets[index];
  if (set === undefined || set.aim === "hold") return startKw;
  const stepKw = (set.ratedKw * input.rampPctPerS * input.elapsedMs) / 100_000;
  return moveToward(startKw, aimKw(set), stepKw);
}

/** Where a set that does not share is to go, kW. */
function aimKw(set: SharingSet): number {
  return set.aim === "fixed" ? limited(set.targetKw ?? 0, 0, set.ratedKw * 1.1) : 0;
}

/** Rated power of the sets that share. */
function sumRated(sets: readonly SharingSet[]): number {
  let ratedKw = 0;
  for (const set of sets) if (set.aim === "share") ratedKw += set.ratedKw;
  return ratedKw;
}

/** What sets that hold keep giving, and what fixed ones come to. */
function heldKw(sets: readonly SharingSet[], starts: readonly number[]): number {
  let sumKw = 0;
  for (const [index, set] of sets.entries()) {
    if (set.aim === "hold") sumKw += starts[index] ?? 0;
    if (set.aim === "fixed") sumKw += aimKw(set);
  }
  return sumKw;
}

/**
 * While one set ramps far, the others must not run ahead of it: what the far ones still lack (or still give) is taken by
 * those that are already nearer to their target, as far as their ramps go.
 */
function compensate(
  input: SharingInput,
  starts: readonly number[],
  next: readonly number[],
  stepsKw: readonly number[],
): number[] {
  const { sets } = input;
  let missingKw = input.demandKw;
  for (const nextKw of next) missingKw -= nextKw;
  let roomKw = 0;
  for (const [index, set] of sets.entries()) {
    if (set.aim === "share") roomKw += roomTowards(missingKw, index, starts, next, stepsKw);
  }
  let totalRatedKw = 0;
  for (const set of sets) totalRatedKw += set.ratedKw;
  if (roomKw <= 0 || Math.abs(missingKw) <= (totalRatedKw * DEADBAND_PCT) / 100) return [...next];
  const part = Math.min(1, Math.abs(missingKw) / roomKw);
  const sign = missingKw > 0 ? 1 : -1;
  return next.map((nextKw, index) => {
    const set = sets[index];
    if (set === undefined || set.aim !== "share") return nextKw;
    const roomOfSetKw = roomTowards(missingKw, index, starts, next, stepsKw);
    return limited(nextKw + sign * part * roomOfSetKw, 0, set.ratedKw * 1.1);
  });
}

/** How far a set may still move in this step in the direction that lacks power, kW. */
function roomTowards(
  missingKw: number,
  index: number,
  starts: readonly number[],
  next: readonly number[],
  stepsKw: readonly number[],
): number {
  const startKw = starts[index] ?? 0;
  const nextKw = next[index] ?? 0;
  const stepKw = stepsKw[index] ?? 0;
  return missingKw > 0 ? startKw + stepKw - nextKw : nextKw - (startKw - stepKw);
}

function approach(fromKw: number, targetKw: number, stepKw: number, ratedKw: number): number {
  const isNear = Math.abs(targetKw - fromKw) <= (ratedKw * DEADBAND_PCT) / 100;
  return isNear ? fromKw : moveToward(fromKw, targetKw, stepKw);
}

function limited(value: number, min: number, max: number): number {
  return value < min ? min : value > max ? max : value;
}
