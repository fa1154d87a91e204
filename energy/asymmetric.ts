import { clamp } from "../kernel/math.ts";
import { reasonOf, type Reason } from "./reason.ts";

/** A set that takes part in sharing, in the order of start. */
export interface ShareMember {
  readonly device: string;
  readonly ratedKw: number;
}

export interface SharePlanInput {
  /** In the order of start: the last takes what varies. */
  readonly members: readonly ShareMember[];
  /** What they are to give together, kW. */
  readonly demandKw: number;
  readonly sharing: "equal" | "asymmetric";
  readonly asymmetricPct: number;
  readonly asymmetricMinPct: number;
  readonly asymmetricMaxPct: number;
  /** Sharing was asymmetric in the last scan: it ends at the limits and comes back only well within them. */
  readonly wasAsymmetric: boolean;
}

/** How the sets of an island share: all alike, or all but one at a set point. */
export interface SharePlan {
  /** Of every set, or of `swingDevice` alone, per unit of rating. */
  readonly sharePu: number;
  /** Of every other set where sharing is asymmetric. */
  readonly fixedPu: number | null;
  readonly swingDevice: string | null;
  readonly reason: Reason;
}

/** Sharing becomes asymmetric again only so far within its limits, percent of rating. */
const HYSTERESIS_PCT = 5;

/**
 * Asymmetric sharing: all sets but the last in the order run at a set point, and the last takes what varies. Where that one would
 * leave its band, all share alike, so that none is driven backwards or overloaded.
 */
export function sharePlanOf(input: SharePlanInput): SharePlan {
  const { members, demandKw } = input;
  let ratedKw = 0;
  for (const member of members) ratedKw += member.ratedKw;
  const equalPu = ratedKw > 0 ? clamp(demandKw / ratedKw, 0, 1.1) : 0;
  const equal = (reason: Reason): SharePlan => ({
    sharePu: equalPu,
    fixedPu: null,
    swingDevice: null,
    reason,
  });
  const swing = members.at(-1);
  if (input.sharing === "equal" || members.length < 2 || swing === undefined) {
    return equal(reasonOf("SHARES_EQUALLY", "", { sharePct: equalPu * 100 }));
  }
  const fixedPu = input.asymmetricPct / 100;
  const swingPct = (100 * (demandKw - fixedPu * (ratedKw - swing.ratedKw))) / swing.ratedKw;
  const within = input.wasAsymmetric ? 0 : HYSTERESIS_PCT;
  const { asymmetricMinPct: minPct, asymmetricMaxPct: maxPct } = input;
  const values = { swingPct, minPct, maxPct };
  if (swingPct < minPct + within || swingPct > maxPct - within) {
    return equal(reasonOf("ASYMMETRIC_LEFT", swing.device, values));
  }
  return {
    sharePu: swingPct / 100,
    fixedPu,
    swingDevice: swing.device,
    reason: reasonOf("SHARES_ASYMMETRICALLY", swing.device, {
      ...values,
      fixedPct: input.asymmetricPct,
    }),
  };
}

/**
 * What a source with a base load gives, kW: its set point, but no more than leaves the sharing ones their minimum.
 * @param minimumOthersKw - What the sharing sets must keep, ≥ 0.
 */
export function baseLoadKw(
  ratedKw: number,
  baseLoadPct: number,
  demandKw: number,
  minimumOthersKw: number,
): number {
  return clamp(Math.min((ratedKw * baseLoadPct) / 100, demandKw - minimumOthersKw), 0, ratedKw);
}
