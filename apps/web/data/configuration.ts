import { newId, userName } from "./commands.ts";
import type {
  ApplyConfigResponse,
  GetConfigResponse,
  GridConfiguration,
  GridEdits,
  PreviewConfigResponse,
  SettleConfigResponse,
  Value,
} from "./messages.ts";
import { request } from "./node-link.ts";
import { paths } from "./paths.ts";

/** The configuration that is in force, and changes of it: whichever node is asked, each grid's leader decides. */

export type ParameterValue = number | boolean | string;
export type Parameters = Readonly<Record<string, ParameterValue>>;

/** What somebody wants instead of what is in force: another manifest, or a few values. */
export type Wanted = { readonly manifestText: string } | { readonly edits: readonly GridEdits[] };

const CONFIRM_S = 60;
/** Running the grids a minute ahead takes seconds on a small machine. */
const PREDICT_MS_MAX = 60_000;
/** The most that a request's id may have. */
const ID_LENGTH_MAX = 40;

export const plain = (values: Readonly<Record<string, Value>>): Parameters =>
  Object.fromEntries(
    Object.entries(values).map(([name, { number, flag, text }]) => [
      name,
      number ?? flag ?? text ?? "",
    ]),
  );

export const editsOf = (grid: string, changes: Parameters): GridEdits => ({
  grid,
  parameters: Object.fromEntries(
    Object.entries(changes).map(([name, value]): [string, Value] => [
      name,
      typeof value === "number"
        ? { number: value }
        : typeof value === "boolean"
          ? { flag: value }
          : { text: value },
    ]),
  ),
});

export const configurationOf = (
  answer: GetConfigResponse | null,
  grid: string,
): GridConfiguration | undefined => answer?.grids.find((one) => one.grid === grid);

/** What it would change, what that needs, and what the grids would command within a minute. Nothing is done. */
export const previewOf = (wanted: Wanted): Promise<PreviewConfigResponse> =>
  request(paths.configPreview, wanted, undefined, PREDICT_MS_MAX);

/** Puts it on trial, if everything is still as the preview saw it. @returns What the grids answered. */
export async function tryOut(
  wanted: Wanted,
  preview: PreviewConfigResponse,
  isAccepted: boolean,
): Promise<string> {
  const body = {
    ...wanted,
    requestId: newId().slice(0, ID_LENGTH_MAX),
    expectedRevisions: Object.fromEntries(
      preview.grids.map(({ grid, revision }) => [grid, revision]),
    ),
    acceptCommands: isAccepted,
    parametersOnly: preview.needsRestart,
    confirmWithinS: CONFIRM_S,
    user: userName(),
  };
  const { trials } = await request<ApplyConfigResponse>(
    paths.configApply,
    body,
    undefined,
    PREDICT_MS_MAX,
  );
  return trials.map(({ grid, reason }) => `${grid}: ${reason}`).join("; ");
}

/** Keeps what is on trial, or undoes it at once. @param grid - "": of every grid. */
export function endTrial(isConfirmed: boolean, grid: string): Promise<SettleConfigResponse> {
  const requestId = newId().slice(0, ID_LENGTH_MAX);
  return request(paths.configSettle, { requestId, isConfirmed, grid, user: userName() });
}
