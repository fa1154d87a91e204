import { reasonOf, type Reason } from "./reason.ts";

export type SourceKind = "genset" | "battery" | "shore" | "pv";

/** One source as the decisions see it. Power is positive into the busbar. */
export interface Source {
  readonly device: string;
  readonly kind: SourceKind;
  /** Position of its breaker; `unknown` counts as open for capacity and as closed for paralleling. */
  readonly breaker: "closed" | "open" | "unknown";
  readonly ratedKw: number;
  /** Last good measurement, kW; 0 where there was none. */
  readonly powerKw: number;
  readonly isPowerKnown: boolean;
  /** Forms voltage and frequency, or would: a genset in droop, a shore supply, a battery in forming mode. */
  readonly isForming: boolean;
  /** What may be counted on within a second, kW: rating, import limit, or the battery's reserve. */
  readonly availableKw: number;
  /** Power that it takes at once beyond what it gives now, kW; null where nothing but `availableKw` limits it. */
  readonly stepKw: number | null;
  /** Last heard, kvar into the busbar. */
  readonly reactiveKvar: number;
  /** Rated apparent power, kVA; 0 where it is not stated: then its rated active power counts. */
  readonly apparentKva: number;
  /** Its capacity counts towards start and stop; a battery's counts only as a reserve where a machine runs. */
  readonly isFirm: boolean;
}

/** Capacity, load and reserve of a grid or an island, kW. */
export interface Balance {
  /** Firm capacity of connected sources. */
  readonly capacityKw: number;
  /** Its part that comes from no battery. */
  readonly capacityWithoutBatteryKw: number;
  /** What the consumers draw: the sum of what all sources give. */
  readonly loadKw: number;
  /** Reactive power that firm sources give, kvar, and what they are rated for, kVA. */
  readonly loadKvar: number;
  readonly capacityKva: number;
  /** Load in percent of firm capacity; null where there is load and no firm source is connected. */
  readonly loadPct: number | null;
  /** Firm capacity that is not drawn and not reserved; negative in overload. */
  readonly freeKw: number;
  /** Granted to heavy consumers and not drawn yet. */
  readonly reservedKw: number;
  /** What batteries could add within a second, beyond what they give now. */
  readonly batteryReserveKw: number;
  /** What could be drawn more within a second: firm capacity that is not drawn, and what batteries beyond it could add. */
  readonly spinningKw: number;
  /** What is not known; empty where everything is. */
  readonly unknowns: readonly Reason[];
}

/** The power that a source counts with, kW. A connected source with bad power counts as fully loaded. */
export function countedPowerKw(source: Source): number {
  if (source.breaker === "open") return 0;
  if (source.isPowerKnown || source.breaker === "unknown") return source.powerKw;
  return Math.max(source.powerKw, source.ratedKw);
}

/**
 * What the sources together are known to give, kW, one with bad power by its last good value: what sharing rests on. The load of
 * {@link Balance} counts such a source as fully loaded, and a share of that would press power that nobody draws onto the others.
 */
export function sharedLoadKw(sources: readonly Source[]): number {
  let sumKw = 0;
  for (const source of sources) if (source.breaker !== "open") sumKw += source.powerKw;
  return sumKw;
}

export function isConnected(source: Source): boolean {
  return source.breaker === "closed";
}

/**
 * Sums up what runs. Unknown means worse: an unknown breaker adds its load but no capacity.
 * @param reservedKw - Granted to heavy consumers and not drawn yet, ≥ 0.
 */
export function balanceOf(
  sources: readonly Source[],
  reservedKw: number,
  otherUnknowns: readonly Reason[] = [],
): Balance {
  const unknowns: Reason[] = [...otherUnknowns];
  let capacityKw = 0;
  let capacityWithoutBatteryKw = 0;
  let loadKw = 0;
  let loadKvar = 0;
  let capacityKva = 0;
  let batteryReserveKw = 0;
  let beyondFirmKw = 0;
  for (const source of sources) {
    const powerKw = countedPowerKw(source);
    loadKw += powerKw;
    // What a converter gives of it costs no energy: it is off the machines whether the battery is firm or not.
    const isHelped = source.kind === "battery" && !source.isFirm;
    if (source.breaker !== "open" && !isHelped) loadKvar += source.reactiveKvar;
    if (source.breaker === "unknown") {
      unknowns.push(reasonOf("UNKNOWN_INPUT", source.device, { what: "the breaker" }));
    } else if (isConnected(source) && !source.isPowerKnown) {
      unknowns.push(reasonOf("UNKNOWN_INPUT", source.device, { what: "the power" }));
    }
    if (!isConnected(source)) continue;
    if (source.isFirm) capacityKw += source.availableKw;
    if (source.isFirm) capacityKva += apparentKvaOf(source);
    if (source.isFirm && source.kind !== "battery") capacityWithoutBatteryKw += source.availableKw;
    if (source.kind === "battery") {
      const moreKw = Math.max(0, source.availableKw - Math.max(0, powerKw));
      batteryReserveKw += moreKw;
      if (!source.isFirm) beyondFirmKw += moreKw + Math.max(0, powerKw);
    }
  }
  return {
    capacityKw,
    capacityWithoutBatteryKw,
    loadKw,
    loadKvar,
    capacityKva,
    loadPct: loadPctOf(loadKw, capacityKw),
    freeKw: capacityKw - loadKw - reservedKw,
    reservedKw,
    batteryReserveKw,
    spinningKw: capacityKw + beyondFirmKw - loadKw,
    unknowns,
  };
}

function apparentKvaOf({ kind, availableKw, ratedKw, apparentKva }: Source): number {
  if (kind === "pv") return availableKw;
  return apparentKva > 0 ? apparentKva : ratedKw;
}

/** Load in percent of a capacity; null where there is load and nothing to carry it: above every limit, and no number. */
export function loadPctOf(loadKw: number, capacityKw: number): number | null {
  if (capacityKw > 0) return (100 * loadKw) / capacityKw;
  return loadKw > 0.5 ? null : 0;
}

/** Load without capacity is above every limit. */
export function isAbove(loadPct: number | null, limitPct: number): boolean {
  return loadPct === null || loadPct > limitPct;
}
