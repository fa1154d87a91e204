import { randomUUID } from "node:crypto";
import { InvalidArgumentError } from "commander";
import { RemsError } from "../../kernel/errors.ts";
import { AlarmService, rems, type Types } from "../../proto/generated/rems-v1.ts";
import { type CommandContext, EXIT } from "./command-context.ts";
import { jsonText } from "./json-text.ts";
import type { OperatorClient } from "./operator-client.ts";
import { linesFor, paint, tableFor, userName, type Terminal } from "./terminal.ts";

const GRID_OF_ALARM = [
  "--grid <id>",
  "grid that keeps an alarm of a node, where it is not told apart otherwise",
] as const;

type Alarm = Types.rems.v1.IAlarm;
type Watched = Types.rems.v1.WatchAlarmsResponse;

const { AlarmAction } = rems.v1;
const SECONDS_OF = { s: 1, m: 60, h: 3600 } as const;

/** `r-emsctl alarms`, `ack`, `shelve` and their relatives. */
export function addAlarmCommands(context: CommandContext): void {
  const { program, terminal, signal, withClient } = context;

  program
    .command("alarms [grid]")
    .description("what stands or waits to be acknowledged, the most important first")
    .option("--all", "also shelved, suppressed and out of service", false)
    .option("--watch", "then every change, until Ctrl-C", false)
    .addHelpText("after", "\nExamples: r-emsctl alarms\n          r-emsctl alarms port --watch")
    .action((grid: string | undefined, options: { all: boolean; watch: boolean }) =>
      withClient(async (client, { json }) => {
        if (options.watch) return await watch(client, grid ?? "", options.all, json);
        const request = { grid: grid ?? "", withHidden: options.all };
        const { alarms } = await client.call(
          AlarmService.listAlarms,
          rems.v1.ListAlarmsRequest.create(request),
        );
        if (json) for (const alarm of alarms) terminal.out(jsonText(alarm));
        else terminal.out(listText(terminal, alarms));
        return EXIT.ok;
      }),
    );

  async function watch(client: OperatorClient, grid: string, withHidden: boolean, json: boolean) {
    const request = rems.v1.WatchAlarmsRequest.create({ grid, withHidden });
    const onMessage = (message: Watched): void => {
      const text = json ? jsonText(message) : watchText(terminal, message);
      if (text !== "") terminal.out(text);
    };
    await client.read(AlarmService.watchAlarms, request, onMessage, signal);
    return EXIT.ok;
  }

  program
    .command("ack [actor] [code]")
    .description("acknowledge one alarm, or all of a grid (switchboard section)")
    .option(...GRID_OF_ALARM)
    .option("--all <grid>", "all alarms of this grid")
    .addHelpText(
      "after",
      "\nExamples: r-emsctl ack port/dg1 DEVICE_TRIPPED\n          r-emsctl ack --all port",
    )
    .action((actor: string | undefined, code: string | undefined, options: AckOptions) => {
      const action = AlarmAction.ALARM_ACTION_ACKNOWLEDGE;
      if (options.all !== undefined) return act(action, options.all, "all");
      return actOnOne(action, actor, code, options.grid);
    });

  program
    .command("reset <actor> <code>")
    .description("let go of a latched alarm whose cause is over and which was acknowledged")
    .option(...GRID_OF_ALARM)
    .addHelpText("after", "\nExample: r-emsctl reset port/dg1 DEVICE_TRIPPED")
    .action((actor: string, code: string, { grid }: GridOption) =>
      actOnOne(AlarmAction.ALARM_ACTION_RESET, actor, code, grid),
    );

  program
    .command("shelve <actor> <code>")
    .description("hide an alarm for a time, at most 8 hours; it is still evaluated")
    .option(...GRID_OF_ALARM)
    .option("--for <time>", "such as 30m or 2h", duration, 3600)
    .addHelpText("after", "\nExample: r-emsctl shelve port/dg1 STEP_OVERDUE --for 30m")
    .action((actor: string, code: string, options: GridOption & { for: number }) =>
      actOnOne(AlarmAction.ALARM_ACTION_SHELVE, actor, code, options.grid, {
        shelveS: options.for,
      }),
    );

  program
    .command("unshelve <actor> <code>")
    .description("show a shelved alarm again")
    .option(...GRID_OF_ALARM)
    .addHelpText("after", "\nExample: r-emsctl unshelve port/dg1 DEVICE_OFFLINE")
    .action((actor: string, code: string, { grid }: GridOption) =>
      actOnOne(AlarmAction.ALARM_ACTION_UNSHELVE, actor, code, grid),
    );

  program
    .command("out-of-service <actor> <code>")
    .description("hide an alarm for work at a device, until it is returned")
    .option(...GRID_OF_ALARM)
    .option("--reason <text>", "why, for the record; needed to take it out")
    .option("--return", "return it to service", false)
    .addHelpText(
      "after",
      '\nExamples: r-emsctl out-of-service port/dg1 DEVICE_OFFLINE --reason "controller replaced"\n          r-emsctl out-of-service port/dg1 DEVICE_OFFLINE --return',
    )
    .action((actor: string, code: string, options: ServiceOptions) => {
      const action = options.return
        ? AlarmAction.ALARM_ACTION_RETURN_TO_SERVICE
        : AlarmAction.ALARM_ACTION_REMOVE_FROM_SERVICE;
      const { reason = "" } = options;
      if (reason === "" && !options.return) {
        throw new RemsError(
          "REMS_REQUEST_INVALID",
          'say why, with --reason "…": whoever reads the list later asks',
        );
      }
      return actOnOne(action, actor, code, options.grid, { reason });
    });

  program
    .command("alarm-help [code]")
    .description("what an alarm means: cause, consequence, action")
    .addHelpText("after", "\nExample: r-emsctl alarm-help BLACKOUT")
    .action((code: string | undefined) =>
      withClient(async (client, { json }) => {
        const { definitions } = await client.call(
          AlarmService.listAlarmDefinitions,
          rems.v1.ListAlarmDefinitionsRequest.create(),
        );
        const wanted = definitions.filter((one) => code === undefined || one.code === code);
        if (wanted.length === 0) {
          const known = definitions.map((one) => one.code ?? "").join(", ");
          throw new RemsError("REMS_NOT_FOUND", `there is no alarm ${code ?? ""}; known: ${known}`);
        }
        for (const one of wanted) {
          terminal.out(json ? jsonText(one) : linesFor(terminal, definitionText(terminal, one)));
        }
        return EXIT.ok;
      }),
    );

  /** The grid is in the actor's address, `port/dg1` or `grids/port/…`. */
  function actOnOne(
    action: number,
    actor: string | undefined,
    code: string | undefined,
    grid: string | undefined,
    more: { shelveS?: number; reason?: string } = {},
  ): Promise<void> {
    if (actor === undefined || code === undefined) {
      throw new RemsError(
        "REMS_REQUEST_INVALID",
        "allowed is an actor and a code, such as port/dg1 DEVICE_TRIPPED, or --all with a grid",
      );
    }
    const [first = "", second = ""] = actor.split("/");
    const own = first === "grids" ? second : first;
    return act(action, grid ?? (first === "nodes" ? null : own), `${actor}|${code}`, more);
  }

  /** An alarm of a node is kept by one of its grids. */
  async function gridKeeping(client: OperatorClient, alarm: string): Promise<string> {
    const { alarms } = await client.call(
      AlarmService.listAlarms,
      rems.v1.ListAlarmsRequest.create({ withHidden: true }),
    );
    const grids = alarms
      .filter(({ actor, code, id }) => `${actor}|${code}` === alarm && id !== "")
      .map(({ grid }) => grid ?? "");
    const [only, ...others] = new Set(grids);
    if (only !== undefined && others.length === 0) return only;
    const [actor, code] = alarm.split("|");
    throw new RemsError(
      only === undefined ? "REMS_NOT_FOUND" : "REMS_REQUEST_INVALID",
      only === undefined
        ? `${actor} has no alarm ${code}; r-emsctl alarms --all lists those that there are`
        : `${actor} ${code} stands in ${[only, ...others].join(" and ")}: say which with --grid`,
    );
  }

  function act(
    action: number,
    wanted: string | null,
    alarm: string,
    more: { shelveS?: number; reason?: string } = {},
  ): Promise<void> {
    return withClient(async (client, { json }) => {
      const grid = wanted ?? (await gridKeeping(client, alarm));
      const request = rems.v1.ActOnAlarmsRequest.create({
        requestId: randomUUID(),
        grid,
        action,
        alarm,
        user: userName(),
        ...more,
      });
      const answer = await client.callLeader(AlarmService.actOnAlarms, request);
      if (json) terminal.out(jsonText(answer));
      else {
        const word = answer.isAccepted
          ? paint(terminal, "green", "accepted")
          : paint(terminal, "red", "refused");
        terminal.out(`${word}: ${answer.reason}`);
      }
      return answer.isAccepted ? EXIT.ok : EXIT.refused;
    });
  }
}

