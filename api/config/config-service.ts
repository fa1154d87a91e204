import { RemsError } from "../../kernel/errors.ts";
import type { PointValue } from "../../kernel/point.ts";
import { counter } from "../../proto/field-check.ts";
import { rems, type Types } from "../../proto/generated/rems-v1.ts";
import { invalid, text } from "../control-service.ts";
import type { NodeView } from "../node-view.ts";
import { type Service, unary } from "../service.ts";
import type { ChangeKind, ConfigChange } from "./config-changes.ts";
import { type AskHere, type ConfigDesk, engineer, type WantedConfig } from "./config-desk.ts";
import { argumentsOf, gridConfigurations } from "./grid-configurations.ts";
import type { PredictedCommand } from "./predict.ts";

type Argument = Types.rems.v1.IArgument;

const MANIFEST_LENGTH_MAX = 900_000;
const PARAMETER_COUNT_MAX = 2000;
const REQUEST_ID_LENGTH_MAX = 48;
const COMMANDS = ["configure", "confirmConfiguration", "rollBackConfiguration"];

export interface RestartRequest {
  readonly manifestText: string;
  readonly isValidateOnly: boolean;
  readonly acceptStructure: boolean;
  readonly user: string;
}

export type ConfigService = ReturnType<typeof configService>;

/** The desk over gRPC. `askHere` decides where this node leads; `restart` starts the node anew. */
export function configService(
  view: NodeView,
  desk: ConfigDesk,
  askHere: AskHere,
  restart: (request: RestartRequest) => Promise<string>,
) {
  const { v1 } = rems;
  return {
    getConfig: unary((_message: Types.rems.v1.GetConfigRequest) => {
      const shown = desk.show();
      return v1.GetConfigResponse.create({
        ...shown,
        fileChanges: shown.fileChanges.map(changeMessage),
        fileProblems: [...shown.fileProblems],
        grids: gridConfigurations(view),
      });
    }),
    previewConfig: unary(async (message: Types.rems.v1.PreviewConfigRequest) => {
      const found = await desk.preview(wantedOf(message), !message.withoutPrediction);
      return v1.PreviewConfigResponse.create({
        ...found,
        problems: [...found.problems],
        changes: found.changes.map(changeMessage),
        grids: found.grids.map(({ parameters, ...grid }) => ({
          ...grid,
          parameters: argumentsOf(parameters),
        })),
        addedCommands: found.addedCommands.map(commandMessage),
        removedCommands: found.removedCommands.map(commandMessage),
        unpredictedGrids: [...found.unpredictedGrids],
      });
    }),
    applyConfig: unary(async (message: Types.rems.v1.ApplyConfigRequest) => {
      const revisions = Object.entries(message.expectedRevisions).map(([grid, revision]) => [
        grid,
        counter(revision, "expected_revisions"),
      ]);
      const trials = await desk.apply({
        requestId: requestId(message.requestId),
        wanted: wantedOf(message),
        expectedRevisions: Object.fromEntries(revisions) as Record<string, number>,
        acceptCommands: message.acceptCommands,
        confirmWithinS: message.confirmWithinS,
        user: message.user.slice(0, 64),
        revert: message.revert,
        isParametersOnly: message.parametersOnly,
      });
      return v1.ApplyConfigResponse.create({ trials: [...trials] });
    }),
    settleConfig: unary(async (message: Types.rems.v1.SettleConfigRequest) => {
      const { isConfirmed, grid, user } = message;
      const grids = await desk.settle(
        requestId(message.requestId),
        isConfirmed,
        grid,
        user.slice(0, 64),
      );
      return v1.SettleConfigResponse.create({ grids: [...grids] });
    }),
    configureGrid: unary(async (message: Types.rems.v1.ConfigureGridRequest) => {
      const { grid, command } = message;
      if (!COMMANDS.includes(command)) throw invalid("command", command, COMMANDS.join(", "));
      const user = message.user === "" ? "unknown" : text(message.user, "user");
      const request = engineer(
        text(message.requestId, "request_id"),
        grid,
        command,
        user,
        valuesOf(message.arguments),
      );
      return v1.ConfigureGridResponse.create(
        await askHere(
          grid,
          request,
          counter(message.expectedEpoch, "expected_epoch"),
          message.validateOnly,
        ),
      );
    }),
    restartNode: unary(async (message: Types.rems.v1.RestartNodeRequest) => {
      const reason = await restart({
        manifestText: manifest(message.manifestText),
        isValidateOnly: message.validateOnly,
        acceptStructure: message.acceptStructure,
        user: message.user === "" ? "unknown" : text(message.user, "user"),
      });
      return v1.RestartNodeResponse.create({ reason });
    }),
  } satisfies Service;
}

function manifest(found: string): string {
  if (found.length <= MANIFEST_LENGTH_MAX) return found;
  throw invalid("manifest_text", `${found.length} characters`, `at most ${MANIFEST_LENGTH_MAX}`);
}

interface WantedMessage {
  readonly manifestText: string;
  readonly edits: readonly Types.rems.v1.IGridEdits[];
}

function wantedOf({ manifestText, edits }: WantedMessage): WantedConfig {
  if (edits.length === 0) return manifest(manifestText);
  if (manifestText !== "") throw invalid("edits", "given with a manifest_text", "either of them");
  return edits.map(({ grid, parameters }) => ({
    grid: grid ?? "",
    parameters: valuesOf(parameters ?? {}),
  }));
}

function requestId(found: string): string {
  if (found.length >= 1 && found.length <= REQUEST_ID_LENGTH_MAX) return found;
  throw invalid(
    "request_id",
    `${found.length} characters`,
    `1 to ${REQUEST_ID_LENGTH_MAX} characters`,
  );
}

const KINDS: Readonly<Record<ChangeKind, number>> = {
  live: 1,
  guarded: 2,
  restart: 3,
  structure: 4,
  never: 5,
};

function changeMessage({ path, grid, from, to, kind }: ConfigChange) {
  return rems.v1.ConfigChange.create({
    path,
    grid,
    fromJson: from === undefined ? "" : JSON.stringify(from),
    toJson: to === undefined ? "" : JSON.stringify(to),
    kind: KINDS[kind],
  });
}

function commandMessage({ afterMs, ...command }: PredictedCommand) {
  return rems.v1.PredictedCommand.create({ ...command, afterS: afterMs / 1000 });
}

function valuesOf(found: Readonly<Record<string, Argument>>): Record<string, PointValue> {
  const entries = Object.entries(found);
  if (entries.length > PARAMETER_COUNT_MAX) {
    throw invalid("arguments", `${entries.length} entries`, `at most ${PARAMETER_COUNT_MAX}`);
  }
  return Object.fromEntries(
    entries.map(([name, argument]) => {
      const value = argument.number ?? argument.flag ?? argument.text;
      const isValue = value !== null && value !== undefined;
      if (!isValue || (typeof value === "number" && !Number.isFinite(value))) {
        throw new RemsError("REMS_REQUEST_INVALID", `${name} is no number, flag or text`);
      }
      return [name, typeof value === "number" ? value + 0 : value];
    }),
  );
}
