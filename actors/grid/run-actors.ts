import { inWords, type Reason } from "../../energy/reason.ts";
import type { AlarmChange } from "../../kernel/alarm.ts";
import { commandId, type CommandFate, type CommandOutput } from "../../kernel/command.ts";
import type { ActorTransition } from "../../kernel/core.ts";
import type { MachineEvent } from "../runtime/machine-adapter.ts";
import { deliver, run, type SupervisionEvent, type TreeRun } from "../runtime/replicated-tree.ts";
import { mayCommand } from "./apply-frame.ts";
import { actorOf } from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import { isBusLive, sourcesOf } from "./grid-sources.ts";
import { peerStatus } from "./island.ts";
import type { GridState, PendingCommand } from "./grid-state.ts";
import { isSameReading, readDevice, readGrid, type Reading } from "./readings.ts";

/** A working copy of one step: the state so far and what it wants done. */
export interface Work {
  readonly plan: GridPlan;
  state: GridState;
  readonly commands: CommandOutput[];
  readonly transitions: ActorTransition[];
  readonly supervision: SupervisionEvent[];
  /** What operators' requests did to alarms in this step. */
  readonly alarmChanges: AlarmChange[];
}

const PENDING_COUNT_MAX = 64;
/** The driver drops a command that could not be written within this time: a later one would surprise. */
const COMMAND_EXPIRY_MS = 2000;

/**
 * Delivers one event to a device's machine and takes its effects.
 * @param why - What a decision rests on, or the words of whoever asks.
 * @returns True if its state changed.
 */
export function send(
  work: Work,
  device: PlannedDevice,
  type: string,
  why: string | readonly Reason[],
  command = "",
): boolean {
  const { plan } = work;
  const reason = typeof why === "string" ? why : inWords(why);
  const before = actorOf(plan, work.state, device.address);
  const transitionCount = work.transitions.length;
  const reading = readDevice(plan, work.state, device, isIslandLive(plan, work.state));
  deliverAndRun(work, device.address, {
    type,
    plantTimeMs: work.state.plantTimeMs,
    mayCommand: mayCommand(work.state),
    reading,
    reason,
    command,
  });
  forget(work, device.address);
  const after = actorOf(plan, work.state, device.address);
  if (before.snapshot === after.snapshot) return false;
  // Who asked, and why, says more than the guard that let it pass.
  for (let i = transitionCount; i < work.transitions.length; i++) {
    const transition = work.transitions[i];
    if (transition?.event !== type) continue;
    const because = typeof why === "string" ? {} : { because: why };
    work.transitions[i] = { ...transition, reason, ...because };
  }
  work.state = { ...work.state, asked: { ...work.state.asked, [device.id]: reason } };
  return true;
}

/** A busbar is live by its own sources or, over closed ties, by those of another member. */
function isIslandLive(plan: GridPlan, state: GridState): boolean {
  if (isBusLive(sourcesOf(plan, state))) return true;
  return state.island.some((grid) => (peerStatus(state, grid)?.frequencyHz ?? 0) > 0);
}

/** An actor that was told something reads its device again in the same scan. */
function forget(work: Work, address: string): void {
  const index = work.plan.tree.indexByAddress.get(address);
  if (index === undefined) return;
  work.state = { ...work.state, seen: work.state.seen.with(index, null) };
}

export function sendToGrid(work: Work, type: string): boolean {
  const { plan } = work;
  const before = actorOf(plan, work.state, plan.address).snapshot;
  deliverAndRun(work, plan.address, {
    type,
    plantTimeMs: work.state.plantTimeMs,
    reading: readGrid(plan, work.state),
  });
  forget(work, plan.address);
  return actorOf(plan, work.state, plan.address).snapshot !== before;
}

function deliverAndRun(work: Work, address: string, event: MachineEvent): void {
  const { plan, state } = work;
  const tree = deliver(plan.tree, state.tree, address, event, state.plantTimeMs);
  take(work, run(plan.tree, tree, state.plantTimeMs));
}

/** Rounds of reading after which the rest waits for the next scan: every round needs a transition. */
const ROUND_COUNT_MAX = 4;

/**
 * Lets every actor see what it reads, but only where that differs from what it saw last, or its deadline is due. A transition
 * makes its actor look once more, so that a chain of states that the feedback already proves takes one scan.
 */
