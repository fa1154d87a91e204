import type { Command } from "commander";
import type { OperatorClient } from "./operator-client.ts";
import type { Terminal } from "./terminal.ts";

/** What a script can rely on. */
export const EXIT = { ok: 0, refused: 1, usage: 2, unreachable: 3 } as const;

/** Options before the command. */
export interface CommonOptions {
  readonly address: string;
  readonly node?: string;
  readonly config?: string;
  readonly timeout: number;
  readonly json: boolean;
}

/** What a file with commands of its own is given by the program. */
export interface CommandContext {
  readonly program: Command;
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Operator service of the node that the program's options name. */
  readonly address: () => string;
  /** Longest wait for one answer. */
  readonly timeoutMs: () => number;
  /** Sets the exit code; 0 where nothing is said. */
  readonly finish: (exitCode: number) => void;
  /** Runs `action` with a client of the node that the options name; it returns the exit code. */
  readonly withClient: (
    action: (client: OperatorClient, options: CommonOptions) => Promise<number>,
  ) => Promise<void>;
}

export function isJson({ program }: CommandContext): boolean {
  return program.opts<{ readonly json: boolean }>().json;
}
