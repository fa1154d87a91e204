import { reasonOf, sentenceOf, type Reason } from "./reason.ts";

/** The manifest's table `blackout`. */
export interface BlackoutParameters {
  readonly hasRecovery: boolean;
  readonly delayS: number;
  readonly setCount: number;
  readonly attemptCountMax: number;
  readonly feederIntervalS: number;
  readonly mayCloseShore: boolean;
  readonly mayCloseTie: boolean;
  readonly deadBusInterlock: "permit" | "hardwired";
}

/** An own source as the recovery sees it. */
export interface DarkSource {
  readonly device: string;
  readonly kind: "genset" | "battery" | "shore" | "pv";
  readonly breaker: "closed" | "open" | "unknown";
  /** Closed, and it says that it gives voltage. */
  readonly isFeeding: boolean;
  /**
   * `closable`: may be closed onto the dead busbar now, or made to form it. `startable`, `starting`: a set on its way there.
   * `closing`: asked to close. `stuck`: closed without feeding, must be opened first. `none`: cannot help.
   */
  readonly part: "closable" | "startable" | "starting" | "closing" | "stuck" | "none";
  /** Its machine's state, for people. */
  readonly state: string;
}

/** A tie over which a live neighbour could feed the dead busbar. */
export interface DarkTie {
  /** Its own breaker, which closes last. */
  readonly device: string;
  readonly tie: string;
  readonly grid: string;
  /**
   * `askable`: both breakers open, the neighbour live and settled. `fed`: the neighbour has closed its breaker. `closing`: the own one is
   * closing. `none`: cannot help, see `why`.
   */
  readonly part: "askable" | "fed" | "closing" | "none";
  readonly why: string;
  /** Free at the neighbour, kW. */
  readonly freeKw: number;
}

/** A feeder, in the order in which feeders come back: essential ones first. */
export interface DarkFeeder {
  readonly device: string;
  readonly breaker: "closed" | "open" | "unknown";
  /** R-EMS can both open and close it. */
  readonly isSwitchable: boolean;
  readonly isEssential: boolean;
  /** Expected draw, kW. */
  readonly loadKw: number;
}

export interface BlackoutInput {
  readonly plantTimeMs: number;
  /** Of the leadership: after a change nobody knows whether the last command was written. */
  readonly epoch: number;
  readonly parameters: BlackoutParameters;
  /** Of the busbar, percent of nominal; null where no meter knows it. */
  readonly voltagePct: number | null;
  readonly frequencyHz: number;
  readonly nominalFrequencyHz: number;
  /** In order of preference within a kind: gensets in their order of start. */
  readonly sources: readonly DarkSource[];
  readonly feeders: readonly DarkFeeder[];
  readonly ties: readonly DarkTie[];
  /** Another member of the island feeds, as far as is known. */
  readonly isFedByOther: boolean;
  /** What forbids the recovery now; empty: nothing does. */
  readonly blocks: readonly Reason[];
  /** Sets may be started: also while the recovery is blocked by something unknown. */
  readonly mayStart: boolean;
  /** Sources that are to bring the busbar back before any other: a transfer made it dark for them. */
  readonly preferred: readonly string[];
  /** Plant time until which this grid holds the permit; 0 where it holds none. */
  readonly permitUntilMs: number;
  /** Who holds the permit or why there is none, for people. */
  readonly permitText: string;
  /** Of the island, kW. */
  readonly freeKw: number;
  /** What connected sources of the island take in one step, kW. */
  readonly stepKw: number;
  /** Grids of the island, each of which restores its own feeders. */
  readonly memberCount: number;
}

