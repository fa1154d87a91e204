import { clamp, moveToward } from "../kernel/math.ts";
import { reasonOf, type Reason } from "./reason.ts";

/** The manifest's table `site`, with what it leaves to the connection filled in. Powers as amounts, kW. */
export interface SiteParameters {
  readonly importLimitKw: number;
  readonly exportLimitKw: number;
  /** Mean import over a quarter of an hour; null: no target. */
  readonly peakTargetKw: number | null;
  readonly isSelfConsuming: boolean;
  readonly socMaxPct: number;
  /** Below this the batteries are charged from the utility where there is room. */
  readonly socChargePct: number;
}

export interface SiteBattery {
  readonly device: string;
  readonly ratedKw: number;
  readonly socPct: number;
  /** Energy below this is kept for an outage. */
  readonly reserveSocPct: number;
  readonly chargeLimitKw: number;
  readonly dischargeLimitKw: number;
  readonly isUsable: boolean;
  /** Set-point held now, kW; discharging is positive. */
  readonly setpointKw: number;
  readonly powerKw: number;
}

/** Import of the quarter of an hour that runs: what a utility bills. */
export type QuarterState = {
  /** Number of the quarter since 1970, by the wall clock: data only. */
  readonly quarter: number;
  /** Imported in it so far, kWh. */
  readonly importKwh: number;
  /** Of which time, ms: less than has passed where R-EMS did not run. */
  readonly measuredMs: number;
};

export const NO_QUARTER: QuarterState = { quarter: -1, importKwh: 0, measuredMs: 0 };

const QUARTER_MS = 900_000;
/** The last minute is never asked to make up for the whole quarter. */
const REST_MS_MIN = 60_000;

/** Counts what flows in at the point of interconnection. @param importKw - Import is positive; export counts as nothing. */
export function nextQuarter(
  before: QuarterState,
  wallTimeMs: number,
  elapsedMs: number,
  importKw: number,
): QuarterState {
  const quarter = Math.floor(wallTimeMs / QUARTER_MS);
  const from = quarter === before.quarter ? before : { quarter, importKwh: 0, measuredMs: 0 };
  return {
    quarter,
    importKwh: from.importKwh + (Math.max(0, importKw) * elapsedMs) / 3_600_000,
    measuredMs: from.measuredMs + elapsedMs,
  };
}

/**
 * What may be imported from now to the end of the quarter so that its mean stays at the target, kW. Time in which nothing was
 * measured counts as if the target had been drawn.
 */
export function quarterRoomKw(state: QuarterState, targetKw: number, wallTimeMs: number): number {
  const passedMs = wallTimeMs - state.quarter * QUARTER_MS;
  const restMs = Math.max(REST_MS_MIN, QUARTER_MS - passedMs);
  const unseenMs = Math.max(0, passedMs - state.measuredMs);
  const usedKwh = state.importKwh + (targetKw * unseenMs) / 3_600_000;
  const wholeKwh = (targetKw * (passedMs + restMs)) / 3_600_000;
  return ((wholeKwh - usedKwh) * 3_600_000) / restMs;
}

export interface SiteInput {
  readonly parameters: SiteParameters;
  /** At the point of interconnection now, import positive, kW; null where it is not known. */
  readonly importKw: number | null;
  /** What may be imported so that the quarter's target holds, kW; null without a target. */
  readonly quarterRoomKw: number | null;
  readonly batteries: readonly SiteBattery[];
  /** For a planned islanding the point of interconnection is brought to zero, whatever the limits. */
  readonly isBringingToZero: boolean;
  readonly rampPctPerS: number;
  readonly elapsedMs: number;
}

export interface SiteDecision {
  /** Next set-point by battery, kW. */
  readonly setpointsKw: ReadonlyMap<string, number>;
  /**
   * What the sun must stay below together so that the export limit holds, less than it gives now by so much; 0: nothing, kW. Null: nobody
   * knows, and no limit of the sun is lifted.
   */
  readonly excessKw: number | null;
  /** The rule that binds, then what could not be held and what was given up for it. */
  readonly because: readonly Reason[];
}

