import {
  isAlarmHidden,
  type AlarmChange,
  type AlarmEntry,
  type AlarmEvent,
  type AlarmPriority,
} from "../../kernel/alarm.ts";
import { ALARMS, type AlarmCode, type AlarmDefinition } from "./catalogue.ts";

/** All that is remembered about the alarms of a grid: canonical and replicated. */
export type AlarmBook = {
  /** Every alarm that is not normal, or hidden by an operator; oldest first. */
  readonly entries: readonly AlarmEntry[];
  /** Since when a condition holds that is not an alarm yet, by key. */
  readonly pendingSinceMs: { readonly [key: string]: number };
  /** The upset under way: alarms of high priority until then belong to the first one. */
  readonly upset: { readonly firstId: string; readonly untilMs: number } | null;
  /** When the last alarms were raised, newest last; bounded. */
  readonly raisedAtMs: readonly number[];
  readonly isFlood: boolean;
};

export const EMPTY_ALARM_BOOK: AlarmBook = {
  entries: [],
  pendingSinceMs: {},
  upset: null,
  raisedAtMs: [],
  isFlood: false,
};

/** A condition that holds now. Its priority replaces the catalogue's. */
export interface AlarmCondition {
  readonly actor: string;
  readonly code: AlarmCode;
  readonly priority?: AlarmPriority;
  readonly text: string;
}

export interface AlarmMoment {
  readonly grid: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly plantTimeMs: number;
  readonly wallTimeMs: number;
}

/** Alarms of one upset follow each other within this time, and the upset is over after the longest. */
const UPSET_STEP_MS = 10_000;
/** More raised alarms than this within the window are a flood; it is over below the lower count. ISA-18.2 names 10 in 10 minutes. */
const FLOOD_COUNT = 10;
const FLOOD_OVER_COUNT = 5;
const FLOOD_WINDOW_MS = 600_000;

export function alarmKey({ actor, code }: { readonly actor: string; readonly code: string }) {
  return `${actor}|${code}`;
}

/** Every code in a book was raised here; one of an older version has no definition and behaves plainly. */
export function definitionOf(code: string): AlarmDefinition {
  return ALARMS[code as AlarmCode] ?? ALARMS.STEP_OVERDUE;
}

/**
 * Advances the alarms of a grid by one scan. The same book is returned where nothing changed.
 *
 * @param holding - Conditions that hold now, each key once, in a fixed order.
 * @param changesBefore - How many changes this scan has had already (acknowledgements): ids count on.
 */
export function advanceAlarms(
  book: AlarmBook,
  holding: readonly AlarmCondition[],
  moment: AlarmMoment,
  changesBefore = 0,
): { readonly book: AlarmBook; readonly changes: readonly AlarmChange[] } {
  if (isIdle(book, holding)) return { book, changes: [] };
  const changes: AlarmChange[] = [];
  const byKey = new Map(holding.map((condition) => [alarmKey(condition), condition]));
  const entries: AlarmEntry[] = [];
  for (const before of book.entries) {
    const condition = byKey.get(alarmKey(before));
    byKey.delete(alarmKey(before));
    const { entry, event } = advance(before, condition, moment.plantTimeMs);
    if (event !== null) changes.push({ ...entry, event, by: "" });
    if (isKept(entry)) entries.push(entry);
  }
  let { upset } = book;
  if (upset !== null && moment.plantTimeMs >= upset.untilMs) upset = null;
  const raisedAtMs = withinWindow(book.raisedAtMs, moment.plantTimeMs);
  const pendingSinceMs: { [key: string]: number } = {};
  const raised: AlarmEntry[] = [];
  for (const [key, condition] of byKey) {
    const sinceMs = book.pendingSinceMs[key] ?? moment.plantTimeMs;
    if (moment.plantTimeMs - sinceMs < definitionOf(condition.code).onDelayMs) {
      pendingSinceMs[key] = sinceMs;
      continue;
    }
    const id = `${moment.epoch}:${moment.sequence}:${changesBefore + changes.length}`;
    const entry = raise(condition, id, moment, book.isFlood);
    raised.push(entry);
    changes.push({ ...entry, event: "raised", by: "" });
  }
  const followers = new Set<string>();
  for (const { id, priority } of raised) {
    if (priority !== "high") continue;
    if (upset !== null) followers.add(id).add(upset.firstId);
    upset = { firstId: upset?.firstId ?? id, untilMs: moment.plantTimeMs + UPSET_STEP_MS };
  }
  const firstOut = upset?.firstId ?? "";
  const all = [...entries, ...raised].map((entry) =>
    followers.has(entry.id) && entry.firstOut !== firstOut ? { ...entry, firstOut } : entry,
  );
  raisedAtMs.push(...raised.map(() => moment.plantTimeMs));
  const next = hideExplained(all, `grids/${moment.grid}`, changes);
  const after: AlarmBook = {
    entries: next,
    pendingSinceMs,
    upset,
    raisedAtMs: raisedAtMs.slice(-FLOOD_COUNT - 1),
    isFlood: raisedAtMs.length > (book.isFlood ? FLOOD_OVER_COUNT - 1 : FLOOD_COUNT),
  };
  if (changes.length === 0 && isSame(after, book)) return { book, changes };
  return {
    book: after,
    // What an entry became later in this scan (group, suppression) counts.
    changes: changes.map((change) => {
      const entry = next.find(({ id }) => id === change.id);
      return entry === undefined ? change : { ...entry, event: change.event, by: change.by };
    }),
  };
}

function isIdle(book: AlarmBook, holding: readonly AlarmCondition[]): boolean {
  return (
    holding.length === 0 &&
    book.entries.length === 0 &&
    book.upset === null &&
    !book.isFlood &&
    Object.keys(book.pendingSinceMs).length === 0
  );
}

