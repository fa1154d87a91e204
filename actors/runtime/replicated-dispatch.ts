import { present } from "../../kernel/assert.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import type { ActorTransition } from "../../kernel/core.ts";
import { InvariantError, RemsError } from "../../kernel/errors.ts";
import { replicatedJitter } from "./backoff.ts";
import type { MachineEffect, MachineEvent, MachineStart } from "./machine-adapter.ts";
import { emptied, offer, refuse, withoutFirst } from "./mailbox.ts";
import type {
  MonitorEvent,
  ReplicatedActorSpec,
  ReplicatedActorState,
  ReplicatedTree,
  SupervisionEvent,
  TreeRun,
  TreeState,
} from "./replicated-tree.ts";
import { nextDueMs, startSupervisor, stepSupervisor } from "./supervisor.ts";
import type {
  ChildSpec,
  ChildState,
  ExitReason,
  SupervisorState,
  SupervisorStep,
} from "./supervisor.ts";

/** Events dispatched in one run. Only monitors make new ones, so that a run ends far below it. */
const DISPATCH_COUNT_MAX = 10_000;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Working copy of one run. */
interface Work {
  readonly tree: ReplicatedTree;
  readonly plantTimeMs: number;
  readonly actors: Mutable<ReplicatedActorState>[];
  readonly supervisors: SupervisorState[];
  arrivals: number[];
  readonly effects: { actor: string; effect: MachineEffect }[];
  readonly transitions: ActorTransition[];
  readonly supervision: SupervisionEvent[];
  readonly faults: { actor: string; error: unknown }[];
}

export function startAll(
  tree: ReplicatedTree,
  actors: readonly ReplicatedActorState[],
  plantTimeMs: number,
): TreeRun {
  const work = workOf(tree, { actors, arrivals: [], supervisors: [] }, plantTimeMs);
  for (const [index, { name, spec }] of tree.supervisors.entries()) {
    supervise(work, index, startSupervisor(spec, childSpecs(tree, name), plantTimeMs), "started");
  }
  return finish(work, false);
}

export function dispatchAll(tree: ReplicatedTree, state: TreeState, plantTimeMs: number): TreeRun {
  const work = workOf(tree, state, plantTimeMs);
  for (const [index, supervisor] of work.supervisors.entries()) {
    const dueMs = nextDueMs(supervisor);
    if (dueMs === null || dueMs > plantTimeMs) continue;
    supervise(work, index, stepSupervisor(supervisor, { type: "ticked", nowMs: plantTimeMs }), "");
  }
  let dispatchCount = 0;
  for (let index = work.arrivals[0]; index !== undefined; index = work.arrivals[0]) {
    if (dispatchCount === DISPATCH_COUNT_MAX) return finish(work, true);
    dispatchCount += 1;
    work.arrivals.shift();
    dispatch(work, index);
  }
  return finish(work, false);
}

export function restartGroup(
  tree: ReplicatedTree,
  state: TreeState,
  actorIndex: number,
  plantTimeMs: number,
): TreeRun {
  const work = workOf(tree, state, plantTimeMs);
  if (actorOf(work, actorIndex).status === "quarantined") {
    const { supervisor: name } = specOf(work, actorIndex);
    const index = tree.supervisors.findIndex((supervisor) => supervisor.name === name);
    const { spec } = supervisorOf(work, index);
    supervise(work, index, startSupervisor(spec, childSpecs(tree, name), plantTimeMs), "released");
  }
  return finish(work, false);
}

function dispatch(work: Work, index: number): void {
  const actor = actorOf(work, index);
  const { address, machine } = specOf(work, index);
  const event = present(actor.mailbox.events[0], "an arrival has its event");
  actor.mailbox = withoutFirst(actor.mailbox);
  const from = actor.snapshot.state;
  try {
    const step = machine.step(actor.snapshot, event);
    if (step.hasChanged || step.effects.length > 0) checkCanonical(step);
    actor.snapshot = step.snapshot;
    for (const effect of step.effects) work.effects.push({ actor: address, effect });
    if (step.snapshot.state === from) return;
    noteTransition(work, index, from, event.type, step.reason);
  } catch (error) {
    crash(work, index, error);
    return;
  }
  if (machine.isFinal(actor.snapshot)) exit(work, index, "normal", "normal");
}

