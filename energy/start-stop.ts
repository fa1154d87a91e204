import {
  countedPowerKw,
  isAbove,
  isConnected,
  loadPctOf,
  type Balance,
  type Source,
} from "./balance.ts";
import { loadedPct, loadingsOf, worstLoading } from "./loading.ts";
import { n1Of } from "./n-minus-one.ts";
import type { PowerParameters } from "./parameters.ts";
import { reasonOf, sentenceOf, type Reason, type ReasonCode } from "./reason.ts";

/** A set as the order of start sees it. */
export interface StartStopSet {
  readonly device: string;
  readonly state: string;
  /**
   * `ready`: could be started. `pending`: on its way to the busbar. `running`: carries load. `leaving`: being unloaded, could
   * still stay. `none`: none of these.
   */
  readonly availability: "ready" | "pending" | "running" | "leaving" | "none";
  /** What it can give now: its rating, or less where it is derated, kW. */
  readonly ratedKw: number;
  /** Hours run; null where it does not tell. */
  readonly runningHoursH: number | null;
  /** Specific consumption at its best load. */
  readonly fuelGPerKwh: number;
  /** Since its start by R-EMS; null where it already ran: then its minimum run is over. */
  readonly runningForMs: number | null;
}

/** Since when each condition holds without a break, plant time; null where it does not. */
export interface StartStopTimers {
  readonly highSinceMs: number | null;
  readonly fastSinceMs: number | null;
  readonly n1SinceMs: number | null;
  readonly reserveSinceMs: number | null;
  readonly deadSinceMs: number | null;
  readonly lowSinceMs: number | null;
  /** The set that the low timer counts for. */
  readonly lowDevice: string;
}

export const NO_TIMERS: StartStopTimers = {
  highSinceMs: null,
  fastSinceMs: null,
  n1SinceMs: null,
  reserveSinceMs: null,
  deadSinceMs: null,
  lowSinceMs: null,
  lowDevice: "",
};

/** So many sets of a group stay connected whatever the load. */
export interface SetMinimum {
  /** Operating mode that wants it. */
  readonly mode: string;
  readonly least: number;
  readonly devices: readonly string[];
  /** One that is missing is started; else none is stopped, and no more. */
  readonly isStarted: boolean;
}

