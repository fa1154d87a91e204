import type { Command } from "commander";
import { RemsError } from "../../../kernel/errors.ts";
import { type CommandContext, EXIT, isJson } from "../command-context.ts";
import { wholeBetween } from "../option-values.ts";
import { table } from "../terminal.ts";
import { daemonDevices, standsAt, type DaemonDevice } from "./daemon-device.ts";
import { parseDeviceAddress } from "./device-address.ts";
import { DeviceLine, REQUESTS_PER_SECOND_MAX } from "../../../api/device-probe/device-line.ts";
import {
  scanDevice,
  type FoundUnit,
  type ScanResult,
} from "../../../api/device-probe/scan-device.ts";

interface ScanOptions {
  readonly units: string;
  readonly timeoutMs: number;
}

const HELP = `
Asks each unit id for one register, and those that answer for their SunSpec models. Five requests a second: all 247 ids take about a minute
where a gateway says at once that nobody is there, and two and a half where it waits. A device that answers to any id is noticed after six.

Examples:
  r-emsctl device scan 192.168.1.20
  r-emsctl device scan 192.168.1.20:1502 --units 1-10,126 --json

Exit codes: 0 something found; 1 nothing found; 2 wrong usage; 3 nothing listens there.`;

export function addScanCommand(device: Command, context: CommandContext): void {
  device
    .command("scan <host>")
    .description("find the unit ids that answer at a host, and what SunSpec models they have")
    .option("--units <list>", "unit ids to ask, such as 1-10,126", "1-247")
    .option("--timeout-ms <ms>", "longest wait for an answer", wholeBetween(50, 10_000), 500)
    .addHelpText("after", HELP)
    .action((host: string, options: ScanOptions) => scan(context, host, options));
}

async function scan(context: CommandContext, host: string, options: ScanOptions): Promise<void> {
  const { terminal } = context;
  const at = parseDeviceAddress(host);
  const unitIds = parseUnits(options.units);
  const { address } = context.program.opts<{ readonly address: string }>();
  const served = (await daemonDevices([address])).filter(({ device }) => standsAt(device, at));
  if (served.length > 0) return tellServed(context, served);
  const line = new DeviceLine({ ...at, timeoutMs: options.timeoutMs, signal: context.signal });
  let result: ScanResult;
  try {
    result = await scanDevice(line, unitIds, options.timeoutMs, (askedCount, foundCount) => {
      const leftS = Math.ceil((unitIds.length - askedCount) / REQUESTS_PER_SECOND_MAX);
      terminal.progress?.(
        `unit ${unitIds[askedCount] ?? ""}: ${askedCount} of ${unitIds.length} asked, ${foundCount} answered, at least ${leftS} s more`,
      );
    });
  } finally {
    terminal.progress?.("");
    await line.close();
  }
  context.finish(result.units.length > 0 ? EXIT.ok : EXIT.refused);
  if (isJson(context)) {
    for (const unit of result.units)
      terminal.out(JSON.stringify({ host: at.host, port: at.port, ...unit }));
    return;
  }
  terminal.out(scanText(result, line.address));
}

function scanText({ units, askedCount, isIdIgnored }: ScanResult, address: string): string {
  if (units.length === 0) {
    return `${address} takes connections; none of ${askedCount} unit ids answered. Is there a limit of masters, or another unit id?`;
  }
  const rows = units.map((unit) => [
    String(unit.unitId),
    unit.answer,
    `${unit.latencyMs.toFixed(1)} ms`,
    sunspecText(unit),
    [unit.maker, unit.model, unit.serial].filter((text) => text !== "").join(" "),
  ]);
  const lines = [table([["UNIT", "ANSWERED", "IN", "SUNSPEC", "DEVICE"], ...rows])];
  for (const { unitId, sunspec } of units) {
    if (sunspec?.remark) lines.push(`unit ${unitId}: ${sunspec.remark}`);
  }
  lines.push(
    isIdIgnored
      ? `All of the first ${askedCount} unit ids answer alike: the device does not look at the id. Use ${units[0]?.unitId ?? 1}.`
      : `${units.length} of ${askedCount} unit ids answered.`,
  );
  return lines.join("\n");
}

function sunspecText({ sunspec }: FoundUnit): string {
  if (sunspec === null) return "no";
  return `at ${sunspec.baseAddress}: models ${sunspec.models.map(({ id }) => id).join(" ")}`;
}

/** Where a node serves the devices, it says what is there, and nothing is asked past it. */
function tellServed(context: CommandContext, served: readonly DaemonDevice[]): void {
  context.finish(EXIT.ok);
  if (isJson(context)) {
    for (const { device } of served) {
      const { host, port, unitId, profile, connection, grid } = device;
      const found = { host, port, unitId, device: device.device, grid, profile, connection };
      context.terminal.out(JSON.stringify(found));
    }
    return;
  }
  const rows = served.map(({ device }) => [
    String(device.unitId),
    `${device.grid}/${device.device}`,
    device.profile,
    device.connection,
  ]);
  context.terminal.out(
    [
      `The node at ${served[0]?.address ?? ""} serves this address, so it was not scanned:`,
      table([["UNIT", "DEVICE", "PROFILE", "CONNECTION"], ...rows]),
    ].join("\n"),
  );
}

/**
 * Reads `1-10,126`.
 *
 * @throws {@link RemsError} `REMS_REQUEST_INVALID`.
 */
export function parseUnits(text: string): number[] {
  const units = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?\s*$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || first > last || last > 255) {
      throw new RemsError(
        "REMS_REQUEST_INVALID",
        `--units is "${text}"; allowed are numbers and ranges from 0 to 255, such as 1-10,126`,
      );
    }
    for (let unit = first; unit <= last; unit++) units.add(unit);
  }
  return [...units];
}