/** Set-points may rise so fast to keep a limit: percent of rating per second. */
const FAST_PCT_PER_S = 100;
/** Charging from the utility takes at most this part of the rating, percent. */
const SLOW_CHARGE_PCT = 20;
/** Self-consumption leaves this much import, so that noise does not export, kW. */
const SELF_MARGIN_KW = 5;

/**
 * What the batteries of a grid-connected site do. Order of priority: limits of the batteries' management, reserve for an outage,
 * import limit, export limit, peak target, self-consumption, charging. Whatever cannot be held is named.
 */
export function decideSite(input: SiteInput): SiteDecision {
  const { batteries, importKw } = input;
  const usable = batteries.filter(({ isUsable }) => isUsable);
  if (importKw === null) return holdSite(input, usable);
  const givenKw = usable.reduce((sum, battery) => sum + battery.powerKw, 0);
  // What would flow in if the batteries did nothing.
  const netKw = importKw + givenKw;
  const mostOutKw = usable.reduce((sum, battery) => sum + outKwMax(battery), 0);
  const mostInKw = usable.reduce((sum, one) => sum + inKwMax(one, input.parameters.socMaxPct), 0);
  const wanted = wantedKw(input, netKw, usable);
  const targetKw = clamp(wanted.kw, -mostInKw, mostOutKw);
  const because = [wanted.reason, ...shortfallOf(input, netKw, targetKw, usable)];
  const setpointsKw = new Map<string, number>();
  for (const battery of usable) {
    const kw = partOf(battery, targetKw, usable, input.parameters.socMaxPct);
    const isUrgent = wanted.isUrgent && kw > battery.setpointKw;
    const isLess = Math.abs(kw) < Math.abs(battery.setpointKw);
    const pctPerS = isUrgent || wanted.isUrgent || isLess ? FAST_PCT_PER_S : input.rampPctPerS;
    const stepKw = (battery.ratedKw * pctPerS * input.elapsedMs) / 100_000;
    setpointsKw.set(battery.device, moveToward(battery.setpointKw, kw, stepKw));
  }
  const exportKw = -(netKw - targetKw);
  const excessKw = input.isBringingToZero ? 0 : exportKw - input.parameters.exportLimitKw;
  return { setpointsKw, excessKw, because };
}

/** Limits at a point that is not measured are never widened: everything stays as it is, within the batteries' own limits and reserve. */
function holdSite({ parameters }: SiteInput, usable: readonly SiteBattery[]): SiteDecision {
  const setpointsKw = new Map<string, number>();
  for (const battery of usable) {
    const leastKw = -inKwMax(battery, parameters.socMaxPct);
    setpointsKw.set(battery.device, clamp(battery.setpointKw, leastKw, outKwMax(battery)));
  }
  return { setpointsKw, excessKw: null, because: [reasonOf("SITE_UNMEASURED", "")] };
}

interface Wanted {
  /** Together, discharging positive. */
  readonly kw: number;
  readonly reason: Reason;
  /** A limit binds: as fast as the batteries can. */
  readonly isUrgent: boolean;
}

