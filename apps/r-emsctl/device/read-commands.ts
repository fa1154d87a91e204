import type { Command } from "commander";
import type { DeviceProfile, PointMapping, RegisterTable } from "../../../configs/profile.ts";
import { oneOf } from "../../../configs/spelling.ts";
import { textOf } from "../../../drivers/modbus/outcome.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { type CommandContext, EXIT, isJson } from "../command-context.ts";
import { collect, wholeBetween } from "../option-values.ts";
import { table } from "../terminal.ts";
import { daemonDevices, standsAt } from "./daemon-device.ts";
import { parseDeviceAddress, type DeviceAddress } from "./device-address.ts";
import { type Answered, DeviceLine } from "../../../api/device-probe/device-line.ts";
import {
  judgePoints,
  type JudgedPoint,
  type Verdict,
} from "../../../api/device-probe/judge-points.ts";
import { latencyFigures, latencyText } from "./latencies.ts";
import {
  findTarget,
  openSource,
  type DeviceOptions,
  type DeviceTarget,
  type PointSource,
} from "./point-source.ts";
import type { ReadResult } from "../../../api/device-probe/read-points.ts";
import { judgedTable, readingJson, readingsTable } from "./reading-text.ts";

interface ReadOptions extends DeviceOptions {
  readonly point: readonly string[];
  readonly registers?: string;
}

/** The options that every tool shares which asks a device itself. */
export function withDeviceOptions(command: Command): Command {
  return command
    .option("--unit <n>", "Modbus unit id, 1 otherwise", wholeBetween(0, 255))
    .option(
      "--timeout-ms <ms>",
      "longest wait for an answer; the profile's otherwise",
      wholeBetween(50, 10_000),
    )
    .option("--profiles <directory>", "profiles of your own; repeat for more", collect, []);
}

const READ_HELP = `
Examples:
  r-emsctl device read dg1
  r-emsctl device read sim-plain-genset 127.0.0.1:5020
  r-emsctl device read my-meter.toml 192.168.1.20 --unit 3 --point activePowerKw
  r-emsctl device read 192.168.1.20 --registers holding:100:10`;

const CHECK_HELP = `
Looks for registers that the device refuses, values that cannot be (with what would make them right), and slow answers.

Examples:
  r-emsctl device check my-meter.toml 192.168.1.20 --unit 3
  r-emsctl --json device check sim-plain-genset 127.0.0.1:5020 | jq .summary

Exit codes: 0 nothing found; 1 something found; 2 wrong usage or profile; 3 the device does not answer.`;

export function addReadCommands(device: Command, context: CommandContext): void {
  withDeviceOptions(
    device
      .command("read <what> [host]")
      .description(
        "the points of a device of the installation, or of a profile at a host; reads only",
      )
      .option("--point <name>", "only this point; repeat for more", collect, [])
      .option(
        "--registers <table:address:count>",
        "registers instead of a profile; then the first argument is the host",
      ),
  )
    .addHelpText("after", READ_HELP)
    .action((what: string, host: string | undefined, options: ReadOptions) =>
      options.registers === undefined
        ? readDevice(context, what, host, options)
        : readRegisters(context, what, options.registers, options),
    );
  withDeviceOptions(
    device
      .command("check <what> [host]")
      .description("read every point of a profile and report what is illegal, implausible or slow"),
  )
    .addHelpText("after", CHECK_HELP)
    .action((what: string, host: string | undefined, options: DeviceOptions) =>
      checkDevice(context, what, host, options),
    );
}

/** Finds the target, opens the way to its points for `action`, and closes it again. */
async function withSource(
  context: CommandContext,
  name: string,
  host: string | undefined,
  options: DeviceOptions,
  action: (source: PointSource) => Promise<ReadResult>,
): Promise<{
  readonly source: PointSource;
  readonly target: DeviceTarget;
  readonly result: ReadResult;
}> {
  const target = await findTarget(context, name, host, options);
  const source = openSource(context, target, options);
  if (source.isThroughNode && !isJson(context)) context.terminal.out(source.label);
  try {
    return { source, target, result: await action(source) };
  } finally {
    context.terminal.progress?.("");
    await source.close();
  }
}

async function readDevice(
  context: CommandContext,
  name: string,
  host: string | undefined,
  options: ReadOptions,
): Promise<void> {
  const { result } = await withSource(context, name, host, options, (source) => {
    const { profile } = source;
    const mappings = options.point.length === 0 ? profile.points : chosen(profile, options.point);
    return source.read(mappings, progressOf(context, "read"));
  });
  if (isJson(context)) {
    for (const reading of result.readings)
      context.terminal.out(JSON.stringify(readingJson(reading)));
  } else context.terminal.out(readingsTable(result.readings));
  const isWhole = result.readings.every(({ failure }) => failure === null);
  context.finish(isWhole ? EXIT.ok : EXIT.refused);
}

