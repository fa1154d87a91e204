import { atLeader, newId, userName } from "./commands.ts";
import type { GridStatus, Reply } from "./messages.ts";
import { paths } from "./paths.ts";

/** The parameters of a grid that may change while it runs: replicated, so that every controller has the same. */

export type ParameterValue = number | boolean | string;
export type Parameters = Readonly<Record<string, ParameterValue>>;

export interface Configuration {
  readonly grid: string;
  readonly revision: number;
  readonly values: Parameters;
  /** What the manifest of the node that answers says. */
  readonly manifest: Parameters;
  readonly changedBy: string;
  /** A change that is undone by itself unless somebody keeps it. */
  readonly trial: { readonly before: Parameters; readonly endsInMs: number } | null;
  /** The change before was undone because nobody kept it. */
  readonly isUndone: boolean;
}

const CONFIRM_S = 60;

/** Puts values on trial, or asks on a copy whether they would be taken. */
export function tryValues(
  grid: GridStatus,
  changes: Parameters,
  revision: number,
  isValidateOnly: boolean,
): Promise<Reply> {
  return atLeader(grid.grid, paths.configuration(grid.grid), {
    requestId: newId(),
    command: "configure",
    values: changes,
    revision,
    confirmWithinS: CONFIRM_S,
    expectedEpoch: grid.epoch,
    validateOnly: isValidateOnly,
    user: userName(),
  });
}

/** Keeps what is on trial, or undoes it at once. */
export function endTrial(grid: GridStatus, revision: number, isKept: boolean): Promise<Reply> {
  return atLeader(grid.grid, paths.configuration(grid.grid), {
    requestId: newId(),
    command: isKept ? "confirmConfiguration" : "rollBackConfiguration",
    values: {},
    revision,
    expectedEpoch: grid.epoch,
    validateOnly: false,
    user: userName(),
  });
}
