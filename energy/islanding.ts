import { isInEnterBand, type GridCode } from "./grid-codes.ts";
import { reasonOf, type Reason } from "./reason.ts";

/** The point of interconnection with the utility. */
export interface Interconnection {
  readonly device: string;
  readonly breaker: "closed" | "open" | "unknown";
  /** State of its machine. */
  readonly state: string;
  /** Of the utility's side; 0 where there is none. */
  readonly voltagePu: number;
  readonly frequencyHz: number;
}

export interface IslandBattery {
  readonly device: string;
  readonly isConnected: boolean;
  readonly isForming: boolean;
  /** What it may give, kW; 0 where it cannot be used. */
  readonly dischargeKw: number;
  readonly socPct: number;
  readonly reserveSocPct: number;
}

export interface IslandFeeder {
  readonly device: string;
  readonly breaker: "closed" | "open" | "unknown";
  /** Null: never shed. */
  readonly tripStage: number | null;
  readonly loadKw: number;
}

export interface Bond {
  readonly device: string;
  readonly breaker: "closed" | "open" | "unknown";
  /** State of its machine, and since when. */
  readonly state: string;
  readonly sinceMs: number;
  /** Its closing was asked for by a leader that is gone: its machine asks once more by itself, and waits again. */
  readonly isInDoubt: boolean;
}

export interface IslandingInput {
  readonly plantTimeMs: number;
  readonly code: GridCode;
  readonly reconnectWaitS: number;
  readonly point: Interconnection;
  readonly batteries: readonly IslandBattery[];
  readonly feeders: readonly IslandFeeder[];
  /** What the consumers draw, kW. */
  readonly loadKw: number;
  /** Firm capacity without the utility that is not drawn, kW. */
  readonly freeKw: number;
  /** Sets that are connected: without its bond the site stops as a whole. */
  readonly connectedSets: readonly string[];
  /** The neutral-earth bond of the islanded site; null where nothing is said of it. */
  readonly bond: Bond | null;
  readonly isBusLive: boolean;
}

/** Replicated: a takeover goes on where the sequence stood. */
export type IslandingState = {
  readonly phase: "connected" | "islanding" | "islanded" | "reconnecting";
  readonly sinceMs: number;
  /** Islanded on request: it stays so until somebody asks to reconnect. */
  readonly isPlanned: boolean;
  /** Since when the utility has been in the band of the grid code. */
  readonly goodSinceMs: number | null;
  /** Feeders that islanding opened, in the order in which they come back. */
  readonly shed: readonly string[];
  readonly nextFeederAtMs: number;
  readonly attempt: number;
  readonly acted: { readonly [device: string]: number };
  /** How the last change ended, for people. */
  readonly ended: string;
};

export const CONNECTED: IslandingState = {
  phase: "connected",
  sinceMs: 0,
  isPlanned: false,
  goodSinceMs: null,
  shed: [],
  nextFeederAtMs: 0,
  attempt: 0,
  acted: {},
  ended: "",
};

export interface IslandingAction {
  readonly device: string;
  readonly what: "open" | "close" | "sync" | "keep" | "form" | "follow" | "openAll";
  readonly reason: Reason;
}

export interface IslandingDecision {
  readonly state: IslandingState;
  readonly actions: readonly IslandingAction[];
  readonly because: readonly Reason[];
  /** The batteries bring the point of interconnection to zero. */
  readonly isBringingToZero: boolean;
  /** The neutral-earth bond is missing though the site is islanded. */
  readonly isBondMissing: boolean;
}

const ISLANDING_MS = 60_000;
const RECONNECT_MS = 90_000;
const ATTEMPT_COUNT_MAX = 3;
const ACT_AGAIN_MS = 4000;
const FOLLOW_MS = 30_000;
const FEEDER_INTERVAL_MS = 3000;
/** The bond must be confirmed within this time; feedback may come two scans later. */
const BOND_MS = 200 + 200;
/** Stage 1 is shed at once when the site is islanded; stage 2 below this state of charge, or above that part of what may be given. */
const STAGE_2_SOC_PCT = 40;
const STAGE_2_LOAD_PCT = 90;

