import { isConnected } from "../../energy/balance.ts";
import { reasonOf, sentenceOf, type Reason } from "../../energy/reason.ts";
import { decideStartStop, NO_TIMERS, type StartStopDecision } from "../../energy/start-stop.ts";
import { mayCommand } from "./apply-frame.ts";
import { actorOf } from "./device-values.ts";
import { isSendingScan } from "./grid-messages.ts";
import { isMaster } from "./island.ts";
import { send, type Work } from "./run-actors.ts";
import { startStopInputOf, type Situation } from "./situation.ts";

const inWords = (reasons: readonly Reason[]) => reasons.map(sentenceOf).join("; ");

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
  if (decision.start && start)
    send(work, start, "start.requested", inWords(decision.start.reasons));
  const stop = decision.stop && plan.deviceById.get(decision.stop.device);
  if (decision.stop && stop) send(work, stop, "stop.requested", inWords(decision.stop.reasons));
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
      ? reasonOf("LOAD_ABOVE_STOP", set.device, {
          loadPct: balance.loadPct,
          capacityKw: balance.capacityKw,
          limitPct: work.plan.grid.power.stopLimitPct,
        })
      : reasonOf("LAST_FORMING", set.device);
    send(work, device, "start.requested", sentenceOf(reason));
  }
}

/** After a grant to another grid's consumer nothing else is granted for so long: its reservation must come back first. */
const GRANT_PAUSE_MS = 2000;

/**
 * Grants one waiting consumer at a time, first come first served; none while anything is unknown.
 * @returns A consumer of another member grid that is granted with this scan's message, or null.
 */
export function grantConsumers(work: Work, situation: Situation): string | null {
  const { plan, state } = work;
  const { balance, consumers } = situation;
  const first = consumers.find((consumer) => consumer.isWaiting);
  if (first === undefined || balance.unknowns.length > 0 || !mayCommand(state)) return null;
  if (!isMaster(plan, state)) return null;
  const { grantedElsewhere } = state;
  const isPausing =
    grantedElsewhere !== null &&
    grantedElsewhere.device !== first.device &&
    state.plantTimeMs - grantedElsewhere.atMs < GRANT_PAUSE_MS;
  const needKw = first.demandKw + plan.grid.power.heavyConsumerMarginKw;
  if (isPausing || balance.freeKw < needKw) return null;
  const device = plan.deviceById.get(first.device);
  if (device !== undefined) {
    const reason = reasonOf("GRANTED", device.id, { freeKw: balance.freeKw, needKw });
    send(work, device, "granted", sentenceOf(reason));
    return null;
  }
  if (!isSendingScan(state)) return null;
  const granted = { device: first.device, atMs: state.plantTimeMs };
  work.state = { ...state, grantedElsewhere: granted };
  return first.device;
}
