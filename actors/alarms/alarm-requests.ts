import type { AlarmChange, AlarmEntry, AlarmEvent } from "../../kernel/alarm.ts";
import type { OperatorRequest } from "../../kernel/command.ts";
import { alarmKey, definitionOf, type AlarmBook, type AlarmMoment } from "./alarm-book.ts";
import { ALARM_CODES, isAlarmCode } from "./catalogue.ts";

/** Commands to a grid that concern its alarms. Each takes `alarm`: an id, `actor|CODE`, or, to acknowledge and reset, `all`. */
export const ALARM_COMMANDS = [
  "acknowledge",
  "resetAlarm",
  "shelve",
  "unshelve",
  "removeFromService",
  "returnToService",
  "alarmNotified",
] as const;

export type AlarmCommand = (typeof ALARM_COMMANDS)[number];

export function isAlarmCommand(command: string): command is AlarmCommand {
  return (ALARM_COMMANDS as readonly string[]).includes(command);
}

/** Nothing is hidden longer than a watch without somebody saying so again. */
const SHELVE_S_MAX = 8 * 3600;
const SHELVE_S = 3600;
const HIDDEN_COUNT_MAX = 200;
const NOTIFIED_COUNT_MAX = 32;

export interface AlarmAnswer {
  readonly book: AlarmBook;
  readonly changes: readonly AlarmChange[];
  readonly isAccepted: boolean;
  readonly reason: string;
}

/**
 * Answers an operator's command to the alarms of a grid.
 *
 * @param actors - Addresses that an alarm of this grid may belong to.
 */
export function answerAlarmRequest(
  book: AlarmBook,
  request: OperatorRequest,
  moment: AlarmMoment,
  actors: ReadonlySet<string>,
): AlarmAnswer {
  const refuse = (reason: string): AlarmAnswer => ({
    book,
    changes: [],
    isAccepted: false,
    reason,
  });
  const wanted = request.arguments["alarm"];
  if (typeof wanted !== "string" || wanted === "") {
    return refuse("the argument alarm is missing; allowed are an alarm's id, actor|CODE, or all");
  }
  const command = request.command as AlarmCommand;
  if (command === "removeFromService") {
    return removeFromService(book, request, wanted, moment, actors, refuse);
  }
  const isOfMany = command === "acknowledge" || command === "resetAlarm";
  const selected = book.entries.filter((entry) =>
    wanted === "all" ? isOfMany : entry.id === wanted || alarmKey(entry) === wanted,
  );
  if (selected.length === 0) {
    if (wanted === "all") {
      return isOfMany
        ? { book, changes: [], isAccepted: true, reason: "no alarm stands" }
        : refuse(`${command} takes one alarm at a time`);
    }
    return refuse(`no alarm ${wanted} stands`);
  }
  const changes: AlarmChange[] = [];
  const changed = new Map<string, AlarmEntry>();
  for (const entry of selected) {
    const done = perform(entry, command, request, moment);
    if (typeof done === "string") {
      if (wanted !== "all") return refuse(done);
      continue;
    }
    changed.set(entry.id, done.entry);
    if (done.event !== null) changes.push({ ...done.entry, event: done.event, by: request.user });
  }
  const entries = book.entries
    .map((entry) => changed.get(entry.id) ?? entry)
    .filter(
      ({ state, shelvedUntilMs, outOfServiceBy }) =>
        state !== "normal" || shelvedUntilMs !== null || outOfServiceBy !== "",
    );
  const reason =
    selected.length === 1 && changes.length === 1
      ? `${selected[0]?.code ?? ""}: ${wordOf(changes[0]?.event)}`
      : `${changes.length} of ${selected.length} alarms changed`;
  return { book: { ...book, entries }, changes, isAccepted: true, reason };
}