/** Why the site cannot leave the utility now, or null. */
export function refusalOfIslanding(input: IslandingInput): Reason | null {
  const { point, batteries, loadKw, bond } = input;
  if (point.breaker !== "closed") {
    return reasonOf("NOT_STARTABLE", point.device, { state: point.state });
  }
  if (bond !== null && bond.state !== "open" && bond.state !== "closed") {
    return reasonOf("BOND_NOT_READY", bond.device, { state: bond.state });
  }
  const able = batteries.filter((one) => one.isConnected && one.socPct > one.reserveSocPct);
  const capacityKw = able.reduce((sum, one) => sum + one.dischargeKw, 0);
  if (able.length > 0 && capacityKw >= loadKw) return null;
  return reasonOf("ISLANDING_TOO_MUCH", point.device, { capacityKw, loadKw });
}

export function beginIslanding(before: IslandingState, plantTimeMs: number): IslandingState {
  const fresh = { isPlanned: true, acted: {}, attempt: 0, ended: "" };
  return { ...before, ...fresh, phase: "islanding", sinceMs: plantTimeMs };
}

/**
 * Takes a land site off the utility and back (IEEE 2030.7, T1 to T3): planned (the batteries form, power at the interconnection goes
 * to zero, it opens), unplanned (it opened by itself: form, bond, shed by policy), and reconnection by the grid code's band and wait.
 */
export function decideIslanding(input: IslandingInput, before: IslandingState): IslandingDecision {
  const run = new Run(input, before);
  run.watch();
  switch (run.state.phase) {
    case "connected":
      run.whileConnected();
      break;
    case "islanding":
      run.leave();
      break;
    case "islanded":
      run.whileIslanded();
      break;
    default:
      run.reconnect();
  }
  return {
    state: run.state,
    actions: run.actions,
    because: run.because,
    isBringingToZero: run.state.phase === "islanding",
    isBondMissing: run.isBondMissing,
  };
}

class Run {
  readonly input: IslandingInput;
  state: IslandingState;
  readonly actions: IslandingAction[] = [];
  readonly because: Reason[] = [];
  isBondMissing = false;

  constructor(input: IslandingInput, state: IslandingState) {
    this.input = input;
    this.state = state;
  }

  watch(): void {
    const { code, point, plantTimeMs } = this.input;
    const isGood = isInEnterBand(code, point.voltagePu, point.frequencyHz);
    const goodSinceMs = isGood ? (this.state.goodSinceMs ?? plantTimeMs) : null;
    this.state = { ...this.state, goodSinceMs };
  }

  whileConnected(): void {
    const { point, batteries, bond, plantTimeMs } = this.input;
    if (point.breaker === "open") {
      const fresh = { isPlanned: false, attempt: 0, acted: {} };
      this.state = { ...this.state, ...fresh };
      this.enter("islanded");
      this.whileIslanded();
      return;
    }
    if (point.breaker !== "closed") return;
    if (bond?.breaker === "closed") {
      this.act(bond.device, "open", reasonOf("BOND_OPENS", bond.device));
    }
    // Only as the end of a sequence: afterwards a battery may be made to form on purpose.
    const isFresh = this.state.ended !== "" && plantTimeMs - this.state.sinceMs < FOLLOW_MS;
    for (const { device, isConnected, isForming } of isFresh ? batteries : []) {
      if (isConnected && isForming) this.act(device, "follow", reasonOf("ISLAND_FOLLOWS", device));
    }
    this.restoreFeeders();
  }