function isSame(a: AlarmBook, b: AlarmBook): boolean {
  const keys = Object.keys(a.pendingSinceMs);
  return (
    a.entries.length === b.entries.length &&
    a.entries.every((entry, index) => entry === b.entries[index]) &&
    a.upset === b.upset &&
    a.isFlood === b.isFlood &&
    keys.length === Object.keys(b.pendingSinceMs).length &&
    keys.every((key) => key in b.pendingSinceMs)
  );
}

function withinWindow(timesMs: readonly number[], nowMs: number): number[] {
  return timesMs.filter((atMs) => nowMs - atMs < FLOOD_WINDOW_MS);
}

/** An entry whose state is normal stays only while somebody hides it. */
function isKept(entry: AlarmEntry): boolean {
  return entry.state !== "normal" || entry.shelvedUntilMs !== null || entry.outOfServiceBy !== "";
}

interface Advanced {
  readonly entry: AlarmEntry;
  readonly event: AlarmEvent | null;
}

/** One alarm, one scan, at most one thing that happens. */
function advance(
  entry: AlarmEntry,
  condition: AlarmCondition | undefined,
  nowMs: number,
): Advanced {
  if (entry.shelvedUntilMs !== null && nowMs >= entry.shelvedUntilMs) {
    return { entry: { ...entry, shelvedUntilMs: null, shelvedBy: "" }, event: "unshelved" };
  }
  if (condition !== undefined) return continued(entry, condition, nowMs);
  if (!entry.isActive) return { entry, event: null };
  const overSinceMs = entry.overSinceMs ?? nowMs;
  const definition = definitionOf(entry.code);
  if (nowMs - overSinceMs < definition.offDelayMs) {
    const isSame = overSinceMs === entry.overSinceMs;
    return { entry: isSame ? entry : { ...entry, overSinceMs }, event: null };
  }
  return over({ ...entry, isActive: false, overSinceMs }, definition);
}

function continued(entry: AlarmEntry, condition: AlarmCondition, nowMs: number): Advanced {
  const { text } = condition;
  if (!entry.isActive) {
    const again: AlarmEntry = {
      ...entry,
      text,
      priority: condition.priority ?? definitionOf(entry.code).priority,
      isActive: true,
      overSinceMs: null,
      state: "unacknowledged",
      raisedMs: nowMs,
      raisedCount: entry.raisedCount + 1,
      escalatedMs: null,
      acknowledgedBy: "",
    };
    return { entry: again, event: "raised" };
  }
  const { escalateAfterMs } = definitionOf(entry.code);
  const isDue =
    escalateAfterMs !== null &&
    entry.escalatedMs === null &&
    entry.state === "unacknowledged" &&
    entry.priority !== "high" &&
    !isAlarmHidden(entry) &&
    nowMs - entry.raisedMs >= escalateAfterMs;
  if (isDue) {
    const priority = entry.priority === "low" ? "medium" : "high";
    return { entry: { ...entry, priority, escalatedMs: nowMs }, event: "escalated" };
  }
  return {
    entry: entry.overSinceMs === null ? entry : { ...entry, overSinceMs: null },
    event: null,
  };
}

/** The condition is over: one that nobody has seen stays, one that is latched is held, any other is done with. */
function over(entry: AlarmEntry, definition: AlarmDefinition): Advanced {
  const isSeen = entry.state !== "unacknowledged";
  if (definition.isLatched) {
    const state = isSeen ? "latchedAcknowledged" : "latchedUnacknowledged";
    return { entry: { ...entry, state }, event: "returned" };
  }
  // What is of low priority asks nobody to acknowledge it.
  if (isSeen || entry.priority === "low") {
    return { entry: { ...entry, state: "normal" }, event: "cleared" };
  }
  return { entry: { ...entry, state: "returnedUnacknowledged" }, event: "returned" };
}

function raise(
  condition: AlarmCondition,
  id: string,
  moment: AlarmMoment,
  isFlood: boolean,
): AlarmEntry {
  const priority = condition.priority ?? definitionOf(condition.code).priority;
  return {
    id,
    actor: condition.actor,
    code: condition.code,
    priority,
    text: condition.text,
    isActive: true,
    state: "unacknowledged",
    raisedMs: moment.plantTimeMs,
    raisedWallMs: moment.wallTimeMs,
    raisedCount: 1,
    overSinceMs: null,
    escalatedMs: null,
    acknowledgedBy: "",
    shelvedUntilMs: null,
    shelvedBy: "",
    suppressedBy: "",
    outOfServiceBy: "",
    firstOut: "",
    isQuiet: isFlood && priority !== "high",
    notified: [],
  };
}

/** Marks what another standing alarm explains, and notes where that changed. */
function hideExplained(
  entries: readonly AlarmEntry[],
  gridActor: string,
  changes: AlarmChange[],
): readonly AlarmEntry[] {
  return entries.map((entry) => {
    const suppressedBy =
      definitionOf(entry.code).suppressedBy.find((code) =>
        entries.some(
          (other) =>
            other.code === code &&
            other.isActive &&
            (other.actor === entry.actor || other.actor === gridActor),
        ),
      ) ?? "";
    if (suppressedBy === entry.suppressedBy) return entry;
    const next = { ...entry, suppressedBy };
    const isNew = changes.some(({ id, event }) => id === entry.id && event === "raised");
    if (!isNew) {
      const event = suppressedBy === "" ? "unsuppressed" : "suppressed";
      changes.push({ ...next, event, by: "" });
    }
    return next;
  });
}
