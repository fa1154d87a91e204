import type { JSX } from "preact";
import type { Alarm } from "../data/messages.ts";

/** Priority by shape, number and colour: a square 1, a triangle 2, a disc 3. */

const WEIGHT: Readonly<Record<string, number>> = { high: 1, medium: 2, low: 3 };
export const rankOf = (priority: string): number => WEIGHT[priority] ?? 3;

const UNACKNOWLEDGED = new Set([
  "unacknowledged",
  "returnedUnacknowledged",
  "latchedUnacknowledged",
]);
export const isUnacknowledged = (alarm: Alarm): boolean => UNACKNOWLEDGED.has(alarm.state);

/** The one to look at first: unacknowledged before the rest, then by priority, the oldest first. */
export function byUrgency(alarms: readonly Alarm[]): Alarm[] {
  return alarms.toSorted(
    (a, b) =>
      Number(isUnacknowledged(b)) - Number(isUnacknowledged(a)) ||
      rankOf(a.priority) - rankOf(b.priority) ||
      a.sinceWallTimeMs - b.sinceWallTimeMs,
  );
}

export const worstOf = (alarms: readonly Alarm[]): Alarm | null => byUrgency(alarms)[0] ?? null;

/** Within a drawing. */
export function AlarmMark({ x, y, alarm }: { x: number; y: number; alarm: Alarm }): JSX.Element {
  const rank = rankOf(alarm.priority);
  const name = `alarm-mark ${alarm.priority}${isUnacknowledged(alarm) ? " new" : ""}`;
  return (
    <g class={name} aria-hidden="true">
      <path d={shape(rank, x, y)} />
      <text x={x} y={y + (rank === 2 ? 5 : 4)}>
        {rank}
      </text>
    </g>
  );
}

function shape(rank: number, x: number, y: number): string {
  if (rank === 1) return `M${x - 8} ${y - 8}h16v16h-16z`;
  if (rank === 2) return `M${x} ${y - 9}l10 17h-20z`;
  return `M${x - 8} ${y}a8 8 0 1 0 16 0a8 8 0 1 0-16 0z`;
}

/** Within text; says its priority to a screen reader. */
export function PriorityMark({ alarm }: { alarm: Pick<Alarm, "priority" | "state"> }): JSX.Element {
  const rank = rankOf(alarm.priority);
  const isNew = UNACKNOWLEDGED.has(alarm.state);
  return (
    <svg
      class={`alarm-mark ${alarm.priority}${isNew ? " new" : ""}`}
      width="22"
      height="22"
      viewBox="-11 -11 22 22"
      role="img"
      aria-label={`${alarm.priority} priority${isNew ? ", not acknowledged" : ""}`}
    >
      <path d={shape(rank, 0, 0)} />
      <text x="0" y={rank === 2 ? 5 : 4}>
        {rank}
      </text>
    </svg>
  );
}