/** What cannot be encoded must not enter state: it would stop the whole grid at the next hash. */
function checkCanonical({ snapshot, effects }: MachineStart): void {
  encodeCanonical(snapshot.context);
  for (const effect of effects) encodeCanonical(effect.params);
}

function crash(work: Work, index: number, error: unknown): void {
  const { address } = specOf(work, index);
  const actor = actorOf(work, index);
  actor.lastFault = faultCode(error);
  work.faults.push({ actor: address, error });
  const { incarnation, lastFault: reason } = actor;
  work.supervision.push({ type: "crashed", actor: address, incarnation, reason });
  exit(work, index, "crashed", reason);
}

/** Tells the actor's supervisor that it has ended, and does what the supervisor decides. */
function exit(work: Work, index: number, exitReason: ExitReason, reason: string): void {
  const { address, supervisor: name } = specOf(work, index);
  const actor = actorOf(work, index);
  const supervisorIndex = work.tree.supervisors.findIndex((supervisor) => supervisor.name === name);
  const supervisor = supervisorOf(work, supervisorIndex);
  const child = present(childOf(supervisor, address), `${address} has a supervisor`);
  const step = stepSupervisor(supervisor, {
    type: "child.exited",
    nowMs: work.plantTimeMs,
    id: address,
    incarnation: child.incarnation,
    reason: exitReason,
    jitter: replicatedJitter(address, actor.restartCount),
  });
  supervise(work, supervisorIndex, step, reason);
}

/** Brings the actors of one supervisor into the state that it decided, and tells those who monitor them. */
function supervise(
  work: Work,
  supervisorIndex: number,
  step: SupervisorStep,
  reason: string,
): void {
  work.supervisors[supervisorIndex] = step.state;
  const { name } = present(
    work.tree.supervisors[supervisorIndex],
    "state and plan have the same supervisors",
  );
  const isGivenUp = step.state.phase === "stopped";
  for (const [index, spec] of work.tree.actors.entries()) {
    if (spec.supervisor !== name) continue;
    const actor = actorOf(work, index);
    const before = actor.status;
    const child = childOf(step.state, spec.address);
    const started = step.effects.some(
      (effect) => effect.type === "start" && effect.id === spec.address,
    );
    const killed = step.effects.some(
      (effect) => effect.type === "kill" && effect.id === spec.address,
    );
    // A child that is started is up only once its initial state is known.
    if (started && child?.status === "running") actor.status = "restarting";
    else actor.status = statusOf(child, isGivenUp);
    actor.restartAtMs = actor.status === "restarting" ? dueOf(step.state, child) : null;
    if (before === "running" && (killed || actor.status !== "running" || started)) {
      noteDown(work, index, killed ? "shutdown" : reason);
    } else if (actor.status === "quarantined" && before !== "quarantined")
      noteDown(work, index, reason);
  }
  for (const effect of step.effects) {
    if (effect.type !== "start") continue;
    const index = present(work.tree.indexByAddress.get(effect.id), "a child is an actor");
    // An earlier start of this list that failed may have had this one stopped again.
    const child = childOf(supervisorOf(work, supervisorIndex), effect.id);
    if (child?.status === "running" && child.incarnation === effect.incarnation)
      start(work, index, reason);
  }
}

function start(work: Work, index: number, reason: string): void {
  const { address, machine, input } = specOf(work, index);
  const actor = actorOf(work, index);
  const isFirst = actor.incarnation === 0;
  const from = actor.snapshot.state;
  actor.incarnation += 1;
  actor.status = "running";
  actor.restartAtMs = null;
  if (!isFirst) actor.restartCount += 1;
  try {
    const initial = machine.initial(input);
    checkCanonical(initial);
    actor.snapshot = initial.snapshot;
    for (const effect of initial.effects) work.effects.push({ actor: address, effect });
  } catch (error) {
    crash(work, index, error);
    return;
  }
  if (isFirst) return;
  const { incarnation } = actor;
  const why = reason === "" ? actor.lastFault : reason;
  noteTransition(work, index, from, "actor.restarted", why);
  work.supervision.push({ type: "restarted", actor: address, incarnation, reason: why });
  tellWatchers(work, index, {
    type: "actor.restarted",
    actor: address,
    incarnation,
    plantTimeMs: work.plantTimeMs,
  });
}

