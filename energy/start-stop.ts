import { isConnected, loadPctOf, type Balance, type Source } from "./balance.ts";
import { n1Of } from "./n-minus-one.ts";
import type { PowerParameters } from "./parameters.ts";
import { reasonOf, sentenceOf, type Reason } from "./reason.ts";

/** A set as the order of start sees it. */
export interface StartStopSet {
  readonly device: string;
  readonly state: string;
  /**
   * `ready`: could be started. `pending`: on its way to the busbar. `running`: carries load. `leaving`: being unloaded, could
   * still stay. `none`: none of these.
   */
  readonly availability: "ready" | "pending" | "running" | "leaving" | "none";
  readonly ratedKw: number;
  /** Since its start by R-EMS; null where it already ran: then its minimum run is over. */
  readonly runningForMs: number | null;
}

/** Since when each condition holds without a break, plant time; null where it does not. */
export interface StartStopTimers {
  readonly highSinceMs: number | null;
  readonly fastSinceMs: number | null;
  readonly n1SinceMs: number | null;
  readonly deadSinceMs: number | null;
  readonly lowSinceMs: number | null;
  /** The set that the low timer counts for. */
  readonly lowDevice: string;
}

export const NO_TIMERS: StartStopTimers = {
  highSinceMs: null,
  fastSinceMs: null,
  n1SinceMs: null,
  deadSinceMs: null,
  lowSinceMs: null,
  lowDevice: "",
};

export interface StartStopInput {
  readonly plantTimeMs: number;
  readonly parameters: PowerParameters;
  readonly sources: readonly Source[];
  readonly balance: Balance;
  /** In the order of start. */
  readonly sets: readonly StartStopSet[];
  readonly isBusDead: boolean;
  /** Heavy consumers that wait or have power reserved: first in line first. */
  readonly consumers: readonly {
    readonly device: string;
    readonly demandKw: number;
    readonly isWaiting: boolean;
  }[];
}

export interface StartStopDecision {
  readonly timers: StartStopTimers;
  readonly start: { readonly device: string; readonly reasons: readonly Reason[] } | null;
  readonly stop: { readonly device: string; readonly reasons: readonly Reason[] } | null;
  /** Why something is wanted or not, for the grid. */
  readonly because: readonly Reason[];
  /** Why no set starts. */
  readonly startBecause: readonly Reason[];
  /** Why no set stops. */
  readonly stopBecause: readonly Reason[];
}

/** A dead busbar is believed after so long. */
const BLACKOUT_MS = 2000;

/**
 * Load-dependent start and stop for one grid or island. Starts are always allowed; stops are blocked, with the reason,
 * while anything is unknown, a set is on its way, a consumer waits, or the loss of a source could not be carried after it.
 */
export function decideStartStop(input: StartStopInput, timers: StartStopTimers): StartStopDecision {
  const running = nextTimers(input, timers);
  const wanted = startReasons(input, running);
  const starting = input.sets.find((set) => set.availability === "pending");
  const next =
    input.sets.find((set) => set.availability === "leaving") ??
    input.sets.find((set) => set.availability === "ready");
  const startBecause: Reason[] = [...wanted.waiting];
  let start: StartStopDecision["start"] = null;
  if (wanted.due.length > 0) {
    startBecause.unshift(...wanted.due);
    if (starting !== undefined) {
      startBecause.push(reasonOf("START_PENDING", starting.device, { state: starting.state }));
    } else if (next === undefined) {
      startBecause.push(noSet(input.sets));
    } else {
      start = {
        device: next.device,
        reasons: [...wanted.due, reasonOf("NEXT_IN_LINE", next.device)],
      };
    }
  }
  const stopping = decideStop(input, running, wanted.due.length > 0, starting);
  return {
    timers: stopping.timers,
    start,
    stop: stopping.stop,
    because: [...wanted.due, ...wanted.waiting],
    startBecause,
    stopBecause: stopping.because,
  };
}

