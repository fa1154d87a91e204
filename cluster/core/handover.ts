import type { ErrorCode } from "../../kernel/errors.ts";
import { isSameMember } from "../../kernel/record.ts";
import { authorityUntilMs, followerOf, releasedSequence } from "./authority.ts";
import { emit, enter, leadingOf, patch } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { clearLeaderAlarms, removalDueMs } from "./leading.ts";
import type { ControllerOptions, ControllerState, Follower, Handover } from "./state.ts";
import { attempt } from "./taking-over.ts";

const FOREVER = Number.POSITIVE_INFINITY;
/** A transfer that was accepted is tried again so long: any standby that is late for `shrinkMs` calls a handover off. */
export const ASKED_MS_MAX = 5_000;

export function reply(
  draft: Draft,
  requestId: string,
  code: ErrorCode | null,
  reason: string,
): void {
  emit(draft, { type: "reply", requestId, isAccepted: code === null, code, reason });
}

export function takeTransferRequest(
  draft: Draft,
  request: { readonly requestId: string; readonly toNode: string; readonly reason: string },
): void {
  const { situation } = draft.state;
  const { requestId, toNode } = request;
  if (situation.role === "handing-over") {
    reply(draft, requestId, "REMS_REQUEST_REFUSED", "a handover is under way already");
    return;
  }
  if (situation.role !== "leading") {
    reply(draft, requestId, "REMS_NOT_LEADER", `this controller is ${situation.role}`);
    return;
  }
  const target = situation.leading.followers.find(
    (f) => f.member.node === toNode && f.inSyncSinceMs !== null && !f.isGone,
  );
  if (target === undefined) {
    const reason = whyNoTarget(draft.options, toNode);
    reply(draft, requestId, "REMS_REQUEST_REFUSED", reason);
    return;
  }
  const obstacle = obstacleOf(draft.state, draft);
  if (obstacle !== null) {
    reply(draft, requestId, "REMS_REQUEST_REFUSED", obstacle);
    return;
  }
  const { reason } = request;
  patch(draft, { asked: { toNode, reason, untilMs: draft.nowMs + ASKED_MS_MAX } });
  beginHandover(draft, target, reason, false);
  reply(draft, requestId, null, `handover to ${toNode} begun`);
}

function whyNoTarget({ grid, self, order }: ControllerOptions, toNode: string): string {
  if (toNode === self) return `${toNode} leads already`;
  if (order.includes(toNode)) return `${toNode} is not in sync`;
  return `${toNode} is no controller of grid ${grid}; its controllers are ${order.join(", ")}`;
}

/** Why no handover may begin now; null if one may. */
export function obstacleOf(
  state: ControllerState,
  { nowMs, options }: Pick<Draft, "nowMs" | "options">,
): string | null {
  if (state.view.pending !== null || state.view.inFlightId !== null) {
    return "a change of the record is in flight; try again";
  }
  if (state.view.isRefused) return "the record is refused";
  if (authorityUntilMs(state, options) <= nowMs) return "this controller has no authority now";
  return null;
}

/** Begins with one more scan; `isForReach` where the target reaches more critical devices. */
export function beginHandover(
  draft: Draft,
  target: Follower,
  reason: string,
  isForReach: boolean,
): void {
  const leading = leadingOf(draft.state);
  if (leading === null) return;
  const { scanMs, handoverMs } = draft.options.timings;
  const handover: Handover = {
    to: target.member,
    phase: "completing",
    finalSequence: null,
    deadlineMs: draft.nowMs + 2 * scanMs + 2 * handoverMs,
    resignation: null,
    resendAtMs: FOREVER,
    isForReach,
  };
  enter(draft, { role: "handing-over", leading, handover }, reason);
}

function patchHandover(draft: Draft, change: Partial<Handover>): void {
  const { situation } = draft.state;
  if (situation.role !== "handing-over") return;
  patch(draft, {
    situation: { ...situation, handover: { ...situation.handover, ...change } },
  });
}

/** The first frame built after the request is the last of this epoch. */
export function noteFinalFrame(draft: Draft, sequence: number): void {
  const { situation } = draft.state;
  if (situation.role !== "handing-over" || situation.handover.finalSequence !== null) return;
  patchHandover(draft, { finalSequence: sequence });
}

