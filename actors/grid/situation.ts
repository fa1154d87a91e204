import { balanceOf, type Balance, type Source } from "../../energy/balance.ts";
import type { ZeroEmissionBattery } from "../../energy/battery-modes.ts";
import { inOrderOfGrant, reservedKw, type HeavyConsumer } from "../../energy/heavy-consumers.ts";
import type { PowerParameters } from "../../energy/parameters.ts";
import { reasonOf, type Reason } from "../../energy/reason.ts";
import type { StartStopInput, StartStopSet } from "../../energy/start-stop.ts";
import type { GridWants } from "../../kernel/grid-message.ts";
import { lastNumberOf } from "../machines/device-image.ts";
import { isZeroEmission, zeroEmissionBatteries, zeroEmissionDemandsOf } from "./battery-modes.ts";
import {
  actorOf,
  capabilityKwOf,
  demandKwOf,
  imageOf,
  powerKwOf,
  positionOf,
} from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import { isBusDead, isBusLive, sourcesOf } from "./grid-sources.ts";
import type { GridState } from "./grid-state.ts";
import { parametersOf, startOrderOf, wantsOf } from "./operating-mode.ts";

/** What the energy decisions of one scan rest on. */
export interface Situation {
  readonly sources: readonly Source[];
  readonly sets: readonly StartStopSet[];
  /** In order of grant. */
  readonly consumers: readonly HeavyConsumer[];
  /** What asks for a set besides load and reserve. */
  readonly demands: readonly Reason[];
  /** What the operating mode of each member grid wants, and which sets are its own. */
  readonly wants: readonly MemberWants[];
  /** Batteries that form the busbar without machines, on purpose. */
  readonly zeroEmission: readonly ZeroEmissionBattery[];
  readonly balance: Balance;
  readonly isBusLive: boolean;
  readonly isBusDead: boolean;
}

export interface MemberWants extends GridWants {
  readonly devices: readonly string[];
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
  const zeroEmission = zeroEmissionBatteries(plan, state);
  const unknowns: Reason[] = [];
  for (const tie of plan.ties) {
    if (tieStateOf(state, tie.ownBreaker, tie.otherBreaker) === "unknown") {
      unknowns.push(reasonOf("UNKNOWN_INPUT", tie.id, { what: "the position" }));
    }
  }
  const sets = setsOf(plan, state);
  return {
    sources,
    sets,
    consumers,
    wants: [{ devices: sets.map(({ device }) => device), ...wantsOf(plan, state) }],
    demands: zeroEmissionDemandsOf(sources, zeroEmission),
    zeroEmission,
    balance: balanceOf(sources, reservedKw(consumers), unknowns),
    isBusLive: isBusLive(sources),
    isBusDead: isBusDead(sources),
  };
}

const CONSUMER_STATES: ReadonlySet<string> = new Set(["requesting", "granted", "running"]);

function consumersOf(plan: GridPlan, state: GridState): HeavyConsumer[] {
  const consumers: HeavyConsumer[] = [];
  for (const device of plan.devices) {
    if (device.kind !== "thruster") continue;
    const { snapshot } = actorOf(plan, state, device.address);
    if (!CONSUMER_STATES.has(snapshot.state)) continue;
    const { consumer } = device.config;
    const requestedAtMs = snapshot.context["requestedAtMs"];
    consumers.push({
      device: device.id,
      demandKw: demandKwOf(state, device),
      powerKw: powerKwOf(state, device.id),
      priority: consumer?.priority ?? 0,
      load: consumer?.load ?? "variable",
      isWaiting: snapshot.state === "requesting",
      isRunning: snapshot.state === "running",
      requestedAtMs: typeof requestedAtMs === "number" ? requestedAtMs : 0,
    });
  }
  return inOrderOfGrant(consumers);
}

function setsOf(plan: GridPlan, state: GridState): StartStopSet[] {
  const sets: StartStopSet[] = [];
  for (const id of startOrderOf(plan, state)) {
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
    ratedKw: capabilityKwOf(state, device),
    runningHoursH: lastNumberOf(imageOf(state, device.id), "runningHoursH"),
    fuelGPerKwh: device.config.ratings.fuelGPerKwh,
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
  const isOnItsWay = snapshot.state !== "ready" && snapshot.state !== "onLoad";
  if (state.semiSets.includes(device.id) && !isOnItsWay) return "none";
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
    parameters: strictest(parametersOf(plan, state), situation),
    sources: situation.sources,
    balance: situation.balance,
    sets: situation.sets,
    isBusDead: situation.isBusDead,
    demands: situation.demands,
    minima: situation.wants
      .filter(({ setCountMin }) => setCountMin > 0)
      .map(({ mode, setCountMin, devices, isOnShore }) => ({
        mode,
        least: setCountMin,
        devices,
        isStarted: !isOnShore,
      })),
    consumers: situation.consumers,
  };
}

/**
 * The island's parameters: its master's, with the largest reserve and the strictest N-1 that a member's mode wants. N-1 rests where shore
 * carries a member on purpose, and where batteries do: such a plant has no second machine.
 */
function strictest(parameters: PowerParameters, situation: Situation): PowerParameters {
  const { wants } = situation;
  let { spinningReserveKw } = parameters;
  for (const { reserveKw } of wants) spinningReserveKw = Math.max(spinningReserveKw, reserveKw);
  const isN1Required =
    wants.some((one) => one.isN1Required) &&
    !wants.some((one) => one.isOnShore) &&
    !isZeroEmission(situation);
  return { ...parameters, spinningReserveKw, isN1Required };
}
