import { reasonOf, type Reason } from "./reason.ts";

/** A source as the transfer sees it. */
export interface TransferSource {
  readonly device: string;
  readonly kind: "genset" | "battery" | "shore" | "pv";
  readonly breaker: "closed" | "open" | "unknown";
  /** State of its machine. */
  readonly state: string;
  readonly ratedKw: number;
  /** Could be started or connected when asked; sets in their order of start. */
  readonly isReady: boolean;
  /** Starting, synchronising or loading. */
  readonly isComing: boolean;
}

export interface TransferInput {
  readonly plantTimeMs: number;
  /** The sets in their order of start, then the others. */
  readonly sources: readonly TransferSource[];
  readonly loadKw: number;
  /** What shore may give, kW. */
  readonly shoreLimitKw: number;
  /** Load above this part of the connected sets would start a further one, percent. */
  readonly startLimitPct: number;
  /** The busbar is dark: the recovery from a blackout closes the source that is preferred. */
  readonly isRecovering: boolean;
}

export type TransferState = {
  /** `none`: nothing under way. `connecting` … `leaving`: a transfer; `darkening`: break before make. */
  readonly phase:
    | "none"
    | "connecting"
    | "loading"
    | "unloadingSets"
    | "startingSets"
    | "leaving"
    | "darkening"
    | "energising";
  readonly shore: string;
  readonly direction: "toShore" | "toShip";
  readonly isBreakBeforeMake: boolean;
  readonly sinceMs: number;
  readonly acted: { readonly [device: string]: number };
  /** Shore carries the load by a transfer, and the sets rest: "" where none does. */
  readonly carrier: string;
  /** How the last transfer ended, for people. */
  readonly ended: string;
};

export const NO_TRANSFER: TransferState = {
  phase: "none",
  shore: "",
  direction: "toShore",
  isBreakBeforeMake: false,
  sinceMs: 0,
  acted: {},
  carrier: "",
  ended: "",
};

export interface TransferAction {
  readonly device: string;
  readonly what: "start" | "run" | "stop" | "sync" | "unload" | "openNow";
  readonly reason: Reason;
}

export interface TransferDecision {
  readonly state: TransferState;
  readonly actions: readonly TransferAction[];
  readonly because: readonly Reason[];
  /** The source that the recovery is to close onto the busbar that the transfer made dark, or "". */
  readonly preferred: readonly string[];
}

/** Each phase of a transfer ends after so long with the plant as it is. */
const PHASE_MS: Readonly<Record<TransferState["phase"], number>> = {
  none: 0,
  connecting: 90_000,
  loading: 120_000,
  unloadingSets: 180_000,
  startingSets: 120_000,
  leaving: 180_000,
  darkening: 10_000,
  energising: 60_000,
};
const ACT_AGAIN_MS = 4000;

/** Why a transfer cannot begin, or null. */
export function refusalOfTransfer(
  input: TransferInput,
  shore: string,
  direction: TransferState["direction"],
): Reason | null {
  const own = input.sources.find(({ device }) => device === shore);
  if (own === undefined) return reasonOf("NOT_STARTABLE", shore, { state: "unknown" });
  if (input.sources.some(({ breaker }) => breaker === "unknown")) {
    return reasonOf("TRANSFER_UNKNOWN", shore);
  }
  if (direction === "toShore") {
    const isPresent = own.state === "ready" || own.state === "closed" || own.breaker === "closed";
    if (!isPresent) return reasonOf("NOT_STARTABLE", shore, { state: own.state });
    if (input.loadKw <= input.shoreLimitKw) return null;
    const values = { limitKw: input.shoreLimitKw, loadKw: input.loadKw };
    return reasonOf("TRANSFER_TOO_MUCH", shore, values);
  }
  if (own.breaker !== "closed") return reasonOf("NOT_STARTABLE", shore, { state: own.state });
  const sets = input.sources.filter(
    ({ kind, isReady, isComing, breaker }) =>
      kind === "genset" && (isReady || isComing || breaker === "closed"),
  );
  const capacityKw = sets.reduce((sum, set) => sum + set.ratedKw, 0);
  if (capacityKw >= input.loadKw && sets.length > 0) return null;
  return reasonOf("TRANSFER_TOO_LITTLE", shore, { capacityKw, loadKw: input.loadKw });
}

