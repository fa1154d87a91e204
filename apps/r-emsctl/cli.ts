import { endSignal } from "./end-signal.ts";
import { status as grpcStatus } from "@grpc/grpc-js";
import { Command, CommanderError } from "commander";
import { loadManifest } from "../../configs/load-manifest.ts";
import { findManifestPath } from "../../configs/manifest-path.ts";
import { nodeOf } from "../../configs/manifest-queries.ts";
import { type ErrorCode, RemsError } from "../../kernel/errors.ts";
import { InspectionService, rems, type Types } from "../../proto/generated/rems-v1.ts";
import { absencesOf } from "./absences.ts";
import { addAlarmCommands } from "./alarm-commands.ts";
import { type CommandContext, type CommonOptions, EXIT } from "./command-context.ts";
import { addCompletion } from "./completion-command.ts";
import { addControlCommands } from "./control-commands.ts";
import { addConfig } from "./config/config-commands.ts";
import { addDoctor } from "./doctor/doctor-command.ts";
import { addGridCommands } from "./grid-commands.ts";
import { addLogs } from "./logs-command.ts";
import { addDevice } from "./device/device-commands.ts";
import { callByName } from "./dynamic-call.ts";
import { addHistoryCommands } from "./history/history-commands.ts";
import { addJournalCommands } from "./journal-commands.ts";
import { addIncident } from "./incident/incident-commands.ts";
import { addReplay } from "./incident/replay-command.ts";
import { jsonText } from "./json-text.ts";
import { addModbusMap } from "./modbus-map.ts";
import { OperatorClient, OperatorRefusal } from "./operator-client.ts";
import { positive } from "./option-values.ts";
import { addSetup } from "./setup/setup-commands.ts";
import { addSimulate } from "./simulate.ts";
import { statusText } from "./status-text.ts";
import { helpFor, linesFor, paint, tableFor, type Terminal } from "./terminal.ts";

const EXIT_HELP = `
Exit codes: 0 done; 1 refused or failed; 2 wrong usage or configuration; 3 no node or device answers.`;

/** Descriptions beside long names are broken into lines even where little room is left for them. */
const HELP_WIDTH_MIN = 20;
/** Asking leaders beside the node that was asked must not hold up what that one said. */
const LEADER_MS_MAX = 1000;

