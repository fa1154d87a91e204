import type { NotificationConfig } from "../../configs/manifest.ts";
import type { AlarmEntry } from "../../kernel/alarm.ts";
import type { Deliver } from "./channels.ts";
import { bodyOf, noticeName, noticesDue, type Notice, type Sender } from "./notice.ts";

export interface NotifierParts {
  readonly channels: readonly {
    readonly config: NotificationConfig;
    readonly deliver: Deliver;
  }[];
  readonly sender: Sender;
  /** Alarms of the grids that this node leads with authority, by grid: only their leader sends. */
  readonly ledAlarms: () => ReadonlyMap<string, readonly AlarmEntry[]>;
  /** Has the grid remember that a notice was sent; rejects if the grid did not take it. */
  readonly remember: (grid: string, alarmId: string, notice: string) => Promise<void>;
  /** True once a channel has not delivered for {@link FAILED_AFTER_MS}; false when all deliver again. */
  readonly onFailedChanged: (isFailed: boolean, reason: string) => void;
}

/** A channel that has not delivered for so long is an alarm of its own. */
const FAILED_AFTER_MS = 120_000;
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 60_000;
/** In one delivery; the rest follows in the next. */
const NOTICE_COUNT_MAX = 20;

interface Channel {
  readonly config: NotificationConfig;
  readonly deliver: Deliver;
  isBusy: boolean;
  failureCount: number;
  failingSinceMs: number | null;
  retryAtMs: number;
  /** Sent, and not yet seen as remembered: by grid and alarm. */
  readonly sent: Set<string>;
  /** Told as raised, and standing when last seen: what vanishes from here was cleared at once. */
  readonly standing: Map<string, Notice>;
}

/**
 * Tells people of alarms. What was sent is remembered in the grid's replicated state, so that the next leader does not send it
 * again; a leader that dies in between may cause a repetition under the same id, never a loss.
 */
export class Notifier {
  readonly #parts: NotifierParts;
  readonly #channels: readonly Channel[];
  #isFailed = false;

  constructor(parts: NotifierParts) {
    this.#parts = parts;
    this.#channels = parts.channels.map(({ config, deliver }) => ({
      config,
      deliver,
      isBusy: false,
      failureCount: 0,
      failingSinceMs: null,
      retryAtMs: 0,
      sent: new Set(),
      standing: new Map(),
    }));
  }

  /** Looks for what is due; about once a second. @param nowMs - Monotonic milliseconds. @returns When what it began has ended. */
  async tick(nowMs: number): Promise<void> {
    const alarms = this.#parts.ledAlarms();
    await Promise.all(this.#channels.map((channel) => this.#serve(channel, alarms, nowMs)));
    this.#judge(nowMs);
  }

  async #serve(
    channel: Channel,
    alarms: ReadonlyMap<string, readonly AlarmEntry[]>,
    nowMs: number,
  ): Promise<void> {
    if (channel.isBusy || nowMs < channel.retryAtMs) return;
    const { config } = channel;
    const due = [
      ...[...alarms].flatMap(([grid, entries]) => noticesDue(config, grid, entries)),
      ...vanished(channel, alarms),
    ];
    const keys = new Set(due.map(keyOf));
    for (const key of channel.sent) if (!keys.has(key)) channel.sent.delete(key);
    const unsent = due.filter((notice) => !channel.sent.has(keyOf(notice)));
    const now = unsent.slice(0, NOTICE_COUNT_MAX);
    channel.isBusy = true;
    try {
      if (now.length > 0) {
        await channel.deliver(now.map((notice) => bodyOf(notice, this.#parts.sender)));
        for (const notice of now) {
          channel.sent.add(keyOf(notice));
          if (notice.event === "returned") channel.standing.delete(alarmOf(notice));
        }
      }
      channel.failureCount = 0;
      channel.failingSinceMs = null;
    } catch {
      channel.failureCount += 1;
      channel.failingSinceMs ??= nowMs;
      channel.retryAtMs =
        nowMs + Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(channel.failureCount - 1, 6));
    }
    // What was sent before and is still due was not remembered then.
    await this.#rememberAll(channel, due, alarms);
    channel.isBusy = false;
  }

  async #rememberAll(
    channel: Channel,
    due: readonly Notice[],
    alarms: ReadonlyMap<string, readonly AlarmEntry[]>,
  ): Promise<void> {
    for (const notice of due) {
      const isGone = !alarms.get(notice.grid)?.some(({ id }) => id === notice.alarm.id);
      if (isGone || !channel.sent.has(keyOf(notice))) continue;
      try {
        const name = noticeName(channel.config.id, notice.event);
        await this.#parts.remember(notice.grid, notice.alarm.id, name);
      } catch {
        // No leader at this moment: the next tick, or the next leader, tries again.
        return;
      }
    }
  }

  #judge(nowMs: number): void {
    const failing = this.#channels.filter(
      ({ failingSinceMs }) => failingSinceMs !== null && nowMs - failingSinceMs >= FAILED_AFTER_MS,
    );
    const isFailed = failing.length > 0;
    if (isFailed === this.#isFailed) return;
    this.#isFailed = isFailed;
    const names = failing.map(({ config }) => config.id).join(", ");
    this.#parts.onFailedChanged(isFailed, isFailed ? `${names}: nothing was delivered` : "");
  }
}

/** Alarms that were acknowledged are gone when their cause is: their return is told from memory, by the leader of that moment. */
function vanished(
  { config, standing }: Channel,
  alarms: ReadonlyMap<string, readonly AlarmEntry[]>,
): Notice[] {
  if (!config.isReturnTold) return [];
  for (const [grid, entries] of alarms) {
    for (const alarm of entries) {
      if (!alarm.notified.includes(noticeName(config.id, "raised"))) continue;
      const notice: Notice = { grid, alarm, event: "returned" };
      standing.set(alarmOf(notice), notice);
    }
  }
  const gone: Notice[] = [];
  for (const [key, notice] of standing) {
    const entries = alarms.get(notice.grid);
    // Another node leads now, and tells.
    if (entries === undefined) standing.delete(key);
    else if (!entries.some(({ id }) => id === notice.alarm.id)) {
      if (notice.alarm.notified.includes(noticeName(config.id, "returned"))) standing.delete(key);
      else gone.push(notice);
    }
  }
  return gone;
}

function alarmOf({ grid, alarm }: Notice): string {
  return `${grid}|${alarm.id}`;
}

function keyOf({ grid, alarm, event }: Notice): string {
  return `${grid}|${alarm.id}|${event}`;
}