async function checkDevice(
  context: CommandContext,
  name: string,
  host: string | undefined,
  options: DeviceOptions,
): Promise<void> {
  const { source, target, result } = await withSource(context, name, host, options, (opened) =>
    opened.read(opened.profile.points, progressOf(context, "checked")),
  );
  const { readings, requestCount, latenciesMs } = result;
  const { profile, isThroughNode } = source;
  const judged = judgePoints(profile, readings);
  const summary = countsOf(judged);
  const latency = latencyFigures(latenciesMs);
  if (isJson(context)) {
    const points = judged.map(({ reading, verdict, finding }) => ({
      ...readingJson(reading),
      verdict,
      finding,
    }));
    const { unitId, address } = target;
    context.terminal.out(
      JSON.stringify({
        profile: profile.id,
        host: address.host,
        port: address.port,
        unitId,
        isThroughNode,
        requestCount,
        latency,
        summary,
        points,
      }),
    );
  } else {
    const counts = Object.entries(summary).filter(([, count]) => count > 0);
    const lines = [
      judgedTable(context.terminal, judged),
      `${readings.length} points in ${requestCount} request${requestCount === 1 ? "" : "s"}: ${counts.map(([verdict, count]) => `${count} ${verdict}`).join(", ")}`,
    ];
    if (!isThroughNode) lines.push(latencyText(latency));
    context.terminal.out(lines.join("\n"));
  }
  const isClean = summary.ok + summary.noValue === judged.length;
  context.finish(isClean ? EXIT.ok : EXIT.refused);
}

async function readRegisters(
  context: CommandContext,
  host: string,
  registers: string,
  options: ReadOptions,
): Promise<void> {
  const { table: name, address, count } = parseRegisters(registers);
  const unitId = options.unit ?? 1;
  const at = parseDeviceAddress(host);
  await refuseWhereServed(context, at);
  const timeoutMs = options.timeoutMs ?? 1000;
  const line = new DeviceLine({ ...at, timeoutMs, signal: context.signal });
  let answered: Answered;
  try {
    answered = await line.read(unitId, name, address, count);
  } finally {
    await line.close();
  }
  const { outcome, latencyMs } = answered;
  if (outcome.type !== "data") {
    const code = outcome.type === "exception" ? "REMS_DEVICE_EXCEPTION" : "REMS_DEVICE_TIMEOUT";
    throw new RemsError(code, `${name} ${address} of unit ${unitId}: ${textOf(outcome)}`);
  }
  const { words } = outcome;
  if (isJson(context)) {
    context.terminal.out(JSON.stringify({ table: name, address, words, latencyMs }));
    return;
  }
  const rows = words.map((word, index) => [
    `${name} ${address + index}`,
    word.toString(16).padStart(4, "0"),
    String(word),
    word > 0x7fff ? String(word - 0x10000) : "",
    asciiOf(word),
  ]);
  context.terminal.out(table([["REGISTER", "HEX", "UNSIGNED", "SIGNED", "ASCII"], ...rows]));
}

/** Registers are not what a node knows: where one serves the device, nothing else asks it. */
async function refuseWhereServed({ program }: CommandContext, at: DeviceAddress): Promise<void> {
  const { address } = program.opts<{ readonly address: string }>();
  const served = (await daemonDevices([address])).filter(({ device }) => standsAt(device, at));
  if (served.length === 0) return;
  const names = served.map(({ device }) => device.device).join(", ");
  throw new RemsError(
    "REMS_REQUEST_REFUSED",
    `the node at ${address} serves ${names} there; read its points with r-emsctl device read ${served[0]?.device.device ?? ""}`,
  );
}

function parseRegisters(text: string): {
  readonly table: RegisterTable;
  readonly address: number;
  readonly count: number;
} {
  const match = /^(holding|input|coil|discrete):(\d{1,5})(?::(\d{1,4}))?$/.exec(text);
  const name = match?.[1] as RegisterTable | undefined;
  const address = Number(match?.[2]);
  const count = Number(match?.[3] ?? 1);
  const countMax = name === "holding" || name === "input" ? 125 : 2000;
  if (name !== undefined && count >= 1 && count <= countMax && address + count <= 65_536) {
    return { table: name, address, count };
  }
  throw new RemsError(
    "REMS_REQUEST_INVALID",
    `--registers is "${text}"; allowed is TABLE:ADDRESS:COUNT, such as holding:100:10 (at most 125 registers or 2000 coils)`,
  );
}

/** @throws {@link RemsError} `REMS_NOT_FOUND` for a point that the profile does not map. */
export function chosen(profile: DeviceProfile, points: readonly string[]): PointMapping[] {
  return points.map((point) => {
    const mapping = profile.points.find((one) => one.point === point);
    if (mapping !== undefined) return mapping;
    const names = profile.points.map((one) => one.point);
    throw new RemsError(
      "REMS_NOT_FOUND",
      `${profile.id} has no point "${point}"; ${oneOf(point, names)}`,
    );
  });
}

function progressOf({ terminal }: CommandContext, verb: string) {
  return (doneCount: number, totalCount: number): void =>
    terminal.progress?.(`${verb} ${doneCount} of ${totalCount} points`);
}

function countsOf(judged: readonly JudgedPoint[]): Record<Verdict, number> {
  const counts = { ok: 0, illegal: 0, silent: 0, implausible: 0, slow: 0, stale: 0, noValue: 0 };
  for (const { verdict } of judged) counts[verdict]++;
  return counts;
}

function asciiOf(word: number): string {
  return [word >> 8, word & 0xff]
    .map((code) => (code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : "."))
    .join("");
}
