import { isConnected } from "../../energy/balance.ts";
import { reasonOf, sentenceOf, type Reason } from "../../energy/reason.ts";
import { decideStartStop, NO_TIMERS } from "../../energy/start-stop.ts";
import { mayCommand } from "./apply-frame.ts";
import { actorOf } from "./device-values.ts";
import { send, type Work } from "./run-actors.ts";
import { startStopInputOf, type Situation } from "./situation.ts";

const inWords = (reasons: readonly Reason[]) => reasons.map(sentenceOf).join("; ");

/** Starts and stops sets by load, in AUTO only. Timers run in every mode, so that `why` can say what would be due. */
export function decideSets(work: Work, situation: Situation): void {
  const { plan, state } = work;
  if (state.leadership.origin === "none" || !state.leadership.isRead) {
    work.state = { ...state, timers: NO_TIMERS };
    return;
  }
  const decision = decideStartStop(startStopInputOf(plan, state, situation), state.timers);
  work.state = { ...state, timers: decision.timers };
  if (!isAuto(work) || !mayCommand(state)) return;
  keepLeavingSets(work, situation);
  const start = decision.start && plan.deviceById.get(decision.start.device);
  if (decision.start && start) send(work, start, "start.requested", inWords(decision.start.reasons));
  const stop = decision.stop && plan.deviceById.get(decision.stop.device);
  if (decision.stop && stop) send(work, stop, "stop.requested", inWords(decision.stop.reasons));
}

export function isAuto(work: Pick<Work, "plan" | "state">): boolean {
  return actorOf(work.plan, work.state, work.plan.address).snapshot.state === "auto";
}

/** A set that is being unloaded stays where the others could no longer do without it. */
function keepLeavingSets(work: Work, situation: Situation): void {
  for (const set of situation.sets) {
    if (set.availability !== "leaving") continue;
    const device = work.plan.deviceById.get(set.device);
    const rest = situation.sources.filter((source) => source.device !== set.device);
    const isFormed = rest.some((source) => isConnected(source) && source.isForming);
    const { balance } = situation;
    if (device === undefined || (isFormed && balance.capacityKw >= balance.loadKw)) continue;
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

/** Grants one waiting consumer per scan, first come first served; none while anything is unknown. */
export function grantConsumers(work: Work, situation: Situation): void {
  const { balance, consumers } = situation;
  const first = consumers.find((consumer) => consumer.isWaiting);
  if (first === undefined || balance.unknowns.length > 0 || !mayCommand(work.state)) return;
  const needKw = first.demandKw + work.plan.grid.power.heavyConsumerMarginKw;
  const device = work.plan.deviceById.get(first.device);
  if (device === undefined || balance.freeKw < needKw) return;
  const reason = reasonOf("GRANTED", device.id, { freeKw: balance.freeKw, needKw });
  send(work, device, "granted", sentenceOf(reason));
}