/** Runs the program. @returns The exit code. */
export async function runCli(
  argv: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = new Command("r-emsctl")
    .description("Looks at a running R-EMS and asks it for changes.")
    .option("--address <host:port>", "operator service of any node", "127.0.0.1:7401")
    .option("--node <id>", "a node of the manifest instead of an address")
    .option(
      "--config <file>",
      "manifest: for --node, config check, doctor, logs and the device tools",
    )
    .option("--timeout <seconds>", "longest wait for an answer", positive, 6)
    .option("--json", "JSON for scripts, one object per line", false)
    .addHelpText("after", EXIT_HELP)
    .exitOverride()
    .showHelpAfterError("--help says what is allowed, with examples")
    .configureHelp({ minWidthToWrap: HELP_WIDTH_MIN })
    .configureOutput({
      writeOut: (text) => terminal.out(helpFor(terminal, text.trimEnd())),
      writeErr: (text) => terminal.error(text.trimEnd()),
    });

  /** Runs `action` with a client of the node that the options name. */
  const withClient = async (
    action: (client: OperatorClient, options: CommonOptions) => Promise<number>,
  ): Promise<void> => {
    const options = program.opts<CommonOptions>();
    const client = new OperatorClient(addressOf(options), options.timeout * 1000);
    try {
      exitCode = await action(client, options);
    } finally {
      client.close();
    }
  };

  program
    .command("status")
    .description("who leads each grid (switchboard section), how the plant is, what is wrong")
    .addHelpText("after", "\nExample: r-emsctl status --json | jq '.grids[].leader'")
    .action(() =>
      withClient(async (client, { json }) => {
        const status = await client.call(
          InspectionService.getStatus,
          rems.v1.GetStatusRequest.create(),
        );
        if (json) terminal.out(jsonText(status));
        else {
          const absences = await absencesOf(status.grids, client, LEADER_MS_MAX);
          terminal.out(linesFor(terminal, statusText(terminal, status, absences)));
        }
        return EXIT.ok;
      }),
    );

  program
    .command("actors [prefix]")
    .description("all actors, or those whose address begins with the prefix")
    .option("--context", "with each machine's data (JSON output only)", false)
    .addHelpText("after", "\nExample: r-emsctl actors port")
    .action((prefix: string | undefined, { context }: { context: boolean }) =>
      withClient(async (client, { json }) => {
        const rows = [["ADDRESS", "STATE", "REASON"]];
        let count = 0;
        for (let pageToken = ""; ;) {
          const request = rems.v1.ListActorsRequest.create({
            addressPrefix: prefix ?? "",
            withContext: context,
            pageToken,
          });
          const page = await client.call(InspectionService.listActors, request);
          count += page.actors.length;
          for (const actor of page.actors) {
            if (json) terminal.out(jsonText(actor));
            else rows.push([actor.address ?? "", stateText(terminal, actor), actor.reason ?? ""]);
          }
          pageToken = page.nextPageToken;
          if (pageToken === "") break;
        }
        if (count === 0) {
          terminal.error(
            `r-emsctl: no actor's address begins with "${prefix ?? ""}"; without it all are listed`,
          );
          return EXIT.refused;
        }
        if (!json) terminal.out(tableFor(terminal, rows));
        return EXIT.ok;
      }),
    );

  program
    .command("watch [prefix]")
    .description("every transition from now on, with its reason, until Ctrl-C")
    .option("--for <seconds>", "end after so long", positive)
    .addHelpText("after", "\nExample: r-emsctl watch port/dg2 --for 60")
    .action((prefix: string | undefined, options: { for?: number }) =>
      withClient(async (client, { json }) => {
        const end = endSignal(signal, options.for);
        const request = rems.v1.WatchActorsRequest.create({ addressPrefix: prefix ?? "" });
        const onMessage = (message: Types.rems.v1.WatchActorsResponse): void => {
          if (json) return terminal.out(jsonText(message));
          const text = watchText(terminal, message);
          if (text !== "") terminal.out(text);
        };
        await client.read(InspectionService.watchActors, request, onMessage, end);
        return EXIT.ok;
      }),
    );

  program
    .command("why <actor>")
    .description("why an actor is in its state and what holds it back")
    .addHelpText("after", "\nExample: r-emsctl why port/dg2")
    .action((actor: string) =>
      withClient(async (client, { json }) => {
        const request = rems.v1.WhyRequest.create({ address: actor });
        const why = await client.call(InspectionService.why, request);
        if (json) terminal.out(jsonText(why));
        else {
          terminal.out(`${paint(terminal, "bold", why.address)}: ${why.state}`);
          for (const reason of why.reasons) terminal.out(linesFor(terminal, `  ${reason}`));
          for (const transition of why.transitions.slice(-5)) {
            const text = linesFor(terminal, `  ${transitionText(transition)}`);
            terminal.out(paint(terminal, "dim", text));
          }
        }
        return EXIT.ok;
      }),
    );

  program
    .command("call <service/method> [request]")
    .description(
      "any operator method by its name, from the shipped .proto files, with a request in JSON",
    )
    .addHelpText(
      "after",
      '\nExample: r-emsctl call rems.v1.InspectionService/GetActor \'{"address": "port/dg1"}\'',
    )
    .action(async (method: string, requestJson: string | undefined) => {
      const options = program.opts<CommonOptions>();
      await callByName({
        address: addressOf(options),
        method,
        requestJson: requestJson ?? "{}",
        timeoutMs: options.timeout * 1000,
        signal,
        onMessage: (message) => terminal.out(JSON.stringify(message, null, options.json ? 0 : 2)),
      });
    });

  const context: CommandContext = {
    program,
    terminal,
    signal,
    withClient,
    address: () => addressOf(program.opts<CommonOptions>()),
    timeoutMs: () => program.opts<CommonOptions>().timeout * 1000,
    finish: (code) => {
      exitCode = code;
    },
  };
  addControlCommands(context);
  addSetup(context);
  addSimulate(context);
  addAlarmCommands(context);
  addJournalCommands(context);
  addHistoryCommands(context);
  addDevice(context);
  addIncident(context);
  addReplay(context);
  addModbusMap(context);
  addGridCommands(context);
  addConfig(context);
  addDoctor(context);
  addLogs(context);
  addCompletion(context);

  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    return exitCodeOf(terminal, program.opts<CommonOptions>().json, error);
  }
}

