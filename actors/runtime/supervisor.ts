import { assert, present } from "../../kernel/assert.ts";
import { backoffMs } from "./backoff.ts";

/** When a child that ended is started again: always; only after a crash; never (and then it is forgotten). */
export type RestartType = "permanent" | "transient" | "temporary";

/** How a child is stopped: at once; asked, and killed after so many milliseconds; asked, and waited for. */
export type Shutdown = "brutal" | "infinity" | number;

export interface ChildSpec {
  readonly id: string;
  readonly restart: RestartType;
  readonly shutdown: Shutdown;
  readonly type: "worker" | "supervisor";
}

export interface SupervisorSpec {
  /** Who is restarted with a crashed child: nobody else; all; those started after it. */
  readonly strategy: "one_for_one" | "one_for_all" | "rest_for_one";
  /** Restarts allowed within `periodMs`; one more and the supervisor gives up (escalates). 0 = none. */
  readonly intensityCount: number;
  readonly periodMs: number;
  /** Back-off before the first restart; doubles with each until `backoffMsMax`. 0 = at once, as in OTP. */
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
}

/** OTP's intensity (1 in 5 s), with a short back-off so that a crash at start does not spin. */
export const SUPERVISOR_DEFAULTS: SupervisorSpec = {
  strategy: "one_for_one",
  intensityCount: 1,
  periodMs: 5_000,
  backoffMsMin: 100,
  backoffMsMax: 5_000,
};

/** `restarting`: dead, will be started again. `stopped`: dead, stays so unless its group restarts or it is asked to start. */
export type ChildStatus = "running" | "stopping" | "restarting" | "stopped";

export interface ChildState {
  readonly spec: ChildSpec;
  readonly status: ChildStatus;
  /** Number of the present or last start, from 1. Reports about an earlier one are ignored. */
  readonly incarnation: number;
  /** `stopping`: when it is killed. `restarting` alone: when it starts. Otherwise, or without limit, null. */
  readonly dueAtMs: number | null;
  readonly startedAtMs: number;
  /** Crashes in a row, each within `periodMs` of its start; sets the back-off. */
  readonly crashCount: number;
  /** Stopped on request: stays stopped until `child.start.requested`. */
  readonly isHeld: boolean;
}

export interface SupervisorState {
  readonly spec: SupervisorSpec;
  readonly phase: "running" | "stopping" | "stopped";
  /** Why it stops; null while it runs. */
  readonly cause: "requested" | "intensity" | null;
  /** Restarts within the last period, oldest first. */
  readonly restartsAtMs: readonly number[];
  /** A restart of several children under way: those from `fromId` (null: all) stop in reverse order, then start in order. */
  readonly group: { readonly fromId: string | null; readonly startAtMs: number } | null;
  /** In start order. */
  readonly children: readonly ChildState[];
}

/** `normal` and `shutdown` are orderly ends; OTP restarts only permanent children after them. */
export type ExitReason = "normal" | "shutdown" | "crashed";

/** `nowMs` is the host's time and never goes back. `jitter` is in [0, 1) and spreads restarts. */
export type SupervisorEvent = { readonly nowMs: number } & (
  | { readonly type: "ticked" }
  | {
      readonly type: "child.exited";
      readonly id: string;
      readonly incarnation: number;
      readonly reason: ExitReason;
      readonly jitter: number;
    }
  | { readonly type: "child.added"; readonly child: ChildSpec }
  | { readonly type: "child.stop.requested"; readonly id: string }
  | { readonly type: "child.start.requested"; readonly id: string }
  | { readonly type: "child.removed"; readonly id: string }
  | { readonly type: "stop.requested" }
);

/** To be performed in order. A start that fails is reported as an exit with reason `crashed`. */
export type SupervisorEffect =
  | { readonly type: "start"; readonly id: string; readonly incarnation: number }
  /** Ask it to end; the end is reported as `child.exited`. */
  | { readonly type: "stop"; readonly id: string; readonly incarnation: number }
  /** End it now; it counts as ended without a report. */
  | { readonly type: "kill"; readonly id: string; readonly incarnation: number }
  /** The supervisor has ended, all children before it. Its own parent sees the exit reason `shutdown`. */
  | { readonly type: "exit"; readonly cause: "requested" | "intensity" };

