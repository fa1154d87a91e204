import type { AlarmChange, AlarmPriority } from "../../kernel/core.ts";
import { actorOf } from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import type { Situation } from "./situation.ts";

interface Condition {
  readonly actor: string;
  readonly code: string;
  readonly priority: AlarmPriority;
  readonly text: string;
  /** It must hold so long before it is an alarm. */
  readonly delayMs: number;
}

const UNKNOWN_DELAY_MS = 2000;
const REDUNDANCY_DELAY_MS = 2000;

/**
 * Alarms are a function of what is: conditions that hold now, long enough. So a replica that takes over raises nothing twice
 * and clears what is over.
 */
export function nextAlarms(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
): {
  readonly alarms: readonly AlarmChange[];
  readonly conditions: GridState["conditions"];
  readonly changes: readonly AlarmChange[];
} {
  const holding = conditionsOf(plan, state, situation);
  const conditions: { [key: string]: number } = {};
  const alarms: AlarmChange[] = [];
  for (const condition of holding) {
    const key = `${condition.actor}|${condition.code}`;
    const sinceMs = state.conditions[key] ?? state.plantTimeMs;
    conditions[key] = sinceMs;
    if (state.plantTimeMs - sinceMs < condition.delayMs) continue;
    const { actor, code, priority, text } = condition;
    const before = state.alarms.find((alarm) => alarm.actor === actor && alarm.code === code);
    alarms.push(before ?? { code, actor, isActive: true, priority, text });
  }
  const changes = [
    ...alarms.filter((alarm) => !state.alarms.includes(alarm)),
    ...state.alarms
      .filter((alarm) => !alarms.includes(alarm))
      .map((alarm) => ({ ...alarm, isActive: false })),
  ];
  if (changes.length === 0 && isSameKeys(conditions, state.conditions)) {
    return { alarms: state.alarms, conditions: state.conditions, changes };
  }
  return { alarms, conditions, changes };
}

function isSameKeys(a: GridState["conditions"], b: GridState["conditions"]): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b);
}

function conditionsOf(plan: GridPlan, state: GridState, situation: Situation): Condition[] {
  const found: Condition[] = [];
  const note = (actor: string, code: string, priority: AlarmPriority, text: string, delayMs = 0) =>
    found.push({ actor, code, priority, text, delayMs });
  for (const device of plan.devices) noteDevice(plan, state, device, note);
  noteGrid(plan, state, situation, note);
  return found;
}

type Note = (
  actor: string,
  code: string,
  priority: AlarmPriority,
  text: string,
  delayMs?: number,
) => void;

function noteDevice(plan: GridPlan, state: GridState, device: PlannedDevice, note: Note): void {
  const { address, id } = device;
  const { snapshot, status } = actorOf(plan, state, address);
  const { context } = snapshot;
  const weight = device.config.isCritical ? "high" : "medium";
  if (status === "quarantined") {
    note(address, "ACTOR_QUARANTINED", "high", `the machine of ${id} crashed repeatedly`);
  }
  if (state.connections[id] === "offline") {
    note(address, "DEVICE_OFFLINE", weight, `${id} does not answer`, UNKNOWN_DELAY_MS);
  }
  switch (snapshot.state) {
    case "unknown":
      note(address, "DEVICE_UNKNOWN", weight, `feedback of ${id} is missing`, UNKNOWN_DELAY_MS);
      break;
    case "tripped":
      note(address, "DEVICE_TRIPPED", "high", `${id} has tripped`);
      break;
    case "fault":
      note(address, "DEVICE_FAULT", "high", `${id} reports a fault, gas, fire or emergency stop`);
      break;
    case "startFailed":
      note(address, "START_FAILED", "high", `${id} did not start`);
      break;
    case "phaseRotationBad":
      note(address, "PHASE_ROTATION_BAD", "high", `${id}: the phase rotation is wrong`);
      break;
    default:
  }
  if (context["isSyncFailed"] === true) {
    note(address, "SYNC_FAILED", "high", `${id} could not be synchronised`);
  }
  if (context["isStepOverdue"] === true || context["isOverdue"] === true) {
    note(address, "STEP_OVERDUE", "medium", `${id} did not do in time what was asked`);
  }
}

/** Facts of local actors that are alarms while they are true: fact, code, priority, text. */
const FACT_ALARMS: readonly (readonly [string, string, AlarmPriority, string])[] = [
  ["journal.isFailed", "JOURNAL_FAILED", "high", "the journal cannot be written"],
  ["coordinator.isLost", "COORDINATOR_LOST", "medium", "the coordinator does not answer"],
  ["authority.isLost", "AUTHORITY_LOST", "high", "the leader has no authority and holds"],
  ["clock.hasJumped", "CLOCK_JUMPED", "high", "a clock of the leader has jumped"],
];

function noteGrid(plan: GridPlan, state: GridState, situation: Situation, note: Note): void {
  const { address, grid } = plan;
  const { leadership } = state;
  for (const [fact, code, priority, text] of FACT_ALARMS) {
    if (state.facts[fact] === true) note(address, code, priority, text);
  }
  const standbyCount = grid.controllers.length - 1;
  if (leadership.origin !== "none" && standbyCount > 0) {
    const delayMs = REDUNDANCY_DELAY_MS;
    const { inSyncCount } = leadership;
    if (inSyncCount <= 1) {
      note(address, "REDUNDANCY_LOST", "high", "no standby is in sync", delayMs);
    } else if (inSyncCount <= standbyCount) {
      const text = `${inSyncCount} of ${standbyCount + 1} controllers are in sync`;
      note(address, "REDUNDANCY_REDUCED", "medium", text, delayMs);
    }
  }
  if (leadership.origin === "stale") {
    note(address, "STALE_TAKEOVER", "high", "the leader began without the last frames");
  }
  if (situation.isBusDead && leadership.isRead && situation.sources.length > 0) {
    note(address, "BLACKOUT", "high", "the busbar is dead", UNKNOWN_DELAY_MS);
  }
  if (situation.balance.loadKw > situation.balance.capacityKw + 0.5 && !situation.isBusDead) {
    note(address, "OVERLOAD", "high", "the load exceeds the connected capacity", UNKNOWN_DELAY_MS);
  }
  for (const tie of plan.ties) {
    const isUnknown = situation.balance.unknowns.some((reason) => reason.device === tie.id);
    if (isUnknown) {
      note(
        address,
        "TIE_UNKNOWN",
        "high",
        `the position of ${tie.id} is unknown`,
        UNKNOWN_DELAY_MS,
      );
    }
  }
}