/** What the recovery remembers: canonical and replicated, so that a takeover neither repeats nor forgets a step. */
export type BlackoutState = {
  readonly phase: "live" | "clearing" | "energising" | "restoring" | "givenUp";
  readonly sinceMs: number;
  /** Since when the busbar has been dead without a break; null while it is not. */
  readonly darkSinceMs: number | null;
  /** Since when voltage and contacts contradict each other. */
  readonly doubtSinceMs: number | null;
  /** When the voltage went, for the report. */
  readonly beganAtMs: number;
  readonly attempt: number;
  /** The source that is being closed onto the dead busbar, or "". */
  readonly closer: string;
  readonly closerUntilMs: number;
  /** Leadership that gave the command to close. */
  readonly closerEpoch: number;
  /** A later leadership has shortened the wait. */
  readonly isCloserInDoubt: boolean;
  /** After a source that did not come the next one waits: the first was told to open. */
  readonly nextCloseAtMs: number;
  readonly failedClosers: readonly string[];
  /** The battery that forms the busbar because of the recovery, or "". */
  readonly formedBy: string;
  /** Feeders that the recovery opened and has not closed again, in the order in which they come back. */
  readonly openedFeeders: readonly string[];
  /**
   * Feeders and batteries that were closed when the busbar was last live: undervoltage releases may open feeders before the recovery does,
   * and a battery that is not needed to bring the busbar back is connected again.
   */
  readonly closedBefore: readonly string[];
  readonly inBandSinceMs: number | null;
  readonly nextFeederAtMs: number;
  /** When the first in line was asked to close, and how often; its wait counts from `feederSinceMs`. */
  readonly feederTryCount: number;
  readonly feederSinceMs: number;
  /** When each device was last asked for something; one is not asked again for some time. */
  readonly acted: { readonly [device: string]: number };
  /** From loss of voltage to the last essential feeder, of the last recovery; null before the first. */
  readonly recoveredInMs: number | null;
};

export const NO_BLACKOUT: BlackoutState = {
  phase: "live",
  sinceMs: 0,
  darkSinceMs: null,
  doubtSinceMs: null,
  beganAtMs: 0,
  attempt: 0,
  closer: "",
  closerUntilMs: 0,
  closerEpoch: 0,
  isCloserInDoubt: false,
  nextCloseAtMs: 0,
  failedClosers: [],
  formedBy: "",
  openedFeeders: [],
  closedBefore: [],
  inBandSinceMs: null,
  nextFeederAtMs: 0,
  feederTryCount: 0,
  feederSinceMs: 0,
  acted: {},
  recoveredInMs: null,
};

export interface BlackoutAction {
  readonly device: string;
  readonly what: "start" | "open" | "close" | "sync" | "closeOntoDeadBus" | "giveUp" | "handBack";
  readonly reason: Reason;
}

export interface BlackoutDecision {
  readonly state: BlackoutState;
  readonly actions: readonly BlackoutAction[];
  readonly isPermitWanted: boolean;
  /** The tie over which a neighbour is asked to feed, or "", and what would be drawn first, kW. */
  readonly feedTie: string;
  readonly feedKw: number;
  /** What holds, what is waited for and what blocks, most important first; empty on a live busbar. */
  readonly because: readonly Reason[];
}

/** A busbar below this counts as dead, above the other as live; percent of nominal voltage. */
const DEAD_PCT = 10;
const LIVE_PCT = 90;
/** Steady-state band in which load may be added: +6/−10 % voltage, ±5 % frequency (IACS E5). */
const BAND_PCT = [90, 106] as const;
const BAND_FREQUENCY_PCT = 5;
/** The busbar must be in band so long before the first feeder. */
const IN_BAND_MS = 1000;
/** A source that was asked to close onto the dead busbar shows voltage within this time; a battery pre-charges first. */
const CLOSE_MS = 8000;
const CLOSE_BATTERY_MS = 15_000;
/** The permit must last so much longer when the command is given: written, checked by the device, closed. */
const PERMIT_MARGIN_MS = 3000;
const CLOSE_IN_DOUBT_MS = 2000;
/** A command that was not written within two seconds never is. */
const GIVE_UP_MS = 2000;
/** Shore is closed so long after the loss of voltage although sets are still starting. */
const SHORE_AFTER_MS = 30_000;
/** What a transfer made the busbar dark for is waited for so long. */
const PREFERRED_MS = 10_000;
/** Feeders that do not open are waited for so long. */
const CLEAR_MS = 5000;
/** The same is not asked of a device again within this time. */
const ACT_AGAIN_MS = 4000;
const FEEDER_TRY_COUNT_MAX = 2;
/** An essential feeder that only the step limit holds back is closed after so long: essential supply goes before the step limit. */
const FORCE_FEEDER_MS = 15_000;

/**
 * Brings a grid back after a blackout: opens its feeders, starts sets in parallel, closes one source onto the dead busbar under
 * the permit, lets the others synchronise, and closes feeders one after the other, each gated on frequency, voltage, capacity
 * and the step that the sources take.
 */
