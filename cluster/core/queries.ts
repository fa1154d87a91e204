import type { Member } from "../../kernel/record.ts";
import { casesOf, releasedSequence } from "./authority.ts";
import { leadingOf } from "./draft.ts";
import type { Role } from "./effects.ts";
import { joinDueMs } from "./following.ts";
import { stopDueMs } from "./stopping.ts";
import { handoverDueMs } from "./handover.ts";
import { addNotBeforeMs, changeDueMs, heartbeatDueMs, learnersDueMs } from "./leading.ts";
import { readDueMs, retryDueMs } from "./record-view.ts";
import type { ControllerOptions, ControllerState, Follower } from "./state.ts";
import { holdDueMs, positionsDueMs, takeoverDueMs } from "./taking-over.ts";
import { watchDueMs } from "./watching.ts";
import { wishDueMs } from "./wishes.ts";

export {
  authorityUntilMs,
  releasedCommandSequence,
  releasedLevelSequence,
  releasedSequence,
} from "./authority.ts";

const FOREVER = Number.POSITIVE_INFINITY;

/** Whether the loop may build a frame now: while leading, and in a handover for one more scan. */
export function mayBuildFrame(state: ControllerState): boolean {
  const { situation } = state;
  if (situation.role === "leading") return true;
  return situation.role === "handing-over" && situation.handover.finalSequence === null;
}

/** Whether operators' commands may enter the next frame. */
export function mayAcceptCommands(state: ControllerState): boolean {
  return state.situation.role === "leading";
}

export function roleOf(state: ControllerState): Role {
  return state.situation.role;
}

/** The leader as far as it is known: of the record, or of a higher epoch that was heard. */
export function leaderOf(
  state: ControllerState,
): { readonly leader: Member; readonly epoch: number } | null {
  const record = state.view.known?.record ?? null;
  const { heard } = state.following;
  if (heard !== null && heard.epoch > (record?.epoch ?? 0)) {
    return { leader: heard.leader, epoch: heard.epoch };
  }
  return record === null ? null : { leader: record.leader, epoch: record.epoch };
}

/** The in-sync set of the record as it is certainly known. */
export function inSyncOf(state: ControllerState): readonly Member[] {
  return state.view.known?.record?.inSync ?? [];
}

/** Revision of the record as it is certainly known; 0 where there is none. */
export function revisionOf(state: ControllerState): number {
  return state.view.known?.revision ?? 0;
}

/** When `ticked` is needed next, monotonic milliseconds; Infinity where only an event can change anything. */
export function nextDeadlineMs(state: ControllerState): number {
  return state.dueAtMs;
}

/** Everything that was due has been done by the step that led to `state`, so what comes next lies in its future. */
export function dueAtMs(state: ControllerState, options: ControllerOptions): number {
  if (state.startedAtMs === null || state.situation.role === "fenced") return fencedDueMs(state);
  return Math.min(
    readDueMs(state),
    retryDueMs(state),
    joinDueMs(state),
    heartbeatDueMs(state, options),
    changeDueMs(state, options, state.steppedAtMs),
    learnersDueMs(state),
    takeoverDueMs(state, options),
    positionsDueMs(state, options),
    holdDueMs(state, options),
    handoverDueMs(state, options),
    wishDueMs(state, options, state.steppedAtMs),
    watchDueMs(state, options),
    stopDueMs(state),
    state.force?.deadlineMs ?? FOREVER,
  );
}

function fencedDueMs(state: ControllerState): number {
  if (state.startedAtMs === null || state.isEnded) return FOREVER;
  return Math.min(readDueMs(state), state.force?.deadlineMs ?? FOREVER);
}

/** What a takeover waited for: the last message of the leader, and the end of the promise that it was given; null where none. */
export function takeoverTimes(state: ControllerState): {
  readonly heardAtMs: number | null;
  readonly promiseUntilMs: number | null;
} {
  const { heard, promiseUntilMs } = state.following;
  return {
    heardAtMs: heard?.atMs ?? null,
    promiseUntilMs: Number.isFinite(promiseUntilMs) ? promiseUntilMs : null,
  };
}

/** Plain data for inspection: everything that explains what this controller does, times as milliseconds remaining. */
export function describe(state: ControllerState, nowMs: number) {
  const leading = leadingOf(state);
  const { view, log, following } = state;
  const remainingMs = (atMs: number) =>
    Number.isFinite(atMs) ? Math.round(atMs - nowMs) + 0 : null;
  return {
    role: state.situation.role as string,
    reason: state.reason,
    node: state.self.node,
    incarnation: state.self.incarnation,
    epoch: leaderOf(state)?.epoch ?? 0,
    leader: leaderOf(state)?.leader.node ?? null,
    revision: revisionOf(state),
    inSync: inSyncOf(state).map(({ node }) => node),
    last: log.last,
    isUnfit: log.isUnfit,
    promiseRemainingMs: remainingMs(following.promiseUntilMs),
    pending:
      view.pending === null
        ? null
        : {
            purpose: view.pending.purpose as string,
            expectedRevision: view.pending.expectedRevision,
            inSync: view.pending.record.inSync.map(({ node }) => node),
            isInFlight: view.inFlightId !== null,
          },
    cases:
      leading === null ? [] : casesOf(state).map(({ record }) => record.inSync.map((m) => m.node)),
    followers: (leading?.followers ?? []).map((follower) => ({
      node: follower.member.node,
      isInSync: follower.inSyncSinceMs !== null,
      heldSequence: follower.heldSequence,
      promisedMsAgo: remainingMs(follower.echoSentAtMs),
      reachedCount: follower.reach.reachedCount,
      ...addingOf(state, follower, nowMs),
    })),
    isRecordRefused: view.isRefused,
    alarms: [...state.activeAlarms] as string[],
  };
}

/** Why a follower that is not in sync is not added: it lacks frames, or it was removed too often lately. */
function addingOf(state: ControllerState, follower: Follower, nowMs: number) {
  const { node } = follower.member;
  const removal = leadingOf(state)?.removals.find((one) => one.node === node);
  const waitMs = addNotBeforeMs(state, node) - nowMs;
  return {
    isCaughtUp: follower.heldSequence > 0 && follower.heldSequence >= releasedSequence(state),
    addInMs: Number.isFinite(waitMs) ? Math.max(0, Math.round(waitMs)) : 0,
    removedCount: removal?.removedCount ?? 0,
  };
}