function wordOf(event: AlarmEvent | undefined): string {
  return (event ?? "").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

interface Done {
  readonly entry: AlarmEntry;
  readonly event: AlarmEvent | null;
}

/** @returns What the alarm becomes, or why not. */
function perform(
  entry: AlarmEntry,
  command: Exclude<AlarmCommand, "removeFromService">,
  request: OperatorRequest,
  moment: AlarmMoment,
): Done | string {
  const { user } = request;
  switch (command) {
    case "acknowledge":
      return acknowledge(entry, user);
    case "resetAlarm":
      if (entry.state === "latchedAcknowledged") {
        return { entry: { ...entry, state: "normal" }, event: "reset" };
      }
      return entry.state === "latchedUnacknowledged"
        ? `${entry.code} must be acknowledged before it is reset`
        : `${entry.code} is not latched, or its cause still holds`;
    case "shelve": {
      const forS = request.arguments["forS"] ?? SHELVE_S;
      if (typeof forS !== "number" || forS <= 0 || forS > SHELVE_S_MAX) {
        return `forS is ${String(forS)}; allowed is up to ${SHELVE_S_MAX} s`;
      }
      const shelvedUntilMs = moment.plantTimeMs + Math.round(forS * 1000);
      return { entry: { ...entry, shelvedUntilMs, shelvedBy: user }, event: "shelved" };
    }
    case "unshelve":
      return entry.shelvedUntilMs === null
        ? `${entry.code} is not shelved`
        : { entry: { ...entry, shelvedUntilMs: null, shelvedBy: "" }, event: "unshelved" };
    case "returnToService":
      return entry.outOfServiceBy === ""
        ? `${entry.code} is in service`
        : { entry: { ...entry, outOfServiceBy: "" }, event: "inService" };
    case "alarmNotified":
      return noteNotified(entry, request.arguments["notice"]);
    default:
      return command satisfies never;
  }
}

function acknowledge(entry: AlarmEntry, acknowledgedBy: string): Done | string {
  switch (entry.state) {
    case "unacknowledged":
      return { entry: { ...entry, state: "acknowledged", acknowledgedBy }, event: "acknowledged" };
    case "returnedUnacknowledged":
      return { entry: { ...entry, state: "normal", acknowledgedBy }, event: "acknowledged" };
    case "latchedUnacknowledged":
      return {
        entry: { ...entry, state: "latchedAcknowledged", acknowledgedBy },
        event: "acknowledged",
      };
    case "acknowledged":
    case "latchedAcknowledged":
      return `${entry.code} was acknowledged by ${entry.acknowledgedBy}`;
    case "normal":
      return `${entry.code} does not stand`;
    default:
      return entry.state satisfies never;
  }
}

/** What left for people is remembered with the alarm, so that the next leader does not send it again. */
function noteNotified(entry: AlarmEntry, notice: unknown): Done | string {
  if (typeof notice !== "string" || !/^[\w-]{1,32}:\w{1,32}$/.test(notice)) {
    return "the argument notice is not channel:event";
  }
  if (entry.notified.includes(notice)) return { entry, event: null };
  const notified = [...entry.notified, notice].slice(-NOTIFIED_COUNT_MAX);
  return { entry: { ...entry, notified }, event: null };
}

/** An alarm may be taken out of service before it stands: for work at the device. */
function removeFromService(
  book: AlarmBook,
  request: OperatorRequest,
  wanted: string,
  moment: AlarmMoment,
  actors: ReadonlySet<string>,
  refuse: (reason: string) => AlarmAnswer,
): AlarmAnswer {
  const why = request.arguments["reason"];
  if (typeof why !== "string" || why.trim() === "") {
    return refuse("the argument reason is missing: say why the alarm is out of service");
  }
  const outOfServiceBy = `${request.user}: ${why.slice(0, 120)}`;
  const before = book.entries.find((entry) => entry.id === wanted || alarmKey(entry) === wanted);
  const [actor = "", code = ""] = wanted.split("|");
  if (before === undefined && (!actors.has(actor) || !isAlarmCode(code))) {
    return refuse(
      `there is no alarm ${wanted}; allowed is actor|CODE, with an actor of this grid and one of ${ALARM_CODES.join(", ")}`,
    );
  }
  if (before === undefined && book.entries.length >= HIDDEN_COUNT_MAX) {
    return refuse(`at most ${HIDDEN_COUNT_MAX} alarms may stand or be hidden`);
  }
  const entry: AlarmEntry = {
    ...(before ?? quiescent(actor, code, moment)),
    outOfServiceBy,
  };
  const entries =
    before === undefined
      ? [...book.entries, entry]
      : book.entries.map((other) => (other === before ? entry : other));
  const change: AlarmChange = { ...entry, event: "outOfService", by: request.user };
  const reason = `${entry.code}: out of service`;
  return { book: { ...book, entries }, changes: [change], isAccepted: true, reason };
}

function quiescent(actor: string, code: string, moment: AlarmMoment): AlarmEntry {
  return {
    id: `${moment.epoch}:${moment.sequence}:s-${alarmKey({ actor, code })}`,
    actor,
    code,
    priority: definitionOf(code).priority,
    text: "",
    isActive: false,
    state: "normal",
    raisedMs: moment.plantTimeMs,
    raisedWallMs: moment.wallTimeMs,
    raisedCount: 0,
    overSinceMs: moment.plantTimeMs,
    escalatedMs: null,
    acknowledgedBy: "",
    shelvedUntilMs: null,
    shelvedBy: "",
    suppressedBy: "",
    outOfServiceBy: "",
    firstOut: "",
    isQuiet: false,
    notified: [],
  };
}