  leave(): void {
    const { point, batteries, plantTimeMs } = this.input;
    const forS = (plantTimeMs - this.state.sinceMs) / 1000;
    this.because.push(reasonOf("ISLANDING", point.device, { forS }));
    if (point.breaker === "open") {
      this.state = { ...this.state, ended: "islanded on request" };
      this.enter("islanded");
      this.whileIslanded();
      return;
    }
    if (forS * 1000 >= ISLANDING_MS) {
      this.act(point.device, "keep", reasonOf("ISLANDING_FAILED", point.device));
      this.state = { ...this.state, isPlanned: false, ended: "not islanded within 60 s" };
      this.enter("connected");
      return;
    }
    const connected = batteries.filter(({ isConnected }) => isConnected);
    for (const { device, isForming } of connected) {
      if (!isForming) this.act(device, "form", reasonOf("ISLAND_FORMS", device));
    }
    if (!connected.some(({ isForming }) => isForming)) return;
    this.act(point.device, "open", reasonOf("ISLANDING_OPENS", point.device));
  }

  whileIslanded(): void {
    const { point, batteries, plantTimeMs, reconnectWaitS } = this.input;
    if (point.breaker === "closed") {
      this.state = { ...this.state, isPlanned: false, ended: "reconnected" };
      this.enter("connected");
      return;
    }
    const connected = batteries.filter(({ isConnected }) => isConnected);
    const forS = (plantTimeMs - this.state.sinceMs) / 1000;
    this.because.push(reasonOf("ISLANDED", point.device, { forS }));
    if (this.input.isBusLive && !connected.some(({ isForming }) => isForming)) {
      const [first] = connected;
      if (first !== undefined)
        this.act(first.device, "form", reasonOf("ISLAND_FORMS", first.device));
    }
    this.checkBond();
    this.shedByPolicy();
    const { goodSinceMs, isPlanned, attempt } = this.state;
    if (isPlanned) {
      this.because.push(reasonOf("ISLANDED_PLANNED", point.device));
      return;
    }
    if (goodSinceMs === null) {
      const { voltagePu, frequencyHz } = point;
      const values = { voltagePct: voltagePu * 100, frequencyHz };
      this.because.push(reasonOf("UTILITY_BAD", point.device, values));
      return;
    }
    const goodS = (plantTimeMs - goodSinceMs) / 1000;
    if (goodS < reconnectWaitS) {
      this.because.push(
        reasonOf("UTILITY_WAITS", point.device, { forS: goodS, waitS: reconnectWaitS }),
      );
      return;
    }
    if (attempt >= ATTEMPT_COUNT_MAX) {
      this.because.push(reasonOf("RECONNECT_GIVEN_UP", point.device, { attempt }));
      return;
    }
    if (point.state !== "ready" || !this.input.isBusLive) return;
    this.state = { ...this.state, attempt: attempt + 1 };
    this.enter("reconnecting");
    this.act(point.device, "sync", reasonOf("RECONNECTS", point.device, { forS: goodS }));
  }

  reconnect(): void {
    const { point, plantTimeMs } = this.input;
    const forS = (plantTimeMs - this.state.sinceMs) / 1000;
    this.because.push(
      reasonOf("RECONNECTING", point.device, { forS, attempt: this.state.attempt }),
    );
    if (point.breaker === "closed") {
      this.state = { ...this.state, isPlanned: false, attempt: 0, ended: "reconnected" };
      this.enter("connected");
      return;
    }
    const isOver = forS * 1000 >= RECONNECT_MS || (forS > 5 && point.state !== "syncing");
    if (!isOver) return;
    // The wait begins anew: the utility must prove itself again.
    this.state = { ...this.state, goodSinceMs: null, ended: "not reconnected" };
    this.enter("islanded");
  }

