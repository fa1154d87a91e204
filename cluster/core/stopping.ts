import { enter, leadingOf, patch } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { depose } from "./leading.ts";
import type { ControllerState } from "./state.ts";

/** A stop that cannot be orderly, because neither a standby nor the coordinator answers, ends as a crash would: safe, not smooth. */
const STOP_MS_MAX = 1_500;

/** From here on nothing is taken over; a leader hands over as soon as it can. */
export function requestStop(draft: Draft): void {
  if (draft.state.stopDeadlineMs !== null) return;
  patch(draft, { stopDeadlineMs: draft.nowMs + STOP_MS_MAX });
}

export function stopDueMs(state: ControllerState): number {
  return state.stopDeadlineMs ?? Number.POSITIVE_INFINITY;
}

/** Ends this incarnation once nothing rests on it: a leader waits for its handover, a takeover under way for its outcome. */
export function stopIfDue(draft: Draft): void {
  if (draft.state.stopDeadlineMs === null) return;
  if (draft.nowMs < stopDueMs(draft.state) && isNeeded(draft.state)) return;
  const reason = "this controller stops";
  depose(draft, reason);
  enter(draft, { role: "fenced" }, reason);
  patch(draft, { isEnded: true });
}

function isNeeded(state: ControllerState): boolean {
  const { role } = state.situation;
  if (role === "handing-over" || role === "taking-over") return true;
  if (role !== "leading") return false;
  const isBusy = state.view.pending !== null || state.view.inFlightId !== null;
  const hasStandby = leadingOf(state)?.followers.some((f) => f.inSyncSinceMs !== null) ?? false;
  return isBusy || hasStandby;
}
