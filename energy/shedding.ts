import { countedPowerKw, isConnected, type Source } from "./balance.ts";
import { reasonOf, type Reason } from "./reason.ts";

/** When load is shed, in the manifest's names. */
export interface SheddingParameters {
  readonly isEnabled: boolean;
  readonly overloadPct: number;
  /** Of stages 1, 2 and 3, since the overload began. */
  readonly stageDelaysS: readonly number[];
  readonly fastOverloadPct: number;
  readonly fastDelayS: number;
  readonly underFrequencyPct: number;
  readonly underFrequencyDelayS: number;
  readonly reconnectAfterS: number;
}

/** Since when each cause holds, and what was shed for it; plant time. */
export type SheddingTimers = {
  readonly overSinceMs: number | null;
  readonly fastSinceMs: number | null;
  readonly underSinceMs: number | null;
  /** Highest stage that is shed: 0 is the charging of batteries; -1: none. */
  readonly stage: number;
  /** Since when no cause holds any more; null while one does, and where nothing is shed. */
  readonly clearSinceMs: number | null;
};

export const NO_SHEDDING: SheddingTimers = {
  overSinceMs: null,
  fastSinceMs: null,
  underSinceMs: null,
  stage: -1,
  clearSinceMs: null,
};

export interface SheddingInput {
  readonly plantTimeMs: number;
  readonly parameters: SheddingParameters;
  readonly sources: readonly Source[];
  /** Percent of nominal; null where it is not known or the busbar is dead. */
  readonly frequencyPct: number | null;
  /** Stages that have something to shed, rising; others are passed over by the fast causes. */
  readonly stages: readonly number[];
}

export interface SheddingDecision {
  readonly timers: SheddingTimers;
  /** Causes that hold now. */
  readonly because: readonly Reason[];
}

/** The source that is loaded most, in percent of what it can give; null where none is connected. */
export function mostLoaded(
  sources: readonly Source[],
): { readonly device: string; readonly loadPct: number } | null {
  let worst: { device: string; loadPct: number } | null = null;
  for (const source of sources) {
    if (!isConnected(source) || source.kind === "pv") continue;
    // A battery's energy is a matter of reserve; its converter is loaded by its rating.
    const mostKw = source.kind === "battery" ? source.ratedKw : source.availableKw;
    if (mostKw <= 0) continue;
    const loadPct = (100 * countedPowerKw(source)) / mostKw;
    if (worst === null || loadPct > worst.loadPct) worst = { device: source.device, loadPct };
  }
  return worst;
}

/**
 * Preferential trip: which stages are shed. Slow overload sheds stage after stage, each after its delay since the overload began;
 * fast overload and low frequency shed one stage after each of their delays, counted anew after each, so that the effect of one is
 * seen before the next goes. A stage stays shed until no cause has held for `reconnectAfterS`: closing again is for operators.
 */
export function decideShedding(input: SheddingInput, timers: SheddingTimers): SheddingDecision {
  const { parameters: p, plantTimeMs: nowMs } = input;
  if (!p.isEnabled) return { timers: NO_SHEDDING, because: [] };
  const worst = mostLoaded(input.sources);
  const loadPct = worst?.loadPct ?? 0;
  const isOver = loadPct > p.overloadPct;
  const isFast = loadPct > p.fastOverloadPct;
  const isUnder = input.frequencyPct !== null && input.frequencyPct < p.underFrequencyPct;
  const overSinceMs = isOver ? (timers.overSinceMs ?? nowMs) : null;
  let fastSinceMs = isFast ? (timers.fastSinceMs ?? nowMs) : null;
  let underSinceMs = isUnder ? (timers.underSinceMs ?? nowMs) : null;
  let { stage } = timers;
  if ((isOver || isUnder) && stage < 0) stage = 0;
  if (overSinceMs !== null) {
    for (const [index, delayS] of p.stageDelaysS.entries()) {
      if (nowMs - overSinceMs >= delayS * 1000) stage = Math.max(stage, index + 1);
    }
  }
  const next = input.stages.find((one) => one > stage) ?? stage;
  if (fastSinceMs !== null && nowMs - fastSinceMs >= p.fastDelayS * 1000) {
    stage = next;
    fastSinceMs = nowMs;
  }
  if (underSinceMs !== null && nowMs - underSinceMs >= p.underFrequencyDelayS * 1000) {
    stage = next;
    underSinceMs = nowMs;
  }
  const because = causes(input, worst, isOver, isUnder);
  const isClear = because.length === 0 && stage >= 0;
  const clearSinceMs = isClear ? (timers.clearSinceMs ?? nowMs) : null;
  if (clearSinceMs !== null && nowMs - clearSinceMs >= p.reconnectAfterS * 1000) {
    return { timers: NO_SHEDDING, because };
  }
  return { timers: { overSinceMs, fastSinceMs, underSinceMs, stage, clearSinceMs }, because };
}

function causes(
  input: SheddingInput,
  worst: { readonly device: string; readonly loadPct: number } | null,
  isOver: boolean,
  isUnder: boolean,
): Reason[] {
  const { parameters: p } = input;
  const found: Reason[] = [];
  if (isOver && worst !== null) {
    const values = { loadPct: worst.loadPct, limitPct: p.overloadPct };
    found.push(reasonOf("SOURCE_OVERLOADED", worst.device, values));
  }
  if (isUnder && input.frequencyPct !== null) {
    const values = { frequencyPct: input.frequencyPct, limitPct: p.underFrequencyPct };
    found.push(reasonOf("FREQUENCY_LOW", "", values));
  }
  return found;
}