function since(isTrue: boolean, sinceMs: number | null, nowMs: number): number | null {
  return isTrue ? (sinceMs ?? nowMs) : null;
}

function nextTimers(input: StartStopInput, timers: StartStopTimers): StartStopTimers {
  const { parameters, balance, plantTimeMs } = input;
  const needsN1 = parameters.isN1Required && balance.loadKw > 0.5;
  return {
    ...timers,
    highSinceMs: since(balance.loadPct > parameters.startLimitPct, timers.highSinceMs, plantTimeMs),
    fastSinceMs: since(
      balance.loadPct > parameters.fastStartLimitPct,
      timers.fastSinceMs,
      plantTimeMs,
    ),
    n1SinceMs: since(needsN1 && !n1Of(input.sources).isHeld, timers.n1SinceMs, plantTimeMs),
    deadSinceMs: since(
      input.isBusDead && !input.sources.some(isConnected),
      timers.deadSinceMs,
      plantTimeMs,
    ),
  };
}

function startReasons(
  input: StartStopInput,
  timers: StartStopTimers,
): { due: Reason[]; waiting: Reason[] } {
  const { parameters: p, balance, plantTimeMs } = input;
  const due: Reason[] = [];
  const waiting: Reason[] = [];
  const load = { loadPct: balance.loadPct, capacityKw: balance.capacityKw };
  const limits = [
    [timers.fastSinceMs, p.fastStartLimitPct, p.fastStartDelayS],
    [timers.highSinceMs, p.startLimitPct, p.startDelayS],
  ] as const;
  for (const [sinceMs, limitPct, delayS] of limits) {
    if (sinceMs === null) continue;
    const forS = (plantTimeMs - sinceMs) / 1000;
    if (forS >= delayS) due.push(reasonOf("LOAD_HIGH", "", { ...load, limitPct, delayS }));
    else waiting.push(reasonOf("LOAD_HIGH_WAITS", "", { ...load, limitPct, delayS, forS }));
  }
  if (timers.highSinceMs === null && timers.fastSinceMs === null) {
    waiting.push(reasonOf("LOAD_BELOW_START", "", { ...load, limitPct: p.startLimitPct }));
  }
  const n1 = n1Of(input.sources);
  const lost = { lost: n1.lost === "" ? "any source" : n1.lost, remainingKw: n1.remainingKw };
  if (timers.n1SinceMs !== null) {
    const forS = (plantTimeMs - timers.n1SinceMs) / 1000;
    const values = { ...lost, loadKw: n1.loadKw, delayS: p.startDelayS, forS };
    if (forS >= p.startDelayS) due.push(reasonOf("N1_LOST", "", values));
    else waiting.push(reasonOf("N1_WAITS", "", values));
  } else if (p.isN1Required && n1.lost !== "") {
    waiting.push(reasonOf("N1_HELD", "", { ...lost, loadKw: n1.loadKw }));
  }
  const consumer = input.consumers.find((entry) => entry.isWaiting);
  if (consumer !== undefined) {
    const needKw = consumer.demandKw + p.heavyConsumerMarginKw;
    if (balance.freeKw < needKw) {
      const values = { demandKw: consumer.demandKw, freeKw: balance.freeKw, needKw };
      due.push(reasonOf("CONSUMER_WAITS", consumer.device, values));
    }
  }
  if (timers.deadSinceMs !== null && plantTimeMs - timers.deadSinceMs >= BLACKOUT_MS) {
    due.push(reasonOf("BLACKOUT", ""));
  }
  return { due, waiting };
}

/** Says of every set that does not run why it cannot be started. */
function noSet(sets: readonly StartStopSet[]): Reason {
  const others = sets
    .filter((set) => set.availability === "none")
    .map((set) => sentenceOf(reasonOf("NOT_STARTABLE", set.device, { state: set.state })));
  const text = others.length === 0 ? "every set already runs" : others.join(", ");
  return reasonOf("NO_SET", "", { sets: text });
}