/** Every device write is answered: authority ends for the rest of this epoch, and the target is released from its promise. */
export function takeSettledWrites(draft: Draft): void {
  const { situation, self, view } = draft.state;
  if (situation.role !== "handing-over" || situation.handover.phase !== "settling") return;
  const { leading, handover } = situation;
  const sequence = handover.finalSequence ?? 0;
  const known = view.known;
  if (known === null || known.record === null) return;
  // One that stops will acknowledge nobody: the target would have to remove it before its first output.
  const isStaying = draft.state.stopDeadlineMs === null;
  const resignation = {
    type: "resigned" as const,
    grid: draft.options.grid,
    leader: self,
    epoch: leading.epoch,
    sequence,
    revision: known.revision,
    inSync: known.record.inSync.filter(
      (member) =>
        (isStaying && isSameMember(member, self)) ||
        (followerOf(leading.followers, member)?.heldSequence ?? 0) >= sequence,
    ),
  };
  patchHandover(draft, {
    phase: "resigned",
    deadlineMs: draft.nowMs + draft.options.timings.handoverMs,
    resignation,
    resendAtMs: draft.nowMs,
  });
  if (handover.isForReach) patch(draft, { reachHandoverAtMs: draft.nowMs });
  emit(draft, { type: "stopLeading", reason: `handed over to ${handover.to.node}` });
}

export function handoverDueMs(state: ControllerState, options: ControllerOptions): number {
  const { situation } = state;
  if (situation.role !== "handing-over") return FOREVER;
  const { handover } = situation;
  if (handover.phase !== "resigned") {
    return Math.min(handover.deadlineMs, lossDueMs(state, options));
  }
  const isBusy = state.view.inFlightId !== null;
  return Math.min(handover.resendAtMs, isBusy ? FOREVER : handover.deadlineMs);
}

/** Before resigning, the loss of any standby calls the handover off: removing it comes first. */
function lossDueMs(state: ControllerState, options: ControllerOptions): number {
  const followers = leadingOf(state)?.followers ?? [];
  return followers
    .filter((follower) => follower.inSyncSinceMs !== null)
    .reduce((dueMs, f) => Math.min(dueMs, removalDueMs(state, options, f)), FOREVER);
}

export function advanceHandover(draft: Draft): void {
  const { situation } = draft.state;
  if (situation.role !== "handing-over") return;
  const { handover, leading } = situation;
  const { nowMs, options } = draft;
  if (handover.phase === "resigned") {
    if (nowMs >= handover.deadlineMs && draft.state.view.inFlightId === null) {
      takeBack(draft);
    } else if (nowMs >= handover.resendAtMs && handover.resignation !== null) {
      patchHandover(draft, { resendAtMs: nowMs + options.timings.heartbeatMs });
      emit(draft, { type: "send", to: handover.to.node, message: handover.resignation });
    }
    return;
  }
  if (nowMs >= handoverDueMs(draft.state, options)) {
    const why = whyCalledOff(draft, leading.followers);
    enter(
      draft,
      { role: "leading", leading },
      `handover to ${handover.to.node} called off: ${why}`,
    );
    patch(draft, { wishNotBeforeMs: nowMs + options.timings.ioLossMs });
    return;
  }
  const { finalSequence } = handover;
  if (handover.phase === "completing" && finalSequence !== null) {
    if (releasedSequence(draft.state) < finalSequence) return;
    patchHandover(draft, { phase: "settling" });
    emit(draft, { type: "settleWrites" });
  }
}

function whyCalledOff({ state, nowMs, options }: Draft, followers: readonly Follower[]): string {
  const lost = followers.find(
    (one) => one.inSyncSinceMs !== null && nowMs >= removalDueMs(state, options, one),
  );
  return lost === undefined ? "it took too long" : `${lost.member.node} does not answer`;
}

/** The target does not lead: an ordinary takeover with a new epoch, never the old one resumed. */
function takeBack(draft: Draft): void {
  const record = draft.state.view.known?.record ?? null;
  if (record === null || draft.state.view.pending !== null) return;
  const reason = "the target of the handover did not take over";
  attempt(draft, { origin: "hot", inSync: [draft.state.self], reason });
  clearLeaderAlarms(draft, reason);
}
