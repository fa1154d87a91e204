import { isConnected, type Source } from "./balance.ts";
import { reasonOf, type Reason } from "./reason.ts";

/** When a tie is opened for the sake of one side, in the manifest's names. Percent of a source's rating. */
export interface SacrificeParameters {
  readonly isEnabled: boolean;
  readonly overloadPct: number;
  readonly overloadDelayS: number;
  readonly reversePct: number;
  readonly reverseDelayS: number;
}

/** Since when each cause holds, plant time. */
export type SacrificeTimers = {
  readonly overSinceMs: number | null;
  readonly reverseSinceMs: number | null;
};

export const NO_SACRIFICE: SacrificeTimers = { overSinceMs: null, reverseSinceMs: null };

/**
 * Whether the tie goes: a source of the island overloaded or driven backwards for its delay.
 * @param behindMs - How much later this side acts on a source, so that of the tie's two breakers one opens and not both: the second is
 *   there for the case that the first does not come.
 */
export function decideSacrifice(
  sources: readonly Source[],
  p: SacrificeParameters,
  plantTimeMs: number,
  timers: SacrificeTimers,
  behindMs: (device: string) => number = () => 0,
): { readonly timers: SacrificeTimers; readonly because: Reason | null } {
  if (!p.isEnabled) return { timers: NO_SACRIFICE, because: null };
  const machines = sources.filter((source) => isConnected(source) && source.kind === "genset");
  const pctOf = (source: Source) => (100 * source.powerKw) / source.ratedKw;
  const over = machines.find((source) => source.isPowerKnown && pctOf(source) > p.overloadPct);
  const reverse = machines.find((source) => source.isPowerKnown && pctOf(source) < -p.reversePct);
  const overSinceMs = over === undefined ? null : (timers.overSinceMs ?? plantTimeMs);
  const reverseSinceMs = reverse === undefined ? null : (timers.reverseSinceMs ?? plantTimeMs);
  const isDue = ({ device }: Source, sinceMs: number | null, delayS: number) =>
    sinceMs !== null && plantTimeMs - sinceMs >= delayS * 1000 + behindMs(device);
  let because: Reason | null = null;
  if (over !== undefined && isDue(over, overSinceMs, p.overloadDelayS)) {
    const values = { loadPct: pctOf(over), limitPct: p.overloadPct, delayS: p.overloadDelayS };
    because = reasonOf("SACRIFICE_OVERLOAD", over.device, values);
  } else if (reverse !== undefined && isDue(reverse, reverseSinceMs, p.reverseDelayS)) {
    const values = { reversePct: -pctOf(reverse), limitPct: p.reversePct, delayS: p.reverseDelayS };
    because = reasonOf("SACRIFICE_REVERSE", reverse.device, values);
  }
  return { timers: { overSinceMs, reverseSinceMs }, because };
}
