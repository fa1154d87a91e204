import type { Command } from "commander";
import type { DeviceProfile, PointMapping, RegisterTable } from "../../../configs/profile.ts";
import { oneOf } from "../../../configs/spelling.ts";
import { textOf } from "../../../drivers/modbus/outcome.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { type CommandContext, EXIT, isJson } from "../command-context.ts";
import { findProfile } from "../find-profile.ts";
import { collect, wholeBetween } from "../option-values.ts";
import { table } from "../terminal.ts";
import { parseDeviceAddress } from "./device-address.ts";
import { DeviceLine } from "./device-line.ts";
import { judgePoints, type JudgedPoint, type Verdict } from "./judge-points.ts";
import { latencyFigures, latencyText } from "./latencies.ts";
import { readPoints } from "./read-points.ts";
import { judgedTable, readingJson, readingsTable } from "./reading-text.ts";

export interface DeviceOptions {
  readonly unit: number;
  readonly timeoutMs?: number;
  readonly profiles: readonly string[];
}

interface ReadOptions extends DeviceOptions {
  readonly point: readonly string[];
  readonly registers?: string;
}

/** The options that every tool shares which asks a device itself. */
export function withDeviceOptions(command: Command): Command {
  return command
    .option("--unit <n>", "Modbus unit id", wholeBetween(0, 255), 1)
    .option(
      "--timeout-ms <ms>",
      "longest wait for an answer; the profile's otherwise",
      wholeBetween(50, 10_000),
    )
    .option("--profiles <directory>", "profiles of your own; repeat for more", collect, []);
}

const READ_HELP = `
Examples:
  r-emsctl device read sim-plain-genset 127.0.0.1:5020
  r-emsctl device read my-meter.toml 192.168.1.20 --unit 3 --point activePowerKw
  r-emsctl device read 192.168.1.20 --registers holding:100:10`;

const CHECK_HELP = `
Looks for registers that the device refuses, values that cannot be (with what would make them right), and slow answers.

Example: r-emsctl device check sim-plain-genset 127.0.0.1:5020 --json | jq .summary

Exit codes: 0 nothing found; 1 something found; 2 wrong usage or profile; 3 the device does not answer.`;

export function addReadCommands(device: Command, context: CommandContext): void {
  withDeviceOptions(
    device
      .command("read <profile> [host]")
      .description("read a device's points, or registers as they are; reads only")
      .option("--point <name>", "only this point; repeat for more", collect, [])
      .option(
        "--registers <table:address:count>",
        "registers instead of a profile; then the first argument is the host",
      ),
  )
    .addHelpText("after", READ_HELP)
    .action((profile: string, host: string | undefined, options: ReadOptions) =>
      options.registers === undefined
        ? readDevice(context, profile, host, options)
        : readRegisters(context, profile, options.registers, options),
    );
  withDeviceOptions(
    device
      .command("check <profile> <host>")
      .description("read every point of a profile and report what is illegal, implausible or slow"),
  )
    .addHelpText("after", CHECK_HELP)
    .action((profile: string, host: string, options: DeviceOptions) =>
      checkDevice(context, profile, host, options),
    );
}

/** Opens the line to a device for `action` and closes it again. */
export async function withLine<Result>(
  context: CommandContext,
  host: string,
  timeoutMs: number,
  action: (line: DeviceLine) => Promise<Result>,
): Promise<Result> {
  const line = new DeviceLine({ ...parseDeviceAddress(host), timeoutMs, signal: context.signal });
  try {
    return await action(line);
  } finally {
    await line.close();
  }
}

async function readDevice(
  context: CommandContext,
  profileName: string,
  host: string | undefined,
  options: ReadOptions,
): Promise<void> {
  if (host === undefined) throw lacksHost();
  const profile = findProfile(profileName, options.profiles);
  const mappings = options.point.length === 0 ? profile.points : chosen(profile, options.point);
  const result = await withLine(context, host, timeoutOf(options, profile), (line) =>
    readPoints(line, options.unit, profile, mappings, progressOf(context, "read")),
  );
  context.terminal.progress?.("");
  if (isJson(context)) {
    for (const reading of result.readings)
      context.terminal.out(JSON.stringify(readingJson(reading)));
  } else context.terminal.out(readingsTable(result.readings));
  const isWhole = result.readings.every(({ failure }) => failure === null);
  context.finish(isWhole ? EXIT.ok : EXIT.refused);
}

async function checkDevice(
  context: CommandContext,
  profileName: string,
  host: string,
  options: DeviceOptions,
): Promise<void> {
  const profile = findProfile(profileName, options.profiles);
  const { readings, requestCount, latenciesMs } = await withLine(
    context,
    host,
    timeoutOf(options, profile),
    (line) =>
      readPoints(line, options.unit, profile, profile.points, progressOf(context, "checked")),
  );
  context.terminal.progress?.("");
  const judged = judgePoints(profile, readings);
  const summary = countsOf(judged);
  const latency = latencyFigures(latenciesMs);
  if (isJson(context)) {
    const points = judged.map(({ reading, verdict, finding }) => ({
      ...readingJson(reading),
      verdict,
      finding,
    }));
    const { id } = profile;
    context.terminal.out(
      JSON.stringify({
        profile: id,
        host,
        unitId: options.unit,
        requestCount,
        latency,
        summary,
        points,
      }),
    );
  } else {
    const counts = Object.entries(summary).filter(([, count]) => count > 0);
    context.terminal.out(
      [
        judgedTable(context.terminal, judged),
        `${readings.length} points in ${requestCount} requests: ${counts.map(([verdict, count]) => `${count} ${verdict}`).join(", ")}`,
        latencyText(latency),
      ].join("\n"),
    );
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
  const { outcome, latencyMs } = await withLine(context, host, options.timeoutMs ?? 1000, (line) =>
    line.read(options.unit, name, address, count),
  );
  if (outcome.type !== "data") {
    const code = outcome.type === "exception" ? "REMS_DEVICE_EXCEPTION" : "REMS_DEVICE_TIMEOUT";
    throw new RemsError(code, `${name} ${address} of unit ${options.unit}: ${textOf(outcome)}`);
  }
  const words = Array.from({ length: count }, (_value, index) => Number(outcome.words[index] ?? 0));
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

export function timeoutOf(options: DeviceOptions, profile: DeviceProfile): number {
  return options.timeoutMs ?? profile.requestTimeoutMs;
}

function progressOf({ terminal }: CommandContext, verb: string) {
  return (doneCount: number, totalCount: number): void =>
    terminal.progress?.(`${verb} ${doneCount} of ${totalCount} points`);
}

function countsOf(judged: readonly JudgedPoint[]): Record<Verdict, number> {
  const counts = { ok: 0, illegal: 0, silent: 0, implausible: 0, slow: 0, noValue: 0 };
  for (const { verdict } of judged) counts[verdict]++;
  return counts;
}

function asciiOf(word: number): string {
  return [word >> 8, word & 0xff]
    .map((code) => (code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : "."))
    .join("");
}

function lacksHost(): RemsError {
  return new RemsError(
    "REMS_REQUEST_INVALID",
    "the host is missing; write r-emsctl device read PROFILE HOST[:PORT]",
  );
}