export function decideBlackout(input: BlackoutInput, before: BlackoutState): BlackoutDecision {
  const run = new Run(input, watch(input, before));
  const { phase } = run.state;
  if (phase === "live") run.whileLive();
  else if (phase === "givenUp") run.whileGivenUp();
  else if (isLive(input)) run.restore();
  else if (isBlocked(run)) run.startSets();
  else if (phase === "restoring") run.whileDarkAgain();
  else if (phase === "clearing") run.clear();
  else run.energise();
  // While a source may still close, nobody else gets the permit, whatever blocks meanwhile.
  const isClosing = run.state.closer !== "" || input.plantTimeMs < run.state.nextCloseAtMs;
  const isHeld = isClosing && input.parameters.deadBusInterlock === "permit" && !isLive(input);
  return {
    state: run.state,
    actions: run.actions,
    isPermitWanted: run.isPermitWanted || isHeld,
    feedTie: run.feedTie,
    feedKw: run.feedKw(),
    because: run.because,
  };
}

/** True where the voltage says dead, or nothing measures it, and no source feeds. */
function isDead(input: BlackoutInput): boolean {
  const { voltagePct, sources } = input;
  if (sources.length === 0) return false;
  const isFed = input.isFedByOther || sources.some((source) => source.isFeeding);
  if (voltagePct !== null) return voltagePct < DEAD_PCT && !isFed;
  return !isFed && sources.every((source) => source.breaker === "open");
}

function isLive(input: BlackoutInput): boolean {
  const { voltagePct } = input;
  if (voltagePct !== null) return voltagePct >= LIVE_PCT;
  return input.isFedByOther || input.sources.some((source) => source.isFeeding);
}

/** Voltage and contacts that contradict each other, as a reason; null where they agree. */
function doubtOf(input: BlackoutInput): Reason | null {
  const { voltagePct, sources } = input;
  if (voltagePct === null) return null;
  const feeding = sources.find((source) => source.isFeeding);
  if (voltagePct < DEAD_PCT && feeding !== undefined) {
    const what = `${feeding.device} is closed and says that it gives voltage`;
    return reasonOf("DEAD_BUS_DOUBTED", feeding.device, { voltagePct, what });
  }
  const isOpen = sources.length > 0 && sources.every((source) => source.breaker === "open");
  if (voltagePct > 50 && isOpen && !input.isFedByOther) {
    const what = "every source that could feed it is open";
    return reasonOf("DEAD_BUS_DOUBTED", "", { voltagePct, what });
  }
  return null;
}

/** Brings the timers of detection up to date. */
function watch(input: BlackoutInput, state: BlackoutState): BlackoutState {
  const { plantTimeMs, voltagePct, frequencyHz, nominalFrequencyHz } = input;
  const isInBand =
    isLive(input) &&
    (voltagePct === null || (voltagePct >= BAND_PCT[0] && voltagePct <= BAND_PCT[1])) &&
    Math.abs(frequencyHz - nominalFrequencyHz) <= (nominalFrequencyHz * BAND_FREQUENCY_PCT) / 100;
  return {
    ...state,
    darkSinceMs: isDead(input) ? (state.darkSinceMs ?? plantTimeMs) : null,
    doubtSinceMs: doubtOf(input) === null ? null : (state.doubtSinceMs ?? plantTimeMs),
    inBandSinceMs: isInBand ? (state.inBandSinceMs ?? plantTimeMs) : null,
    closedBefore:
      state.phase === "live" && isLive(input)
        ? closedOf(input, state.closedBefore)
        : state.closedBefore,
  };
}

function closedOf(
  { feeders, sources }: BlackoutInput,
  before: readonly string[],
): readonly string[] {
  const batteries = sources.filter(({ kind }) => kind === "battery");
  const closed = [...feeders, ...batteries]
    .filter(({ breaker }) => breaker === "closed")
    .map(({ device }) => device);
  const isSame = closed.length === before.length && closed.every((id, at) => id === before[at]);
  return isSame ? before : closed;
}

function isBlocked(run: Run): boolean {
  return run.input.blocks.length > 0;
}

/** One decision under way. */
class Run {
  readonly input: BlackoutInput;
  state: BlackoutState;
  readonly actions: BlackoutAction[] = [];
  readonly because: Reason[] = [];
  isPermitWanted = false;
  feedTie = "";

  constructor(input: BlackoutInput, state: BlackoutState) {
    this.input = input;
    this.state = state;
  }