export function scanActors(work: Work): void {
  for (let round = 0; round < ROUND_COUNT_MAX; round++) {
    const { plan } = work;
    const isLive = isIslandLive(plan, work.state);
    const may = mayCommand(work.state);
    const { plantTimeMs } = work.state;
    let { tree } = work.state;
    let seen = work.state.seen;
    let isAnyDelivered = false;
    /** `may` is null where the actor gives no commands. Nothing is made where nothing is new: that is nearly always. */
    const look = (address: string, reading: Reading, may: boolean | null) => {
      const index = plan.tree.indexByAddress.get(address) ?? -1;
      const actor = tree.actors[index];
      if (actor === undefined) return;
      const deadlineMs = actor.snapshot.context["deadlineMs"];
      const isDue = round === 0 && typeof deadlineMs === "number" && deadlineMs <= plantTimeMs;
      const before = seen[index] as Reading | null;
      const isSame =
        isSameReading(before, reading) && (may === null || before?.["mayCommand"] === may);
      if ((!isDue && isSame) || actor.status !== "running") return;
      seen = seen.with(index, may === null ? reading : { ...reading, mayCommand: may });
      const scanned = { type: "scanned", plantTimeMs, reading };
      const event: MachineEvent =
        may === null ? scanned : { ...scanned, mayCommand: may, reason: "", command: "" };
      tree = deliver(plan.tree, tree, address, event, plantTimeMs);
      isAnyDelivered = true;
    };
    look(plan.address, readGrid(plan, work.state), null);
    for (const device of plan.devices)
      look(device.address, readDevice(plan, work.state, device, isLive), may);
    const hasRestarts = tree.actors.some((actor) => actor.status === "restarting");
    if (!isAnyDelivered && !hasRestarts) return;
    work.state = { ...work.state, tree, seen };
    const transitionCount = work.transitions.length;
    take(work, run(plan.tree, tree, plantTimeMs));
    if (work.transitions.length === transitionCount) return;
    for (const { actor } of work.transitions.slice(transitionCount)) forget(work, actor);
  }
}

/** What became of commands, and what nobody will ever hear of because their leader is gone. */
export function applyFates(work: Work, fates: readonly CommandFate[], isNewEpoch: boolean): void {
  for (const { id, fate, reason } of fates) {
    const pending = work.state.pending.find((entry) => entry.id === id);
    if (pending === undefined) continue;
    settleCommand(work, pending, fate, reason);
  }
  if (!isNewEpoch) return;
  for (const pending of work.state.pending) {
    settleCommand(work, pending, "unknown", "its leader is gone");
  }
}

function settleCommand(
  work: Work,
  pending: PendingCommand,
  fate: CommandFate["fate"],
  reason: string,
): void {
  const rest = work.state.pending.filter((entry) => entry.id !== pending.id);
  work.state = { ...work.state, pending: rest };
  const device = work.plan.deviceById.get(pending.device);
  if (device === undefined || fate === "confirmed") return;
  send(work, device, `command.${fate}`, reason, pending.command);
}

function take(work: Work, result: TreeRun): void {
  work.state = { ...work.state, tree: result.state };
  for (const transition of result.transitions) work.transitions.push(transition);
  for (const event of result.supervision) work.supervision.push(event);
  for (const { actor, effect } of result.effects) {
    if (effect.type !== "command") continue;
    const device = work.plan.deviceByAddress.get(actor);
    const { command: name, reason } = effect.params;
    if (device === undefined || typeof name !== "string" || typeof reason !== "string") continue;
    giveCommand(work, device, name, reason);
  }
}

/** Nothing is commanded that the device does not offer, nor while commands must wait. */
function giveCommand(work: Work, device: PlannedDevice, name: string, reason: string): void {
  if (device.commands.has(name) && mayCommand(work.state)) command(work, device, name, reason);
}

/** Gives a command that the device offers, and awaits its fate. */
export function command(work: Work, device: PlannedDevice, name: string, reason: string): void {
  const { state } = work;
  const id = commandId(state.epoch, state.sequence, work.commands.length);
  const expiresAtPlantMs = state.plantTimeMs + COMMAND_EXPIRY_MS;
  work.commands.push({ id, device: device.id, command: name, expiresAtPlantMs, reason });
  const pending = [...state.pending, { id, device: device.id, command: name }];
  work.state = { ...state, pending: pending.slice(-PENDING_COUNT_MAX) };
}