export interface StartStopInput {
  readonly plantTimeMs: number;
  readonly parameters: PowerParameters;
  readonly sources: readonly Source[];
  readonly balance: Balance;
  /** In the order of start. */
  readonly sets: readonly StartStopSet[];
  readonly isBusDead: boolean;
  /** What asks for a set besides load and reserve, and blocks stops: a battery that forms the bus and runs low. */
  readonly demands: readonly Reason[];
  /** Sets that stay connected whatever the load, for each group that wants some: the sets of one grid. */
  readonly minima: readonly SetMinimum[];
  /** Heavy consumers that wait or have power reserved, in order of grant. */
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
  const next = nextSet(input);
  const startBecause: Reason[] = [...wanted.waiting];
  let start: StartStopDecision["start"] = null;
  if (wanted.due.length > 0) {
    startBecause.unshift(...wanted.due);
    if (starting !== undefined && !isMoreNeeded(input)) {
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

/** Groups that lack a set which their mode wants connected, with how many are. */
function lackingOf(input: StartStopInput): { minimum: SetMinimum; count: number }[] {
  const on = new Set(input.sources.filter(isConnected).map(({ device }) => device));
  return input.minima
    .filter(({ isStarted }) => isStarted)
    .map((minimum) => ({ minimum, count: minimum.devices.filter((id) => on.has(id)).length }))
    .filter(({ minimum, count }) => count < minimum.least);
}

/** The next in the order: one that is being taken off before any other, and one of a group that lacks a set first. */
function nextSet(input: StartStopInput): StartStopSet | undefined {
  const wanted = new Set(lackingOf(input).flatMap(({ minimum }) => minimum.devices));
  const first = (isMeant: (set: StartStopSet) => boolean) =>
    input.sets.find((set) => isMeant(set) && set.availability === "leaving") ??
    input.sets.find((set) => isMeant(set) && set.availability === "ready");
  return first(({ device }) => wanted.has(device)) ?? first(() => true);
}

/**
 * Whether the sets on their way will not do: with them the load would still be above the limit of start, or a consumer that waits
 * would still lack power. Then the next is started beside them.
 */
function isMoreNeeded(input: StartStopInput): boolean {
  const { balance, parameters: p } = input;
  let comingKw = 0;
  for (const set of input.sets) {
    if (set.availability === "pending" && !isOn(input.sources, set.device)) comingKw += set.ratedKw;
  }
  const capacityKw = balance.capacityKw + comingKw;
  const consumer = input.consumers.find((entry) => entry.isWaiting);
  const askedKw = consumer === undefined ? 0 : consumer.demandKw + p.heavyConsumerMarginKw;
  const neededKw = balance.loadKw + balance.reservedKw;
  if (capacityKw - neededKw < askedKw) return true;
  if (p.startStopIn === "kw") return capacityKw - neededKw < p.startFreeKw;
  const coming = input.sets.filter(
    (set) => set.availability === "pending" && !isOn(input.sources, set.device),
  );
  return loadingsOf(p, balance, input.sources).some((loading) => {
    let { capacity } = loading;
    for (const set of coming) capacity += loading.sizeOf(set);
    return isAbove(loadPctOf(loading.needed, capacity), p.startLimitPct);
  });
}

function isOn(sources: readonly Source[], device: string): boolean {
  return sources.some((source) => source.device === device && isConnected(source));
}

function since(isTrue: boolean, sinceMs: number | null, nowMs: number): number | null {
  return isTrue ? (sinceMs ?? nowMs) : null;
}

function nextTimers(input: StartStopInput, timers: StartStopTimers): StartStopTimers {
  const { parameters, balance, plantTimeMs } = input;
  const needsN1 = parameters.isN1Required && balance.loadKw > 0.5;
  const isShort =
    balance.spinningKw < parameters.spinningReserveKw && input.sources.some(isConnected);
  return {
    ...timers,
    highSinceMs: since(isHigh(input, "slow"), timers.highSinceMs, plantTimeMs),
    fastSinceMs: since(isHigh(input, "fast"), timers.fastSinceMs, plantTimeMs),
    n1SinceMs: since(needsN1 && !n1Of(input.sources).isHeld, timers.n1SinceMs, plantTimeMs),
    reserveSinceMs: since(isShort, timers.reserveSinceMs, plantTimeMs),
    deadSinceMs: since(
      input.isBusDead && !input.sources.some(isConnected),
      timers.deadSinceMs,
      plantTimeMs,
    ),
  };
}

/** Above a limit of start: by percent of capacity, or by what is free. */
function isHigh(input: StartStopInput, limit: "slow" | "fast"): boolean {
  const { parameters: p, balance } = input;
  if (p.startStopIn === "kw") {
    return balance.freeKw < (limit === "fast" ? p.fastStartFreeKw : p.startFreeKw);
  }
  const { pct } = worstLoading(loadingsOf(p, balance, input.sources), loadedPct);
  return isAbove(pct, limit === "fast" ? p.fastStartLimitPct : p.startLimitPct);
}

function startReasons(
  input: StartStopInput,
  timers: StartStopTimers,
): { due: Reason[]; waiting: Reason[] } {
  const { parameters: p, balance, plantTimeMs } = input;
  const due: Reason[] = [...input.demands];
  for (const { minimum, count } of lackingOf(input)) {
    const { mode, least } = minimum;
    due.push(reasonOf("MODE_SETS", "", { mode, least, count }));
  }
  const waiting: Reason[] = [];
  loadReasons(input, timers, due, waiting);
  n1Reasons(input, timers, due, waiting);
  if (timers.reserveSinceMs !== null) {
    const forS = (plantTimeMs - timers.reserveSinceMs) / 1000;
    const { spinningKw } = balance;
    const reserve = { spinningKw, needKw: p.spinningReserveKw, delayS: p.startDelayS, forS };
    const isDue = forS >= p.startDelayS;
    (isDue ? due : waiting).push(reasonOf(isDue ? "RESERVE_LOW" : "RESERVE_WAITS", "", reserve));
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

/** What a high load is called: once its delay is over, and before. */
interface HighCodes {
  readonly due: ReasonCode;
  readonly waits: ReasonCode;
}
const FREE_CODES: HighCodes = { due: "FREE_LOW", waits: "FREE_LOW_WAITS" };
const LOAD_CODES: HighCodes = { due: "LOAD_HIGH", waits: "LOAD_HIGH_WAITS" };
const KVA_CODES: HighCodes = { due: "KVA_HIGH", waits: "KVA_HIGH_WAITS" };
const NO_CAPACITY_CODES: HighCodes = { due: "NO_CAPACITY", waits: "NO_CAPACITY_WAITS" };

function loadReasons(
  input: StartStopInput,
  timers: StartStopTimers,
  due: Reason[],
  waiting: Reason[],
): void {
  const { parameters: p, balance, plantTimeMs } = input;
  const isKw = p.startStopIn === "kw";
  const { freeKw, loadKw, capacityKw } = balance;
  const worst = worstLoading(loadingsOf(p, balance, input.sources), loadedPct);
  const loadPct = worst.pct;
  const isKva = worst.loading?.unit === "kVA";
  const capacity = isKva ? { capacityKva: balance.capacityKva } : { capacityKw };
  const load = isKw ? { freeKw } : loadPct === null ? { loadKw } : { loadPct, ...capacity };
  const loadCodes = isKva ? KVA_CODES : LOAD_CODES;
  const codes = isKw ? FREE_CODES : loadPct === null ? NO_CAPACITY_CODES : loadCodes;
  const limits = [
    [timers.fastSinceMs, isKw ? p.fastStartFreeKw : p.fastStartLimitPct, p.fastStartDelayS],
    [timers.highSinceMs, isKw ? p.startFreeKw : p.startLimitPct, p.startDelayS],
  ] as const;
  for (const [sinceMs, limit, delayS] of limits) {
    if (sinceMs === null) continue;
    const forS = (plantTimeMs - sinceMs) / 1000;
    const isDue = forS >= delayS;
    const values = { ...load, [isKw ? "limitKw" : "limitPct"]: limit, delayS, forS };
    (isDue ? due : waiting).push(reasonOf(isDue ? codes.due : codes.waits, "", values));
  }
  if (timers.highSinceMs !== null || timers.fastSinceMs !== null) return;
  waiting.push(
    isKw
      ? reasonOf("FREE_ABOVE_START", "", { ...load, limitKw: p.startFreeKw })
      : capacityKw > 0
        ? reasonOf(isKva ? "KVA_BELOW_START" : "LOAD_BELOW_START", "", {
            ...load,
            limitPct: p.startLimitPct,
          })
        : reasonOf("NO_LOAD", ""),
  );
}

function n1Reasons(
  input: StartStopInput,
  timers: StartStopTimers,
  due: Reason[],
  waiting: Reason[],
): void {
  const { parameters: p, plantTimeMs } = input;
  const n1 = n1Of(input.sources);
  if (timers.n1SinceMs === null) {
    if (p.isN1Required && n1.lost !== "") waiting.push(n1.reason);
    return;
  }
  const forS = (plantTimeMs - timers.n1SinceMs) / 1000;
  const isDue = forS >= p.startDelayS;
  const { remainingKw, loadKw, missingKw } = n1;
  const lost = n1.lost === "" ? "any source" : n1.lost;
  const values = { lost, remainingKw, loadKw, missingKw, delayS: p.startDelayS, forS };
  (isDue ? due : waiting).push(reasonOf(isDue ? "N1_LOST" : "N1_WAITS", "", values));
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
  const isRunning = (set: StartStopSet) => set.availability === "running";
  const candidate =
    input.sets.findLast((set) => isRunning(set) && heldBy(input, set).length === 0) ??
    input.sets.findLast(isRunning);
  if (candidate === undefined) return { timers: none, stop: null, because: [] };
  const blocks = stopBlocks(input, candidate, isStartWanted, starting);
  const { parameters: p, balance } = input;
  const remainingKw = balance.capacityKw - candidate.ratedKw;
  const neededKw = balance.loadKw + balance.reservedKw;
  const worst = worstLoading(loadingsOf(p, balance, input.sources), (loading) =>
    loadPctOf(loading.needed, loading.capacity - loading.sizeOf(candidate)),
  );
  const loadPct = worst.pct;
  const isKva = worst.loading?.unit === "kVA";
  const isKw = p.startStopIn === "kw";
  const freeKw = remainingKw - neededKw;
  if (loadPct === null) {
    const others = blocks.filter(({ code }) => code !== "NOTHING_REMAINS");
    const because = [nothingRemains(candidate.device, neededKw), ...others];
    return { timers: none, stop: null, because };
  }
  const values = isKw
    ? { freeKw, limitKw: p.stopFreeKw }
    : isKva
      ? {
          loadPct,
          capacityKva: balance.capacityKva - (worst.loading?.sizeOf(candidate) ?? 0),
          limitPct: p.stopLimitPct,
        }
      : { loadPct, capacityKw: remainingKw, limitPct: p.stopLimitPct };
  if (isKw ? freeKw <= p.stopFreeKw : loadPct >= p.stopLimitPct) {
    const code = isKw ? "FREE_BELOW_STOP" : isKva ? "KVA_ABOVE_STOP" : "LOAD_ABOVE_STOP";
    return {
      timers: none,
      stop: null,
      because: [reasonOf(code, candidate.device, values), ...blocks],
    };
  }
  if (blocks.length > 0) return { timers: none, stop: null, because: blocks };
  const isSame = timers.lowDevice === candidate.device;
  const lowSinceMs = (isSame ? timers.lowSinceMs : null) ?? input.plantTimeMs;
  const forS = (input.plantTimeMs - lowSinceMs) / 1000;
  const next = { ...timers, lowSinceMs, lowDevice: candidate.device };
  if (forS < p.stopDelayS) {
    const waits = { ...values, forS, delayS: p.stopDelayS };
    const code = isKw ? "STOP_WAITS_KW" : "STOP_WAITS";
    return { timers: next, stop: null, because: [reasonOf(code, candidate.device, waits)] };
  }
  const code = isKw ? "FREE_HIGH" : isKva ? "KVA_LOW" : "LOAD_LOW";
  const reasons = [reasonOf(code, candidate.device, { ...values, delayS: p.stopDelayS })];
  return { timers: none, stop: { device: candidate.device, reasons }, because: reasons };
}

/** Groups that would have too few sets connected without this one. */
function heldBy(input: StartStopInput, { device }: StartStopSet): readonly SetMinimum[] {
  return input.minima.filter(({ least, devices }) => {
    if (!devices.includes(device)) return false;
    const running = input.sets.filter(
      (set) => set.availability === "running" && devices.includes(set.device),
    );
    return running.length <= least;
  });
}

function stopBlocks(
  input: StartStopInput,
  candidate: StartStopSet,
  isStartWanted: boolean,
  starting: StartStopSet | undefined,
): Reason[] {
  const { parameters: p, balance } = input;
  const blocks: Reason[] = [...balance.unknowns, ...input.demands];
  const rest = input.sources.filter((source) => source.device !== candidate.device);
  if (!rest.some((source) => isConnected(source) && source.isForming)) {
    blocks.push(reasonOf("LAST_FORMING", candidate.device));
  }
  for (const { least } of heldBy(input, candidate)) {
    blocks.push(reasonOf("MODE_SETS_HELD", candidate.device, { least }));
  }
  const leaving = input.sets.find((set) => set.availability === "leaving");
  if (leaving !== undefined) {
    blocks.push(reasonOf("SET_LEAVES", leaving.device, { state: leaving.state }));
  }
  if (starting !== undefined) {
    blocks.push(reasonOf("START_PENDING", starting.device, { state: starting.state }));
  }
  if (p.spinningReserveKw > 0) {
    const spinningKw = balance.spinningKw - candidate.ratedKw;
    if (spinningKw < p.spinningReserveKw) {
      const values = { spinningKw, needKw: p.spinningReserveKw };
      blocks.push(reasonOf("RESERVE_AFTER_STOP", candidate.device, values));
    }
  }
  if (isStartWanted && starting === undefined) {
    blocks.push(stillNeeded(candidate.device, balance, p.stopLimitPct));
  }
  const ranMs = candidate.runningForMs;
  if (ranMs !== null && ranMs < p.minimumRunS * 1000) {
    const values = { ranS: ranMs / 1000, minimumRunS: p.minimumRunS };
    blocks.push(reasonOf("MINIMUM_RUN", candidate.device, values));
  }
  const waiting = input.consumers.find((consumer) => consumer.isWaiting);
  if (waiting !== undefined) blocks.push(reasonOf("CONSUMER_ACTIVE", waiting.device));
  if (p.isN1Required) {
    // The others take over what the candidate gives now before it goes.
    const n1 = n1Of(withLoadOf(rest, candidate.device, input.sources));
    if (n1.lost === "") blocks.push(nothingRemains(candidate.device, balance.loadKw));
    else if (!n1.isHeld) {
      const { lost, remainingKw, loadKw, missingKw } = n1;
      const values = { lost, remainingKw, loadKw, missingKw };
      blocks.push(reasonOf("N1_AFTER_STOP", candidate.device, values));
    }
  }
  return blocks;
}

const nothingRemains = (device: string, loadKw: number): Reason =>
  reasonOf("NOTHING_REMAINS", device, { loadKw });

/** Why a set stays whose capacity the load needs. */
export function stillNeeded(device: string, balance: Balance, limitPct: number): Reason {
  const { loadPct, loadKw, capacityKw } = balance;
  return loadPct === null
    ? nothingRemains(device, loadKw)
    : reasonOf("LOAD_ABOVE_STOP", device, { loadPct, capacityKw, limitPct });
}

/** The others as they will be loaded once a set is gone: its power spread over the machines in parts of their rating. */
function withLoadOf(
  rest: readonly Source[],
  device: string,
  sources: readonly Source[],
): readonly Source[] {
  const gone = sources.find((source) => source.device === device);
  const powerKw = gone === undefined ? 0 : countedPowerKw(gone);
  const takes = (source: Source) => isConnected(source) && source.kind === "genset";
  const others = rest.some(takes)
    ? takes
    : (source: Source) => isConnected(source) && source.isForming;
  let ratedKw = 0;
  for (const source of rest) if (others(source)) ratedKw += source.ratedKw;
  if (ratedKw <= 0) return rest;
  return rest.map((source) =>
    others(source)
      ? {
          ...source,
          powerKw: countedPowerKw(source) + (powerKw * source.ratedKw) / ratedKw,
          isPowerKnown: true,
        }
      : source,
  );
}