  whileLive(): void {
    const { plantTimeMs, parameters, blocks } = this.input;
    const doubt = doubtOf(this.input);
    if (doubt !== null) this.because.push(doubt);
    const { darkSinceMs } = this.state;
    if (darkSinceMs === null) return;
    const forS = (plantTimeMs - darkSinceMs) / 1000;
    this.because.push(reasonOf("DEAD_BUS", "", { voltagePct: this.input.voltagePct ?? 0 }));
    if (forS < parameters.delayS) {
      this.because.push(reasonOf("DEAD_BUS_WAITS", "", { forS, delayS: parameters.delayS }));
      return;
    }
    if (!parameters.hasRecovery) this.because.push(reasonOf("RECOVERY_OFF", ""));
    else if (blocks.length > 0) this.startSets();
    else this.begin(1, darkSinceMs);
  }

  whileGivenUp(): void {
    if (isLive(this.input)) {
      this.state = { ...NO_BLACKOUT, recoveredInMs: this.state.recoveredInMs };
      return;
    }
    this.because.push(reasonOf("GIVEN_UP", "", { attempt: this.state.attempt }));
  }

  whileDarkAgain(): void {
    const { darkSinceMs } = this.state;
    const { parameters, plantTimeMs } = this.input;
    if (darkSinceMs === null || plantTimeMs - darkSinceMs < parameters.delayS * 1000) return;
    this.begin(this.state.attempt + 1, this.state.beganAtMs);
  }

  /** A new attempt. What an earlier one opened is still to be closed again. */
  begin(attempt: number, beganAtMs: number): void {
    const { parameters, plantTimeMs, feeders } = this.input;
    if (attempt > parameters.attemptCountMax) {
      this.enter("givenUp", { closer: "" });
      this.whileGivenUp();
      return;
    }
    const known = new Set(this.state.openedFeeders);
    const closedBefore = new Set(this.state.closedBefore);
    const openedFeeders = feeders
      .filter(({ device, breaker, isSwitchable }) =>
        known.has(device) ? true : isSwitchable && (breaker !== "open" || closedBefore.has(device)),
      )
      .map(({ device }) => device);
    const again = { attempt, beganAtMs, openedFeeders, closer: "" };
    this.enter("clearing", attempt === 1 ? { ...again, failedClosers: [] } : again);
    this.state = { ...this.state, sinceMs: plantTimeMs };
    this.clear();
  }

  /** Opens feeders and whatever is closed without feeding; sets start meanwhile. */
  clear(): void {
    const { input } = this;
    this.tellPhase();
    this.startSets();
    const opened = new Set(this.state.openedFeeders);
    const waits = [
      ...input.feeders.filter(({ device, breaker }) => breaker !== "open" && opened.has(device)),
      ...input.sources.filter(({ part }) => part === "stuck"),
    ];
    for (const { device } of waits) this.act(device, "open", reasonOf("RECOVERY_OPENS", device));
    const isOver = input.plantTimeMs - this.state.sinceMs >= CLEAR_MS;
    const isStuck = input.sources.some(({ part }) => part === "stuck");
    for (const { device } of waits) this.because.push(reasonOf("RECOVERY_CLEARS", device));
    if (waits.length > 0 && (!isOver || isStuck)) return;
    this.enter("energising", {});
    this.closeNext();
  }

  /** Keeps as many sets on their way as the manifest says. */
  startSets(): void {
    const { sources, parameters, mayStart, blocks } = this.input;
    for (const block of blocks) {
      this.because.push(reasonOf("RECOVERY_BLOCKED", "", { what: sentenceOf(block) }));
    }
    if (!mayStart || this.isWaitingForPreferred()) return;
    const { failedClosers } = this.state;
    let underWay = sources.filter(
      ({ device, kind, part }) =>
        kind === "genset" &&
        !failedClosers.includes(device) &&
        (part === "starting" || part === "closable" || part === "closing"),
    ).length;
    for (const { device, part } of sources) {
      if (part !== "startable" || underWay >= parameters.setCount) continue;
      underWay += 1;
      const reason = reasonOf("RECOVERY_STARTS", device, { count: parameters.setCount });
      this.act(device, "start", reason);
    }
  }

  energise(): void {
    this.tellPhase();
    this.startSets();
    this.closeNext();
  }

