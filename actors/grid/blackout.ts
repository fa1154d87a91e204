import {
  decideBlackout,
  type BlackoutAction,
  type BlackoutDecision,
  type BlackoutInput,
  type DarkFeeder,
  type DarkSource,
  type DarkTie,
} from "../../energy/blackout.ts";
import { isConnected, type Source } from "../../energy/balance.ts";
import { reasonOf, type Reason } from "../../energy/reason.ts";
import { isOn, numberOf, switchOf } from "../machines/device-image.ts";
import { mayCommand } from "./apply-frame.ts";
import { actorOf, batteryInputOf, imageOf, positionOf } from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import { busOf } from "./grid-sources.ts";
import type { GridState } from "./grid-state.ts";
import { peerStatus } from "./island.ts";
import { send, type Work } from "./run-actors.ts";
import { bondHindrance } from "./site.ts";
import { isTieSacrificed } from "./tie-latch.ts";
import { tieStateOf, type Situation } from "./situation.ts";
import { preferredClosers } from "./transfer.ts";

/** A set that was asked to start and shows no speed for so long is passed over (plant-safety rule 15). */
const NO_SPEED_MS = 12_000;
/** Below this state of charge a battery is not asked to carry a dead busbar, percent. */
const SOC_PCT_MIN = 15;
export const PERMIT_UNTIL_FACT = "deadBusPermit.untilMs";
export const PERMIT_TEXT_FACT = "deadBusPermit.text";

export interface Recovery {
  readonly isPermitWanted: boolean;
  /** The tie over which a neighbour is asked to feed, or "". */
  readonly feedTie: string;
  readonly feedKw: number;
}

export const NO_RECOVERY: Recovery = { isPermitWanted: false, feedTie: "", feedKw: 0 };

/** Recovers from a blackout as far as this grid's mode and its knowledge allow. */
export function recoverFromBlackout(work: Work, situation: Situation): Recovery {
  const { plan, state } = work;
  if (state.leadership.origin === "none" || !state.leadership.isRead) return NO_RECOVERY;
  const input = blackoutInputOf(plan, state, situation);
  const decision = decideBlackout(input, state.blackout);
  work.state = { ...state, blackout: decision.state };
  for (const action of decision.actions) perform(work, action);
  if (!mayCommand(state)) return NO_RECOVERY;
  const { isPermitWanted, feedTie, feedKw } = decision;
  return { isPermitWanted, feedTie, feedKw };
}

/** What the recovery would say now, for people. */
export function whyBlackout(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
): readonly Reason[] {
  return explainBlackout(plan, state, situation).because;
}

function explainBlackout(plan: GridPlan, state: GridState, situation: Situation): BlackoutDecision {
  return decideBlackout(blackoutInputOf(plan, state, situation), state.blackout);
}

const EVENTS: Readonly<Record<string, Readonly<Partial<Record<BlackoutAction["what"], string>>>>> =
  {
    genset: {
      start: "start.requested",
      closeOntoDeadBus: "deadClose.permitted",
      giveUp: "stop.requested",
    },
    battery: {
      sync: "sync.requested",
      closeOntoDeadBus: "deadClose.permitted",
      giveUp: "open.requested",
      handBack: "setFollowing.requested",
    },
    shore: {
      open: "open.requested",
      closeOntoDeadBus: "deadClose.permitted",
      giveUp: "open.requested",
    },
    feeder: { open: "open.requested", close: "close.requested" },
    busTie: { closeOntoDeadBus: "deadClose.permitted", giveUp: "open.requested" },
  };

const COMMANDS: Readonly<Partial<Record<BlackoutAction["what"], string>>> = {
  handBack: "setFollowing",
  giveUp: "open",
  sync: "syncAndClose",
};

function perform(work: Work, { device: id, what, reason }: BlackoutAction): void {
  const device = work.plan.deviceById.get(id);
  const event = device === undefined ? undefined : EVENTS[device.kind]?.[what];
  if (device === undefined || event === undefined) return;
  send(work, device, event, [reason], COMMANDS[what] ?? "");
}

export function blackoutInputOf(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
): BlackoutInput {
  const { blackout, nominalFrequencyHz } = plan.grid;
  const untilMs = state.facts[PERMIT_UNTIL_FACT];
  const text = state.facts[PERMIT_TEXT_FACT];
  const blocks = blocksOf(plan, state);
  const preferred = preferredClosers(plan, state, situation);
  return {
    plantTimeMs: state.plantTimeMs,
    epoch: state.epoch,
    parameters: blackout,
    voltagePct: voltagePctOf(plan, state),
    frequencyHz: busOf(plan, state).frequencyHz,
    nominalFrequencyHz,
    sources: darkSourcesOf(plan, state, preferred),
    feeders: darkFeedersOf(plan, state),
    ties: darkTiesOf(plan, state),
    isFedByOther: state.island.some(
      (grid) => grid !== plan.grid.id && (peerStatus(state, grid)?.frequencyHz ?? 0) > 0,
    ),
    blocks: blocks.all,
    mayStart: blocks.mayStart && mayCommand(state),
    preferred,
    permitUntilMs: typeof untilMs === "number" ? untilMs : 0,
    permitText: typeof text === "string" && text !== "" ? text : "not asked for yet",
    freeKw: situation.balance.freeKw,
    stepKw: situation.sources.reduce((sum, source) => sum + stepKwOf(source), 0),
    memberCount: state.island.length,
  };
}

