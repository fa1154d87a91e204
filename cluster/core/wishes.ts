import { leadingOf, patch } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { beginHandover, obstacleOf } from "./handover.ts";
import type { ControllerOptions, ControllerState, Follower } from "./state.ts";

const FOREVER = Number.POSITIVE_INFINITY;
/** Handovers on account of reach are at least so far apart (rule 14). */
const REACH_HANDOVER_MS_MIN = 60_000;

/** A handover that the leader itself wants. */
interface Wish {
  readonly dueAtMs: number;
  readonly to: Follower;
  readonly reason: string;
}

/**
 * What was asked of it and could not be done so far; else away from a plant out of reach, back to the preferred controller, or before
 * it stops. Of wishes that came up within two heartbeats of each other, as acknowledgements of one and the same change do, the one for
 * the standby that reaches most, then that is first in order.
 */
function wishOf(state: ControllerState, options: ControllerOptions): Wish | null {
  const leading = leadingOf(state);
  if (leading === null || state.situation.role !== "leading") return null;
  const standbys = leading.followers.filter((f) => f.inSyncSinceMs !== null && !f.isGone);
  const { asked } = state;
  const target = standbys.find(({ member }) => member.node === asked?.toNode);
  if (asked !== null && target !== undefined)
    return { dueAtMs: state.wishNotBeforeMs, to: target, reason: asked.reason };
  const wishes = standbys.flatMap((f) => [
    ...reachWish(state, options, f),
    ...failbackWish(state, options, f),
    ...stopWish(state, f),
  ]);
  const firstMs = wishes.reduce((dueMs, wish) => Math.min(dueMs, wish.dueAtMs), FOREVER);
  const rank = ({ to }: Wish) => options.order.indexOf(to.member.node);
  const [best] = wishes
    .filter(({ dueAtMs }) => dueAtMs <= firstMs + 2 * options.timings.heartbeatMs)
    .toSorted((a, b) => b.to.reach.reachedCount - a.to.reach.reachedCount || rank(a) - rank(b));
  return best ?? null;
}

function stopWish(state: ControllerState, follower: Follower): readonly Wish[] {
  if (state.stopDeadlineMs === null) return [];
  return [{ dueAtMs: state.wishNotBeforeMs, to: follower, reason: "this controller stops" }];
}

function reachWish(
  state: ControllerState,
  options: ControllerOptions,
  follower: Follower,
): readonly Wish[] {
  if (follower.reachAheadSinceMs === null) return [];
  if (follower.reach.reachedCount <= state.reach.reachedCount) return [];
  const dueAtMs = Math.max(
    follower.reachAheadSinceMs + options.timings.ioLossMs,
    state.reachHandoverAtMs + REACH_HANDOVER_MS_MIN,
    state.wishNotBeforeMs,
  );
  const reason = `${follower.member.node} reaches ${follower.reach.reachedCount} critical devices, this controller ${state.reach.reachedCount}`;
  return [{ dueAtMs, to: follower, reason }];
}

function failbackWish(
  state: ControllerState,
  options: ControllerOptions,
  follower: Follower,
): readonly Wish[] {
  if (options.failback !== "automatic" || follower.inSyncSinceMs === null) return [];
  const isPreferred = follower.member.node === options.order[0];
  const hasReach = follower.reach.reachedCount >= state.reach.reachedCount;
  if (!isPreferred || !hasReach) return [];
  const dueAtMs = Math.max(follower.inSyncSinceMs + options.failbackDelayMs, state.wishNotBeforeMs);
  return [{ dueAtMs, to: follower, reason: `${follower.member.node} is preferred` }];
}

/** When the leader's own wish is due; an obstacle, or a silent target, puts it off until something happens. */
export function wishDueMs(
  state: ControllerState,
  options: ControllerOptions,
  nowMs: number,
): number {
  const wish = wishOf(state, options);
  const dueMs = wish !== null && wish.dueAtMs > nowMs ? wish.dueAtMs : FOREVER;
  return Math.min(
    dueMs,
    state.situation.role === "leading" ? (state.asked?.untilMs ?? FOREVER) : FOREVER,
  );
}

export function handOverIfWished(draft: Draft): void {
  giveUpAskedIfDue(draft);
  const { state, options, nowMs } = draft;
  const wish = wishOf(state, options);
  if (wish === null || nowMs < wish.dueAtMs) return;
  const isHeard = nowMs - wish.to.echoSentAtMs <= 2 * options.timings.heartbeatMs;
  if (!isHeard || obstacleOf(state, draft) !== null) return;
  const isForReach = wish.to.reach.reachedCount > state.reach.reachedCount;
  beginHandover(draft, wish.to, wish.reason, isForReach);
}

function giveUpAskedIfDue(draft: Draft): void {
  const { asked, situation } = draft.state;
  if (asked === null || situation.role !== "leading" || draft.nowMs < asked.untilMs) return;
  const reason = `the handover to ${asked.toNode} was given up; ${draft.state.reason}`;
  patch(draft, { asked: null, reason });
}