  /** After a takeover nobody knows whether the command to close was written: its effect is waited for only shortly. */
  shortenDoubt(): void {
    const { epoch, plantTimeMs } = this.input;
    const { closer, closerEpoch, closerUntilMs, isCloserInDoubt } = this.state;
    if (epoch === closerEpoch || isCloserInDoubt) return;
    // A converter that pre-charges has heard it.
    if (this.input.sources.some((one) => one.device === closer && one.part === "starting")) return;
    const untilMs = Math.min(closerUntilMs, plantTimeMs + CLOSE_IN_DOUBT_MS);
    this.state = { ...this.state, closerUntilMs: untilMs, isCloserInDoubt: true };
  }

  /** One source closes onto the dead busbar; the others come after it by synchronising. */
  closeNext(): void {
    const { input } = this;
    if (this.state.closer !== "" && this.awaitCloser()) return;
    const first = this.nextCloser();
    if (first === null && this.feedOverTie()) return;
    const next = first ?? this.failedCloser();
    if (next === null) {
      const what = input.sources.map(({ device, state }) => `${device} is ${state}`).join(", ");
      this.because.push(reasonOf("NO_CLOSER", "", { what }));
      return;
    }
    const permit = this.permitFor(next.device);
    if (permit === null) return;
    if (this.state.darkSinceMs === null || input.plantTimeMs < this.state.nextCloseAtMs) return;
    const values = { voltagePct: input.voltagePct ?? 0, permit };
    this.askToClose(next, reasonOf("DEAD_CLOSE", next.device, values));
  }

  /** By which right a source may close onto the dead busbar now, in words; null where it must wait. */
  permitFor(device: string): string | null {
    const { parameters, permitUntilMs, plantTimeMs, permitText } = this.input;
    if (parameters.deadBusInterlock === "hardwired") return "interlock by hard wiring";
    this.isPermitWanted = true;
    const lastsMs = permitUntilMs - plantTimeMs;
    if (lastsMs >= PERMIT_MARGIN_MS) return `permit for ${lastsMs / 1000} s`;
    this.because.push(reasonOf("PERMIT_WAITS", device, { text: permitText }));
    return null;
  }

  tieOf(closer: string): { readonly device: string; readonly kind: "tie" } | null {
    const tie = this.input.ties.find(({ device }) => device === closer);
    return tie === undefined ? null : { device: tie.device, kind: "tie" };
  }

  askToClose(
    { device, kind }: Pick<DarkSource, "device"> & { readonly kind: DarkSource["kind"] | "tie" },
    reason: Reason,
  ): void {
    const { plantTimeMs, epoch } = this.input;
    if (!this.act(device, "closeOntoDeadBus", reason)) return;
    const forMs = kind === "battery" ? CLOSE_BATTERY_MS : CLOSE_MS;
    this.state = {
      ...this.state,
      closer: device,
      closerUntilMs: plantTimeMs + forMs,
      closerEpoch: epoch,
      isCloserInDoubt: false,
      formedBy: kind === "battery" ? device : this.state.formedBy,
    };
  }

  /** No own source can bring the busbar back, or none has for long: a live neighbour is asked, and the own breaker closes last. */
  feedOverTie(): boolean {
    const { ties, parameters, plantTimeMs } = this.input;
    const { failedClosers, beganAtMs } = this.state;
    if (!parameters.mayCloseTie || this.isWaitingForPreferred()) return false;
    if (this.isSetComing() && plantTimeMs - beganAtMs < SHORE_AFTER_MS) return false;
    const usable = ties.filter(({ device }) => !failedClosers.includes(device));
    const tie =
      usable.find(({ part }) => part === "fed") ?? usable.find(({ part }) => part === "askable");
    const needKw = this.feedKw();
    if (tie !== undefined && tie.freeKw < needKw) {
      const what = `${Math.floor(tie.freeKw)} kW are free for ${Math.ceil(needKw)} kW`;
      this.because.push(reasonOf("FEED_WAITS", tie.device, { what }));
      return false;
    }
    if (tie === undefined) {
      for (const { device, why } of usable)
        this.because.push(reasonOf("FEED_WAITS", device, { what: why }));
      return false;
    }
    const permit = this.permitFor(tie.device);
    if (permit === null) return true;
    this.feedTie = tie.tie;
    const { grid, freeKw, device } = tie;
    if (tie.part === "askable") {
      this.because.push(reasonOf("FEED_ASKED", device, { grid, freeKw, needKw }));
      return true;
    }
    if (this.state.darkSinceMs === null || plantTimeMs < this.state.nextCloseAtMs) return true;
    const values = { voltagePct: this.input.voltagePct ?? 0, permit };
    this.askToClose({ device, kind: "tie" }, reasonOf("DEAD_CLOSE", device, values));
    return true;
  }