  /**
   * Without the bond a fault to earth would not be cleared: the islanded site is stopped where it is not made in time, and stays dark
   * until it is. One that was made and then fell silent is an alarm: nothing opens because communication was lost.
   */
  checkBond(): void {
    const { bond, plantTimeMs, batteries, connectedSets, isBusLive } = this.input;
    if (bond === null || bond.breaker === "closed") return;
    const { device, state, sinceMs } = bond;
    if (state === "open") this.act(device, "close", reasonOf("BOND_CLOSES", device));
    if (bond.isInDoubt || plantTimeMs - Math.max(this.state.sinceMs, sinceMs) < BOND_MS) return;
    this.isBondMissing = true;
    if (state === "unknown" && sinceMs - this.state.sinceMs >= BOND_MS) {
      this.because.push(reasonOf("BOND_SILENT", device));
      return;
    }
    const reason = reasonOf(isBusLive ? "BOND_MISSING" : "BOND_AWAITED", device, { state });
    this.because.push(reason);
    if (!isBusLive) return;
    for (const one of batteries) if (one.isConnected) this.act(one.device, "openAll", reason);
    for (const set of connectedSets) this.act(set, "openAll", reason);
  }

  shedByPolicy(): void {
    const { feeders, batteries, loadKw } = this.input;
    const connected = batteries.filter(({ isConnected }) => isConnected);
    const mostKw = connected.reduce((sum, one) => sum + one.dischargeKw, 0);
    const socPct =
      connected.length === 0
        ? 0
        : connected.reduce((sum, one) => sum + one.socPct, 0) / connected.length;
    const loadPct = mostKw > 0 ? (100 * loadKw) / mostKw : 0;
    const isLow = connected.length > 0 && (socPct < STAGE_2_SOC_PCT || loadPct > STAGE_2_LOAD_PCT);
    const stage = isLow ? 2 : 1;
    for (const { device, breaker, tripStage } of feeders) {
      if (tripStage === null || tripStage < 1 || tripStage > stage || breaker !== "closed")
        continue;
      const reason =
        tripStage === 1
          ? reasonOf("ISLAND_SHEDS", device)
          : reasonOf("ISLAND_SHEDS_LOW", device, { socPct, loadPct });
      this.act(device, "open", reason);
      if (this.state.shed.includes(device)) continue;
      this.state = { ...this.state, shed: [device, ...this.state.shed] };
    }
  }

  /** With the utility back, feeders that islanding opened are closed one after the other. */
  restoreFeeders(): void {
    const { feeders, plantTimeMs, freeKw } = this.input;
    const isOpen = (device: string) =>
      feeders.some((feeder) => feeder.device === device && feeder.breaker !== "closed");
    const shed = this.state.shed.filter(isOpen);
    if (shed.length !== this.state.shed.length) this.state = { ...this.state, shed };
    const [first] = shed;
    const feeder = feeders.find(({ device }) => device === first);
    if (feeder === undefined || plantTimeMs < this.state.nextFeederAtMs) return;
    if (plantTimeMs - this.state.sinceMs < FEEDER_INTERVAL_MS) return;
    if (freeKw < feeder.loadKw) {
      const values = { loadKw: feeder.loadKw, freeKw, stepKw: freeKw };
      this.because.push(reasonOf("FEEDER_WAITS", feeder.device, values));
      return;
    }
    this.act(feeder.device, "close", reasonOf("ISLAND_RESTORES", feeder.device));
    this.state = { ...this.state, nextFeederAtMs: plantTimeMs + FEEDER_INTERVAL_MS };
  }

  enter(phase: IslandingState["phase"]): void {
    this.state = { ...this.state, phase, sinceMs: this.input.plantTimeMs };
  }

  act(device: string, what: IslandingAction["what"], reason: Reason): void {
    const { plantTimeMs } = this.input;
    const key = `${device} ${what}`;
    const lastMs = this.state.acted[key];
    if (lastMs !== undefined && plantTimeMs - lastMs < ACT_AGAIN_MS) return;
    this.actions.push({ device, what, reason });
    this.state = { ...this.state, acted: { ...this.state.acted, [key]: plantTimeMs } };
  }
}
