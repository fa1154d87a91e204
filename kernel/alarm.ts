export type AlarmPriority = "low" | "medium" | "high";

/**
 * Process state of an alarm, by the names of ISA-18.2 / IEC 62682. `returnedUnacknowledged`: over, but nobody has seen it.
 * `latched…`: over, but held until it is reset.
 */
export type AlarmState =
  | "normal"
  | "unacknowledged"
  | "acknowledged"
  | "returnedUnacknowledged"
  | "latchedUnacknowledged"
  | "latchedAcknowledged";

/** One alarm of one actor: replicated, so that it outlives its leader. Times are plant time, milliseconds. */
export interface AlarmEntry {
  /** `epoch:sequence:index` of its raising: one situation has one id, on every node and across failovers. */
  readonly id: string;
  /** Address of the actor that it belongs to. */
  readonly actor: string;
  readonly code: string;
  readonly priority: AlarmPriority;
  readonly text: string;
  /** Its condition holds now. Shelved and suppressed alarms keep being evaluated. */
  readonly isActive: boolean;
  readonly state: AlarmState;
  readonly raisedMs: number;
  /** UTC, milliseconds since 1970, by the leader's clock. */
  readonly raisedWallMs: number;
  /** How often its condition has begun since it was last normal. */
  readonly raisedCount: number;
  /** Since when its condition has been over, null while it holds. */
  readonly overSinceMs: number | null;
  /** When its priority was raised because nobody acknowledged it, else null. */
  readonly escalatedMs: number | null;
  readonly acknowledgedBy: string;
  /** Hidden by an operator until then, else null. */
  readonly shelvedUntilMs: number | null;
  readonly shelvedBy: string;
  /** Hidden by design: code of the alarm that explains it, else empty. */
  readonly suppressedBy: string;
  /** Taken out of service by whom and why, else empty. */
  readonly outOfServiceBy: string;
  /** Id of the alarm that came first in the same upset, its own if it was this one; empty where it stands alone. */
  readonly firstOut: string;
  /** Raised in a flood of alarms with less than high priority: shown, not announced. */
  readonly isQuiet: boolean;
  /** What was sent out, `channel:event` each. */
  readonly notified: readonly string[];
}

export type AlarmEvent =
  | "raised"
  | "returned"
  | "cleared"
  | "acknowledged"
  | "reset"
  | "escalated"
  | "shelved"
  | "unshelved"
  | "suppressed"
  | "unsuppressed"
  | "outOfService"
  | "inService";

/** What happened to an alarm, with the alarm as it is then; identical on every replica. */
export interface AlarmChange extends AlarmEntry {
  readonly event: AlarmEvent;
  /** Who did it, empty for the plant itself. */
  readonly by: string;
}

/** True if operators and notifications should not be bothered with it now. */
export function isAlarmHidden(
  alarm: Pick<AlarmEntry, "shelvedUntilMs" | "suppressedBy" | "outOfServiceBy">,
): boolean {
  return alarm.shelvedUntilMs !== null || alarm.suppressedBy !== "" || alarm.outOfServiceBy !== "";
}

/** True if its condition holds or it is held by a latch, and it is not hidden: what a head line counts. */
export function isAlarmStanding(alarm: AlarmEntry): boolean {
  const isHeld = alarm.state === "latchedUnacknowledged" || alarm.state === "latchedAcknowledged";
  return (alarm.isActive || isHeld) && !isAlarmHidden(alarm);
}

/** True if an operator should look at it: nobody has acknowledged it, and it is not hidden. */
export function isAlarmUnacknowledged(alarm: AlarmEntry): boolean {
  return (
    (alarm.state === "unacknowledged" ||
      alarm.state === "returnedUnacknowledged" ||
      alarm.state === "latchedUnacknowledged") &&
    !isAlarmHidden(alarm)
  );
}
