import { performance } from "node:perf_hooks";
import { endSignal } from "./end-signal.ts";
import type { DeviceProfile } from "../../configs/profile.ts";
import { DEVICE_KINDS } from "../../kernel/device-kinds.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { PointValue } from "../../kernel/point.ts";
import { FAULT_HELP, parseFaultLine, parseSetting } from "../../sim/devices/fault-lines.ts";
import { changedValues } from "../../sim/playback/changed-values.ts";
import type { DescribePoint } from "../../sim/playback/csv-series.ts";
import { loadPlayback } from "../../sim/playback/load-playback.ts";
import type { Playback } from "../../sim/playback/signal.ts";
import { ProfileServer } from "../../sim/devices/profile-server.ts";
import type { WriteEntry } from "../../sim/devices/simulated-device.ts";
import { LineReader } from "../../sim/simulator/line-reader.ts";
import { type CommandContext, EXIT, isJson } from "./command-context.ts";
import { checkSpeaksModbus, findProfile } from "./find-profile.ts";
import { collect, positive, wholeBetween } from "./option-values.ts";
import { paint, table, type Terminal } from "./terminal.ts";

interface SimulateOptions {
  readonly port: number;
  readonly unit: number;
  readonly set: readonly string[];
  readonly fault: readonly string[];
  readonly profiles: readonly string[];
  readonly ratingKw: number;
  readonly voltageV: number;
  readonly frequencyHz: number;
  readonly for?: number;
  readonly play?: string;
  readonly map?: string;
  readonly speed: number;
}

const HELP = `
Lines that it takes while it runs, and as --fault at the start:
${table(FAULT_HELP.map(([form, meaning]) => [`  ${form}`, meaning]))}

Examples:
  r-emsctl simulate sim-plain-genset --port 5020 --set isRunning=true
  r-emsctl simulate sim-plain-pv --play sun.csv --map sun.toml --speed 60
  r-emsctl simulate my-meter.toml --fault "slow 300" --fault "exception 40"

A table to play names points as DEVICE.POINT, here with any device: pv.activePowerKw.
It listens on this machine only. Exit codes: 0 ended by Ctrl-C, quit or --for; 2 wrong usage, profile or port in use.`;

/** `r-emsctl simulate`: any profile as a device that answers Modbus TCP. */
export function addSimulate(context: CommandContext): void {
  context.program
    .command("simulate <profile>")
    .description("serve a device profile as a simulated Modbus TCP device, with fault switches")
    .option(
      "--port <n>",
      "TCP port on this machine; 0 takes a free one",
      wholeBetween(0, 65535),
      5020,
    )
    .option("--unit <n>", "Modbus unit id", wholeBetween(0, 255), 1)
    .option("--set <point=value>", "a value at the start; repeat for more", collect, [])
    .option("--fault <line>", "a fault at the start, as below; repeat for more", collect, [])
    .option("--profiles <directory>", "profiles of your own; repeat for more", collect, [])
    .option("--rating-kw <kW>", "rated power", positive, 500)
    .option("--voltage-v <V>", "nominal voltage", positive, 400)
    .option("--frequency-hz <Hz>", "nominal frequency", positive, 50)
    .option("--play <file>", "play a table (CSV) or generated signals into its points")
    .option("--map <file>", "which columns of the table are which points, in TOML")
    .option("--speed <factor>", "how fast to play", positive, 1)
    .option("--for <seconds>", "end after so long", positive)
    .addHelpText("after", HELP)
    .action((profile: string, options: SimulateOptions) => simulate(context, profile, options));
}

async function simulate(
  context: CommandContext,
  profileName: string,
  options: SimulateOptions,
): Promise<void> {
  const profile = findProfile(profileName, options.profiles);
  checkSpeaksModbus(profile);
  const told = isJson(context) ? jsonVoice(context.terminal) : textVoice(context.terminal, profile);
  const settings = options.set.map((text) => parseSetting(text, profile));
  const faults = options.fault.map((line) => parseFaultLine(line, profile));
  const playback = options.play === undefined ? null : openPlayback(options.play, options, profile);
  const server = await ProfileServer.open({
    profile,
    host: "127.0.0.1",
    port: options.port,
    unitId: options.unit,
    nameplate: {
      powerKw: options.ratingKw,
      voltageV: options.voltageV,
      frequencyHz: options.frequencyHz,
    },
    settings,
    nowMs: () => performance.now(),
    onWrite: (entry) => told.write(entry),
    onFallback: (isActive) => told.fallback(isActive),
  });
  for (const fault of faults) server.apply(fault);
  told.listening(server, options.unit);
  const endPlaying = playback === null ? null : play(server, playback, options.speed);
  await new Promise<void>((resolve) => {
    const end = endSignal(context.signal, options.for);
    if (end.aborted) resolve();
    end.addEventListener("abort", () => resolve(), { once: true });
    const reader = new LineReader((line) => {
      try {
        const action = parseFaultLine(line, profile);
        if (action.type === "quit") return resolve();
        server.apply(action);
        if (action.type === "help") told.help();
        else told.state(server, action.type === "show");
      } catch (error) {
        if (!(error instanceof RemsError)) throw error;
        told.refused(error);
      }
    });
    // Without a terminal or a pipe it simply runs on.
    context.terminal.input?.on("data", (chunk: Uint8Array) => reader.push(chunk));
  });
  context.terminal.input?.pause();
  endPlaying?.();
  await server.close();
  context.finish(EXIT.ok);
}

/** There is one device only, so that the part before the dot of a point's name does not matter. */
function openPlayback(what: string, { map }: SimulateOptions, profile: DeviceProfile): Playback {
  const describe: DescribePoint = (_device, point) => {
    const isMapped = profile.points.some((mapping) => mapping.point === point);
    return isMapped ? (DEVICE_KINDS[profile.kind].points[point] ?? null) : null;
  };
  return loadPlayback(what, map ?? null, describe, () => profile.kind);
}