/** A transfer begins. @param isBreakBeforeMake - The connection cannot synchronise: the busbar is dark for a moment. */
export function beginTransfer(
  before: TransferState,
  shore: string,
  direction: TransferState["direction"],
  isBreakBeforeMake: boolean,
  plantTimeMs: number,
): TransferState {
  const toShore = isBreakBeforeMake ? "darkening" : "connecting";
  return {
    ...before,
    phase: direction === "toShore" ? toShore : "startingSets",
    shore,
    direction,
    isBreakBeforeMake,
    sinceMs: plantTimeMs,
    acted: {},
    ended: "",
  };
}

/**
 * Moves the load between shore and the ship's sets. To shore: connect, let shore take its base load, unload and stop the sets one
 * after the other. To the ship: connect sets until they carry the load, unload shore, open it. A connection that cannot
 * synchronise breaks before it makes: everything opens, and the recovery closes the other side onto the dark busbar.
 */
export function decideTransfer(input: TransferInput, before: TransferState): TransferDecision {
  const run = new Run(input, before);
  run.forgetCarrier();
  if (run.state.phase !== "none") run.advance();
  const { state } = run;
  const isDark = state.phase === "darkening" || state.phase === "energising";
  return {
    state,
    actions: run.actions,
    because: run.because,
    preferred: isDark ? run.preferred() : [],
  };
}

class Run {
  readonly input: TransferInput;
  state: TransferState;
  readonly actions: TransferAction[] = [];
  readonly because: Reason[] = [];

  constructor(input: TransferInput, state: TransferState) {
    this.input = input;
    this.state = state;
  }

  shore(): TransferSource | undefined {
    return this.input.sources.find(({ device }) => device === this.state.shore);
  }

  sets(): readonly TransferSource[] {
    return this.input.sources.filter(({ kind }) => kind === "genset");
  }

  preferred(): readonly string[] {
    if (this.state.direction === "toShore") return [this.state.shore];
    return this.sets()
      .filter(({ state }) => state === "runningOpen")
      .map(({ device }) => device);
  }

  /** Shore opened, by whomever: the ship carries itself again, with all its rules. */
  forgetCarrier(): void {
    const { carrier } = this.state;
    if (carrier === "") return;
    const source = this.input.sources.find(({ device }) => device === carrier);
    if (source?.breaker === "closed" || this.input.isRecovering) return;
    this.state = { ...this.state, carrier: "" };
  }

  advance(): void {
    const { phase, shore, direction, sinceMs } = this.state;
    const forS = (this.input.plantTimeMs - sinceMs) / 1000;
    const way = direction === "toShore" ? "to shore" : "to the ship";
    this.because.push(reasonOf("TRANSFER_PHASE", shore, { way, phase, forS }));
    if (forS * 1000 >= PHASE_MS[phase]) {
      this.end(`${phase} was not done within ${PHASE_MS[phase] / 1000} s`);
      return;
    }
    switch (phase) {
      case "connecting":
        return this.connect();
      case "loading":
        return this.load();
      case "unloadingSets":
        return this.unloadSets();
      case "startingSets":
        return this.startSets();
      case "leaving":
        return this.leave();
      case "darkening":
        return this.darken();
      case "energising":
        return this.energise();
      default:
    }
  }

  connect(): void {
    const shore = this.shore();
    if (shore?.breaker === "closed") return this.enter("loading");
    if (shore?.state === "syncing") return;
    if (shore?.state !== "ready") return this.end(`${this.state.shore} is ${shore?.state}`);
    this.act(shore.device, "sync", reasonOf("TRANSFER_CONNECTS", shore.device));
  }

  load(): void {
    const shore = this.shore();
    if (shore?.breaker !== "closed") return this.end(`${this.state.shore} opened`);
    if (shore.state === "closed") this.enter("unloadingSets");
  }

  unloadSets(): void {
    const shore = this.shore();
    if (shore?.breaker !== "closed") return this.end(`${this.state.shore} opened`);
    const on = this.sets().filter(({ breaker }) => breaker === "closed");
    const last = on.at(-1);
    if (last === undefined) {
      this.state = { ...this.state, carrier: this.state.shore };
      return this.end("done");
    }
    if (this.input.loadKw > this.input.shoreLimitKw) {
      const values = { limitKw: this.input.shoreLimitKw, loadKw: this.input.loadKw };
      this.because.push(reasonOf("TRANSFER_TOO_MUCH", shore.device, values));
      return;
    }
    if (last.state === "unloading") return;
    this.act(last.device, "stop", reasonOf("TRANSFER_STOPS", last.device, { by: shore.device }));
  }

