import type { Command } from "commander";
import type { Terminal } from "./terminal.ts";

/** What a script can rely on. */
export const EXIT = { ok: 0, refused: 1, usage: 2, unreachable: 3 } as const;

/** What a file with commands of its own is given by the program. */
export interface CommandContext {
  readonly program: Command;
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Sets the exit code; 0 where nothing is said. */
  readonly finish: (exitCode: number) => void;
}

export function isJson({ program }: CommandContext): boolean {
  return program.opts<{ readonly json: boolean }>().json;
}