  /** What the busbar draws first when it comes back: what cannot be opened, and the first feeder. */
  feedKw(): number {
    const { feeders } = this.input;
    const opened = new Set(this.state.openedFeeders);
    const first = this.state.openedFeeders[0];
    let sumKw = 0;
    for (const { device, breaker, loadKw } of feeders)
      if (device === first || (breaker !== "open" && !opened.has(device))) sumKw += loadKw;
    return sumKw;
  }

  isStillAble(closer: string): boolean {
    const source = this.input.sources.find(({ device }) => device === closer);
    if (source !== undefined) return source.part === "closing" || source.part === "closable";
    const tie = this.input.ties.find(({ device }) => device === closer);
    return tie?.part === "closing" || tie?.part === "fed";
  }

  /** Its breaker is open and the busbar dead, as was read: the same command to the same source, if that one came it does nothing. */
  askAgain(): true {
    const { sources, plantTimeMs } = this.input;
    const { closer, acted } = this.state;
    const source = sources.find(({ device }) => device === closer) ?? this.tieOf(closer);
    const permit = this.permitFor(closer);
    if (source === null || permit === null || this.state.darkSinceMs === null) return true;
    const forS = (plantTimeMs - (acted[closer] ?? plantTimeMs)) / 1000;
    this.state = { ...this.state, acted: { ...acted, [closer]: 0 } };
    this.askToClose(source, reasonOf("DEAD_CLOSE_AGAIN", closer, { forS, permit }));
    return true;
  }

  /** Batteries first, then sets in their order of start; shore only where no set is on its way, or none has come for long. */
  nextCloser(): DarkSource | null {
    const { sources, plantTimeMs, preferred } = this.input;
    const { failedClosers, beganAtMs } = this.state;
    const usable = sources.filter(({ device }) => !failedClosers.includes(device));
    const closable = usable.filter(({ part }) => part === "closable");
    const wanted = closable.find(({ device }) => preferred.includes(device));
    if (wanted !== undefined) return wanted;
    if (this.isWaitingForPreferred()) return null;
    const first =
      closable.find(({ kind }) => kind === "battery") ??
      closable.find(({ kind }) => kind === "genset");
    if (first !== undefined) return first;
    if (this.isSetComing() && plantTimeMs - beganAtMs < SHORE_AFTER_MS) return null;
    return closable.find(({ kind }) => kind === "shore") ?? null;
  }

  /** Nobody else is left: who failed first is tried again, until the attempts are used up. */
  failedCloser(): DarkSource | null {
    const { failedClosers } = this.state;
    if (this.isSetComing() || this.isWaitingForPreferred()) return null;
    const again = this.input.sources.filter(
      ({ device, part }) => part === "closable" && failedClosers.includes(device),
    );
    const [first] = failedClosers.flatMap((id) => again.filter(({ device }) => device === id));
    return first ?? null;
  }

  isSetComing(): boolean {
    return this.input.sources.some(
      ({ device, kind, part }) =>
        !this.state.failedClosers.includes(device) &&
        kind === "genset" &&
        (part === "starting" || part === "startable"),
    );
  }

  isWaitingForPreferred(): boolean {
    const { preferred, plantTimeMs } = this.input;
    const { failedClosers, beganAtMs } = this.state;
    const isHoped = preferred.some((device) => !failedClosers.includes(device));
    return isHoped && plantTimeMs - beganAtMs < PREFERRED_MS;
  }