/** Where a device and not a node was asked; all else is the user's to mend. */
const exitCodes: Partial<Record<ErrorCode, number>> = {
  REMS_DEVICE_OFFLINE: EXIT.unreachable,
  REMS_DEVICE_TIMEOUT: EXIT.unreachable,
  REMS_DEVICE_EXCEPTION: EXIT.refused,
  REMS_REQUEST_REFUSED: EXIT.refused,
  REMS_TIMEOUT: EXIT.refused,
};

/** What grpc-js wraps into sentences of its own. */
function causeOf(message: string): string {
  if (message.startsWith("Deadline exceeded")) {
    return "it takes connections and did not answer in time; --timeout waits longer";
  }
  if (message.includes("ECONNREFUSED")) return "nothing listens there";
  if (/ENOTFOUND|EAI_AGAIN|Name resolution/.test(message)) return "the host's name is not known";
  if (/EHOSTUNREACH|ENETUNREACH/.test(message)) return "there is no way to that host";
  return message;
}

function exitCodeOf(terminal: Terminal, isJson: boolean, error: unknown): number {
  const tell = (code: string, text: string): void =>
    terminal.error(isJson ? jsonText({ error: code, message: text }) : `r-emsctl: ${text}`);
  // Commander has written its message already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof OperatorRefusal) {
    if (error.isUnreachable) {
      tell(
        error.codeName,
        `no answer from ${error.address} (${causeOf(error.message)}); does r-emsd run there? --address names another node`,
      );
      return EXIT.unreachable;
    }
    tell(error.codeName, error.message);
    return error.code === grpcStatus.INVALID_ARGUMENT ? EXIT.usage : EXIT.refused;
  }
  if (error instanceof RemsError) {
    tell(error.code, error.message);
    return exitCodes[error.code] ?? EXIT.usage;
  }
  throw error;
}

function addressOf({ address, node, config }: CommonOptions): string {
  if (node === undefined) return address;
  const { host, operatorPort } = nodeOf(loadManifest(findManifestPath(config, process.env)), node);
  return `${host}:${operatorPort}`;
}

function stateText(terminal: Terminal, actor: Types.rems.v1.IActor): string {
  const state = actor.state ?? "";
  return actor.isQuarantined === true ? paint(terminal, "red", `${state} (quarantined)`) : state;
}

function transitionText(transition: Types.rems.v1.ITransition): string {
  const place =
    Number(transition.sequence) > 0
      ? `${String(transition.epoch)}:${String(transition.sequence)}`
      : "-";
  return `${place} ${transition.actor} ${transition.from} → ${transition.to} (${transition.event}) ${transition.reason}`;
}

function watchText(terminal: Terminal, message: Types.rems.v1.WatchActorsResponse): string {
  if (message.transition) return transitionText(message.transition);
  if (message.gap) return paint(terminal, "yellow", `gap: ${message.gap.reason}`);
  if (message.bookmark)
    return paint(terminal, "dim", "-- up to date; from here on as it happens --");
  return "";
}