interface GridOption {
  readonly grid?: string;
}

interface AckOptions extends GridOption {
  readonly all?: string;
}

interface ServiceOptions extends GridOption {
  readonly reason?: string;
  readonly return: boolean;
}

function duration(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([smh])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) {
    throw new InvalidArgumentError("allowed is a number with s, m or h, such as 30m");
  }
  return Number(count) * SECONDS_OF[unit as keyof typeof SECONDS_OF];
}

function listText(terminal: Terminal, alarms: readonly Alarm[]): string {
  if (alarms.length === 0) return paint(terminal, "green", "no alarms");
  const rows = [["PRIORITY", "STATE", "ACTOR", "CODE", "SINCE, UTC", "TEXT"]];
  for (const alarm of alarms) {
    rows.push([
      priorityText(terminal, alarm),
      stateText(alarm),
      (alarm.actor ?? "").replace(/^grids\//, "").replace("/devices/", "/"),
      alarm.code ?? "",
      sinceText(alarm.sinceWallTimeMs ?? 0),
      textOf(alarm),
    ]);
  }
  return tableFor(terminal, rows);
}

function priorityText(terminal: Terminal, { priority, isEscalated }: Alarm): string {
  const text = `${priority ?? ""}${isEscalated === true ? "↑" : ""}`;
  return priority === "high" ? paint(terminal, "red", text) : paint(terminal, "yellow", text);
}

/** What hides an alarm goes before what it is beneath. */
function stateText(alarm: Alarm): string {
  if (alarm.outOfServiceBy) return "out of service";
  if (alarm.shelvedUntilPlantTimeMs !== null && alarm.shelvedUntilPlantTimeMs !== undefined) {
    return "shelved";
  }
  if (alarm.suppressedBy) return "suppressed";
  return STATES[alarm.state ?? ""] ?? alarm.state ?? "";
}

/** Short enough for a narrow terminal: what is over and not acknowledged has returned. */
const STATES: Readonly<Record<string, string>> = {
  returnedUnacknowledged: "returned",
  latchedUnacknowledged: "latched",
  latchedAcknowledged: "latched, acked",
};

function textOf(alarm: Alarm): string {
  const notes = [
    ...(alarm.firstOut && alarm.firstOut === alarm.id ? ["first out"] : []),
    ...((alarm.raisedCount ?? 0) > 1 ? [`${alarm.raisedCount ?? 0} times`] : []),
    ...(alarm.acknowledgedBy ? [`acknowledged by ${alarm.acknowledgedBy}`] : []),
    ...(alarm.suppressedBy ? [`because of ${alarm.suppressedBy}`] : []),
    ...(alarm.shelvedBy ? [`by ${alarm.shelvedBy}${untilText(alarm)}`] : []),
    ...(alarm.outOfServiceBy ? [`by ${alarm.outOfServiceBy}`] : []),
  ];
  return `${alarm.text ?? ""}${notes.length === 0 ? "" : ` (${notes.join(", ")})`}`;
}

/** When a shelved alarm shows again, by the clock that it was raised by; "" where it never stood. */
function untilText({ shelvedUntilPlantTimeMs, sincePlantTimeMs, sinceWallTimeMs }: Alarm): string {
  if (typeof shelvedUntilPlantTimeMs !== "number" || !sinceWallTimeMs) return "";
  const untilMs = sinceWallTimeMs + shelvedUntilPlantTimeMs - (sincePlantTimeMs ?? 0);
  return ` until ${timeText(untilMs)} UTC`;
}

/** UTC, to the second: what other systems' logs are compared with. */
function timeText(wallTimeMs: number): string {
  return wallTimeMs === 0 ? "-" : new Date(wallTimeMs).toISOString().slice(0, 19).replace("T", " ");
}

/** In a list: the time of day, the date where it is another one. UTC. */
function sinceText(wallTimeMs: number): string {
  const [date = "", time = "-"] = timeText(wallTimeMs).split(" ");
  const today = timeText(Date.now()).slice(0, 10);
  return date === today ? time : wallTimeMs === 0 ? "-" : `${date.slice(5)} ${time.slice(0, 5)}`;
}

function watchText(terminal: Terminal, message: Watched): string {
  const { alarm, change, gap, listed } = message;
  if (alarm) return `${priorityText(terminal, alarm)}  ${stateText(alarm)}  ${nameOf(alarm)}`;
  if (change?.alarm) {
    const by = change.by ? ` by ${change.by}` : "";
    return `${timeText(Date.now())}  ${change.event ?? ""}${by}  ${priorityText(terminal, change.alarm)}  ${nameOf(change.alarm)}`;
  }
  if (gap) return paint(terminal, "yellow", `gap: ${gap.reason}`);
  if (listed) return paint(terminal, "dim", "-- up to date; from here on as it happens --");
  return "";
}

function nameOf(alarm: Alarm): string {
  return `${alarm.code ?? ""} ${alarm.actor ?? ""}: ${textOf(alarm)}`;
}

function definitionText(terminal: Terminal, one: Types.rems.v1.IAlarmDefinition): string {
  return [
    `${paint(terminal, "bold", one.code ?? "")} (${one.priority ?? ""})`,
    `  cause        ${one.cause ?? ""}`,
    `  consequence  ${one.consequence ?? ""}`,
    `  action       ${one.action ?? ""}`,
  ].join("\n");
}
