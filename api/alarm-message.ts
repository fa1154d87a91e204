import { isAlarmUnacknowledged, type AlarmEntry } from "../kernel/alarm.ts";
import { rems, type Types } from "../proto/generated/rems-v1.ts";
import type { NodeView } from "./node-view.ts";

export function alarmMessage(grid: string, alarm: AlarmEntry): Types.rems.v1.Alarm {
  return rems.v1.Alarm.create({
    grid,
    code: alarm.code,
    actor: alarm.actor,
    priority: alarm.priority,
    text: alarm.text,
    sincePlantTimeMs: alarm.raisedMs,
    id: alarm.id,
    state: alarm.state,
    isActive: alarm.isActive,
    sinceWallTimeMs: alarm.raisedWallMs,
    raisedCount: alarm.raisedCount,
    acknowledgedBy: alarm.acknowledgedBy,
    shelvedUntilPlantTimeMs: alarm.shelvedUntilMs,
    shelvedBy: alarm.shelvedBy,
    suppressedBy: alarm.suppressedBy,
    outOfServiceBy: alarm.outOfServiceBy,
    firstOut: alarm.firstOut,
    isEscalated: alarm.escalatedMs !== null,
    isQuiet: alarm.isQuiet,
  });
}

/** Alarms of all nodes that explain one of this node alone. */
const EXPLAINED_BY: Readonly<Record<string, readonly string[]>> = {
  JOURNAL_SLOW: ["DISK_FULL", "JOURNAL_FAILED"],
};

/** Alarms of this node alone: nobody else knows of them, and they end by themselves. One cause is one alarm: what all nodes list is not told twice. */
export function nodeAlarms(view: NodeView, grid: string): Types.rems.v1.Alarm[] {
  const actor = `nodes/${view.node.id}`;
  const listed = view
    .replicaOf(grid)
    .alarms()
    .filter(({ isActive }) => isActive);
  const isTold = (code: string) =>
    listed.some(
      (alarm) =>
        alarm.code === code ||
        (alarm.actor === actor && EXPLAINED_BY[code]?.includes(alarm.code) === true),
    );
  const own = view.alarmsOf(grid).filter(({ code }) => !isTold(code));
  return own.map(({ code, priority, text }) =>
    rems.v1.Alarm.create({
      grid,
      code,
      priority,
      text,
      actor,
      isActive: true,
      state: "unacknowledged",
    }),
  );
}

const WEIGHT = { high: 0, medium: 1, low: 2 } as const;

/** What nobody has acknowledged before the rest, then by priority; the first of an upset before what followed. */
export function byImportance(alarms: readonly AlarmEntry[]): AlarmEntry[] {
  return alarms.toSorted(
    (a, b) =>
      Number(isAlarmUnacknowledged(b)) - Number(isAlarmUnacknowledged(a)) ||
      WEIGHT[a.priority] - WEIGHT[b.priority] ||
      // Each grid has a plant time of its own.
      a.raisedWallMs - b.raisedWallMs ||
      a.raisedMs - b.raisedMs,
  );
}
