import { assert } from "../kernel/assert.ts";
import { roundTo } from "../kernel/math.ts";
import { reasonOf, type Reason } from "./reason.ts";

/** A set as the order of start is made from it. */
export interface OrderedSet {
  readonly device: string;
  /** Hours run; null where the set does not tell. */
  readonly runningHoursH: number | null;
  readonly ratedKw: number;
  /** Specific consumption at its best load, g/kWh. */
  readonly fuelGPerKwh: number;
  readonly isConnected: boolean;
}

/**
 * The order of start by running hours: fewest first. Neighbours change places only where their hours differ by more than
 * `differenceH`, so that the order does not flutter while both run. A set that does not tell its hours keeps its place.
 *
 * @param order - Ids in the order so far; sets that it does not name come behind, in the order given.
 * @param differenceH - ≥ 0, hours.
 */
export function orderByHours(
  order: readonly string[],
  sets: readonly OrderedSet[],
  differenceH: number,
): readonly string[] {
  assert(differenceH >= 0, "a difference of running hours is not negative");
  const hours = new Map(sets.map((set) => [set.device, set.runningHoursH]));
  const next = order.filter((id) => hours.has(id));
  for (const { device } of sets) if (!next.includes(device)) next.push(device);
  for (let pass = 0; pass < next.length; pass++) {
    let isSwapped = false;
    for (let i = 1; i < next.length; i++) {
      const [before, after] = [next[i - 1] ?? "", next[i] ?? ""];
      const [beforeH, afterH] = [hours.get(before) ?? null, hours.get(after) ?? null];
      if (beforeH === null || afterH === null || beforeH - afterH <= differenceH) continue;
      next[i - 1] = after;
      next[i] = before;
      isSwapped = true;
    }
    if (!isSwapped) break;
  }
  return next.length === order.length && next.every((id, i) => id === order[i]) ? order : next;
}

/**
 * Fuel of a set at a load, kg/h: P · b · (0.455·L² − 0.71·L + 1.28) with L in parts of rating.
 * @see IMO Third Greenhouse Gas Study, after Jalkanen et al.; 195 g/kWh give 220.5, 202.6, 195.7, 199.9 at 25, 50, 75, 100 %.
 */
export function fuelKgPerH(powerKw: number, ratedKw: number, bestGPerKwh: number): number {
  assert(ratedKw > 0, "a set has a positive rating");
  const part = Math.max(0, powerKw) / ratedKw;
  const gPerKwh = bestGPerKwh * (0.455 * part * part - 0.71 * part + 1.28);
  return (Math.max(0, powerKw) * gPerKwh) / 1000;
}

/** Fuel of sets that share a load in equal parts of rating, kg/h; infinite where they could not carry it. */
export function fuelOfCombination(sets: readonly OrderedSet[], loadKw: number): number {
  let ratedKw = 0;
  for (const set of sets) ratedKw += set.ratedKw;
  if (ratedKw <= 0 || loadKw > ratedKw) return Number.POSITIVE_INFINITY;
  let sumKgPerH = 0;
  for (const set of sets) {
    sumKgPerH += fuelKgPerH((loadKw * set.ratedKw) / ratedKw, set.ratedKw, set.fuelGPerKwh);
  }
  return sumKgPerH;
}

/**
 * The order of start by fuel: the set that is added first is the one with which the load costs least fuel then, and the set that
 * leaves first (the last in the order) the one without which it costs least. Equal fuel keeps the order given.
 */
export function orderByFuel(
  order: readonly string[],
  sets: readonly OrderedSet[],
  loadKw: number,
): { readonly order: readonly string[]; readonly because: readonly Reason[] } {
  const rank = (set: OrderedSet) => {
    const index = order.indexOf(set.device);
    return index < 0 ? order.length : index;
  };
  const running = sets.filter((set) => set.isConnected);
  const cost = new Map<string, number>();
  for (const set of sets) {
    const combination = set.isConnected
      ? running.filter((other) => other !== set)
      : [...running, set];
    const fuel = fuelOfCombination(combination, loadKw);
    // A tenth of a kilogram an hour is no reason for another order.
    cost.set(set.device, Number.isFinite(fuel) ? roundTo(fuel, 10) : fuel);
  }
  const costOf = (set: OrderedSet) => cost.get(set.device) ?? Number.POSITIVE_INFINITY;
  const compare = (a: OrderedSet, b: OrderedSet, sign: number) => {
    const [aKg, bKg] = [costOf(a), costOf(b)];
    if (aKg === bKg) return rank(a) - rank(b);
    return aKg < bKg ? -sign : sign;
  };
  const leaving = running.toSorted((a, b) => compare(a, b, -1));
  const coming = sets.filter((set) => !set.isConnected).toSorted((a, b) => compare(a, b, 1));
  const because = [...leaving, ...coming].flatMap((set) => {
    const fuelKgPerH = costOf(set);
    return Number.isFinite(fuelKgPerH)
      ? [reasonOf(set.isConnected ? "FUEL_WITHOUT" : "FUEL_WITH", set.device, { fuelKgPerH })]
      : [];
  });
  return { order: [...leaving, ...coming].map(({ device }) => device), because };
}