/** Highest voltage that a meter of the busbar shows, percent of nominal; null where none is known. */
function voltagePctOf(plan: GridPlan, state: GridState): number | null {
  let mostPct: number | null = null;
  for (const { id, kind } of plan.devices) {
    if (kind !== "meter") continue;
    const voltageV = numberOf(imageOf(state, id), "voltageV");
    if (voltageV === null) continue;
    const pct = (100 * voltageV) / plan.grid.nominalVoltageV;
    if (mostPct === null || pct > mostPct) mostPct = pct;
  }
  return mostPct;
}

/** A turbo-charged engine takes so much of its rating in one step; converters take everything. */
const GENSET_STEP_PCT = 40;

function stepKwOf(source: Source): number {
  if (!isConnected(source)) return 0;
  const pct = source.kind === "genset" ? GENSET_STEP_PCT : 100;
  return (Math.min(source.ratedKw, source.availableKw) * pct) / 100;
}

function darkSourcesOf(
  plan: GridPlan,
  state: GridState,
  preferred: readonly string[],
): DarkSource[] {
  const sources = new Map<string, DarkSource>();
  for (const device of plan.devices) {
    const source = darkSourceOf(plan, state, device, preferred.includes(device.id));
    if (source !== null) sources.set(device.id, source);
  }
  const gensets = plan.startOrder.flatMap((id) => sources.get(id) ?? []);
  return [...gensets, ...[...sources.values()].filter(({ kind }) => kind !== "genset")];
}

function darkSourceOf(
  plan: GridPlan,
  state: GridState,
  device: PlannedDevice,
  isPreferred: boolean,
): DarkSource | null {
  const { kind, id } = device;
  if (kind !== "genset" && kind !== "battery" && kind !== "shore") return null;
  const { snapshot, status } = actorOf(plan, state, device.address);
  const image = imageOf(state, id);
  const breaker = positionOf(state, id);
  const isClosed = breaker === "closed";
  const isFeeding =
    isClosed &&
    ((kind === "genset" && isOn(image, "isRunning")) ||
      (kind === "battery" && isOn(image, "isGridForming")) ||
      (kind === "shore" && isOn(image, "isVoltagePresent")));
  const part = status === "running" ? partOf(plan, state, device, isFeeding, isPreferred) : "none";
  return { device: id, kind, breaker, isFeeding, part, state: snapshot.state };
}

function partOf(
  plan: GridPlan,
  state: GridState,
  device: PlannedDevice,
  isFeeding: boolean,
  isPreferred: boolean,
): DarkSource["part"] {
  const { snapshot, sinceMs } = actorOf(plan, state, device.address);
  const image = imageOf(state, device.id);
  const isClosed = positionOf(state, device.id) === "closed";
  const name = snapshot.state;
  switch (device.kind) {
    case "genset":
      if (name === "ready") return device.commands.has("start") ? "startable" : "none";
      if (name === "starting") {
        const isSlow = state.plantTimeMs - sinceMs > NO_SPEED_MS && !isOn(image, "isRunning");
        return isSlow ? "none" : "starting";
      }
      if (name === "syncing") return "closing";
      if (name !== "runningOpen" || !device.hasSyncCheck) return "none";
      return isOn(image, "isReadyToLoad") ? "closable" : "starting";
    case "battery": {
      const { socPct, dischargeLimitKw, isBmsStale } = batteryInputOf(state, device);
      const isAble = socPct >= SOC_PCT_MIN && dischargeLimitKw > 0 && !isBmsStale;
      if (isClosed && !isFeeding && name === "following") {
        return isAble && device.commands.has("setForming") ? "closable" : "none";
      }
      if (name === "precharge") return "starting";
      if (name === "ready" && snapshot.context["awaited"] !== "") return "closing";
      return name === "ready" && isAble && device.hasSyncCheck ? "closable" : "none";
    }
    default:
      if (name === "connectedDead") return "stuck";
      if (name === "syncing") return "closing";
      if (name !== "ready" || !(isPreferred || plan.grid.blackout.mayCloseShore)) return "none";
      return device.commands.has(device.hasSyncCheck ? "syncAndClose" : "close")
        ? "closable"
        : "none";
  }
}