function decideStop(
  input: StartStopInput,
  timers: StartStopTimers,
  isStartWanted: boolean,
  starting: StartStopSet | undefined,
): { timers: StartStopTimers; stop: StartStopDecision["stop"]; because: Reason[] } {
  const none = { ...timers, lowSinceMs: null, lowDevice: "" };
  const candidate = input.sets.findLast((set) => set.availability === "running");
  if (candidate === undefined) return { timers: none, stop: null, because: [] };
  const blocks = stopBlocks(input, candidate, isStartWanted, starting);
  const { parameters: p, balance } = input;
  const remainingKw = balance.capacityKw - candidate.ratedKw;
  const loadPct = loadPctOf(balance.loadKw + balance.reservedKw, remainingKw);
  const values = { loadPct, capacityKw: remainingKw, limitPct: p.stopLimitPct };
  if (loadPct >= p.stopLimitPct) {
    const because = [reasonOf("LOAD_ABOVE_STOP", candidate.device, values), ...blocks];
    return { timers: none, stop: null, because };
  }
  if (blocks.length > 0) return { timers: none, stop: null, because: blocks };
  const isSame = timers.lowDevice === candidate.device;
  const lowSinceMs = (isSame ? timers.lowSinceMs : null) ?? input.plantTimeMs;
  const forS = (input.plantTimeMs - lowSinceMs) / 1000;
  const next = { ...timers, lowSinceMs, lowDevice: candidate.device };
  if (forS < p.stopDelayS) {
    const waits = { ...values, forS, delayS: p.stopDelayS };
    return {
      timers: next,
      stop: null,
      because: [reasonOf("STOP_WAITS", candidate.device, waits)],
    };
  }
  const reasons = [reasonOf("LOAD_LOW", candidate.device, { ...values, delayS: p.stopDelayS })];
  return { timers: none, stop: { device: candidate.device, reasons }, because: reasons };
}

function stopBlocks(
  input: StartStopInput,
  candidate: StartStopSet,
  isStartWanted: boolean,
  starting: StartStopSet | undefined,
): Reason[] {
  const { parameters: p, balance } = input;
  const blocks: Reason[] = [...balance.unknowns];
  const rest = input.sources.filter((source) => source.device !== candidate.device);
  if (!rest.some((source) => isConnected(source) && source.isForming)) {
    blocks.push(reasonOf("LAST_FORMING", candidate.device));
  }
  const leaving = input.sets.find((set) => set.availability === "leaving");
  if (leaving !== undefined) {
    blocks.push(reasonOf("SET_LEAVES", leaving.device, { state: leaving.state }));
  }
  if (starting !== undefined) {
    blocks.push(reasonOf("START_PENDING", starting.device, { state: starting.state }));
  }
  if (isStartWanted && starting === undefined) {
    blocks.push(
      reasonOf("LOAD_ABOVE_STOP", candidate.device, {
        loadPct: balance.loadPct,
        capacityKw: balance.capacityKw,
        limitPct: p.stopLimitPct,
      }),
    );
  }
  const ranMs = candidate.runningForMs;
  if (ranMs !== null && ranMs < p.minimumRunS * 1000) {
    const values = { ranS: ranMs / 1000, minimumRunS: p.minimumRunS };
    blocks.push(reasonOf("MINIMUM_RUN", candidate.device, values));
  }
  const waiting = input.consumers.find((consumer) => consumer.isWaiting);
  if (waiting !== undefined) blocks.push(reasonOf("CONSUMER_ACTIVE", waiting.device));
  if (p.isN1Required) {
    const n1 = n1Of(rest);
    const loadKw = Math.max(balance.loadKw, n1.loadKw);
    if (n1.lost === "" || n1.remainingKw < loadKw) {
      const values = { lost: n1.lost === "" ? "-" : n1.lost, remainingKw: n1.remainingKw, loadKw };
      blocks.push(reasonOf("N1_AFTER_STOP", candidate.device, values));
    }
  }
  return blocks;
}
