import { Command, CommanderError, Option } from "commander";
import { RemsError } from "../../kernel/errors.ts";
import type { PlaybackOptions } from "./playback.ts";
import type { ScheduledAction } from "./schedule.ts";
import { ACTION_FORMS, parseDurationMs, parseScheduledAction } from "./schedule.ts";

export type Mode = "view" | "lines" | "json";

export interface LauncherOptions {
  readonly configPath: string | null;
  readonly example: "vessel" | "land-battery" | "single";
  readonly coordinator: "etcd" | "embedded" | null;
  /** Null: until Ctrl-C. */
  readonly durationMs: number | null;
  readonly schedule: readonly ScheduledAction[];
  readonly mode: Mode;
  readonly isTour: boolean;
  /** Kills and restarts nodes at random. */
  readonly isSoak: boolean;
  /** Journals and logs stay after a good end too; such a run is a recording and is never repeated. */
  readonly isKept: boolean;
  readonly seed: number;
  /** Recorded, foreign or generated data for the simulated devices. */
  readonly playback: PlaybackOptions | null;
}

const HELP = `
Actions for --at:
${ACTION_FORMS.map(([form, meaning]) => `  ${form.padEnd(26)}${meaning}`).join("\n")}

Examples:
  npm start
  npm start -- --tour
  npm start -- --example land-battery
  npm start -- --for 40s --at 15s:kill-leader=port --json
  npm start -- --for 10m --at 5m:kill-leader=port --keep
  npm start -- --play voyage --speed 60
  npm start -- --play loads.csv --map loads.toml --speed 10
  npm start -- --coordinator etcd --for 1m --at 20s:power-cut=port

Faults of nodes wait until every grid's whole set is in sync, so that what is measured is one fault.
Exit codes: 0 all went well; 1 a node ended by itself, a grid was left without a leader, writes overlapped, or an action could not be done; 2 options, ports or files.`;

/** @throws {@link RemsError} `REMS_REQUEST_INVALID` for unknown or malformed options; help ends the process. */
export function parseLauncherOptions(
  argv: readonly string[],
  isTerminal: boolean,
): LauncherOptions {
  const program = new Command("npm start --")
    .description(
      "Runs a simulated installation: the plant, its nodes and what they agree on, and shows it live.",
    )
    .option("-c, --config <file>", "manifest of a simulated installation")
    .addOption(
      new Option("--example <name>", "a shipped installation")
        .choices(["vessel", "land-battery", "single"])
        .default("vessel"),
    )
    .addOption(
      new Option(
        "--coordinator <kind>",
        "what the nodes agree through; default: etcd where there is one",
      ).choices(["etcd", "embedded"]),
    )
    .addOption(new Option("--for <duration>", "end after this time").argParser(parseDurationMs))
    .addOption(
      new Option("--at <time:action>", "do something at a time; may be repeated")
        .argParser((text: string, before: readonly ScheduledAction[]) => [
          ...before,
          parseScheduledAction(text),
        ])
        .default([], "nothing"),
    )
    .option("--json", 'one JSON object per line on stdout; the last is {"summary": ...}', false)
    .option("--lines", "plain lines instead of the picture", false)
    .option("--tour", "five minutes of what the system does, with a sentence for each step", false)
    .option("--soak", "kill and restart nodes at random, and check at the end", false)
    .option(
      "--play <file>",
      "play into the simulated devices: a table (CSV), an incident, a map of generated signals, voyage or land-day",
    )
    .option("--map <file>", "which columns of the table drive which points, in TOML")
    .option("--speed <factor>", "how fast to play", parseSpeed, 1)
    .option("--keep", "keep journals and logs of the run, and say where", false)
    .addOption(
      new Option("--seed <number>", "noise of the plant and order of the soak")
        .argParser(parseSeed)
        .default(1),
    )
    .addHelpText("after", HELP)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
    if (error instanceof RemsError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `${message.replace(/^error: /, "")}; see npm start -- --help`,
      { cause: error },
    );
  }
  const options = program.opts<{
    config?: string;
    example: "vessel" | "land-battery" | "single";
    coordinator?: "etcd" | "embedded";
    for?: number;
    at: readonly ScheduledAction[];
    json: boolean;
    lines: boolean;
    tour: boolean;
    soak: boolean;
    keep: boolean;
    play?: string;
    map?: string;
    speed: number;
    seed: number;
  }>();
  const mode: Mode = options.json ? "json" : options.lines || !isTerminal ? "lines" : "view";
  return {
    configPath: options.config ?? null,
    example: options.example,
    coordinator: options.coordinator ?? null,
    durationMs: options.for ?? (options.tour ? 300_000 : null),
    schedule: [...options.at].sort((a, b) => a.atMs - b.atMs),
    mode,
    isTour: options.tour,
    isSoak: options.soak,
    isKept: options.keep,
    seed: options.seed,
    playback:
      options.play === undefined
        ? null
        : { what: options.play, mapPath: options.map ?? null, speed: options.speed },
  };
}

function parseSpeed(text: string): number {
  const speed = Number(text);
  if (text.trim() !== "" && speed > 0 && speed <= 100_000) return speed;
  throw new RemsError(
    "REMS_REQUEST_INVALID",
    `--speed "${text}": allowed are numbers above 0, up to 100000`,
  );
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `--seed "${text}": allowed are whole numbers from 0`,
    );
  }
  return seed;
}
