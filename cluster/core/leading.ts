import type { AcknowledgeMessage, JoinMessage } from "../../kernel/peer-message.ts";
import { isSameMember } from "../../kernel/record.ts";
import type { LeadershipRecord, LogPosition, Member } from "../../kernel/record.ts";
import {
  casesOf,
  followerOf,
  isSolo,
  releasedCommandSequence,
  releasedSequence,
} from "./authority.ts";
import { emit, enter, leadingOf, patch, patchLeading, patchLog, setAlarm } from "./draft.ts";
import { plantTimeMsAt } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { propose } from "./record-view.ts";
import type {
  ControllerOptions,
  ControllerState,
  Follower,
  Leading,
  PendingChange,
} from "./state.ts";

const NEVER = Number.NEGATIVE_INFINITY;
const FOREVER = Number.POSITIVE_INFINITY;

/** Frames whose time of building is kept to judge who lags. */
const BUILT_COUNT_MAX = 32;
const BACKOFF_MS_MIN = 1_000;
const BACKOFF_MS_MAX = 30_000;
/** Where nobody else is in sync: a grid without a standby costs more than a standby that comes and goes. */
const BACKOFF_ALONE_MS_MAX = 4_000;
/** One that stayed in sync so long begins anew: its next removal is followed by an immediate try again. */
const BACKOFF_FORGOTTEN_MS = 60_000;
/** A lone leader's commands, and becoming one, wait for the disk so long, no longer (rule 4). */
export const SYNC_WAIT_MS_MAX = 100;
/** A learner that is silent so long is given up. */
const LEARNER_SILENCE_MS_MAX = 2_000;

/** The own takeover was applied: lead from now on. */
export function becomeLeader(draft: Draft, takeover: PendingChange): void {
  const { state, nowMs } = draft;
  const { record, origin } = takeover;
  const followers = record.inSync
    .filter((member) => !isSameMember(member, state.self))
    .map((member): Follower => ({ ...newFollower(member, nowMs), inSyncSinceMs: nowMs }));
  const leading: Leading = {
    epoch: record.epoch,
    origin,
    startedAtMs: nowMs,
    followers,
    built: [],
    removals: [],
    sentAtMs: NEVER,
    syncWaivedSequence: 0,
    lostSinceMs: isSolo(record) ? nowMs : null,
    reducedSinceMs: record.inSync.length < draft.options.order.length ? nowMs : null,
  };
  const reachBefore = state.following.heard?.reach.reachedCount ?? 0;
  if (origin === "handover" && state.reach.reachedCount > reachBefore) {
    patch(draft, { reachHandoverAtMs: nowMs });
  }
  enter(draft, { role: "leading", leading }, `leads epoch ${record.epoch} (${origin})`);
  setAlarm(
    draft,
    "STALE_TAKEOVER",
    origin === "stale",
    "took over with what it had: frames whose outputs were issued may be missing",
  );
  emit(draft, {
    type: "startLeading",
    epoch: record.epoch,
    origin,
    plantTimeMsMin: takeover.plantTimeMsMin,
  });
  emit(draft, { type: "inSyncChanged", inSync: record.inSync });
}

/** Stops leading: another leads, or this one can no longer know that it does. */
export function depose(draft: Draft, reason: string): void {
  const { situation } = draft.state;
  if (situation.role !== "leading" && situation.role !== "handing-over") return;
  const isResigned = situation.role === "handing-over" && situation.handover.phase === "resigned";
  if (!isResigned) emit(draft, { type: "stopLeading", reason });
  enter(draft, { role: "joining" }, reason);
  patch(draft, { asked: null });
  clearLeaderAlarms(draft, reason);
}

/** Alarms that only a leader can judge end with its leadership: the next leader raises its own. */
export function clearLeaderAlarms(draft: Draft, reason: string): void {
  for (const code of [
    "AUTHORITY_LOST",
    "REDUNDANCY_LOST",
    "REDUNDANCY_REDUCED",
    "JOURNAL_SLOW",
    "STALE_TAKEOVER",
  ] as const) {
    setAlarm(draft, code, false, reason);
  }
}

