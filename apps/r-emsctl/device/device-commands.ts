import type { CommandContext } from "../command-context.ts";
import { addImportCommand } from "./import-command.ts";
import { addLearnCommand } from "./learn-command.ts";
import { addReadCommands } from "./read-commands.ts";
import { addSunspecCommand } from "./sunspec-command.ts";
import { addScanCommand } from "./scan-command.ts";
import { addScopeCommand } from "./scope-command.ts";
import { addWriteCommand } from "./write-command.ts";

const HELP = `
A device is named as "PROFILE HOST[:PORT]", or, where a node runs or --config names the manifest, by its id. Where a node answers for the
device, it is asked and the device is left alone. These tools ask a device over one connection, at most five times a second, and read only; writing needs more (see device write).`;

/** `r-emsctl device …`: tools for whoever connects a device. */
export function addDevice(context: CommandContext): void {
  const device = context.program
    .command("device")
    .description("look at a device, check a profile against it, with or without a running node")
    .addHelpText("after", HELP);
  addScanCommand(device, context);
  addReadCommands(device, context);
  addScopeCommand(device, context);
  addImportCommand(device, context);
  addSunspecCommand(device, context);
  addWriteCommand(device, context);
  addLearnCommand(device, context);
}
