import { ALARMS, ALARM_CODES } from "../actors/alarms/catalogue.ts";
import type { AlarmCommand } from "../actors/alarms/alarm-requests.ts";
import { type AlarmEntry, isAlarmHidden } from "../kernel/alarm.ts";
import type { PointValue } from "../kernel/point.ts";
import { counter } from "../proto/field-check.ts";
import { rems, type Types } from "../proto/generated/rems-v1.ts";
import { alarmMessage, byImportance, nodeAlarms } from "./alarm-message.ts";
import { invalid, text, type CommandDesk } from "./control-service.ts";
import type { NodeView } from "./node-view.ts";
import { stream, unary, type Service, type Sink } from "./service.ts";

type ListRequest = Types.rems.v1.ListAlarmsRequest;
type WatchRequest = Types.rems.v1.WatchAlarmsRequest;
type WatchResponse = Types.rems.v1.WatchAlarmsResponse;
type ActRequest = Types.rems.v1.ActOnAlarmsRequest;

/** Messages that may wait for a reader; one more and the reader gets a gap and the list again. */
const WATCH_QUEUE_COUNT_MAX = 256;
const REASON_LENGTH_MAX = 120;
const ALARM_LENGTH_MAX = 200;

const COMMANDS: Readonly<Record<number, AlarmCommand>> = {
  [rems.v1.AlarmAction.ALARM_ACTION_ACKNOWLEDGE]: "acknowledge",
  [rems.v1.AlarmAction.ALARM_ACTION_RESET]: "resetAlarm",
  [rems.v1.AlarmAction.ALARM_ACTION_SHELVE]: "shelve",
  [rems.v1.AlarmAction.ALARM_ACTION_UNSHELVE]: "unshelve",
  [rems.v1.AlarmAction.ALARM_ACTION_REMOVE_FROM_SERVICE]: "removeFromService",
  [rems.v1.AlarmAction.ALARM_ACTION_RETURN_TO_SERVICE]: "returnToService",
};

/** Answers `rems.v1.AlarmService`: lists from this node's replica, acts through the leader's core. */
export function alarmService(view: NodeView, desk: CommandDesk): Service {
  return {
    listAlarms: unary((request: ListRequest) =>
      rems.v1.ListAlarmsResponse.create({
        alarms: listed(view, request.grid, request.withHidden),
        isSimulation: view.isSimulation,
      }),
    ),
    watchAlarms: stream<WatchRequest, WatchResponse>((request, sink) => watch(view, request, sink)),
    actOnAlarms: unary(async (message: ActRequest) => {
      const { grid } = message;
      const { address } = view.replicaOf(grid).core.plan;
      const request = {
        requestId: text(message.requestId, "request_id"),
        role: "operator" as const,
        user: message.user === "" ? "unknown" : text(message.user, "user"),
        actor: address,
        command: commandOf(message.action),
        arguments: argumentsOf(view, message),
      };
      const expectedEpoch = counter(message.expectedEpoch, "expected_epoch");
      const reply = await desk.decide(grid, request, expectedEpoch, message.validateOnly);
      const { requestId, isAccepted, reason } = reply;
      return rems.v1.ActOnAlarmsResponse.create({ requestId, isAccepted, reason });
    }),
    listAlarmDefinitions: unary((_request: Types.rems.v1.ListAlarmDefinitionsRequest) =>
      rems.v1.ListAlarmDefinitionsResponse.create({
        definitions: ALARM_CODES.map((code) => ({
          code,
          ...ALARMS[code],
          suppressedBy: [...ALARMS[code].suppressedBy],
        })),
      }),
    ),
  };
}

function gridsOf(view: NodeView, grid: string): string[] {
  return grid === "" ? [...view.replicas.keys()] : [view.replicaOf(grid).grid];
}

function listed(view: NodeView, grid: string, withHidden: boolean): Types.rems.v1.Alarm[] {
  const ids = gridsOf(view, grid);
  const gridOf = new Map<AlarmEntry, string>();
  for (const id of ids) {
    for (const alarm of view.replicaOf(id).alarms()) {
      if (withHidden || !isAlarmHidden(alarm)) gridOf.set(alarm, id);
    }
  }
  return [
    ...byImportance([...gridOf.keys()]).map((alarm) =>
      alarmMessage(gridOf.get(alarm) ?? "", alarm),
    ),
    ...ids.flatMap((id) => nodeAlarms(view, id)),
  ];
}

function commandOf(action: number): AlarmCommand {
  const command = COMMANDS[action];
  if (command !== undefined) return command;
  throw invalid("action", String(action), "ACKNOWLEDGE, RESET, SHELVE, UNSHELVE or of service");
}

function argumentsOf(view: NodeView, message: ActRequest): Record<string, PointValue> {
  const { alarm, shelveS, reason } = message;
  if (alarm === "" || alarm.length > ALARM_LENGTH_MAX) {
    throw invalid("alarm", `"${alarm}"`, "an alarm's id, actor|CODE or all");
  }
  if (!Number.isFinite(shelveS)) throw invalid("shelve_s", String(shelveS), "a number of seconds");
  const [actor = "", code] = alarm.split("|");
  // An alarm of a node belongs to no actor of its own.
  const address =
    actor.startsWith("nodes/") || code === undefined ? actor : view.actor(actor).address;
  const wanted = code === undefined ? alarm : `${address}|${code}`;
  return {
    alarm: wanted,
    ...(shelveS === 0 ? {} : { forS: shelveS }),
    ...(reason === "" ? {} : { reason: reason.slice(0, REASON_LENGTH_MAX) }),
  };
}

/** List, mark, changes. A reader that does not keep up costs one bounded queue, and lists again. */
function watch(view: NodeView, request: WatchRequest, sink: Sink<WatchResponse>): () => void {
  const { grid, withHidden } = request;
  const wanted = new Set(gridsOf(view, grid));
  let waiting: Types.rems.v1.IWatchAlarmsResponse[] = [];
  const pump = (): void => {
    let count = 0;
    while (count < waiting.length && sink.isReady) {
      sink.send(rems.v1.WatchAlarmsResponse.create(waiting[count] ?? {}));
      count += 1;
    }
    waiting = waiting.slice(count);
  };
  const list = (): void => {
    const alarms = listed(view, grid, withHidden);
    waiting.push(...alarms.map((alarm) => ({ alarm })));
    waiting.push({ listed: { alarmCount: alarms.length } });
  };
  const startOver = (reason: string): void => {
    waiting = [{ gap: { reason } }];
    list();
  };
  const end = view.onChange((change) => {
    if (change.type === "gap" && wanted.has(change.grid)) {
      startOver(change.reason);
      pump();
    } else if (change.type === "alarm" && wanted.has(change.grid)) {
      const { alarm, grid: id } = change;
      const isHiding = alarm.event === "shelved" || alarm.event === "suppressed";
      if (!withHidden && isAlarmHidden(alarm) && !isHiding) return;
      if (waiting.length >= WATCH_QUEUE_COUNT_MAX) startOver("this reader was too slow");
      else {
        const { event, by } = alarm;
        waiting.push({ change: { alarm: alarmMessage(id, alarm), event, by } });
      }
      pump();
    }
  });
  sink.onReady = pump;
  list();
  pump();
  return end;
}
