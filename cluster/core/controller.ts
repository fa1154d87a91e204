import type { LeadershipRecord } from "../../kernel/record.ts";
import { isSameMember } from "../../kernel/record.ts";
import type { Draft } from "./draft.ts";
import {
  emit,
  enter,
  leadingOf,
  patch,
  patchFollowing,
  patchLog,
  patchView,
  setAlarm,
} from "./draft.ts";
import type { ControllerEffect } from "./effects.ts";
import type { ControllerEvent } from "./events.ts";
import { isInSync, joinIfDue } from "./following.ts";
import { failForceIfDue, finishForce, startForce, takeForcedRead } from "./force.ts";
import {
  advanceHandover,
  noteFinalFrame,
  takeSettledWrites,
  takeTransferRequest,
} from "./handover.ts";
import {
  becomeLeader,
  changeRecordIfDue,
  depose,
  dropSilentLearners,
  sendHeartbeatIfDue,
  takeBuiltFrame,
  takeInSyncSet,
} from "./leading.ts";
import { takeMessage } from "./messages.ts";
import { dueAtMs } from "./queries.ts";
import type { Learned } from "./record-view.ts";
import {
  readIfDue,
  requestRead,
  retryIfDue,
  takeReadOutcome,
  takeTransactionOutcome,
} from "./record-view.ts";
import type { ControllerOptions, ControllerState, PendingChange } from "./state.ts";
import { initialState } from "./state.ts";
import { requestStop, stopIfDue, takeReleasedDevices } from "./stopping.ts";
import { askPositionsIfDue, leaveHelplessLeaderIfDue, takeOverIfDue } from "./taking-over.ts";
import { watch } from "./watching.ts";
import { handOverIfWished } from "./wishes.ts";

export type { ControllerOptions, ControllerState } from "./state.ts";

/** A controller before `started`: it ignores everything else. */
export function createController(options: ControllerOptions): ControllerState {
  return initialState(options);
}

/**
 * Advances a controller by one event. Pure: the same state and event give the same result. Messages that are foreign, old or make no
 * sense change nothing.
 * @returns The next state, and the effects that the loop performs in this order.
 */
export function stepController(
  state: ControllerState,
  event: ControllerEvent,
  options: ControllerOptions,
): { readonly state: ControllerState; readonly effects: readonly ControllerEffect[] } {
  if (state.isEnded) return { state, effects: [] };
  const draft: Draft = { state, effects: [], nowMs: event.nowMs, options };
  guardAfterStall(draft);
  if (state.startedAtMs !== null || event.type === "started") takeEvent(draft, event);
  // Most messages to one that does not lead make nothing due.
  const restsUntilMs = isResting(draft.state)
    ? dueAtMs(draft.state, options)
    : Number.NEGATIVE_INFINITY;
  if (event.nowMs < restsUntilMs) {
    patch(draft, { steppedAtMs: event.nowMs, dueAtMs: restsUntilMs });
    return { state: draft.state, effects: draft.effects };
  }
  if (draft.state.startedAtMs !== null && !draft.state.isEnded) doWhatIsDue(draft);
  patch(draft, { steppedAtMs: event.nowMs });
  patch(draft, { dueAtMs: dueAtMs(draft.state, options) });
  return { state: draft.state, effects: draft.effects };
}

/** Of one that neither leads nor stops, everything waits for a time that {@link dueAtMs} knows. */
function isResting({ situation, startedAtMs, stopDeadlineMs }: ControllerState): boolean {
  const { role } = situation;
  const mayAct = startedAtMs === null || stopDeadlineMs !== null;
  return !mayAct && (role === "standby" || role === "joining");
}

/** A step that comes late, because the process stalled, judges nobody before what arrived meanwhile was taken up. */
function guardAfterStall(draft: Draft): void {
  const { state, nowMs, options } = draft;
  const { heartbeatMs, graceMs } = options.timings;
  if (nowMs <= state.dueAtMs + heartbeatMs) return;
  if (nowMs < state.guardUntilMs + graceMs) return;
  patch(draft, { guardUntilMs: nowMs + heartbeatMs });
}

function takeEvent(draft: Draft, event: ControllerEvent): void {
  switch (event.type) {
    case "started":
      start(draft, event);
      return;
    case "ticked":
      return;
    case "record.read":
    case "transaction.answered":
      takeOutcome(draft, event);
      return;
    case "record.hinted":
      requestRead(draft);
      return;
    case "frame.built":
      takeBuiltFrame(draft, event.position, event.plantTimeMs);
      noteFinalFrame(draft, event.position.sequence);
      return;
    case "journal.synced":
      patchLog(draft, { synced: event.position });
      return;
    case "message.received":
      takeMessage(draft, event);
      settleFollower(draft);
      return;
    case "snapshot.installed":
      patchLog(draft, { isUnfit: false });
      setAlarm(draft, "REPLICA_DIVERGED", false, "the state was replaced by the leader's");
      settleFollower(draft);
      return;
    case "replica.diverged":
      diverge(draft, event.reason);
      return;
    case "reach.measured":
      patch(draft, { reach: event.reach });
      return;
    case "transfer.requested":
      takeTransferRequest(draft, event);
      return;
    case "force.requested":
      startForce(draft, event.requestId);
      return;
    case "writes.settled":
      takeSettledWrites(draft);
      return;
    case "devices.released":
      takeReleasedDevices(draft);
      return;
    case "stop.requested":
      requestStop(draft);
      return;
    case "clock.jumped":
      setAlarm(draft, "CLOCK_JUMPED", true, event.reason);
      end(draft, event.reason);
      return;
    default:
      event satisfies never;
  }
}

