import type { AlarmChange, AlarmPriority } from "../../kernel/alarm.ts";
import type { Frame } from "../../kernel/frame.ts";
import {
  advanceAlarms,
  type AlarmBook,
  type AlarmCondition,
  type AlarmMoment,
} from "../alarms/alarm-book.ts";
import type { AlarmCode } from "../alarms/catalogue.ts";
import { sentenceOf } from "../../energy/reason.ts";
import { whyBlackout } from "./blackout.ts";
import { actorOf } from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import { tieFault } from "./operating-mode.ts";
import { siteFaults } from "./site.ts";
import type { Situation } from "./situation.ts";
import { noteSupply } from "./supply-alarms.ts";

/**
 * Alarms are a function of what is: conditions that hold now, long enough, and what operators said of them. So a replica that
 * takes over raises nothing twice and clears what is over.
 *
 * @param changesBefore - Changes that operators' requests made in this scan.
 */
export function nextAlarms(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
  frame: Frame,
  changesBefore: number,
): { readonly book: AlarmBook; readonly changes: readonly AlarmChange[] } {
  const holding = conditionsOf(plan, state, situation);
  return advanceAlarms(state.alarmBook, holding, momentOf(plan, state, frame), changesBefore);
}

export function momentOf(plan: GridPlan, state: GridState, frame: Frame): AlarmMoment {
  const { epoch, sequence, wallTimeMs } = frame;
  return { grid: plan.grid.id, epoch, sequence, plantTimeMs: state.plantTimeMs, wallTimeMs };
}

function conditionsOf(plan: GridPlan, state: GridState, situation: Situation): AlarmCondition[] {
  const found: AlarmCondition[] = [];
  const note: Note = (actor, code, text, priority) =>
    void found.push({ actor, code, text, ...(priority === undefined ? {} : { priority }) });
  for (const device of plan.devices) noteDevice(plan, state, device, note);
  noteGrid(plan, state, situation, note);
  noteSupply(plan, state, situation.sources, situation, note);
  return found;
}

type Note = (actor: string, code: AlarmCode, text: string, priority?: AlarmPriority) => void;

function noteDevice(plan: GridPlan, state: GridState, device: PlannedDevice, note: Note): void {
  const { address, id } = device;
  const { snapshot, status } = actorOf(plan, state, address);
  const { context } = snapshot;
  const weight = device.config.isCritical ? "high" : "medium";
  if (status === "quarantined") {
    note(address, "ACTOR_QUARANTINED", `the machine of ${id} crashed repeatedly`);
  }
  if (state.connections[id] === "offline") {
    note(address, "DEVICE_OFFLINE", `${id} does not answer`, weight);
  }
  if (state.connections[id] === "faulted") {
    note(address, "DEVICE_UNUSABLE", `${id} answers and cannot be used`, weight);
  }
  const ignored = state.facts[`ignored.${id}`];
  if (typeof ignored === "string" && ignored !== "") {
    note(address, "SETPOINT_IGNORED", `${id} does not do what it is told: ${ignored}`, weight);
  }
  switch (snapshot.state) {
    case "unknown":
      note(address, "DEVICE_UNKNOWN", `feedback of ${id} is missing`, weight);
      break;
    case "tripped":
      note(address, "DEVICE_TRIPPED", `${id} has tripped`);
      break;
    case "fault":
      note(address, "DEVICE_FAULT", `${id} reports a fault, gas, fire or emergency stop`);
      break;
    case "failed":
      note(address, "BREAKER_FAILED", `${id} did not do what it was told`, weight);
      break;
    case "shortCircuit":
      note(address, "SHORT_CIRCUIT", `${id} opened on a short circuit`);
      break;
    case "startFailed":
      note(address, "START_FAILED", `${id} did not start`);
      break;
    case "phaseRotationBad":
      note(address, "PHASE_ROTATION_BAD", `${id}: the phase rotation is wrong`);
      break;
    default:
  }
  if (context["isSyncFailed"] === true) {
    note(address, "SYNC_FAILED", `${id} could not be synchronised`);
  }
  const isOverdue = context["isStepOverdue"] === true || context["isOverdue"] === true;
  if (isOverdue && snapshot.state !== "failed") {
    note(address, "STEP_OVERDUE", `${id} did not do in time what was asked`);
  }
}

/** Facts of local actors that are alarms while they are true: fact, code, text. */
const FACT_ALARMS: readonly (readonly [fact: string, code: AlarmCode, text: string])[] = [
  ["authority.isLost", "AUTHORITY_LOST", "the leader has no authority and holds"],
  ["clock.hasJumped", "CLOCK_JUMPED", "a clock of the leader has jumped"],
];

/** Facts under `fact@node` of what all grids of a node rest on, which it tells to one of them: one alarm, however many nodes say so. */
const SHARED_FACT_ALARMS: readonly (readonly [fact: string, code: AlarmCode, text: string])[] = [
  ["coordinator.isLost", "COORDINATOR_LOST", "a node gets no answer from the coordinator"],
  ["notification.isFailed", "NOTIFICATION_FAILED", "messages about alarms cannot be delivered"],
];

/** Facts of a node about itself, under `fact@node`: what is wrong there, and with what. One alarm for each node that it is wrong at. */
const NODE_FACT_ALARMS: readonly (readonly [fact: string, code: AlarmCode, text: string])[] = [
  ["disk.isFull", "DISK_FULL", "the disk is full: neither journal nor history is written"],
  ["journal.isFailed", "JOURNAL_FAILED", "the journal cannot be written"],
  ["history.isFailed", "HISTORY_FAILED", "the history database cannot be read or written"],
];
/**
 * A server that nodes share is one cause, however many of them miss it, and in however many grids: each node tells it to all of its
 * grids, and where one that misses it controls an earlier grid too, the alarm is that grid's.
 */