function wantedKw(input: SiteInput, netKw: number, usable: readonly SiteBattery[]): Wanted {
  const { parameters: p, quarterRoomKw: roomKw } = input;
  if (input.isBringingToZero) {
    const reason = reasonOf("SITE_TO_ZERO", "", { netKw });
    return { kw: netKw, reason, isUrgent: true };
  }
  const peakKw = roomKw === null ? Number.POSITIVE_INFINITY : Math.max(0, roomKw);
  const capKw = Math.min(p.importLimitKw, peakKw);
  if (netKw > capKw) {
    const values = { netKw, limitKw: capKw, powerKw: netKw - capKw };
    const isPeak = peakKw < p.importLimitKw;
    const reason = isPeak
      ? reasonOf("SITE_PEAK", "", { ...values, targetKw: p.peakTargetKw ?? 0 })
      : reasonOf("SITE_IMPORT_LIMIT", "", values);
    return { kw: netKw - capKw, reason, isUrgent: true };
  }
  if (-netKw > p.exportLimitKw) {
    const values = { surplusKw: -netKw, limitKw: p.exportLimitKw };
    const kw = p.isSelfConsuming ? netKw : netKw + p.exportLimitKw;
    return { kw, reason: reasonOf("SITE_EXPORT_LIMIT", "", values), isUrgent: true };
  }
  if (p.isSelfConsuming && netKw < 0) {
    return {
      kw: netKw,
      reason: reasonOf("SITE_SURPLUS", "", { surplusKw: -netKw }),
      isUrgent: false,
    };
  }
  const socPct = meanSocPct(usable);
  const isAbove = socPct > Math.max(p.socChargePct, ...usable.map((one) => one.reserveSocPct));
  if (p.isSelfConsuming && isAbove) {
    const kw = Math.max(0, netKw - SELF_MARGIN_KW);
    return { kw, reason: reasonOf("SITE_SELF", "", { netKw, socPct }), isUrgent: false };
  }
  if (socPct < p.socChargePct && usable.length > 0) {
    const ratedKw = usable.reduce((sum, battery) => sum + battery.ratedKw, 0);
    const kw = -Math.min(Math.max(0, capKw - netKw), (ratedKw * SLOW_CHARGE_PCT) / 100);
    const values = { powerKw: -kw, socPct, toPct: p.socChargePct };
    return { kw, reason: reasonOf("SITE_CHARGES", "", values), isUrgent: false };
  }
  return { kw: 0, reason: reasonOf("SITE_RESTS", "", { netKw, limitKw: capKw }), isUrgent: false };
}

/** Names what cannot be held, and what it was given up for. */
function shortfallOf(
  input: SiteInput,
  netKw: number,
  targetKw: number,
  usable: readonly SiteBattery[],
): Reason[] {
  const { parameters: p } = input;
  const importKw = netKw - targetKw;
  const found: Reason[] = [];
  const values = { importKw };
  const isAtReserve = usable.some((one) => one.socPct <= one.reserveSocPct);
  const forWhat = isAtReserve
    ? `the reserve of ${Math.max(...usable.map((one) => one.reserveSocPct))} % is kept`
    : usable.length === 0
      ? "no battery can be used"
      : "the batteries give all that they may";
  if (importKw > p.importLimitKw + 0.5) {
    const limitKw = p.importLimitKw;
    found.push(reasonOf("SITE_IMPORT_GIVEN_UP", "", { ...values, limitKw, for: forWhat }));
  } else if (input.quarterRoomKw !== null && importKw > Math.max(0, input.quarterRoomKw) + 0.5) {
    const targetKwMax = p.peakTargetKw ?? 0;
    found.push(
      reasonOf("SITE_PEAK_GIVEN_UP", "", { ...values, limitKw: targetKwMax, for: forWhat }),
    );
  }
  if (-importKw > p.exportLimitKw + 0.5 && !input.isBringingToZero) {
    const exportValues = { exportKw: -importKw, limitKw: p.exportLimitKw };
    found.push(reasonOf("SITE_SUN_LIMITED", "", exportValues));
  }
  return found;
}

function meanSocPct(batteries: readonly SiteBattery[]): number {
  if (batteries.length === 0) return 0;
  return batteries.reduce((sum, { socPct }) => sum + socPct, 0) / batteries.length;
}

/** Nothing is discharged at or below the reserve for an outage; the last percent tapers, so that it does not chatter. */
function outKwMax({ socPct, reserveSocPct, dischargeLimitKw, ratedKw }: SiteBattery): number {
  const share = clamp(socPct - reserveSocPct, 0, 1);
  return share * Math.max(0, Math.min(dischargeLimitKw, ratedKw));
}

function inKwMax({ socPct, chargeLimitKw, ratedKw }: SiteBattery, socMaxPct: number): number {
  const share = clamp(socMaxPct - socPct, 0, 1);
  return share * Math.max(0, Math.min(chargeLimitKw, ratedKw));
}

/** Each battery's part by what it may give or take, so that none is asked for more than that. */
function partOf(
  battery: SiteBattery,
  targetKw: number,
  all: readonly SiteBattery[],
  socMaxPct: number,
): number {
  const mayKw = (one: SiteBattery) => (targetKw > 0 ? outKwMax(one) : inKwMax(one, socMaxPct));
  const sumKw = all.reduce((sum, one) => sum + mayKw(one), 0);
  return sumKw > 0 ? (targetKw * mayKw(battery)) / sumKw : 0;
}