function noteDown(work: Work, index: number, reason: string): void {
  const { address } = specOf(work, index);
  const actor = actorOf(work, index);
  actor.mailbox = emptied(actor.mailbox);
  work.arrivals = work.arrivals.filter((arrival) => arrival !== index);
  const isQuarantined = actor.status === "quarantined";
  const { incarnation } = actor;
  if (isQuarantined)
    work.supervision.push({ type: "quarantined", actor: address, incarnation, reason });
  else if (reason === "normal" || reason === "shutdown") {
    work.supervision.push({ type: "stopped", actor: address, incarnation, reason });
  }
  const { plantTimeMs } = work;
  tellWatchers(work, index, {
    type: "actor.down",
    actor: address,
    reason,
    isQuarantined,
    plantTimeMs,
  });
}

function tellWatchers(work: Work, index: number, event: MonitorEvent): void {
  for (const watcher of work.tree.watchers[index] ?? []) {
    const actor = actorOf(work, watcher);
    const before = actor.mailbox.events.length;
    const isUp = actor.status === "running";
    const { mailboxCountMax } = specOf(work, watcher);
    actor.mailbox = isUp
      ? offer(actor.mailbox, event as MachineEvent, mailboxCountMax)
      : refuse(actor.mailbox);
    if (actor.mailbox.events.length > before) work.arrivals.push(watcher);
  }
}

function noteTransition(
  work: Work,
  index: number,
  from: string,
  event: string,
  reason: string,
): void {
  const actor = actorOf(work, index);
  actor.sinceMs = work.plantTimeMs;
  actor.lastReason = reason;
  work.transitions.push({
    actor: specOf(work, index).address,
    from,
    to: actor.snapshot.state,
    event,
    reason,
  });
}

/** The same on every replica and every version of Node.js, which an exception's text is not. */
function faultCode(error: unknown): string {
  if (error instanceof RemsError) return error.code;
  return error instanceof InvariantError ? "INVARIANT_BROKEN" : "EXCEPTION";
}

function statusOf(
  child: ChildState | undefined,
  isGivenUp: boolean,
): ReplicatedActorState["status"] {
  if (isGivenUp) return "quarantined";
  if (child === undefined) return "stopped";
  return child.status === "running"
    ? "running"
    : child.status === "restarting"
      ? "restarting"
      : "stopped";
}

function dueOf(supervisor: SupervisorState, child: ChildState | undefined): number | null {
  return supervisor.group?.startAtMs ?? child?.dueAtMs ?? null;
}

function childSpecs(tree: ReplicatedTree, supervisor: string): ChildSpec[] {
  const toChild = ({ address, restart }: Required<ReplicatedActorSpec>): ChildSpec =>
    // A replicated actor ends at once: there is nothing to wait for in a pure function.
    ({ id: address, restart, shutdown: "brutal", type: "worker" });
  return tree.actors.filter((actor) => actor.supervisor === supervisor).map(toChild);
}

function childOf(supervisor: SupervisorState, address: string): ChildState | undefined {
  return supervisor.children.find((child) => child.spec.id === address);
}

function specOf(work: Work, index: number): Required<ReplicatedActorSpec> {
  return present(work.tree.actors[index], "state and plan have the same actors");
}

function actorOf(work: Work, index: number): Mutable<ReplicatedActorState> {
  return present(work.actors[index], "state and plan have the same actors");
}

function supervisorOf(work: Work, index: number): SupervisorState {
  return present(work.supervisors[index], "state and plan have the same supervisors");
}

function workOf(tree: ReplicatedTree, state: TreeState, plantTimeMs: number): Work {
  return {
    tree,
    plantTimeMs,
    actors: state.actors.map((actor) => ({ ...actor })),
    supervisors: [...state.supervisors],
    arrivals: [...state.arrivals],
    effects: [],
    transitions: [],
    supervision: [],
    faults: [],
  };
}

function finish(work: Work, isCutShort: boolean): TreeRun {
  const { actors, arrivals, supervisors, effects, transitions, supervision, faults } = work;
  return {
    state: { actors, arrivals, supervisors },
    effects,
    transitions,
    supervision,
    faults,
    isCutShort,
  };
}