function newFollower(member: Member, nowMs: number): Follower {
  return {
    member,
    echoSentAtMs: NEVER,
    heldSequence: 0,
    heardAtMs: nowMs,
    unansweredSinceMs: null,
    reach: { reachedCount: 0, criticalCount: 0 },
    sinceMs: nowMs,
    inSyncSinceMs: null,
    catchUpSentAtMs: NEVER,
    isGone: false,
    reachAheadSinceMs: null,
  };
}

function replaceFollower(leading: Leading, changed: Follower): readonly Follower[] {
  return leading.followers.map((follower) =>
    isSameMember(follower.member, changed.member) ? changed : follower,
  );
}

/** A frame was built, journalled and applied by the loop: it goes to every follower at once. */
export function takeBuiltFrame(draft: Draft, position: LogPosition, plantTimeMs: number): void {
  const leading = leadingOf(draft.state);
  if (leading === null || position.epoch !== leading.epoch) return;
  patchLog(draft, { last: position, plantTimeMs, plantTimeAtMs: draft.nowMs });
  const built = { sequence: position.sequence, atMs: draft.nowMs };
  patchLeading(draft, { built: [...leading.built, built].slice(-BUILT_COUNT_MAX) });
  const to = leading.followers.filter((f) => !f.isGone).map((f) => f.member.node);
  if (to.length === 0) return;
  emit(draft, { type: "sendFrame", to, sequence: position.sequence });
  noteSending(draft);
}

/** Every message to the followers starts the wait for its acknowledgement. */
function noteSending(draft: Draft): void {
  const leading = leadingOf(draft.state);
  if (leading === null) return;
  patchLeading(draft, {
    sentAtMs: draft.nowMs,
    followers: leading.followers.map((f) =>
      f.unansweredSinceMs === null ? { ...f, unansweredSinceMs: draft.nowMs } : f,
    ),
  });
}

/** A receipt and promise. It counts only under the name and the epoch that it gives (rule 2). */
export function takeAcknowledgement(draft: Draft, message: AcknowledgeMessage): void {
  const leading = leadingOf(draft.state);
  if (leading === null || message.epoch !== leading.epoch) return;
  if (message.echoSentAtMs > draft.nowMs) return;
  const follower = followerOf(leading.followers, message.from);
  if (follower === undefined) return;
  const { last } = message;
  // Only frames of this epoch count: those before it were its own when it took over.
  const isOfEpoch = last !== null && last.epoch === leading.epoch;
  const built = draft.state.log.last?.sequence ?? 0;
  if (isOfEpoch && last.sequence > built) return;
  const echoSentAtMs = Math.max(follower.echoSentAtMs, message.echoSentAtMs);
  const isAhead = message.reach.reachedCount > draft.state.reach.reachedCount;
  const changed: Follower = {
    ...follower,
    echoSentAtMs,
    heldSequence: isOfEpoch
      ? Math.max(follower.heldSequence, last.sequence)
      : follower.heldSequence,
    heardAtMs: draft.nowMs,
    unansweredSinceMs: leading.sentAtMs > echoSentAtMs ? leading.sentAtMs : null,
    reach: message.reach,
    reachAheadSinceMs: isAhead ? (follower.reachAheadSinceMs ?? draft.nowMs) : null,
  };
  patchLeading(draft, { followers: replaceFollower(leading, changed) });
}

