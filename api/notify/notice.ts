import { ALARMS, isAlarmCode } from "../../actors/alarms/catalogue.ts";
import type { NotificationConfig } from "../../configs/manifest.ts";
import { isAlarmHidden, type AlarmEntry } from "../../kernel/alarm.ts";

export type NoticeEvent = "raised" | "escalated" | "returned";

/** One message about one alarm, for one channel. */
export interface Notice {
  readonly grid: string;
  readonly alarm: AlarmEntry;
  readonly event: NoticeEvent;
}

/** What leaves the installation, for webhooks and MQTT: field names are stable. */
export interface NoticeBody {
  /** The same on every attempt and from every node: receivers can tell a repetition by it. */
  readonly id: string;
  readonly event: NoticeEvent;
  readonly installation: string;
  readonly isSimulation: boolean;
  readonly grid: string;
  readonly actor: string;
  readonly code: string;
  readonly priority: string;
  readonly text: string;
  readonly cause: string;
  readonly consequence: string;
  readonly action: string;
  /** UTC, ISO 8601. */
  readonly raisedAt: string;
  /** Id of the alarm that came first in the same upset, or empty. */
  readonly firstOut: string;
  /** Node that sent it. */
  readonly node: string;
}

export interface Sender {
  readonly installation: string;
  readonly installationId: string;
  readonly isSimulation: boolean;
  readonly node: string;
}

const WEIGHT = { low: 0, medium: 1, high: 2 } as const;

/** The name under which an alarm remembers that it was sent. */
export function noticeName(channel: string, event: NoticeEvent): string {
  return `${channel}:${event}`;
}

/** What a channel has to be told of a grid's alarms and was not told yet. A pure function. */
export function noticesDue(
  channel: NotificationConfig,
  grid: string,
  alarms: readonly AlarmEntry[],
): Notice[] {
  if (channel.grids.length > 0 && !channel.grids.includes(grid)) return [];
  const due: Notice[] = [];
  for (const alarm of alarms) {
    const isTold = (event: NoticeEvent) => alarm.notified.includes(noticeName(channel.id, event));
    const isWanted = WEIGHT[alarm.priority] >= WEIGHT[channel.priorityMin];
    const isOpen = alarm.state === "unacknowledged";
    if (isWanted && isOpen && !isAlarmHidden(alarm) && !alarm.isQuiet) {
      const event = alarm.escalatedMs === null || !isTold("raised") ? "raised" : "escalated";
      if (!isTold(event)) due.push({ grid, alarm, event });
    }
    const isOver = !alarm.isActive && isTold("raised") && !isTold("returned");
    if (channel.isReturnTold && isOver) due.push({ grid, alarm, event: "returned" });
  }
  return due;
}

export function bodyOf({ grid, alarm, event }: Notice, sender: Sender): NoticeBody {
  const meaning = isAlarmCode(alarm.code) ? ALARMS[alarm.code] : undefined;
  return {
    id: `${sender.installationId}/${grid}/${alarm.id}/${event}`,
    event,
    installation: sender.installation,
    isSimulation: sender.isSimulation,
    grid,
    actor: alarm.actor,
    code: alarm.code,
    priority: alarm.priority,
    text: alarm.text,
    cause: meaning?.cause ?? "",
    consequence: meaning?.consequence ?? "",
    action: meaning?.action ?? "",
    raisedAt: new Date(alarm.raisedWallMs).toISOString(),
    firstOut: alarm.firstOut,
    node: sender.node,
  };
}

const WORDS: Readonly<Record<NoticeEvent, string>> = {
  raised: "ALARM",
  escalated: "NOT ACKNOWLEDGED",
  returned: "OVER",
};

/** Subject and text of an e-mail; several notices at once make one. */
export function mailOf(bodies: readonly NoticeBody[]): {
  readonly subject: string;
  readonly text: string;
} {
  const [first] = bodies;
  if (first === undefined) return { subject: "", text: "" };
  const more = bodies.length === 1 ? "" : ` (and ${bodies.length - 1} more)`;
  const mode = first.isSimulation ? "SIMULATION " : "";
  return {
    subject: `[R-EMS ${mode}${first.installation}] ${WORDS[first.event]} ${first.code} ${first.grid}: ${first.text}${more}`,
    text: bodies.map(paragraphOf).join("\n\n"),
  };
}

function paragraphOf(body: NoticeBody): string {
  return [
    ...(body.isSimulation ? ["This is a SIMULATION."] : []),
    `${WORDS[body.event]}: ${body.text}`,
    `  alarm        ${body.code}, priority ${body.priority}`,
    `  where        ${body.actor} of ${body.installation}`,
    `  since        ${body.raisedAt}`,
    `  cause        ${body.cause}`,
    `  consequence  ${body.consequence}`,
    `  action       ${body.action}`,
    ...(body.firstOut === "" ? [] : [`  came first   ${body.firstOut}`]),
    `  id           ${body.id}, sent by node ${body.node}`,
  ].join("\n");
}