export interface SupervisorStep {
  readonly state: SupervisorState;
  readonly effects: readonly SupervisorEffect[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Working copy of one step. */
interface Draft extends Omit<Mutable<SupervisorState>, "children"> {
  children: Mutable<ChildState>[];
  effects: SupervisorEffect[];
  nowMs: number;
}

/** Starts a supervisor with its first children, in order. */
export function startSupervisor(
  spec: SupervisorSpec,
  children: readonly ChildSpec[],
  nowMs: number,
): SupervisorStep {
  assert(spec.intensityCount >= 0, "a restart intensity is not negative");
  assert(spec.periodMs > 0, "a restart period is positive");
  assert(spec.backoffMsMin >= 0, "a back-off is not negative");
  assert(spec.backoffMsMax >= spec.backoffMsMin, "the longest back-off is not below the shortest");
  const state: SupervisorState = {
    spec,
    phase: "running",
    cause: null,
    restartsAtMs: [],
    group: null,
    children: [],
  };
  const draft = draftOf(state, nowMs);
  for (const child of children) addChild(draft, child);
  return finish(draft);
}

/** Supervision after Erlang/OTP as a pure function: what happened in, what is to be done out. */
export function stepSupervisor(state: SupervisorState, event: SupervisorEvent): SupervisorStep {
  const draft = draftOf(state, event.nowMs);
  switch (event.type) {
    case "ticked":
      break;
    case "child.exited":
      assert(event.jitter >= 0 && event.jitter < 1, "jitter is in [0, 1)");
      exitChild(draft, event.id, event.incarnation, event.reason, event.jitter);
      break;
    case "child.added":
      assert(
        draft.phase === "running",
        `supervisor of ${event.child.id} is stopping: it takes no child`,
      );
      addChild(draft, event.child);
      break;
    case "child.stop.requested":
      holdChild(draft, childOf(draft, event.id));
      break;
    case "child.start.requested":
      releaseChild(draft, childOf(draft, event.id));
      break;
    case "child.removed":
      removeChild(draft, childOf(draft, event.id));
      break;
    case "stop.requested":
      if (draft.phase === "running") beginStop(draft, "requested");
      break;
    default:
      return event satisfies never;
  }
  progress(draft);
  return finish(draft);
}

/** When the supervisor next wants `ticked`; null = not before something else happens. */
export function nextDueMs(state: SupervisorState): number | null {
  const dues: number[] = [];
  for (const child of state.children) if (child.dueAtMs !== null) dues.push(child.dueAtMs);
  const { group } = state;
  if (group !== null && !membersOf(state.children, group.fromId).some(isLive))
    dues.push(group.startAtMs);
  return dues.length === 0 ? null : Math.min(...dues);
}

function exitChild(
  draft: Draft,
  id: string,
  incarnation: number,
  reason: ExitReason,
  jitter: number,
): void {
  const child = draft.children.find((candidate) => candidate.spec.id === id);
  if (child === undefined || child.incarnation !== incarnation || !isLive(child)) return;
  // It was to end anyway: in OTP, too, an exit during its own shutdown is no restart.
  if (child.status === "stopping" || draft.phase !== "running" || isDoomed(draft, child)) {
    bury(draft, child);
    return;
  }
  const { restart } = child.spec;
  const isRestarted = restart === "permanent" || (restart === "transient" && reason === "crashed");
  if (!isRestarted) {
    child.status = "stopped";
    forgetTemporary(draft, child);
    return;
  }
  restartAfter(draft, child, jitter);
}

/** One restart is due because of `child`; decides between restart and giving up. */
function restartAfter(draft: Draft, child: Mutable<ChildState>, jitter: number): void {
  const { spec, nowMs } = draft;
  const isCalm = nowMs - child.startedAtMs > spec.periodMs;
  child.crashCount = isCalm ? 1 : child.crashCount + 1;
  child.status = "restarting";
  draft.restartsAtMs = [...draft.restartsAtMs, nowMs].filter(
    (atMs) => nowMs - atMs <= spec.periodMs,
  );
  if (draft.restartsAtMs.length > spec.intensityCount) {
    beginStop(draft, "intensity");
    return;
  }
  const startAtMs =
    nowMs + backoffMs(spec.backoffMsMin, spec.backoffMsMax, child.crashCount, jitter);
  if (spec.strategy === "one_for_one") {
    child.dueAtMs = startAtMs;
    return;
  }
  const fromId = spec.strategy === "one_for_all" ? null : child.spec.id;
  // A group under way is of later children only (its members are doomed and do not come here): it becomes part of this one.
  draft.group = { fromId, startAtMs: Math.max(startAtMs, draft.group?.startAtMs ?? startAtMs) };
}

/** Does everything that can be done now: kills what is overdue, stops the next in order, starts what may start. */
function progress(draft: Draft): void {
  for (const child of draft.children) {
    if (child.status === "stopping" && child.dueAtMs !== null && child.dueAtMs <= draft.nowMs)
      kill(draft, child);
  }
  if (draft.phase === "stopping") {
    if (!stopLast(draft, draft.children)) return;
    draft.phase = "stopped";
    draft.effects.push({
      type: "exit",
      cause: present(draft.cause, "a supervisor stops for a cause"),
    });
    return;
  }
  if (draft.phase === "stopped") return;
  const { group } = draft;
  if (group !== null) {
    if (!stopLast(draft, membersOf(draft.children, group.fromId)) || draft.nowMs < group.startAtMs)
      return;
    draft.group = null;
    for (const child of membersOf(draft.children, group.fromId))
      if (!child.isHeld) start(draft, child);
    return;
  }
  for (const child of draft.children) {
    if (child.status === "restarting" && child.dueAtMs !== null && child.dueAtMs <= draft.nowMs)
      start(draft, child);
  }
}

/** Stops `children` one after the other, the last first. @returns true once all are down. */
function stopLast(draft: Draft, children: readonly Mutable<ChildState>[]): boolean {
  for (const child of [...children].reverse()) {
    if (child.status === "running") stop(draft, child);
    if (child.status === "stopping") return false;
  }
  return true;
}

function stop(draft: Draft, child: Mutable<ChildState>): void {
  const { shutdown } = child.spec;
  if (shutdown === "brutal") {
    kill(draft, child);
    return;
  }
  child.status = "stopping";
  child.dueAtMs = shutdown === "infinity" ? null : draft.nowMs + shutdown;
  draft.effects.push({ type: "stop", id: child.spec.id, incarnation: child.incarnation });
}

function kill(draft: Draft, child: Mutable<ChildState>): void {
  draft.effects.push({ type: "kill", id: child.spec.id, incarnation: child.incarnation });
  bury(draft, child);
}

/** Notes that a child that had to end has ended. */
function bury(draft: Draft, child: Mutable<ChildState>): void {
  child.status = isDoomed(draft, child) && !child.isHeld ? "restarting" : "stopped";
  child.dueAtMs = null;
  forgetTemporary(draft, child);
}

function start(draft: Draft, child: Mutable<ChildState>): void {
  child.status = "running";
  child.dueAtMs = null;
  child.incarnation += 1;
  child.startedAtMs = draft.nowMs;
  draft.effects.push({ type: "start", id: child.spec.id, incarnation: child.incarnation });
}

function addChild(draft: Draft, spec: ChildSpec): void {
  const isKnown = draft.children.some((child) => child.spec.id === spec.id);
  assert(!isKnown, `a child ${spec.id} exists already`);
  assert(
    typeof spec.shutdown !== "number" || spec.shutdown >= 0,
    `the shutdown time of ${spec.id} is not negative`,
  );
  const child: Mutable<ChildState> = {
    spec,
    status: "restarting",
    incarnation: 0,
    dueAtMs: null,
    startedAtMs: draft.nowMs,
    crashCount: 0,
    isHeld: false,
  };
  draft.children.push(child);
  if (draft.group === null) start(draft, child);
}

function removeChild(draft: Draft, child: ChildState): void {
  assert(
    child.status === "stopped",
    `child ${child.spec.id} is ${child.status}: stop it before it is removed`,
  );
  const index = draft.children.findIndex((candidate) => candidate === child);
  const next = draft.children[index + 1];
  if (draft.group?.fromId === child.spec.id) {
    draft.group = next === undefined ? null : { ...draft.group, fromId: next.spec.id };
  }
  draft.children = draft.children.filter((candidate) => candidate !== child);
}

function holdChild(draft: Draft, child: Mutable<ChildState>): void {
  child.isHeld = true;
  if (child.status === "running") stop(draft, child);
  if (child.status === "restarting") bury(draft, child);
}

function releaseChild(draft: Draft, child: Mutable<ChildState>): void {
  assert(
    draft.phase === "running",
    `supervisor of ${child.spec.id} is stopping: it starts nothing`,
  );
  child.isHeld = false;
  if (child.status !== "stopped") return;
  child.crashCount = 0;
  if (isDoomed(draft, child)) child.status = "restarting";
  else start(draft, child);
}

function beginStop(draft: Draft, cause: "requested" | "intensity"): void {
  draft.phase = "stopping";
  draft.cause = cause;
  draft.group = null;
  for (const child of draft.children) if (child.status === "restarting") bury(draft, child);
}

function forgetTemporary(draft: Draft, child: ChildState): void {
  if (child.spec.restart !== "temporary") return;
  draft.children = draft.children.filter((candidate) => candidate !== child);
}

function isLive(child: ChildState): boolean {
  return child.status === "running" || child.status === "stopping";
}

/** True if the group restart under way ends and starts this child. */
function isDoomed(draft: Draft, child: ChildState): boolean {
  return (
    draft.group !== null &&
    membersOf(draft.children, draft.group.fromId).some((member) => member === child)
  );
}

function membersOf<T extends ChildState>(
  children: readonly T[],
  fromId: string | null,
): readonly T[] {
  if (fromId === null) return children;
  const from = children.findIndex((child) => child.spec.id === fromId);
  assert(from >= 0, `the restarting group begins at ${fromId}, which is no child`);
  return children.slice(from);
}

function childOf(draft: Draft, id: string): Mutable<ChildState> {
  return present(
    draft.children.find((child) => child.spec.id === id),
    `there is no child ${id}`,
  );
}

function draftOf(state: SupervisorState, nowMs: number): Draft {
  return { ...state, children: state.children.map((child) => ({ ...child })), effects: [], nowMs };
}

function finish(draft: Draft): SupervisorStep {
  const { effects, nowMs: _nowMs, ...state } = draft;
  return { state, effects };
}