/** A controller asks to be brought up to date: it becomes a learner, and is added once it has caught up. */
export function takeJoin(draft: Draft, message: JoinMessage): void {
  const leading = leadingOf(draft.state);
  if (leading === null) return;
  const { coreVersion, manifestHash, timings, order } = draft.options;
  if (!order.includes(message.from.node)) return;
  if (message.coreVersion !== coreVersion || message.manifestHash !== manifestHash) return;
  const existing = followerOf(leading.followers, message.from);
  const held =
    message.last !== null && message.last.epoch === leading.epoch ? message.last.sequence : 0;
  const follower: Follower = {
    ...(existing ?? newFollower(message.from, draft.nowMs)),
    heardAtMs: draft.nowMs,
    // What it says now replaces what it said before: it may have lost its state in between.
    heldSequence: Math.min(existing?.heldSequence ?? 0, held),
  };
  const isBehind = held === 0 || held < (draft.state.log.last?.sequence ?? 0);
  const isAnswered =
    draft.nowMs - follower.catchUpSentAtMs < timings.rejoinMs / 5 && existing !== undefined;
  const isCatchingUp = isBehind && !isAnswered;
  const changed = isCatchingUp ? { ...follower, catchUpSentAtMs: draft.nowMs } : follower;
  patchLeading(draft, {
    followers: [
      // An older incarnation of the same node is dead; if the record names it, or soon may, it must go from there: until then its
      // promises count.
      ...leading.followers
        .filter((f) => !isSameMember(f.member, message.from))
        .filter((f) => f.member.node !== message.from.node || isInAnyCase(draft.state, f.member))
        .map((f) => (f.member.node === message.from.node ? { ...f, isGone: true } : f)),
      changed,
    ],
  });
  if (isCatchingUp) {
    emit(draft, { type: "sendCatchUp", to: message.from, last: message.last });
    noteSending(draft);
  }
}

/** The record certainly has another in-sync set now. */
export function takeInSyncSet(draft: Draft, record: LeadershipRecord): void {
  const leading = leadingOf(draft.state);
  if (leading === null) return;
  const { nowMs } = draft;
  const isNamed = (f: Follower) => record.inSync.some((m) => isSameMember(m, f.member));
  const removed = leading.followers.filter((f) => f.inSyncSinceMs !== null && !isNamed(f));
  const others = record.inSync.filter((m) => !isSameMember(m, draft.state.self));
  const isChanged =
    removed.length > 0 ||
    others.some((m) => (followerOf(leading.followers, m)?.inSyncSinceMs ?? null) === null);
  if (!isChanged) return;
  patchLeading(draft, {
    followers: leading.followers
      .filter((f) => !removed.includes(f))
      .map((f) => (isNamed(f) && f.inSyncSinceMs === null ? { ...f, inSyncSinceMs: nowMs } : f)),
    removals: removed.reduce((list, f) => noteRemoval(list, f, nowMs), leading.removals),
    lostSinceMs: isSolo(record) ? (leading.lostSinceMs ?? nowMs) : null,
    reducedSinceMs:
      record.inSync.length < draft.options.order.length ? (leading.reducedSinceMs ?? nowMs) : null,
  });
  emit(draft, { type: "inSyncChanged", inSync: record.inSync });
}

/** The first try to add again is immediate; every further one waits, 1 s to 30 s (rule 7), 4 s at most where the leader is alone. */
function noteRemoval(
  removals: Leading["removals"],
  follower: Follower,
  nowMs: number,
): Leading["removals"] {
  const { node } = follower.member;
  const before = removals.find((removal) => removal.node === node);
  const heldOutMs = nowMs - (follower.inSyncSinceMs ?? nowMs);
  const removedCount = heldOutMs >= BACKOFF_FORGOTTEN_MS ? 1 : (before?.removedCount ?? 0) + 1;
  let backoffMs = removedCount === 1 ? 0 : BACKOFF_MS_MIN;
  for (let n = 2; n < removedCount && backoffMs < BACKOFF_MS_MAX; n++) backoffMs *= 2;
  const addNotBeforeMs = nowMs + Math.min(backoffMs, BACKOFF_MS_MAX);
  return [
    ...removals.filter((removal) => removal.node !== node),
    { node, removedCount, removedAtMs: nowMs, addNotBeforeMs },
  ];
}

// --- what is due ---

/** Heartbeats go to every controller of the grid, so that each knows who leads. */
export function heartbeatDueMs(state: ControllerState, options: ControllerOptions): number {
  const leading = leadingOf(state);
  if (leading === null || recipientsOf(state, options).length === 0) return FOREVER;
  return leading.sentAtMs + options.timings.heartbeatMs;
}