  startSets(): void {
    const { loadKw, startLimitPct } = this.input;
    const sets = this.sets();
    const isDark = this.state.isBreakBeforeMake;
    const counted = sets.filter(({ breaker, state }) =>
      isDark ? state === "runningOpen" : breaker === "closed" && state !== "unloading",
    );
    const capacityKw = counted.reduce((sum, set) => sum + set.ratedKw, 0);
    if (counted.length > 0 && capacityKw * startLimitPct >= loadKw * 100) {
      const isLoading = sets.some(({ state }) => state === "loading" || state === "syncing");
      if (!isLoading || isDark) return this.enter(isDark ? "darkening" : "leaving");
    }
    if (sets.some(({ isComing, state }) => isComing || state === "starting")) return;
    const next = sets.find(({ isReady, state }) => isReady && (!isDark || state === "ready"));
    if (next === undefined) {
      this.because.push(reasonOf("TRANSFER_TOO_LITTLE", this.state.shore, { capacityKw, loadKw }));
      return;
    }
    const reason = reasonOf("TRANSFER_STARTS", next.device, { capacityKw, loadKw });
    this.act(next.device, isDark ? "run" : "start", reason);
  }

  leave(): void {
    const shore = this.shore();
    if (shore?.breaker === "open") return this.end("done");
    if (shore?.state === "transferring") return;
    this.act(this.state.shore, "unload", reasonOf("TRANSFER_LEAVES", this.state.shore));
  }

  /** Everything that feeds opens; batteries too, which would hold the busbar alive. */
  darken(): void {
    const preferred = new Set(this.preferred());
    const closed = this.input.sources.filter(({ breaker }) => breaker === "closed");
    if (closed.length === 0) return this.enter("energising");
    for (const { device } of closed) {
      if (preferred.has(device) && this.state.direction === "toShore") continue;
      this.act(
        device,
        "openNow",
        reasonOf("TRANSFER_DARKENS", device, { shore: this.state.shore }),
      );
    }
  }

  energise(): void {
    const { sources, isRecovering } = this.input;
    const isShoreOn = this.shore()?.breaker === "closed";
    const isSetOn = this.sets().some(({ breaker }) => breaker === "closed");
    if (this.state.direction === "toShore" && isShoreOn) {
      const running = this.sets().find(({ state }) => state === "runningOpen");
      if (running !== undefined) {
        this.act(
          running.device,
          "stop",
          reasonOf("TRANSFER_STOPS", running.device, { by: this.state.shore }),
        );
      }
      this.state = { ...this.state, carrier: this.state.shore };
      if (running === undefined && !isRecovering) this.reconnect();
      return;
    }
    if (this.state.direction === "toShip" && isSetOn && !isRecovering) return this.reconnect();
    const others = sources.filter(({ breaker }) => breaker === "closed").length;
    if (others > 0 && !isRecovering) this.end("another source brought the busbar back");
  }

  /** Batteries that had to open for the dark are connected again; then the transfer is done. */
  reconnect(): void {
    const away = this.input.sources.filter(
      ({ device, kind, breaker, state }) =>
        kind === "battery" &&
        this.state.acted[device] !== undefined &&
        breaker === "open" &&
        (state === "ready" || state === "precharge"),
    );
    if (away.length === 0) return this.end("done");
    for (const { device } of away)
      this.act(device, "sync", reasonOf("TRANSFER_RECONNECTS", device));
  }

  enter(phase: TransferState["phase"]): void {
    this.state = { ...this.state, phase, sinceMs: this.input.plantTimeMs };
  }

  end(how: string): void {
    const { direction, shore } = this.state;
    const way = direction === "toShore" ? "to" : "from";
    this.state = { ...this.state, phase: "none", ended: `transfer ${way} ${shore}: ${how}` };
  }

  act(device: string, what: TransferAction["what"], reason: Reason): void {
    const { plantTimeMs } = this.input;
    const lastMs = this.state.acted[device];
    if (lastMs !== undefined && plantTimeMs - lastMs < ACT_AGAIN_MS) return;
    this.actions.push({ device, what, reason });
    this.state = { ...this.state, acted: { ...this.state.acted, [device]: plantTimeMs } };
  }
}