/** Ties over which a neighbour could feed this busbar, where the manifest allows it. */
function darkTiesOf(plan: GridPlan, state: GridState): DarkTie[] {
  if (!plan.grid.blackout.mayCloseTie) return [];
  return plan.ties.flatMap((tie) => {
    const device = plan.deviceById.get(tie.ownBreaker);
    if (device === undefined) return [];
    const status = peerStatus(state, tie.otherGrid);
    const freeKw = status === null ? 0 : status.capacityKw - status.loadKw;
    const common = { device: device.id, tie: tie.id, grid: tie.otherGrid, freeKw };
    const why = tieHindrance(state, plan, device, tie.otherBreaker, status);
    if (why !== null) return [{ ...common, part: "none" as const, why }];
    const { snapshot } = actorOf(plan, state, device.address);
    const isFed = positionOf(state, tie.otherBreaker) === "closed";
    const part = snapshot.state === "closing" ? "closing" : isFed ? "fed" : "askable";
    return [{ ...common, part: part as DarkTie["part"], why: "" }];
  });
}

function tieHindrance(
  state: GridState,
  plan: GridPlan,
  device: PlannedDevice,
  otherBreaker: string,
  status: ReturnType<typeof peerStatus>,
): string | null {
  const { snapshot, status: actor } = actorOf(plan, state, device.address);
  if (!device.commands.has("close")) return "its profile cannot close it onto a dead busbar";
  if (actor !== "running" || !TIE_STATES.has(snapshot.state)) return `it is ${snapshot.state}`;
  if (isTieSacrificed(state, device)) return "it was sacrificed: its alarm must be reset first";
  if (positionOf(state, otherBreaker) === "unknown") return "the far breaker is not known";
  if (status === null) return "the neighbour is silent";
  if (status.isDark === true || status.frequencyHz <= 0) return "the neighbour is dark too";
  return status.isSettled ? null : "the neighbour does not know what it could give";
}

const TIE_STATES: ReadonlySet<string> = new Set(["open", "closing"]);

/** Essential feeders first, then those that are shed last; in the order of the manifest among equals. */
function darkFeedersOf(plan: GridPlan, state: GridState): DarkFeeder[] {
  const rankOf = (stage: number | null) => (stage === null ? 0 : 4 - stage);
  return plan.devices
    .filter(({ kind }) => kind === "feeder")
    .toSorted((a, b) => rankOf(a.config.tripStage) - rankOf(b.config.tripStage))
    .map((device) => ({
      device: device.id,
      breaker: positionOf(state, device.id),
      isSwitchable: device.commands.has("open") && device.commands.has("close"),
      isEssential: device.config.tripStage === null,
      loadKw: device.config.ratings.loadKw,
    }));
}

/** What forbids the recovery: some of it only the closing and opening, some of it the start of sets as well. */
function blocksOf(
  plan: GridPlan,
  state: GridState,
): { readonly all: readonly Reason[]; readonly mayStart: boolean } {
  const hard: Reason[] = [];
  const soft: Reason[] = [];
  const mode = actorOf(plan, state, plan.address).snapshot.state;
  if (mode === "switchboard") hard.push(reasonOf("MODE", "", { mode: "SWBD" }));
  const { leadership, plantTimeMs } = state;
  if (plantTimeMs < leadership.commandsFromMs) {
    hard.push(reasonOf("SETTLING", "", { forS: (leadership.commandsFromMs - plantTimeMs) / 1000 }));
  }
  for (const device of plan.devices) {
    const { id, kind } = device;
    const image = imageOf(state, id);
    if (switchOf(image, "isRecoveryBlocked") === true) hard.push(reasonOf("BLOCK_INPUT", id));
    const { snapshot } = actorOf(plan, state, device.address);
    if (isOn(image, "isShortCircuit") || snapshot.state === "shortCircuit") {
      hard.push(reasonOf("SHORT_CIRCUIT", id));
    }
    const isSource = kind === "genset" || kind === "battery" || kind === "shore";
    if (isSource && positionOf(state, id) === "unknown") {
      soft.push(reasonOf("UNKNOWN_INPUT", id, { what: "the breaker" }));
    }
  }
  const bond = bondHindrance(plan, state);
  if (bond !== null) soft.push(bond);
  for (const tie of plan.ties) {
    const tieState = tieStateOf(state, tie.ownBreaker, tie.otherBreaker);
    if (tieState === "open") continue;
    const other = peerStatus(state, tie.otherGrid);
    if (tieState === "unknown") {
      soft.push(reasonOf("UNKNOWN_INPUT", tie.id, { what: "the position" }));
    } else if (other === null) {
      soft.push(reasonOf("UNKNOWN_INPUT", tie.otherGrid, { what: "the status" }));
    } else if (
      other.sources.some(({ kind, state: name }) => kind !== "thruster" && name === "unknown")
    ) {
      soft.push(reasonOf("UNKNOWN_INPUT", tie.otherGrid, { what: "a source" }));
    }
  }
  return { all: [...hard, ...soft], mayStart: hard.length === 0 };
}