function recipientsOf(state: ControllerState, options: ControllerOptions): readonly string[] {
  const { situation } = state;
  const released =
    situation.role === "handing-over" && situation.handover.phase === "resigned"
      ? situation.handover.to.node
      : null;
  return options.order.filter((node) => node !== options.self && node !== released);
}

export function sendHeartbeatIfDue(draft: Draft): void {
  if (draft.nowMs < heartbeatDueMs(draft.state, draft.options)) return;
  emit(draft, { type: "sendHeartbeat", to: recipientsOf(draft.state, draft.options) });
  noteSending(draft);
}

/**
 * When a standby is to be removed: `shrinkMs` after the last message that it acknowledged was sent, or after the first frame that it
 * lacks was built, but never while the leader itself has not given it a fair time to answer.
 */
export function removalDueMs(
  state: ControllerState,
  options: ControllerOptions,
  follower: Follower,
): number {
  if (follower.isGone) return NEVER;
  const leading = leadingOf(state);
  const { shrinkMs, heartbeatMs } = options.timings;
  let dueMs = FOREVER;
  if (follower.unansweredSinceMs !== null) {
    const heardOfMs = Math.max(follower.echoSentAtMs, follower.inSyncSinceMs ?? follower.sinceMs);
    dueMs = Math.max(heardOfMs + shrinkMs, follower.unansweredSinceMs + shrinkMs - heartbeatMs);
  }
  const lacking = leading?.built.find((frame) => frame.sequence > follower.heldSequence);
  if (lacking !== undefined) {
    const sinceMs = Math.max(lacking.atMs, follower.inSyncSinceMs ?? lacking.atMs);
    dueMs = Math.min(dueMs, sinceMs + shrinkMs);
  }
  return Math.max(dueMs, state.guardUntilMs);
}

/**
 * When plant time comes within `soloLeaseMs` of what the record reserves: it is reserved anew, so that a controller that has nothing
 * but the record begins above it.
 */
function reserveDueMs(
  { log }: ControllerState,
  record: LeadershipRecord,
  { timings }: ControllerOptions,
): number {
  return log.plantTimeAtMs + record.plantTimeMsMax - timings.soloLeaseMs - log.plantTimeMs;
}

/** When the record must next be changed by the leader: a standby removed, a learner added, a solo lease or plant time renewed. */
export function changeDueMs(
  state: ControllerState,
  options: ControllerOptions,
  nowMs: number,
): number {
  const { view, situation } = state;
  const leading = leadingOf(state);
  const record = view.known?.record ?? null;
  if (leading === null || record === null || situation.role !== "leading") return FOREVER;
  if (view.pending !== null || view.inFlightId !== null || view.isRefused) return FOREVER;
  let dueMs = isSolo(record)
    ? (view.known?.sentAtMs ?? NEVER) + options.timings.soloRenewMs
    : reserveDueMs(state, record, options);
  const aloneMs = record.inSync.length === 2 ? aloneDueMs(state) : NEVER;
  for (const follower of leading.followers) {
    dueMs = Math.min(
      dueMs,
      follower.inSyncSinceMs !== null
        ? Math.max(aloneMs, removalDueMs(state, options, follower))
        : additionDueMs(state, options, follower, nowMs),
    );
  }
  return dueMs;
}

/**
 * When the leader may be left alone in the record: at once if everything that was issued on the memory of others is on its own
 * disk, else when the disk has kept it waiting too long. Otherwise a restart of its own would forget what was issued, and not know
 * it: found by model checking.
 */
function aloneDueMs(state: ControllerState): number {
  const leading = leadingOf(state);
  if (leading === null) return FOREVER;
  const { synced } = state.log;
  const syncedSequence = synced?.epoch === leading.epoch ? synced.sequence : 0;
  const released = releasedSequence(state);
  const waiting = leading.built.find(({ sequence }) => sequence > syncedSequence);
  if (waiting === undefined || waiting.sequence > released) return NEVER;
  return waiting.atMs + SYNC_WAIT_MS_MAX;
}

