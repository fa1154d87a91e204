import { setImmediate as pause } from "node:timers/promises";
import { guardOf, planInForce, withValues } from "../../actors/grid/configuration.ts";
import { isFitting, parametersOf, type ParameterSet } from "../../actors/grid/parameters.ts";
import type { Manifest } from "../../configs/manifest.ts";
import { problemText } from "../../configs/problem.ts";
import { isTable } from "../../configs/setup/document.ts";
import type { OperatorRequest } from "../../kernel/command.ts";
import { RemsError } from "../../kernel/errors.ts";
import { invalid } from "../control-service.ts";
import type { NodeView } from "../node-view.ts";
import { changesBetween, type ConfigChange } from "./config-changes.ts";
import { differing } from "./grid-configurations.ts";
import { checkText, type CheckedText, readText, textInForce } from "./manifest-in-force.ts";
import { PREDICT_MS, predict, type PredictedCommand, type Prediction } from "./predict.ts";

/** Asks the leader of a grid, here or on another node. @throws {@link RemsError} `REMS_NOT_LEADER`, `REMS_TIMEOUT`. */
export type AskGrid = (
  grid: string,
  request: OperatorRequest,
) => Promise<{ readonly isAccepted: boolean; readonly reason: string }>;

/** Asks this node's own leader. @throws {@link RemsError} `REMS_NOT_LEADER` where it does not lead, `REMS_REQUEST_REFUSED` for another epoch. */
export type AskHere = (
  grid: string,
  request: OperatorRequest,
  expectedEpoch: number,
  isValidateOnly: boolean,
) => Promise<{ readonly isAccepted: boolean; readonly reason: string }>;

/** Parameters of one grid, laid over those in force. */
export interface GridEdits {
  readonly grid: string;
  readonly parameters: ParameterSet;
}

/** A manifest's text, "" for the node's file; or changes of what is in force. */
export type WantedConfig = string | readonly GridEdits[];

export interface ConfigShown {
  readonly node: string;
  readonly manifestPath: string;
  readonly manifestText: string;
  readonly fileChanges: readonly ConfigChange[];
  readonly fileProblems: readonly string[];
}

export interface GridPreview {
  readonly grid: string;
  readonly revision: number;
  readonly parameters: ParameterSet;
  /** "" where it would take them. */
  readonly refusal: string;
}

export interface ConfigPreview {
  readonly problems: readonly string[];
  readonly changes: readonly ConfigChange[];
  readonly grids: readonly GridPreview[];
  readonly addedCommands: readonly PredictedCommand[];
  readonly removedCommands: readonly PredictedCommand[];
  readonly horizonS: number;
  readonly needsAcceptance: boolean;
  readonly needsRestart: boolean;
  readonly isStructural: boolean;
  readonly unpredictedGrids: readonly string[];
}

export interface ApplyRequest {
  readonly requestId: string;
  readonly wanted: WantedConfig;
  readonly expectedRevisions: Readonly<Record<string, number>>;
  readonly acceptCommands: boolean;
  readonly confirmWithinS: number;
  readonly user: string;
  readonly revert: boolean;
  /** What needs a restart is passed over. */
  readonly isParametersOnly: boolean;
}

export interface GridTrial {
  readonly grid: string;
  readonly revision: number;
  readonly confirmWithinS: number;
  readonly reason: string;
}

export interface GridSettled {
  readonly grid: string;
  readonly isAccepted: boolean;
  readonly reason: string;
}

/** The configuration of the running installation, for whoever asks: gRPC and HTTP offer the same. */
export interface ConfigDesk {
  show(): ConfigShown;
  preview(wanted: WantedConfig, withPrediction: boolean): Promise<ConfigPreview>;
  apply(request: ApplyRequest): Promise<readonly GridTrial[]>;
  settle(
    requestId: string,
    isConfirmed: boolean,
    grid: string,
    user: string,
  ): Promise<readonly GridSettled[]>;
}

const CONFIRM_S = 60;
/** What a person must have seen before it is set going: everything that a device would do once and not undo. */
const isMoving = ({ isWritten }: PredictedCommand): boolean => isWritten;

