import type { PointValue } from "./point.ts";

/** One set-point that should hold now. The levels of a scan are the complete image: what is not in it is not held. */
export interface LevelOutput {
  readonly device: string;
  readonly point: string;
  readonly value: PointValue;
}

/** `epoch:sequence:index`: unique over the life of a grid. */
export type CommandId = string;

/** A single irreversible act (start, stop, open, close, change of mode). */
export interface CommandOutput {
  readonly id: CommandId;
  readonly device: string;
  /** Name of a command in the device's profile, e.g. `start`. */
  readonly command: string;
  /** The driver drops the command if it was not written by then. Plant time, milliseconds. */
  readonly expiresAtPlantMs: number;
  /** For people: which rule, which values. */
  readonly reason: string;
}

/**
 * What became of a command. `confirmed`: the device acknowledged the write. `dropped`: it was never written.
 * `failed`: the device refused it. `unknown`: written or not, nobody can tell; decided on feedback, never repeated blindly.
 */
export type CommandFate = {
  readonly id: CommandId;
  readonly fate: "confirmed" | "dropped" | "failed" | "unknown";
  readonly reason: string;
};

export type OperatorRole = "viewer" | "operator" | "engineer";

/** A person's (or another system's) request; enters the core as data in a frame. */
export interface OperatorRequest {
  /** Chosen by the client; a repeated id is answered with the first answer. */
  readonly requestId: string;
  readonly role: OperatorRole;
  /** Who, for the audit log. */
  readonly user: string;
  /** Address of an actor: `grids/port/devices/dg1`. */
  readonly actor: string;
  readonly command: string;
  readonly arguments: { readonly [name: string]: PointValue };
}

export interface RequestReply {
  readonly requestId: string;
  readonly isAccepted: boolean;
  /** Why not, or what was begun. */
  readonly reason: string;
}

export function commandId(epoch: number, sequence: number, index: number): CommandId {
  return `${epoch}:${sequence}:${index}`;
}