/**
 * A learner may be added once it holds every frame whose outputs were issued, and its node was not removed just now. A learner's
 * promise binds it as a standby's does, and authority rests on it as soon as the change is sent: so it must be a fresh one. Where it
 * is not, after a stall of the leader itself, the next acknowledgement brings the matter up again.
 */
function additionDueMs(
  state: ControllerState,
  options: ControllerOptions,
  follower: Follower,
  nowMs: number,
): number {
  const isCaughtUp = follower.heldSequence > 0 && follower.heldSequence >= releasedSequence(state);
  if (!isCaughtUp || follower.isGone) return FOREVER;
  const notBeforeMs = addNotBeforeMs(state, follower.member.node);
  if (notBeforeMs > nowMs) return notBeforeMs;
  const { heartbeatMs } = options.timings;
  return nowMs - follower.echoSentAtMs <= 2 * heartbeatMs ? notBeforeMs : FOREVER;
}

/** When a node that was removed may be added again (rule 7); long ago for one that was not. */
export function addNotBeforeMs(state: ControllerState, node: string): number {
  const removal = leadingOf(state)?.removals.find((one) => one.node === node);
  if (removal === undefined) return NEVER;
  const { removedAtMs, addNotBeforeMs: byCountMs } = removal;
  const record = state.view.known?.record ?? null;
  const isAlone = record !== null && isSolo(record);
  return isAlone ? Math.min(byCountMs, removedAtMs + BACKOFF_ALONE_MS_MAX) : byCountMs;
}

export function changeRecordIfDue(draft: Draft): void {
  const { state, options, nowMs } = draft;
  if (nowMs < changeDueMs(state, options, nowMs)) return;
  const leading = leadingOf(state);
  const record = state.view.known?.record ?? null;
  if (leading === null || record === null) return;
  const staying = record.inSync.filter((member) => {
    if (isSameMember(member, state.self)) return true;
    const follower = followerOf(leading.followers, member);
    return follower !== undefined && nowMs < removalDueMs(state, options, follower);
  });
  // Of several that go at once the last waits for the disk.
  const isLeftAlone = staying.length === 1 && record.inSync.length > 2;
  if (isLeftAlone && nowMs < aloneDueMs(state)) {
    staying.push(...record.inSync.filter((m) => !isSameMember(m, state.self)).slice(0, 1));
  }
  const added = leading.followers
    .filter((f) => f.inSyncSinceMs === null && nowMs >= additionDueMs(state, options, f, nowMs))
    .map((f) => f.member);
  propose(draft, {
    purpose: "change",
    origin: leading.origin,
    epoch: leading.epoch,
    inSync: [...staying, ...added],
    plantTimeMsMin: plantTimeMsAt(state, nowMs),
    issuedSequence: releasedCommandSequence(state),
  });
}

export function learnersDueMs(state: ControllerState): number {
  const leading = leadingOf(state);
  if (leading === null) return FOREVER;
  let dueMs = FOREVER;
  for (const follower of leading.followers) {
    if (isInAnyCase(state, follower.member)) continue;
    dueMs = Math.min(dueMs, follower.heardAtMs + LEARNER_SILENCE_MS_MAX);
  }
  return dueMs;
}

export function dropSilentLearners(draft: Draft): void {
  const { state, nowMs } = draft;
  if (nowMs < learnersDueMs(state)) return;
  const leading = leadingOf(state);
  if (leading === null) return;
  patchLeading(draft, {
    followers: leading.followers.filter(
      (f) => isInAnyCase(state, f.member) || nowMs < f.heardAtMs + LEARNER_SILENCE_MS_MAX,
    ),
  });
}

function isInAnyCase(state: ControllerState, member: Member): boolean {
  return casesOf(state).some(({ record }) => record.inSync.some((m) => isSameMember(m, member)));
}