const PLAY_EVERY_MS = 100;

/** @returns Ends it. */
function play(server: ProfileServer, playback: Playback, speed: number): () => void {
  const startedAtMs = performance.now();
  const told = new Map<string, PointValue | null>();
  const tell = (): void => {
    const tMs = Math.min((performance.now() - startedAtMs) * speed, playback.durationMs);
    for (const { point, value } of changedValues(playback, tMs, told)) {
      if (value !== null) server.apply({ type: "set", point, value });
    }
  };
  const timer = setInterval(tell, PLAY_EVERY_MS);
  tell();
  return () => clearInterval(timer);
}

/** How the running simulation speaks. */
interface Voice {
  listening(server: ProfileServer, unitId: number): void;
  write(entry: WriteEntry): void;
  fallback(isActive: boolean): void;
  /** @param isWhole - With all values. */
  state(server: ProfileServer, isWhole: boolean): void;
  help(): void;
  refused(error: RemsError): void;
}

function jsonVoice(terminal: Terminal): Voice {
  const say = (message: object): void => terminal.out(JSON.stringify(message));
  const faultsOf = ({ device: { faults }, isOneMaster }: ProfileServer) => ({
    ...faults,
    isOneMaster,
    exceptions: Object.fromEntries(faults.exceptions),
    stuck: Object.fromEntries(faults.stuck),
  });
  return {
    listening: (server, unitId) =>
      say({
        type: "listening",
        host: "127.0.0.1",
        port: server.port,
        unitId,
        profile: server.device.config.profile.id,
        faults: faultsOf(server),
      }),
    write: ({ atMs: _atMs, ...entry }) =>
      say({ type: "write", at: new Date().toISOString(), ...entry }),
    fallback: (isActive) => say({ type: "fallback", at: new Date().toISOString(), isActive }),
    state: (server) =>
      say({ type: "state", points: server.device.points(), faults: faultsOf(server) }),
    help: () => say({ type: "help", lines: FAULT_HELP.map(([form]) => form) }),
    refused: ({ code, message }) => say({ type: "error", error: code, message }),
  };
}

function textVoice(terminal: Terminal, profile: DeviceProfile): Voice {
  const stamp = (): string => paint(terminal, "dim", new Date().toISOString().slice(11, 23));
  const say = (text: string): void => terminal.out(`${stamp()}  ${text}`);
  return {
    listening(server, unitId) {
      const { fallback, points, commands } = profile;
      const watchdog =
        fallback === null || fallback.behaviour === "none"
          ? "no watchdog"
          : `watchdog ${fallback.watchdogMs} ms, then ${fallback.behaviour}`;
      const counts = `${points.length} points, ${commands.length} commands`;
      terminal.out(
        [
          `${paint(terminal, "bold", "SIMULATED DEVICE")}  ${profile.id}: ${profile.name}`,
          `Modbus TCP at 127.0.0.1:${server.port}, unit ${unitId}: ${counts}, ${watchdog}`,
          `Look at it with  r-emsctl device read ${profile.id} 127.0.0.1:${server.port} --unit ${unitId}`,
          `Lines such as "slow 300" switch faults, "help" lists them, Ctrl-C ends.`,
        ].join("\n"),
      );
      if (faultsText(server) !== "none") say(`faults: ${faultsText(server)}`);
    },
    write(entry) {
      const what = [
        ...entry.levels.map(({ point, value, unit }) => `${point} = ${value} ${unit}`.trimEnd()),
        ...entry.commands,
      ].join(", ");
      const epoch = entry.epoch === null ? "" : ` epoch ${entry.epoch}`;
      const refusal =
        entry.refusal === null ? "" : paint(terminal, "red", `  refused: ${entry.refusal}`);
      say(`write ${what || "nothing"}${epoch}  connection ${entry.connectionId}${refusal}`);
    },
    fallback: (isActive) =>
      say(
        isActive
          ? paint(terminal, "yellow", `watchdog ran out: ${profile.fallback?.behaviour ?? ""}`)
          : "a master is back",
      ),
    state(server, isWhole) {
      if (isWhole) terminal.out(valuesText(server, profile));
      say(`faults: ${faultsText(server)}`);
    },
    help: () => terminal.out(table(FAULT_HELP.map(([form, meaning]) => [`  ${form}`, meaning]))),
    refused: ({ message }) => say(paint(terminal, "red", message)),
  };
}

function faultsText({ device: { faults }, isOneMaster }: ProfileServer): string {
  const parts: string[] = [];
  if (isOneMaster) parts.push("one master");
  if (faults.isSilent) parts.push("silent");
  if (faults.delayMs > 0) parts.push(`slow ${faults.delayMs} ms`);
  for (const [address, code] of faults.exceptions) parts.push(`exception ${code} at ${address}`);
  if (faults.isWriteIgnored) parts.push("writes ignored");
  if (faults.stuck.size > 0) parts.push(`stuck ${[...faults.stuck.keys()].join(" ")}`);
  if (faults.endian !== "right") parts.push(`wrong endian (${faults.endian})`);
  return parts.join(", ") || "none";
}

function valuesText({ device }: ProfileServer, profile: DeviceProfile): string {
  const { points: specs } = DEVICE_KINDS[profile.kind];
  const rows = Object.entries(device.points()).map(([point, value]) => [
    `  ${point}`,
    valueText(value),
    specs[point]?.unit ?? "",
  ]);
  return table(rows);
}

function valueText(value: PointValue): string {
  return typeof value === "number" ? String(Math.round(value * 1000) / 1000) : String(value);
}
