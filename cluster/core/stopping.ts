import { authorityUntilMs } from "./authority.ts";
import { emit, enter, leadingOf, patch } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { depose } from "./leading.ts";
import type { ControllerState } from "./state.ts";

/** A stop that cannot be orderly, because neither a standby nor the coordinator answers, ends as a crash would: safe, not smooth. */
const STOP_MS_MAX = 1_500;
/** Devices that do not answer are not waited for: their own watchdog gives them back. */
const RELEASE_MS_MAX = 1_000;

/** From here on nothing is taken over; a leader hands over as soon as it can. */
export function requestStop(draft: Draft): void {
  if (draft.state.stopDeadlineMs !== null) return;
  patch(draft, { stopDeadlineMs: draft.nowMs + STOP_MS_MAX });
}

/** The devices are given back: nothing keeps a leader that nobody follows. */
export function takeReleasedDevices(draft: Draft): void {
  if (draft.state.releaseUntilMs !== null) patch(draft, { releaseUntilMs: draft.nowMs });
}

export function stopDueMs(state: ControllerState): number {
  const { stopDeadlineMs, releaseUntilMs, steppedAtMs } = state;
  const dueMs = [stopDeadlineMs, releaseUntilMs].filter((one) => one !== null);
  return Math.min(Number.POSITIVE_INFINITY, ...dueMs.filter((one) => one > steppedAtMs));
}

/** Ends this incarnation once nothing rests on it: a leader waits for its handover, a takeover under way for its outcome. */
export function stopIfDue(draft: Draft): void {
  const { stopDeadlineMs } = draft.state;
  if (stopDeadlineMs === null) return;
  if (draft.nowMs < stopDeadlineMs && isNeeded(draft.state)) return;
  if (!hasReleased(draft)) return;
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

/** A leader that nobody follows gives its devices back before it goes; without authority it cannot. */
function hasReleased(draft: Draft): boolean {
  const { state, nowMs, options } = draft;
  if (state.situation.role !== "leading" || authorityUntilMs(state, options) <= nowMs) return true;
  if (state.releaseUntilMs !== null) return nowMs >= state.releaseUntilMs;
  patch(draft, { releaseUntilMs: nowMs + RELEASE_MS_MAX });
  emit(draft, { type: "releaseDevices" });
  return false;
}
