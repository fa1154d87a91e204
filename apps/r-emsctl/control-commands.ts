import { randomUUID } from "node:crypto";
import { InvalidArgumentError, Option } from "commander";
import {
  ControlService,
  InspectionService,
  rems,
  type Types,
} from "../../proto/generated/rems-v1.ts";
import { type CommandContext, EXIT } from "./command-context.ts";
import { jsonText } from "./json-text.ts";
import { offerRows, offersOf } from "./offers.ts";
import { positive } from "./option-values.ts";
import { linesFor, paint, tableFor, userName, type Terminal } from "./terminal.ts";

type Argument = Types.rems.v1.IArgument;

const FORCE_HELP = `
For a grid that nobody can take over by the rules, when you have made sure that the node named can command no device: it is off, or its
network is pulled. It still needs the coordinator's majority, and is refused while a leader with authority is heard. Every use is in the log.

Example: r-emsctl --address 10.0.0.2:7401 force port --i-have-isolated n1 --reason "n1 pulled from the rack"`;

/** `r-emsctl transfer`, `force` and `command`: what changes who leads, and what an operator asks of the plant. */
export function addControlCommands({ program, terminal, withClient }: CommandContext): void {
  program
    .command("transfer <grid>")
    .description("planned handover of a grid to a standby in sync; no scan is skipped")
    .option("--to <node>", "node to lead next; the next in failover order otherwise")
    .option("--reason <text>", "for the record", "asked for by r-emsctl")
    .option("--expected-epoch <n>", "refuse if the leadership has changed since", positive, 0)
    .option("--validate-only", "only say whether it would be accepted", false)
    .addHelpText("after", "\nExample: r-emsctl transfer port --to n3")
    .action((grid: string, options: TransferOptions) =>
      withClient(async (client, { json }) => {
        const request = rems.v1.TransferLeadershipRequest.create({
          requestId: randomUUID(),
          grid,
          toNode: options.to ?? "",
          expectedEpoch: options.expectedEpoch,
          validateOnly: options.validateOnly,
          user: userName(),
          reason: options.reason,
        });
        const answer = await client.callLeader(ControlService.transferLeadership, request);
        return report(terminal, json, answer, `${grid} to ${answer.toNode}`);
      }),
    );

  program
    .command("force <grid>")
    .description("break-glass: the node that is asked takes over without waiting for anybody")
    .requiredOption("--i-have-isolated <node>", "the node that can command no device any more")
    .requiredOption("--reason <text>", "for the record")
    .addHelpText("after", FORCE_HELP)
    .action((grid: string, options: ForceOptions) =>
      withClient(async (client, { json }) => {
        const request = rems.v1.ForceLeadershipRequest.create({
          requestId: randomUUID(),
          grid,
          isolatedNode: options.iHaveIsolated,
          reason: options.reason,
          user: userName(),
        });
        const answer = await client.call(ControlService.forceLeadership, request);
        return report(terminal, json, answer, `${grid} forced`);
      }),
    );

  program
    .command("command <actor> [command]")
    .description(
      "a command to an actor, decided by its grid's core and recorded; without one: those that it takes",
    )
    .addOption(
      new Option("--arg <name=value>", "an argument; repeat for more")
        .argParser(collectArgument)
        .default({}, "none"),
    )
    .option("--expected-epoch <n>", "refuse if the leadership has changed since", positive, 0)
    .option("--validate-only", "only say what would be answered", false)
    .addHelpText(
      "after",
      "\nExamples: r-emsctl command port/bat1\n          r-emsctl command port/dg2 start --validate-only\n          r-emsctl command port/bat1 mode --arg mode=peak_shaving",
    )
    .action((actor: string, command: string | undefined, options: CommandOptions) =>
      withClient(async (client, { json }) => {
        if (command === undefined) {
          const request = rems.v1.GetTopologyRequest.create();
          const offers = offersOf(await client.call(InspectionService.getTopology, request), actor);
          if (json) for (const offer of offers) terminal.out(jsonText(offer));
          else
            terminal.out(tableFor(terminal, [["COMMAND", "WHAT HAPPENS"], ...offerRows(offers)]));
          return EXIT.ok;
        }
        const request = rems.v1.SendCommandRequest.create({
          requestId: randomUUID(),
          actor,
          command,
          arguments: options.arg,
          expectedEpoch: options.expectedEpoch,
          validateOnly: options.validateOnly,
          user: userName(),
        });
        const answer = await client.callLeader(ControlService.sendCommand, request);
        return report(terminal, json, answer, `${actor} ${command}`);
      }),
    );
}

interface TransferOptions {
  readonly to?: string;
  readonly reason: string;
  readonly expectedEpoch: number;
  readonly validateOnly: boolean;
}

interface ForceOptions {
  readonly iHaveIsolated: string;
  readonly reason: string;
}

interface CommandOptions {
  readonly arg: Record<string, Argument>;
  readonly expectedEpoch: number;
  readonly validateOnly: boolean;
}

function report(
  terminal: Terminal,
  isJson: boolean,
  answer: { readonly isAccepted: boolean; readonly reason: string },
  what: string,
): number {
  if (isJson) terminal.out(jsonText(answer));
  else {
    const word = answer.isAccepted
      ? paint(terminal, "green", "accepted")
      : paint(terminal, "red", "refused");
    terminal.out(linesFor(terminal, `${word}: ${what}: ${answer.reason}`));
  }
  return answer.isAccepted ? EXIT.ok : EXIT.refused;
}

function collectArgument(text: string, before: Record<string, Argument>): Record<string, Argument> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("allowed is name=value, such as powerKw=100");
  const value = text.slice(at + 1);
  const isNumber = value.trim() !== "" && Number.isFinite(Number(value));
  const flag = value === "true" || value === "false";
  const argument = isNumber
    ? { number: Number(value) }
    : flag
      ? { flag: value === "true" }
      : { text: value };
  return { ...before, [text.slice(0, at)]: argument };
}
