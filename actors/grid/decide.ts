import { isConnected } from "../../energy/balance.ts";
import { grantOf } from "../../energy/heavy-consumers.ts";
import { reasonOf } from "../../energy/reason.ts";
import {
  decideStartStop,
  NO_TIMERS,
  stillNeeded,
  type StartStopDecision,
} from "../../energy/start-stop.ts";
import { mayCommand } from "./apply-frame.ts";
import { batteryUseOf } from "./battery-modes.ts";
import { actorOf, batteryInputOf, positionOf } from "./device-values.ts";
import { isSendingScan } from "./grid-messages.ts";
import { isMaster } from "./island.ts";
import { send, type Work } from "./run-actors.ts";
import { startStopInputOf, type Situation } from "./situation.ts";

export function isAuto(work: Pick<Work, "plan" | "state">): boolean {
  return actorOf(work.plan, work.state, work.plan.address).snapshot.state === "auto";
}

/**
 * Starts and stops sets by load, in AUTO only; over the whole island where this grid is its master. Timers run in every mode, so
 * that `why` can say what would be due.
 * @returns What the island's other members are to be told, or null.
 */
export function decideSets(work: Work, situation: Situation): StartStopDecision | null {
  const { plan, state } = work;
  if (state.leadership.origin === "none" || !state.leadership.isRead) {
    work.state = { ...state, timers: NO_TIMERS };
    return null;
  }
  if (!isMaster(plan, state)) {
    work.state = { ...state, timers: NO_TIMERS };
    followTargets(work);
    return null;
  }
  const decision = decideStartStop(startStopInputOf(plan, state, situation), state.timers);
  const isStopElsewhere = decision.stop !== null && !plan.deviceById.has(decision.stop.device);
  // A stop for another grid is decided again in each scan until one in which messages go out.
  const isKept = isStopElsewhere && !isSendingScan(state);
  work.state = { ...state, timers: isKept ? state.timers : decision.timers };
  if (!isAuto(work) || !mayCommand(state)) return null;
  keepLeavingSets(work, situation);
  const start = decision.start && plan.deviceById.get(decision.start.device);
  if (decision.start && start) send(work, start, "start.requested", decision.start.reasons);
  const stop = decision.stop && plan.deviceById.get(decision.stop.device);
  if (decision.stop && stop) send(work, stop, "stop.requested", decision.stop.reasons);
  return decision;
}

/** Does what the island's master asks, once per message, as far as this grid's own mode and machines allow. */
function followTargets(work: Work): void {
  const { plan, state } = work;
  const { targets } = state;
  if (targets === null || targets.expiresAtMs <= state.plantTimeMs || !mayCommand(state)) return;
  const { body, fromGrid } = targets;
  const because = `the island's master ${fromGrid}: ${body.reason === "" ? "granted" : body.reason}`;
  const done = { ...targets, body: { ...body, startDevice: null, stopDevice: null } };
  if (body.startDevice === null && body.stopDevice === null) return;
  work.state = { ...state, targets: done };
  const start = body.startDevice === null ? undefined : plan.deviceById.get(body.startDevice);
  const stop = body.stopDevice === null ? undefined : plan.deviceById.get(body.stopDevice);
  if (start?.kind === "thruster") send(work, start, "granted", because);
  if (!isAuto(work)) return;
  if (start?.kind === "genset") send(work, start, "start.requested", because);
  if (stop?.kind === "genset") send(work, stop, "stop.requested", because);
}

/** A set that is being unloaded stays where the others could no longer do without it. */
function keepLeavingSets(work: Work, situation: Situation): void {
  for (const set of situation.sets) {
    const device = work.plan.deviceById.get(set.device);
    if (set.availability !== "leaving" || device === undefined) continue;
    const rest = situation.sources.filter((source) => source.device !== set.device);
    const isFormed = rest.some((source) => isConnected(source) && source.isForming);
    const { balance } = situation;
    if (isFormed && balance.capacityKw >= balance.loadKw) continue;
    const reason = isFormed
      ? stillNeeded(set.device, balance, work.plan.grid.power.stopLimitPct)
      : reasonOf("LAST_FORMING", set.device);
    send(work, device, "start.requested", [reason]);
  }
}

/** After a grant to another grid's consumer nothing else is granted for so long: its reservation must come back first. */
const GRANT_PAUSE_MS = 2000;

/**
 * Grants one waiting consumer at a time, by priority; none while anything is unknown or load is shed.
 * @returns A consumer of another member grid that is granted with this scan's message, or null.
 */
export function grantConsumers(work: Work, situation: Situation): string | null {
  const { plan, state } = work;
  if (!mayCommand(state) || !isMaster(plan, state)) return null;
  if (state.supply.shedding.stage >= 0) return null;
  const { balance, consumers } = situation;
  const grant = grantOf(consumers, balance, plan.grid.power.heavyConsumerMarginKw);
  if (grant.device === null) return null;
  const { grantedElsewhere } = state;
  const isPausing =
    grantedElsewhere !== null &&
    grantedElsewhere.device !== grant.device &&
    state.plantTimeMs - grantedElsewhere.atMs < GRANT_PAUSE_MS;
  if (isPausing) return null;
  const device = plan.deviceById.get(grant.device);
  if (device !== undefined) {
    send(work, device, "granted", grant.because);
    return null;
  }
  if (!isSendingScan(state)) return null;
  const granted = { device: grant.device, atMs: state.plantTimeMs };
  work.state = { ...state, grantedElsewhere: granted };
  return grant.device;
}

/**
 * A battery whose mode is zero emission forms the bus, so that sets may stop; one that an operator took out of it follows again where
 * another source forms. In AUTO only.
 */
export function followBatteryModes(work: Work, situation: Situation): void {
  const { plan } = work;
  if (!isAuto(work) || !mayCommand(work.state)) return;
  for (const device of plan.devices) {
    if (device.kind !== "battery" || positionOf(work.state, device.id) !== "closed") continue;
    const { isForming, socPct, isBmsStale } = batteryInputOf(work.state, device);
    const use = batteryUseOf(work.state, device);
    const isWanted = use.mode === "zero_emission";
    const isChosen = work.state.supply.batteryModes[device.id] !== undefined;
    if (isWanted && !isForming && !isBmsStale && socPct > use.zeroEmissionStartSocPct) {
      const because = [reasonOf("BATTERY_FORMS", device.id, { mode: use.mode })];
      send(work, device, "setForming.requested", because, "setForming");
    }
    const isFormedByOther = situation.sources.some(
      (source) => source.device !== device.id && isConnected(source) && source.isForming,
    );
    if (!isWanted && isChosen && isForming && isFormedByOther) {
      const because = [reasonOf("BATTERY_FOLLOWS", device.id, { mode: use.mode })];
      send(work, device, "setFollowing.requested", because, "setFollowing");
    }
  }
}
