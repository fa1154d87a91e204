import type { CommandOutput, LevelOutput, RequestReply } from "../kernel/command.ts";
import type { CoreOutputs } from "../kernel/core.ts";
import type { GridMessage } from "../kernel/grid-message.ts";

/** What may leave now. */
export interface ReleasedOutputs {
  /** Only the newest acknowledged image; null where nothing newer was released. */
  readonly levels: { readonly sequence: number; readonly levels: readonly LevelOutput[] } | null;
  readonly commands: readonly CommandOutput[];
  readonly messages: readonly GridMessage[];
  readonly replies: readonly RequestReply[];
  /** Whether the newest released scan wants the permit to close onto a dead busbar; null where none was released. */
  readonly isDeadBusPermitWanted: boolean | null;
}

/**
 * Outputs of scans that wait for acknowledgement. Of waiting levels only the newest acknowledged are written; commands, messages
 * and replies wait in order. Bounded: a leader that is not acknowledged builds no frames for long, because it loses authority.
 */
export interface OutputGate {
  /** True while nothing waits: most of the time, and then there is nothing to ask. */
  isEmpty(): boolean;
  add(sequence: number, outputs: CoreOutputs): void;
  /**
   * @param sequence - Frames up to here are acknowledged by every member that the record may contain.
   * @param commandSequence - The same for commands; a lone leader's must be on disk first.
   */
  release(sequence: number, commandSequence: number): ReleasedOutputs;
  /** Forgets everything that waits: at loss of leadership. Returns the commands that were never issued. */
  clear(): readonly CommandOutput[];
}

interface Waiting {
  readonly sequence: number;
  readonly outputs: CoreOutputs;
}

const WAITING_COUNT_MAX = 100;

export function createOutputGate(): OutputGate {
  let waiting: Waiting[] = [];
  let waitingCommands: { readonly sequence: number; readonly command: CommandOutput }[] = [];

  return {
    isEmpty: () => waiting.length === 0 && waitingCommands.length === 0,
    add(sequence, outputs) {
      waiting.push({ sequence, outputs });
      for (const command of outputs.commands) waitingCommands.push({ sequence, command });
      // Levels are complete images, so that forgetting the oldest loses nothing but its messages and replies, which expire.
      if (waiting.length > WAITING_COUNT_MAX) waiting = waiting.slice(-WAITING_COUNT_MAX);
    },
    release(sequence, commandSequence) {
      const ready = waiting.filter((entry) => entry.sequence <= sequence);
      const readyCommands = waitingCommands.filter((entry) => entry.sequence <= commandSequence);
      if (ready.length > 0) waiting = waiting.slice(ready.length);
      if (readyCommands.length > 0) waitingCommands = waitingCommands.slice(readyCommands.length);
      const newest = ready.at(-1);
      return {
        levels:
          newest === undefined
            ? null
            : { sequence: newest.sequence, levels: newest.outputs.levels },
        commands: readyCommands.map((entry) => entry.command),
        messages: ready.flatMap((entry) => entry.outputs.messages),
        replies: ready.flatMap((entry) => entry.outputs.replies),
        isDeadBusPermitWanted:
          newest === undefined ? null : newest.outputs.isDeadBusPermitWanted === true,
      };
    },
    clear() {
      const commands = waitingCommands.map((entry) => entry.command);
      waiting = [];
      waitingCommands = [];
      return commands;
    },
  };
}
