import { nextBatterySetpoint } from "../../energy/battery.ts";
import { grantOf } from "../../energy/heavy-consumers.ts";
import { n1Of } from "../../energy/n-minus-one.ts";
import { reasonOf, type Reason } from "../../energy/reason.ts";
import { decideStartStop, type StartStopDecision } from "../../energy/start-stop.ts";
import { targetOf } from "./battery-levels.ts";
import { whyBlackout } from "./blackout.ts";
import { actorOf, batteryInputOf } from "./device-values.ts";
import type { PlannedGridCore } from "./grid-core.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import { lockoutOf } from "./lockouts.ts";
import { whyParameters } from "./operating-mode.ts";
import { isMaster, islandSituationOf } from "./island.ts";
import { shareOf } from "./share.ts";
import { whySite } from "./site.ts";
import { whyTransfer } from "./transfer.ts";
import { startStopInputOf, type Situation } from "./situation.ts";
import { plainly, said, together, type WhyLine } from "./why-line.ts";
import { whyFeeder, whySupply } from "./why-supply.ts";

/**
 * Why an actor is as it is and does what it does or does not, in sentences with values, most important first.
 * @param actor - Address, as `grids/port` or `grids/port/devices/dg2`. An unknown one gives no sentence.
 */
export function why(core: PlannedGridCore, state: GridState, actor: string): string[] {
  return whyLines(core, state, actor).map(({ text }) => text);
}

/** The same, each sentence with the reasons that it is made of. */
export function whyLines(core: PlannedGridCore, state: GridState, actor: string): WhyLine[] {
  const plan = core.planOf(state);
  const situation = islandSituationOf(plan, state);
  const decision = decideStartStop(startStopInputOf(plan, state, situation), state.timers);
  const share = shareOf(plan, state, situation);
  const device = plan.deviceByAddress.get(actor);
  if (actor === plan.address) {
    return said([
      ...whyBlackout(plan, state, situation),
      ...whyTransfer(plan, state, situation),
      ...whySite(plan, state, situation),
      ...restraints(plan, state, situation),
      ...whyGrid(situation, decision),
      ...whyParameters(plan, state),
      ...whySupply(plan, state, situation, share),
    ]);
  }
  if (device === undefined) return [];
  const { snapshot, lastReason, status, lastFault } = actorOf(plan, state, actor);
  const lines = [plainly(`${device.id} is ${inWords(snapshot.state)}: ${lastReason}`)];
  const { deadlineMs } = snapshot.context;
  if (typeof deadlineMs === "number" && deadlineMs > state.plantTimeMs) {
    const restS = (deadlineMs - state.plantTimeMs) / 1000;
    lines.push(...said([reasonOf("STEP_ENDS", device.id, { state: snapshot.state, restS })]));
  }
  const waitsFor = state.pending.find((entry) => entry.device === device.id);
  if (waitsFor !== undefined) {
    const { command } = waitsFor;
    lines.push(...said([reasonOf("COMMAND_PENDING", device.id, { command })]));
  }
  if (status !== "running") lines.push(plainly(`its machine is ${status} after ${lastFault}`));
  const lockout = lockoutOf(state, device.id);
  if (lockout !== "") lines.push(...said([reasonOf("LOCKED_OUT", device.id, { cause: lockout })]));
  const asked = state.asked[device.id];
  if (asked !== undefined) lines.push(plainly(`last asked because: ${asked}`));
  const more = whyDevice(plan, state, situation, decision, device);
  return [...lines, ...more];
}

/** `onLoad` is "on load". */
const inWords = (state: string): string =>
  state.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** What holds commands back altogether. */