function start(draft: Draft, event: Extract<ControllerEvent, { type: "started" }>): void {
  if (draft.state.startedAtMs !== null) return;
  patch(draft, {
    self: { node: draft.options.self, incarnation: event.incarnation },
    startedAtMs: event.nowMs,
    reason: "reads the record",
  });
  patchLog(draft, {
    last: event.last,
    plantTimeMs: event.plantTimeMs,
    plantTimeAtMs: event.nowMs,
  });
  patchView(draft, { epochSeen: event.epochMax });
}

/** Everything whose time has come, in the order in which one thing may bring about the next. */
function doWhatIsDue(draft: Draft): void {
  failForceIfDue(draft);
  if (draft.state.situation.role !== "fenced") {
    advanceHandover(draft);
    retryIfDue(draft);
    changeRecordIfDue(draft);
    leaveHelplessLeaderIfDue(draft);
    takeOverIfDue(draft);
    handOverIfWished(draft);
    stopIfDue(draft);
    watch(draft);
    dropSilentLearners(draft);
    sendHeartbeatIfDue(draft);
    joinIfDue(draft);
    askPositionsIfDue(draft);
  } else {
    stopIfDue(draft);
  }
  readIfDue(draft);
}

function takeOutcome(
  draft: Draft,
  event: Extract<ControllerEvent, { type: "record.read" | "transaction.answered" }>,
): void {
  const before = draft.state.view;
  const learned =
    event.type === "record.read"
      ? (takeForcedRead(draft, event.id, event.outcome) ??
        takeReadOutcome(draft, event.id, event.outcome))
      : takeTransactionOutcome(draft, event.id, event.outcome);
  settle(draft, learned, before.pending);
}

/** Draws the consequences of what was learned of the record. */
function settle(draft: Draft, learned: Learned, pending: PendingChange | null): void {
  if (learned === "refused") {
    // A leader goes on with what it holds by promises; nobody else moves before the record is forced.
    if (leadingOf(draft.state) === null) {
      enter(draft, { role: "fenced" }, "the record is older than one already seen");
    }
    return;
  }
  if (learned === "nothing") return;
  const record = draft.state.view.known?.record ?? null;
  const leading = leadingOf(draft.state);
  if (leading !== null) {
    if (record !== null && record.epoch === leading.epoch && isOwn(draft, record)) {
      takeInSyncSet(draft, record);
      return;
    }
    depose(
      draft,
      record === null ? "the record is gone" : `${record.leader.node} leads epoch ${record.epoch}`,
    );
  }
  if (pending?.purpose === "takeover" && record?.nonce === pending.record.nonce) {
    becomeLeader(draft, pending);
    finishForce(draft);
    return;
  }
  // Another leads: what was asked of this one is done, or void.
  patch(draft, { asked: null });
  if (isInSync(draft.state)) {
    // Whoever leads now gets a fair time to be heard.
    const { graceMs } = draft.options.timings;
    const { promiseUntilMs, joinDueAtMs } = draft.state.following;
    patchFollowing(draft, {
      promiseUntilMs: Math.max(promiseUntilMs, draft.nowMs + graceMs),
      joinDueAtMs:
        draft.state.situation.role === "standby" ? joinDueAtMs : Number.POSITIVE_INFINITY,
    });
  }
  if (pending?.purpose === "takeover") finishForce(draft);
  settleFollower(draft);
}

function isOwn(draft: Draft, record: LeadershipRecord): boolean {
  return isSameMember(record.leader, draft.state.self);
}

/** The role of a controller that does not lead follows from what it knows. */
function settleFollower(draft: Draft): void {
  const { situation, view, stopDeadlineMs } = draft.state;
  const { role } = situation;
  if (role === "leading" || role === "handing-over") return;
  if (stopDeadlineMs !== null || view.isRefused) return;
  if (view.pending !== null && view.pending.purpose === "takeover") return;
  const next = isInSync(draft.state) ? "standby" : "joining";
  if (next === role) return;
  if (next === "joining" && draft.state.following.joinDueAtMs > draft.nowMs) {
    patchFollowing(draft, { joinDueAtMs: draft.nowMs });
  }
  const reason = next === "standby" ? "the record names it in sync" : "the record does not name it";
  enter(draft, { role: next }, reason);
}

/** The state cannot be relied on: a leader must not go on with it, a standby must be given another. */
function diverge(draft: Draft, reason: string): void {
  setAlarm(draft, "REPLICA_DIVERGED", true, reason);
  if (leadingOf(draft.state) !== null) return end(draft, reason);
  patchLog(draft, { isUnfit: true });
  settleFollower(draft);
}

/** Ends this incarnation: nothing that it promised or was promised can be relied on. */
function end(draft: Draft, reason: string): void {
  depose(draft, reason);
  enter(draft, { role: "fenced" }, reason);
  patch(draft, { isEnded: true });
  emit(draft, { type: "restart", reason });
}
