import { accessSync, constants, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { pino } from "pino";
import roll from "pino-roll";
import { RemsError } from "../../kernel/errors.ts";
import { LOG_BYTES_HELD_MAX, openLogDestination } from "./log-destination.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export interface LogLevels {
  readonly base: string;
  readonly modules: ReadonlyMap<string, string>;
}

/**
 * Parses `R_EMS_LOG`: a level, and levels of single modules, as in `info,drivers=debug`.
 * @throws {@link RemsError} `REMS_CONFIG_INVALID` that names the part that is no level.
 */
export function parseLogLevels(text: string): LogLevels {
  let base = "info";
  const modules = new Map<string, string>();
  for (const part of text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")) {
    const [name = "", level] = part.includes("=") ? part.split("=", 2) : [undefined, part];
    if (!LEVELS.some((known) => known === level)) {
      throw new RemsError(
        "REMS_CONFIG_INVALID",
        `R_EMS_LOG: "${part}" is no log level; allowed are ${LEVELS.join(", ")}, or module=level`,
      );
    }
    if (part.includes("=")) modules.set(name, level as string);
    else base = level as string;
  }
  return { base, modules };
}

export interface LogOptions {
  readonly directory: string;
  readonly node: string;
  readonly keepDays: number;
  readonly levels: LogLevels;
  readonly isOnStdout: boolean;
  /** Facts in every line: installation, mode. */
  readonly base: Readonly<Record<string, string>>;
}

export type ModuleLogger = (module: string) => Logger;

/**
 * Structured JSON logs to stdout and to a file that changes daily. Writing is asynchronous.
 * @throws {@link RemsError} `REMS_DIRECTORY_UNWRITABLE` if the directory cannot be written.
 */
export function createLog(options: LogOptions): ModuleLogger {
  try {
    mkdirSync(options.directory, { recursive: true });
    accessSync(options.directory, constants.W_OK);
  } catch (cause) {
    throw new RemsError(
      "REMS_DIRECTORY_UNWRITABLE",
      `logging.directory ${options.directory} cannot be written; change its owner or name another one`,
      { cause },
    );
  }
  const file = () =>
    roll({
      file: join(options.directory, `r-emsd-${options.node}`),
      frequency: "daily",
      dateFormat: "yyyy-MM-dd",
      extension: ".log",
      limit: { count: options.keepDays },
      mkdir: true,
      maxLength: LOG_BYTES_HELD_MAX,
    });
  const stdout = async () =>
    pino.destination({ dest: 1, sync: false, maxLength: LOG_BYTES_HELD_MAX });
  const root = pino(
    {
      level: options.levels.base,
      base: { node: options.node, ...options.base },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    openLogDestination(options.isOnStdout ? [file, stdout] : [file]),
  );
  return (module) =>
    root.child({ module }, { level: options.levels.modules.get(module) ?? options.levels.base });
}