function restraints(plan: GridPlan, state: GridState, situation: Situation): Reason[] {
  const reasons: Reason[] = [];
  const mode = actorOf(plan, state, plan.address).snapshot.state;
  if (mode !== "auto")
    reasons.push(reasonOf("MODE", "", { mode: mode === "semi" ? "SEMI" : "SWBD" }));
  const { leadership, plantTimeMs } = state;
  if (leadership.origin === "none" || !leadership.isRead) reasons.push(reasonOf("NOT_READ", ""));
  if (plantTimeMs < leadership.commandsFromMs) {
    const forS = (leadership.commandsFromMs - plantTimeMs) / 1000;
    reasons.push(reasonOf("SETTLING", "", { forS }));
  }
  if (!isMaster(plan, state)) {
    reasons.push(reasonOf("ISLAND_MASTER", "", { grid: state.island[0] ?? "" }));
  }
  return [...reasons, ...situation.balance.unknowns];
}

function whyGrid(situation: Situation, decision: StartStopDecision): Reason[] {
  const stops = decision.stopBecause.filter((reason) => reason.code !== "UNKNOWN_INPUT");
  const n1 = n1Of(situation.sources).reason;
  const hasN1 = decision.startBecause.some((reason) => reason.code.startsWith("N1_"));
  return [...decision.startBecause, ...(hasN1 ? [] : [n1]), ...stops];
}

function whyDevice(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
  decision: StartStopDecision,
  device: PlannedDevice,
): WhyLine[] {
  switch (device.kind) {
    case "genset":
      return whyGenset(plan, state, situation, decision, device.id);
    case "battery":
      return said([whyBattery(plan, state, situation, device)]);
    case "thruster": {
      const consumer = situation.consumers.find((entry) => entry.device === device.id);
      if (consumer === undefined || !consumer.isWaiting) return [];
      const { freeKw } = situation.balance;
      const { demandKw } = consumer;
      const needKw = demandKw + plan.grid.power.heavyConsumerMarginKw;
      const reason = reasonOf("CONSUMER_WAITS", device.id, { demandKw, freeKw, needKw });
      const waits = decision.startBecause.filter((entry) => entry.code !== "CONSUMER_WAITS");
      const margin = plan.grid.power.heavyConsumerMarginKw;
      const line = grantOf(situation.consumers, situation.balance, margin).because;
      const others = line.filter(
        (entry) => entry.device === device.id && entry.code !== reason.code,
      );
      return said([reason, ...others, ...situation.balance.unknowns, ...waits]);
    }
    case "feeder":
      return whyFeeder(plan, state, device);
    default:
      return [];
  }
}

function whyGenset(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
  decision: StartStopDecision,
  device: string,
): WhyLine[] {
  const set = situation.sets.find((entry) => entry.device === device);
  if (set === undefined) return [];
  const restrained = said(restraints(plan, state, situation));
  const isHeldByPerson = state.semiSets.includes(device) && set.state === "onLoad";
  if (isHeldByPerson) return [...said([reasonOf("SET_SEMI", device)]), ...restrained];
  if (set.availability === "ready" || set.availability === "none") {
    const next = situation.sets.find((entry) => entry.availability === "ready");
    const reasons: Reason[] = [...decision.startBecause];
    if (state.semiSets.includes(device)) reasons.push(reasonOf("SET_SEMI", device));
    else if (set.availability === "none")
      reasons.push(reasonOf("NOT_STARTABLE", device, { state: set.state }));
    else if (next !== undefined && next.device !== device) {
      reasons.push(reasonOf("NOT_NEXT", device, { next: next.device }));
    }
    const isStarting = decision.start?.device === device;
    const lead = isStarting ? `${device} is to start` : `${device} not started`;
    return [together(lead, reasons), ...restrained];
  }
  if (set.availability !== "running") return restrained;
  const last = situation.sets.findLast((entry) => entry.availability === "running");
  if (last?.device !== device) return restrained;
  return [together(`${device} not stopped`, decision.stopBecause), ...restrained];
}

function whyBattery(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
  device: PlannedDevice,
): Reason {
  return nextBatterySetpoint({
    battery: batteryInputOf(state, device),
    setpointKw: state.levels[`${device.id}.${device.levelPoint}`] ?? 0,
    target: targetOf(plan, state, device, situation, state.levels),
    isBusFormedByOther: situation.isBusLive,
    rampPctPerS: plan.grid.power.rampPctPerS,
    elapsedMs: 0,
  }).reason;
}