const SERVER_FACT = "historyServer.isLost";

/** A takeover without the last frames is over at once; so long it is told as standing. */
const STALE_TOLD_MS = 60_000;

function noteGrid(plan: GridPlan, state: GridState, situation: Situation, note: Note): void {
  const { address } = plan;
  const { leadership } = state;
  for (const [fact, code, text] of FACT_ALARMS) {
    if (state.facts[fact] === true) note(address, code, text);
  }
  for (const { node } of plan.grid.controllers) {
    for (const [fact, code, text] of NODE_FACT_ALARMS) {
      if (state.facts[`${fact}@${node}`] === true) note(`nodes/${node}`, code, `${node}: ${text}`);
    }
  }
  const nodesWith = (fact: string) =>
    plan.grid.controllers.filter(({ node }) => state.facts[`${fact}@${node}`] === true);
  for (const [fact, code, text] of SHARED_FACT_ALARMS) {
    if (nodesWith(fact).length > 0) note(address, code, text);
  }
  const missing = nodesWith(SERVER_FACT);
  if (missing.length > 0 && !missing.some(({ node }) => plan.nodesOfEarlierGrids.has(node))) {
    note(address, "HISTORY_SERVER_LOST", "a server of the history does not answer");
  }
  noteRedundancy(plan, state, note);
  if (leadership.origin === "stale" && state.plantTimeMs - leadership.sinceMs < STALE_TOLD_MS) {
    note(address, "STALE_TAKEOVER", "the leader began without the last frames");
  }
  const critical = plan.devices.filter(({ config }) => config.isCritical);
  if (critical.length > 1 && critical.every(({ id }) => state.connections[id] === "offline")) {
    note(address, "PLANT_UNREACHABLE", "no critical device answers");
  }
  noteConfiguration(state, address, note);
  if (situation.isBusDead && leadership.isRead && situation.sources.length > 0) {
    note(address, "BLACKOUT", "the busbar is dead");
  }
  noteRecovery(plan, state, situation, note);
  noteSite(plan, state, situation, note);
  const tie = tieFault(plan, state);
  if (tie !== null) note(address, "TIE_NOT_AS_MODE", tie);
  if (situation.balance.loadKw > situation.balance.capacityKw + 0.5 && !situation.isBusDead) {
    note(address, "OVERLOAD", "the load exceeds the connected capacity");
  }
  const unknownTies = plan.ties
    .filter(({ id }) => situation.balance.unknowns.some(({ device }) => device === id))
    .map(({ id }) => id);
  if (unknownTies.length > 0) {
    note(address, "TIE_UNKNOWN", `the position of ${unknownTies.join(", ")} is unknown`);
  }
  if (state.alarmBook.isFlood) {
    note(address, "ALARM_FLOOD", "more than 10 alarms came within 10 minutes");
  }
}

function noteRecovery(plan: GridPlan, state: GridState, situation: Situation, note: Note): void {
  const { address } = plan;
  const { blackout } = state;
  if (blackout.doubtSinceMs !== null) {
    note(address, "BLACKOUT_DOUBTED", "voltage and contacts of the busbar contradict each other");
  }
  if (blackout.phase === "givenUp") {
    note(address, "RECOVERY_GIVEN_UP", `given up after ${blackout.attempt} attempts`);
  }
  if (blackout.darkSinceMs === null || !plan.grid.blackout.hasRecovery) return;
  const block = whyBlackout(plan, state, situation).find(({ code }) => code === "RECOVERY_BLOCKED");
  if (block !== undefined) note(address, "RECOVERY_BLOCKED", sentenceOf(block));
}

/** A change that was undone by itself is told as standing for so long. */
const UNDONE_TOLD_MS = 60_000;

function noteConfiguration(state: GridState, address: string, note: Note): void {
  const { configuration } = state;
  if (configuration === undefined) return;
  const { revision, trial, undoneAtMs, changedBy } = configuration;
  if (trial !== null) {
    const text = `revision ${revision} by ${changedBy} is undone unless it is confirmed`;
    note(address, "CONFIGURATION_ON_TRIAL", text);
  }
  if (undoneAtMs !== null && state.plantTimeMs - undoneAtMs < UNDONE_TOLD_MS) {
    note(address, "CONFIGURATION_UNDONE", `a change by ${changedBy} was not confirmed in time`);
  }
}

function noteSite(plan: GridPlan, state: GridState, situation: Situation, note: Note): void {
  if (plan.grid.site === null) return;
  const { address } = plan;
  const { isBondMissing, isIslanded, givenUp, codeDifferences } = siteFaults(
    plan,
    state,
    situation,
  );
  for (const difference of codeDifferences) {
    const device = plan.deviceById.get(difference.device);
    if (device !== undefined) note(device.address, "GRID_CODE_DIFFERS", sentenceOf(difference));
  }
  if (isIslanded) note(address, "ISLANDED", "the site is islanded");
  if (isBondMissing) note(address, "BOND_MISSING", "the neutral-earth bond is not confirmed");
  if (givenUp !== null) note(address, "SITE_LIMIT_EXCEEDED", sentenceOf(givenUp));
}

function noteRedundancy(plan: GridPlan, state: GridState, note: Note): void {
  const controllerCount = plan.grid.controllers.length;
  const { origin, inSyncCount } = state.leadership;
  if (origin === "none" || controllerCount === 1) return;
  if (inSyncCount <= 1) {
    note(plan.address, "REDUNDANCY_LOST", "no standby is in sync");
  } else if (inSyncCount < controllerCount) {
    const text = `${inSyncCount} of ${controllerCount} controllers are in sync`;
    note(plan.address, "REDUNDANCY_REDUCED", text);
  }
}
