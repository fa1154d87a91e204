import { authorityUntilMs, casesOf, isSolo } from "./authority.ts";
import { leadingOf, patchLeading, setAlarm } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { SYNC_WAIT_MS_MAX } from "./leading.ts";
import type { ControllerOptions, ControllerState } from "./state.ts";

const FOREVER = Number.POSITIVE_INFINITY;
/** A set that is incomplete for so long is alarmed (plant safety, rule 9). */
const REDUNDANCY_ALARM_MS = 2_000;

/** When an alarm or the wait for the disk comes due. */
export function watchDueMs(state: ControllerState, options: ControllerOptions): number {
  const leading = leadingOf(state);
  if (leading === null) return FOREVER;
  const isActive = (code: (typeof state.activeAlarms)[number]) => state.activeAlarms.includes(code);
  const lostMs = isActive("REDUNDANCY_LOST") ? null : leading.lostSinceMs;
  const reducedMs = isActive("REDUNDANCY_REDUCED") ? null : leading.reducedSinceMs;
  return Math.min(
    options.order.length > 1 && lostMs !== null ? lostMs + REDUNDANCY_ALARM_MS : FOREVER,
    reducedMs !== null ? reducedMs + REDUNDANCY_ALARM_MS : FOREVER,
    isActive("AUTHORITY_LOST") || state.situation.role !== "leading"
      ? FOREVER
      : holdingAlarmDueMs(state, options),
    unsyncedSinceMs(state) + SYNC_WAIT_MS_MAX,
  );
}

/**
 * When a leader without authority is alarmed, if none comes: heartbeats and gate know at once, people after `holdMs`, so that
 * neither a start nor a moment's silence of a standby is an alarm.
 */
function holdingAlarmDueMs(state: ControllerState, options: ControllerOptions): number {
  const startedAtMs = leadingOf(state)?.startedAtMs ?? FOREVER;
  return Math.max(authorityUntilMs(state, options), startedAtMs) + options.timings.holdMs;
}

/** When the first frame was built that a solo leader still waits for the disk to take. */
function unsyncedSinceMs(state: ControllerState): number {
  const leading = leadingOf(state);
  if (leading === null || !casesOf(state).some(({ record }) => isSolo(record))) return FOREVER;
  const { synced } = state.log;
  const syncedSequence = synced?.epoch === leading.epoch ? synced.sequence : 0;
  const waitsFrom = Math.max(syncedSequence, leading.syncWaivedSequence);
  return leading.built.find((frame) => frame.sequence > waitsFrom)?.atMs ?? FOREVER;
}

export function watch(draft: Draft): void {
  const { nowMs, options } = draft;
  const leading = leadingOf(draft.state);
  if (leading === null) return;
  const isDue = (sinceMs: number | null) =>
    sinceMs !== null && nowMs >= sinceMs + REDUNDANCY_ALARM_MS;
  const isLost = options.order.length > 1 && leading.lostSinceMs !== null;
  if (!isLost || isDue(leading.lostSinceMs)) {
    setAlarm(draft, "REDUNDANCY_LOST", isLost, "no standby is in sync");
  }
  const isReduced = leading.reducedSinceMs !== null;
  if (!isReduced || isDue(leading.reducedSinceMs)) {
    setAlarm(draft, "REDUNDANCY_REDUCED", isReduced, "not every controller is in sync");
  }
  const hasAuthority = authorityUntilMs(draft.state, options) > nowMs;
  const isAlarmed = nowMs >= holdingAlarmDueMs(draft.state, options);
  // Giving up authority in a handover is no loss.
  if (draft.state.situation.role === "leading" && (hasAuthority || isAlarmed)) {
    setAlarm(draft, "AUTHORITY_LOST", !hasAuthority, "the leader holds: it may not write");
  }
  waiveSync(draft);
}

function waiveSync(draft: Draft): void {
  const leading = leadingOf(draft.state);
  if (leading === null) return;
  const isWaiting = draft.nowMs >= unsyncedSinceMs(draft.state) + SYNC_WAIT_MS_MAX;
  if (isWaiting) {
    const overdue = leading.built.filter((f) => f.atMs + SYNC_WAIT_MS_MAX <= draft.nowMs);
    patchLeading(draft, { syncWaivedSequence: overdue.at(-1)?.sequence ?? 0 });
    setAlarm(draft, "JOURNAL_SLOW", true, "the journal does not reach the disk in time");
    return;
  }
  const { synced } = draft.state.log;
  if (synced !== null && synced.sequence > leading.syncWaivedSequence) {
    setAlarm(draft, "JOURNAL_SLOW", false, "the journal reaches the disk again");
  }
}
