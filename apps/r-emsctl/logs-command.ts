import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { InvalidArgumentError } from "commander";
import { loadManifest } from "../../configs/load-manifest.ts";
import { findManifestPath } from "../../configs/manifest-path.ts";
import { RemsError } from "../../kernel/errors.ts";
import { type CommandContext, type CommonOptions, EXIT, isJson } from "./command-context.ts";
import { wholeBetween } from "./option-values.ts";
import { paint, type Colour, type Terminal } from "./terminal.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
type Level = (typeof LEVELS)[number];
const COLOURS: Partial<Record<Level, Colour>> = {
  warn: "yellow",
  error: "red",
  fatal: "red",
  debug: "dim",
  trace: "dim",
};
const FOLLOW_MS = 250;
const TAIL_BYTES = 8 * 1024 * 1024;
const SCAN_BYTES = 65_536;

interface LogsOptions {
  readonly directory?: string;
  readonly lines: number;
  readonly level: Level;
  readonly module?: string;
  readonly grep?: string;
  readonly follow: boolean;
}

const HELP = `
Reads the log files of this machine; of another one, run it there. The directory comes from the manifest (logging.directory), or --directory.

Examples:
  r-emsctl logs
  r-emsctl logs n1 --level warn -n 200
  r-emsctl logs --module cluster --follow
  r-emsctl --json logs --grep handover | jq .msg

Exit codes: 0 done; 1 no line fits; 2 no log files there, or wrong usage.`;

export function addLogs(context: CommandContext): void {
  context.program
    .command("logs [node]")
    .description("log lines of the nodes on this machine, the newest last")
    .option("--directory <directory>", "where the log files are")
    .option("-n, --lines <count>", "so many of the last lines", wholeBetween(1, 100_000), 50)
    .option("--level <level>", `least level: ${LEVELS.join(", ")}`, levelOf, "info")
    .option("--module <name>", "only this module, such as cluster")
    .option("--grep <text>", "only lines that contain the text")
    .option("-f, --follow", "then every new line, until Ctrl-C", false)
    .addHelpText("after", HELP)
    .action((node: string | undefined, options: LogsOptions) => logs(context, node, options));
}

function levelOf(text: string): Level {
  const found = LEVELS.find((level) => level === text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`allowed is one of ${LEVELS.join(", ")}`);
}

async function logs(
  context: CommandContext,
  node: string | undefined,
  options: LogsOptions,
): Promise<void> {
  const { terminal } = context;
  const directory = directoryOf(context, options);
  const files = filesOf(directory, node);
  const fits = filterOf(options);
  const show = (line: LogLine): void =>
    terminal.out(isJson(context) ? line.text : lineText(terminal, line));
  const found = files
    .flatMap((file) => linesOf(file))
    .filter(fits)
    .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
    .slice(-options.lines);
  for (const line of found) show(line);
  if (options.follow)
    await follow(directory, node, context.signal, (line) => void (fits(line) && show(line)));
  else if (found.length === 0) {
    terminal.error(`no line of ${files.join(", ")} fits`);
    context.finish(EXIT.refused);
  }
}

function directoryOf({ program }: CommandContext, options: LogsOptions): string {
  if (options.directory !== undefined) return resolve(options.directory);
  const { config } = program.opts<CommonOptions>();
  return resolve(loadManifest(findManifestPath(config, process.env)).logging.directory);
}

const NAME = /^r-emsd-([a-z][a-z0-9-]*?)\.\d{4}-\d{2}-\d{2}(?:\.\d+)?\.log$/;

