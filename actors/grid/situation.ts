import { balanceOf, type Balance, type Source } from "../../energy/balance.ts";
import { reasonOf, type Reason } from "../../energy/reason.ts";
import type { StartStopInput, StartStopSet } from "../../energy/start-stop.ts";
import { actorOf, demandKwOf, powerKwOf, positionOf } from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import { isBusDead, isBusLive, sourcesOf } from "./grid-sources.ts";
import type { GridState } from "./grid-state.ts";

/** A heavy consumer that waits for power or has it. */
export interface Consumer {
  readonly device: string;
  readonly demandKw: number;
  readonly powerKw: number;
  readonly isWaiting: boolean;
  readonly requestedAtMs: number;
}

/** What the energy decisions of one scan rest on. */
export interface Situation {
  readonly sources: readonly Source[];
  readonly sets: readonly StartStopSet[];
  readonly consumers: readonly Consumer[];
  readonly balance: Balance;
  readonly isBusLive: boolean;
  readonly isBusDead: boolean;
}

export type TieState = "open" | "closed" | "unknown";

/** A tie joins only where both breakers do; one that is open for certain parts it. */
export function tieStateOf(state: GridState, ownBreaker: string, otherBreaker: string): TieState {
  const own = positionOf(state, ownBreaker);
  const other = positionOf(state, otherBreaker);
  if (own === "open" || other === "open") return "open";
  return own === "closed" && other === "closed" ? "closed" : "unknown";
}

/** The situation of this grid alone. */
export function situationOf(plan: GridPlan, state: GridState): Situation {
  const sources = sourcesOf(plan, state);
  const consumers = consumersOf(plan, state);
  const unknowns: Reason[] = [];
  for (const tie of plan.ties) {
    if (tieStateOf(state, tie.ownBreaker, tie.otherBreaker) === "unknown") {
      unknowns.push(reasonOf("UNKNOWN_INPUT", tie.id, { what: "the position" }));
    }
  }
  return {
    sources,
    sets: setsOf(plan, state),
    consumers,
    balance: balanceOf(sources, reservedKw(consumers), unknowns),
    isBusLive: isBusLive(sources),
    isBusDead: isBusDead(sources),
  };
}

/** Granted and not drawn yet, kW. */
export function reservedKw(consumers: readonly Consumer[]): number {
  let sumKw = 0;
  for (const { isWaiting, demandKw, powerKw } of consumers) {
    if (!isWaiting) sumKw += Math.max(0, demandKw - powerKw);
  }
  return sumKw;
}

function consumersOf(plan: GridPlan, state: GridState): Consumer[] {
  const consumers: Consumer[] = [];
  for (const device of plan.devices) {
    if (device.kind !== "thruster") continue;
    const { snapshot } = actorOf(plan, state, device.address);
    const isWaiting = snapshot.state === "requesting";
    if (!isWaiting && snapshot.state !== "granted") continue;
    const requestedAtMs = snapshot.context["requestedAtMs"];
    consumers.push({
      device: device.id,
      demandKw: demandKwOf(state, device),
      powerKw: powerKwOf(state, device.id),
      isWaiting,
      requestedAtMs: typeof requestedAtMs === "number" ? requestedAtMs : 0,
    });
  }
  return consumers.sort((a, b) => a.requestedAtMs - b.requestedAtMs);
}

function setsOf(plan: GridPlan, state: GridState): StartStopSet[] {
  const sets: StartStopSet[] = [];
  for (const id of plan.startOrder) {
    const device = plan.deviceById.get(id);
    if (device !== undefined) sets.push(setOf(plan, state, device));
  }
  return sets;
}

/** A set that was asked to start and shows no speed for so long is passed over during a blackout. */
const NO_SPEED_MS = 12_000;

function setOf(plan: GridPlan, state: GridState, device: PlannedDevice): StartStopSet {
  const { snapshot, sinceMs, status } = actorOf(plan, state, device.address);
  const { context } = snapshot;
  const startedAtMs = context["startedAtMs"];
  const forMs = state.plantTimeMs - sinceMs;
  return {
    device: device.id,
    state: status === "running" ? snapshot.state : status,
    availability: status === "running" ? availabilityOf(plan, state, device, forMs) : "none",
    ratedKw: device.ratedKw,
    runningForMs: typeof startedAtMs === "number" ? state.plantTimeMs - startedAtMs : null,
  };
}

function availabilityOf(
  plan: GridPlan,
  state: GridState,
  device: PlannedDevice,
  forMs: number,
): StartStopSet["availability"] {
  const { snapshot } = actorOf(plan, state, device.address);
  const { context } = snapshot;
  const notBeforeMs = context["notBeforeMs"];
  switch (snapshot.state) {
    case "ready": {
      const mayStart = typeof notBeforeMs !== "number" || state.plantTimeMs >= notBeforeMs;
      return mayStart && device.commands.has("start") ? "ready" : "none";
    }
    case "starting":
      return forMs > NO_SPEED_MS && isBusDead(sourcesOf(plan, state)) ? "none" : "pending";
    case "runningOpen":
      if (context["isSyncFailed"] === true || !device.hasSyncCheck) return "none";
      return context["wish"] === "connect" ? "pending" : "ready";
    case "syncing":
    case "loading":
      return "pending";
    case "onLoad":
      return device.commands.has("stop") ? "running" : "none";
    case "unloading":
      return context["isOpening"] === true ? "none" : "leaving";
    default:
      return "none";
  }
}

/** The part of a situation that start and stop are decided on. */
export function startStopInputOf(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
): StartStopInput {
  return {
    plantTimeMs: state.plantTimeMs,
    parameters: plan.grid.power,
    sources: situation.sources,
    balance: situation.balance,
    sets: situation.sets,
    isBusDead: situation.isBusDead,
    consumers: situation.consumers,
  };
}