  /** @returns True while it may still come. */
  awaitCloser(): boolean {
    this.shortenDoubt();
    // The neighbour keeps its breaker closed for as long as it is asked.
    const tie = this.input.ties.find(({ device }) => device === this.state.closer);
    if (tie !== undefined) this.feedTie = tie.tie;
    const { plantTimeMs, parameters, epoch } = this.input;
    const { closer, closerUntilMs, attempt, closerEpoch } = this.state;
    if (plantTimeMs < closerUntilMs) {
      const forS = (closerUntilMs - plantTimeMs) / 1000;
      this.because.push(reasonOf("DEAD_CLOSE_WAITS", closer, { forS }));
      return true;
    }
    // What was perhaps never written is no failure of the source: it is asked again.
    if (epoch !== closerEpoch && this.isStillAble(closer)) return this.askAgain();
    const forS = (plantTimeMs - (this.state.acted[closer] ?? plantTimeMs)) / 1000;
    const { acted } = this.state;
    // It must not close later, when another one has.
    this.state = { ...this.state, acted: { ...acted, [closer]: 0 } };
    this.act(closer, "giveUp", reasonOf("DEAD_CLOSE_FAILED", closer, { forS }));
    this.state = {
      ...this.state,
      closer: "",
      nextCloseAtMs: plantTimeMs + GIVE_UP_MS,
    };
    const failedClosers = [...this.state.failedClosers.filter((id) => id !== closer), closer];
    this.state = { ...this.state, failedClosers, attempt: attempt + 1 };
    if (attempt + 1 <= parameters.attemptCountMax) return false;
    this.enter("givenUp", {});
    return true;
  }

  /** The busbar is live: feeders come back one by one. */
  restore(): void {
    const { plantTimeMs, frequencyHz, voltagePct, feeders } = this.input;
    if (this.state.phase !== "restoring") {
      const fresh = {
        closer: "",
        nextFeederAtMs: 0,
        feederTryCount: 0,
        feederSinceMs: plantTimeMs,
      };
      this.enter("restoring", fresh);
    }
    this.tellPhase();
    const closed = (device: string) =>
      feeders.find((feeder) => feeder.device === device)?.breaker === "closed";
    this.forgetClosed(closed);
    const [first] = this.state.openedFeeders;
    if (first === undefined) {
      this.handBack();
      return;
    }
    const feeder = feeders.find(({ device }) => device === first);
    if (feeder === undefined) {
      this.dropFirst();
      return;
    }
    const { inBandSinceMs, nextFeederAtMs } = this.state;
    const inBandMs = inBandSinceMs === null ? 0 : plantTimeMs - inBandSinceMs;
    if (inBandSinceMs === null || inBandMs < IN_BAND_MS) {
      const values = { frequencyHz, voltagePct: voltagePct ?? 0, forS: inBandMs / 1000 };
      this.because.push(reasonOf("BAND_WAITS", "", values));
      return;
    }
    this.reconnectBatteries();
    if (plantTimeMs < nextFeederAtMs) {
      const forS = (nextFeederAtMs - plantTimeMs) / 1000;
      this.because.push(reasonOf("FEEDER_NEXT", first, { forS }));
      return;
    }
    this.closeFeeder(feeder);
  }

  /** What was connected before and is ready comes back beside what carries the busbar now. */
  reconnectBatteries(): void {
    const { closedBefore } = this.state;
    for (const { device, kind, breaker, part } of this.input.sources) {
      const isAway = kind === "battery" && breaker === "open" && part === "closable";
      if (isAway && closedBefore.includes(device))
        this.act(device, "sync", reasonOf("RECOVERY_RECONNECTS", device));
    }
  }

  closeFeeder(feeder: DarkFeeder): void {
    const { plantTimeMs, parameters, freeKw, memberCount } = this.input;
    const { device, loadKw } = feeder;
    const { feederTryCount, feederSinceMs } = this.state;
    if (feederTryCount >= FEEDER_TRY_COUNT_MAX) {
      this.because.push(reasonOf("FEEDER_LOST", device, { count: feederTryCount }));
      this.dropFirst();
      return;
    }
    const stepKw = this.input.stepKw / Math.max(1, memberCount);
    const values = { loadKw, freeKw, stepKw };
    const forS = (plantTimeMs - feederSinceMs) / 1000;
    const isForced = feeder.isEssential && forS * 1000 >= FORCE_FEEDER_MS;
    if (freeKw < loadKw || (stepKw < loadKw && !isForced)) {
      this.because.push(reasonOf("FEEDER_WAITS", device, values));
      this.letOthersPass();
      return;
    }
    const reason =
      stepKw < loadKw
        ? reasonOf("FEEDER_FORCED", device, { loadKw, stepKw, forS })
        : reasonOf("FEEDER_RESTORED", device, values);
    if (!this.act(device, "close", reason)) return;
    this.because.push(reason);
    this.state = {
      ...this.state,
      feederTryCount: feederTryCount + 1,
      nextFeederAtMs: plantTimeMs + Math.max(ACT_AGAIN_MS / 2, parameters.feederIntervalS * 1000),
    };
  }