/** The two newest files of each node: a day that has just begun has few lines. */
function filesOf(directory: string, node: string | undefined): string[] {
  const names = existsSync(directory)
    ? readdirSync(directory)
        .filter((name) => NAME.test(name))
        .sort()
    : [];
  const nodes = [...new Set(names.map((name) => NAME.exec(name)?.[1] ?? ""))];
  if (node !== undefined && names.length > 0 && !nodes.includes(node)) {
    throw new RemsError(
      "REMS_NOT_FOUND",
      `${directory} has no log of ${node}; it has ${nodes.join(", ")}`,
    );
  }
  const wanted = nodes.filter((one) => node === undefined || one === node);
  const files = wanted.flatMap((one) =>
    names.filter((name) => NAME.exec(name)?.[1] === one).slice(-2),
  );
  if (files.length > 0) return files.map((name) => join(directory, name));
  throw new RemsError(
    "REMS_NOT_FOUND",
    `there are no log files of r-emsd in ${directory}; name another with --directory`,
  );
}

interface LogLine {
  readonly text: string;
  readonly time: string;
  readonly level: Level;
  readonly fields: Readonly<Record<string, unknown>>;
}

function filterOf({ level, module, grep }: LogsOptions): (line: LogLine) => boolean {
  const least = LEVELS.indexOf(level);
  return (line) =>
    LEVELS.indexOf(line.level) >= least &&
    (module === undefined || line.fields["module"] === module) &&
    (grep === undefined || line.text.includes(grep));
}

/** The end of a file, from its first whole line. */
function linesOf(file: string): LogLine[] {
  const { size } = statSync(file);
  const from = Math.max(0, size - TAIL_BYTES);
  const text = readFrom(file, from, size - from);
  return text
    .slice(from === 0 ? 0 : text.indexOf("\n") + 1)
    .split("\n")
    .flatMap(parseLine);
}

function readFrom(file: string, from: number, length: number): string {
  const handle = openSync(file, "r");
  try {
    const buffer = Buffer.alloc(length);
    const count = readSync(handle, buffer, 0, length, from);
    return buffer.toString("utf8", 0, count);
  } finally {
    closeSync(handle);
  }
}

/** Nothing for a line that is not one of ours. */
function parseLine(text: string): LogLine[] {
  if (!text.startsWith("{")) return [];
  try {
    const fields = JSON.parse(text) as Record<string, unknown>;
    const level = LEVELS[Math.round(Number(fields["level"]) / 10) - 1] ?? "info";
    const time = typeof fields["time"] === "string" ? fields["time"] : "";
    return [{ text, time, level, fields }];
  } catch {
    return [];
  }
}

const OWN_FIELDS = new Set(["level", "time", "node", "module", "msg", "installation", "mode"]);

function lineText(terminal: Terminal, { time, level, fields }: LogLine): string {
  const text = (key: string): string => (typeof fields[key] === "string" ? fields[key] : "");
  const more = Object.entries(fields)
    .filter(([key]) => !OWN_FIELDS.has(key))
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
  const mark = paint(terminal, COLOURS[level] ?? "bold", level.toUpperCase().padEnd(5));
  const who = `${text("node")} ${text("module")}`.trim();
  return `${time.replace("T", " ").replace("Z", "")} ${mark} ${who}: ${text("msg")} ${paint(terminal, "dim", more)}`.trimEnd();
}

/** New lines of all files, those of a day that begins meanwhile included. */
async function follow(
  directory: string,
  node: string | undefined,
  signal: AbortSignal,
  show: (line: LogLine) => void,
): Promise<void> {
  const readTo = new Map(filesOf(directory, node).map((file) => [file, statSync(file).size]));
  const rest = new Map<string, string>();
  while (!signal.aborted) {
    await wait(FOLLOW_MS, undefined, { signal }).catch(() => {});
    for (const file of filesOf(directory, node)) {
      const from = readTo.get(file) ?? 0;
      const count = Math.min(SCAN_BYTES, statSync(file).size - from);
      if (count <= 0) continue;
      readTo.set(file, from + count);
      const lines = `${rest.get(file) ?? ""}${readFrom(file, from, count)}`.split("\n");
      rest.set(file, lines.pop() ?? "");
      for (const line of lines.flatMap(parseLine)) show(line);
    }
  }
}
