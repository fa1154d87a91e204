import { assert } from "../kernel/assert.ts";
import { clamp } from "../kernel/math.ts";

/** A source that takes part in sharing reactive power. */
export interface ReactiveMember {
  /** Rated apparent power, kVA > 0. */
  readonly apparentKva: number;
  /** Most reactive power that active power leaves it, kvar ≥ 0; null where only its rating limits it. */
  readonly kvarMax: number | null;
}

/** Active power comes first: what it leaves of the apparent power, √(S² − P²), kvar. */
export function reactiveRoomKvar(apparentKva: number, powerKw: number): number {
  return Math.sqrt(Math.max(0, apparentKva * apparentKva - powerKw * powerKw));
}

/**
 * The part of its rated apparent power that each member takes, per unit: equal for all that can, and those that active power leaves less
 * give what they can, while the others take the rest.
 * @param demandKvar - For all together.
 */
export function reactiveSharePu(members: readonly ReactiveMember[], demandKvar: number): number {
  let restKvar = demandKvar;
  let restKva = 0;
  for (const { apparentKva } of members) restKva += apparentKva;
  // Who has the least room for its rating is full first.
  const inOrder = members
    .map(({ apparentKva, kvarMax }) => ({ apparentKva, kvarMax: kvarMax ?? apparentKva }))
    .toSorted((a, b) => a.kvarMax / a.apparentKva - b.kvarMax / b.apparentKva);
  let sharePu = 0;
  for (const { apparentKva, kvarMax } of inOrder) {
    assert(apparentKva > 0, "who shares reactive power has a rating");
    sharePu = Math.max(0, restKvar / restKva);
    if (sharePu * apparentKva <= kvarMax) return sharePu;
    restKvar -= kvarMax;
    restKva -= apparentKva;
  }
  return sharePu;
}

/** What a battery's converter may be asked for beside its active power, kvar within ± what that leaves. */
export function withinRoomKvar(kvar: number, apparentKva: number, powerKw: number): number {
  const roomKvar = reactiveRoomKvar(apparentKva, powerKw);
  return clamp(kvar, -roomKvar, roomKvar) + 0;
}