  /** A non-essential feeder that finds no room lets smaller ones behind it pass; an essential one lets nobody pass. */
  letOthersPass(): void {
    const { feeders, plantTimeMs } = this.input;
    const [first, ...rest] = this.state.openedFeeders;
    const isEssential = feeders.find(({ device }) => device === first)?.isEssential;
    if (first === undefined || isEssential !== false || rest.length === 0) return;
    const openedFeeders = [...rest, first];
    this.state = { ...this.state, openedFeeders, feederTryCount: 0, feederSinceMs: plantTimeMs };
  }

  forgetClosed(closed: (device: string) => boolean): void {
    const { feeders, plantTimeMs, parameters } = this.input;
    const left = this.state.openedFeeders.filter((device) => !closed(device));
    if (left.length === this.state.openedFeeders.length) return;
    const isEssential = (device: string) =>
      feeders.find((feeder) => feeder.device === device)?.isEssential === true;
    const wasWaiting = this.state.openedFeeders.some(isEssential);
    const isRecovered = wasWaiting && !left.some(isEssential);
    const isNext = left[0] !== this.state.openedFeeders[0];
    this.state = {
      ...this.state,
      openedFeeders: left,
      recoveredInMs: isRecovered ? plantTimeMs - this.state.beganAtMs : this.state.recoveredInMs,
      ...(isNext ? { feederTryCount: 0, feederSinceMs: plantTimeMs } : {}),
      nextFeederAtMs: Math.max(
        this.state.nextFeederAtMs,
        isNext ? plantTimeMs + parameters.feederIntervalS * 1000 - ACT_AGAIN_MS / 2 : 0,
      ),
    };
  }

  dropFirst(): void {
    const openedFeeders = this.state.openedFeeders.slice(1);
    const { plantTimeMs } = this.input;
    this.state = { ...this.state, openedFeeders, feederTryCount: 0, feederSinceMs: plantTimeMs };
  }

  /** A battery that formed the busbar follows again once a set carries it. */
  handBack(): void {
    const { sources, plantTimeMs } = this.input;
    const { formedBy, beganAtMs, attempt } = this.state;
    const battery = sources.find(({ device }) => device === formedBy);
    const set = sources.find(
      ({ device, kind, isFeeding, state }) =>
        device !== formedBy && isFeeding && (kind === "shore" || state === "onLoad"),
    );
    if (battery !== undefined && battery.isFeeding && battery.state === "forming") {
      if (set === undefined) {
        this.because.push(reasonOf("HANDS_BACK_WAITS", formedBy));
        return;
      }
      this.act(formedBy, "handBack", reasonOf("HANDS_BACK", formedBy, { by: set.device }));
      return;
    }
    const inMs = this.state.recoveredInMs ?? plantTimeMs - beganAtMs;
    this.because.push(reasonOf("RECOVERED", "", { forS: inMs / 1000, attempt }));
    this.state = { ...NO_BLACKOUT, sinceMs: plantTimeMs, recoveredInMs: inMs };
  }

  enter(phase: BlackoutState["phase"], changes: Partial<BlackoutState>): void {
    this.state = { ...this.state, ...changes, phase, sinceMs: this.input.plantTimeMs };
  }

  tellPhase(): void {
    const { phase, sinceMs, attempt } = this.state;
    const forS = (this.input.plantTimeMs - sinceMs) / 1000;
    const attemptMax = this.input.parameters.attemptCountMax;
    this.because.push(reasonOf("RECOVERY_PHASE", "", { phase, forS, attempt, attemptMax }));
  }

  /** @returns False where the device was asked only just now. */
  act(device: string, what: BlackoutAction["what"], reason: Reason): boolean {
    const { plantTimeMs } = this.input;
    const lastMs = this.state.acted[device];
    if (lastMs !== undefined && lastMs > 0 && plantTimeMs - lastMs < ACT_AGAIN_MS) return false;
    this.actions.push({ device, what, reason });
    this.state = { ...this.state, acted: { ...this.state.acted, [device]: plantTimeMs } };
    return true;
  }
}