/** @param startText - The node's file as the daemon read it. */
export function createConfigDesk(view: NodeView, startText: string, askGrid: AskGrid): ConfigDesk {
  const { manifest } = view;

  const valuesInForce = (): Map<string, ParameterSet> => {
    const values = new Map<string, ParameterSet>();
    for (const [grid, { state }] of view.replicas) {
      if (state.configuration !== undefined) values.set(grid, state.configuration.values);
    }
    return values;
  };
  const inForce = (): CheckedText =>
    checkText(textInForce(startText, manifest, valuesInForce()), manifest.path);

  const show = (): ConfigShown => {
    const running = inForce();
    const file = checkText(readText(manifest.path) ?? "", manifest.path);
    return {
      node: view.node.id,
      manifestPath: manifest.path,
      manifestText: running.text,
      fileChanges: changesOf(running, file),
      fileProblems: file.problems.map(problemText),
    };
  };

  const textOf = (wanted: WantedConfig): string => {
    if (typeof wanted === "string") return wanted || (readText(manifest.path) ?? "");
    return textInForce(startText, manifest, edited(valuesInForce(), wanted));
  };

  const preview: ConfigDesk["preview"] = async (request, withPrediction) => {
    const running = inForce();
    const wanted = checkText(textOf(request), manifest.path);
    const problems = wanted.problems.map(problemText);
    if (wanted.manifest === null) return { ...NOTHING, problems };
    const changes = changesOf(running, wanted);
    const grids = gridPreviews(view, wanted.manifest);
    const prediction = withPrediction ? await predictFor(view, grids) : null;
    return previewOf(view, changes, grids, prediction);
  };

  const apply: ConfigDesk["apply"] = async (request) => {
    const wanted = request.revert ? previousOf(view) : await parametersFrom(preview, request);
    if (wanted.length === 0) throw refused("nothing changes");
    const confirmWithinS = request.confirmWithinS || CONFIRM_S;
    const trials: GridTrial[] = [];
    for (const [index, { grid, revision, parameters }] of wanted.entries()) {
      const expectedRevision = request.expectedRevisions[grid] ?? revision;
      const answer = await askGrid(
        grid,
        engineer(`${request.requestId}:${index}`, grid, "configure", request.user, {
          ...parameters,
          expectedRevision,
          confirmWithinS,
        }),
      ).catch((error: unknown) => ({ isAccepted: false, reason: reasonOf(error) }));
      if (!answer.isAccepted) {
        // One step for all grids: what another took is taken back.
        await undo(askGrid, request, trials);
        throw refused(
          `${grid}: ${answer.reason}${trials.length > 0 ? "; what other grids took is taken back" : ""}`,
        );
      }
      trials.push({ grid, revision: expectedRevision + 1, confirmWithinS, reason: answer.reason });
    }
    return trials;
  };

  const settle: ConfigDesk["settle"] = async (requestId, isConfirmed, grid, user) => {
    const onTrial = [...view.replicas].filter(
      ([id, { state }]) =>
        (grid === "" || id === grid) && (state.configuration?.trial ?? null) !== null,
    );
    if (onTrial.length === 0) throw refused("no change is on trial");
    const settled: GridSettled[] = [];
    for (const [index, [id, { state }]] of onTrial.entries()) {
      const revision = state.configuration?.revision ?? 0;
      const command = isConfirmed ? "confirmConfiguration" : "rollBackConfiguration";
      const request = engineer(`${requestId}:${index}`, id, command, user, { revision });
      const answer = await askGrid(id, request).catch((error: unknown) => ({
        isAccepted: false,
        reason: reasonOf(error),
      }));
      settled.push({ grid: id, isAccepted: answer.isAccepted, reason: answer.reason });
    }
    return settled;
  };
  return { show, preview, apply, settle };
}

/** @throws {@link RemsError} `REMS_REQUEST_INVALID` for a grid or a parameter that is not here. */
function edited(
  values: ReadonlyMap<string, ParameterSet>,
  edits: readonly GridEdits[],
): Map<string, ParameterSet> {
  const result = new Map(values);
  for (const { grid, parameters } of edits) {
    const own = result.get(grid);
    if (own === undefined)
      throw invalid("edits.grid", grid, `one of ${[...values.keys()].join(", ")}`);
    for (const [name, value] of Object.entries(parameters)) {
      const before = own[name];
      if (before === undefined) throw invalid("edits.parameters", name, `a parameter of ${grid}`);
      if (!isFitting(name, before, value))
        throw invalid(`edits.parameters.${name}`, JSON.stringify(value), `a ${typeof before}`);
    }
    result.set(grid, { ...own, ...parameters });
  }
  return result;
}

const NOTHING: ConfigPreview = {
  problems: [],
  changes: [],
  grids: [],
  addedCommands: [],
  removedCommands: [],
  horizonS: PREDICT_MS / 1000,
  needsAcceptance: false,
  needsRestart: false,
  isStructural: false,
  unpredictedGrids: [],
};

function changesOf(before: CheckedText, after: CheckedText): ConfigChange[] {
  if (!isTable(before.complete) || !isTable(after.complete)) return [];
  return changesBetween(before.complete, after.complete);
}

