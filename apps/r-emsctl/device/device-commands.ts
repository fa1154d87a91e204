import type { CommandContext } from "../command-context.ts";
import { addReadCommands } from "./read-commands.ts";

const HELP = `
These tools ask a device over one connection, at most five times a second, and read only; writing needs more (see device write).`;

/** `r-emsctl device …`: tools for whoever connects a device. */
export function addDevice(context: CommandContext): void {
  const device = context.program
    .command("device")
    .description("look at a device, check a profile against it, with or without a running node")
    .addHelpText("after", HELP);
  addReadCommands(device, context);
}