/** Of each grid here, the parameters that another manifest would change, and whether the grid would take them now. */
function gridPreviews(view: NodeView, wanted: Manifest): GridPreview[] {
  return [...view.replicas].flatMap(([grid, { core, state }]) => {
    const config = wanted.grids.find(({ id }) => id === grid);
    const { configuration } = state;
    if (config === undefined || configuration === undefined) return [];
    const parameters = differing(configuration.values, parametersOf(config));
    const names = Object.keys(parameters);
    if (names.length === 0) return [];
    const plan = planInForce(core.plan, state);
    const refusal =
      configuration.trial === null ? (guardOf(plan, state, names) ?? "") : "a change is on trial";
    return [{ grid, revision: configuration.revision, parameters, refusal }];
  });
}

async function predictFor(
  view: NodeView,
  grids: readonly GridPreview[],
): Promise<Prediction | null> {
  if (grids.length === 0) return null;
  const present = [...view.replicas].map(([grid, replica]) => ({
    grid,
    core: replica.core,
    state: replica.state,
    scanMs: replica.core.plan.grid.timings.scanMs,
    wallTimeMs: replica.lastWallTimeMs,
  }));
  const changed = present.map((one) => {
    const parameters = grids.find(({ grid }) => grid === one.grid)?.parameters;
    if (parameters === undefined) return one;
    return { ...one, state: withValues(one.core.plan, one.state, parameters) };
  });
  return predict(present, changed, pause);
}

function previewOf(
  view: NodeView,
  changes: readonly ConfigChange[],
  grids: readonly GridPreview[],
  prediction: Prediction | null,
): ConfigPreview {
  const here = new Set(view.replicas.keys());
  return {
    ...NOTHING,
    changes,
    grids,
    addedCommands: prediction?.added ?? [],
    removedCommands: prediction?.removed ?? [],
    needsAcceptance: prediction?.added.some(isMoving) ?? false,
    needsRestart: changes.some(({ kind }) => kind === "restart" || kind === "structure"),
    isStructural: changes.some(({ kind }) => kind === "structure" || kind === "never"),
    unpredictedGrids: view.manifest.grids.map(({ id }) => id).filter((id) => !here.has(id)),
  };
}

type Wanted = Pick<GridPreview, "grid" | "revision" | "parameters">;

/** @throws {@link RemsError} for a manifest that is wrong, needs more than parameters, or would move something nobody has accepted. */
async function parametersFrom(
  preview: ConfigDesk["preview"],
  request: ApplyRequest,
): Promise<readonly Wanted[]> {
  const found = await preview(request.wanted, !request.acceptCommands);
  if (found.problems.length > 0) {
    throw new RemsError("REMS_CONFIG_INVALID", found.problems.join("\n"));
  }
  const other = found.changes.find(({ kind }) => kind !== "live" && kind !== "guarded");
  if (other !== undefined && !request.isParametersOnly) {
    const needs =
      other.kind === "never"
        ? "would make it another installation"
        : "needs a restart of each node";
    throw refused(`${other.path} ${needs}; it cannot be tried out while everything runs`);
  }
  const refusal = found.grids.find((grid) => grid.refusal !== "");
  if (refusal !== undefined) throw refused(`${refusal.grid}: ${refusal.refusal}`);
  const moving = found.addedCommands.filter(isMoving);
  if (moving.length > 0) {
    const list = moving.map(
      ({ device, command, afterMs }) => `${device} ${command} after ${afterMs / 1000} s`,
    );
    throw refused(
      `within a minute it would bring: ${list.join(", ")}; apply again and accept that`,
    );
  }
  return found.grids;
}

/** What held before the last confirmed change. */
function previousOf(view: NodeView): readonly Wanted[] {
  return [...view.replicas].flatMap(([grid, { state }]) => {
    const { configuration } = state;
    if (configuration === undefined || configuration.previous === null) return [];
    const parameters = differing(configuration.values, configuration.previous);
    if (Object.keys(parameters).length === 0) return [];
    return [{ grid, revision: configuration.revision, parameters }];
  });
}

async function undo(
  askGrid: AskGrid,
  request: ApplyRequest,
  trials: readonly GridTrial[],
): Promise<void> {
  for (const [index, { grid, revision }] of trials.entries()) {
    const id = `${request.requestId}:${index}:undo`;
    const back = engineer(id, grid, "rollBackConfiguration", request.user, { revision });
    // Where that fails as well, the trial ends by itself.
    await askGrid(grid, back).catch(() => {});
  }
}

export function engineer(
  requestId: string,
  grid: string,
  command: string,
  user: string,
  values: ParameterSet,
): OperatorRequest {
  const actor = `grids/${grid}`;
  return {
    requestId,
    role: "engineer",
    user: user || "unknown",
    actor,
    command,
    arguments: values,
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function refused(reason: string): RemsError {
  return new RemsError("REMS_REQUEST_REFUSED", reason);
}
