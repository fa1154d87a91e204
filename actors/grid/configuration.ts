import { assert } from "../../kernel/assert.ts";
import type { OperatorRequest } from "../../kernel/command.ts";
import type { LeadershipOrigin } from "../../kernel/frame.ts";
import type { PointValue } from "../../kernel/point.ts";
import type { TreeState } from "../runtime/replicated-tree.ts";
import { actorOf, positionOf } from "./device-values.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import {
  gridWith,
  guardedDeviceOf,
  isFitting,
  parametersHash,
  parametersOf,
  type ParameterSet,
} from "./parameters.ts";

/** The parameters of a grid that are in force, and what may still be undone. Absent until the first frame of the grid's life told them. */
export type ConfigurationState = {
  /** Grows by one with every change of the values, those that undo included. */
  readonly revision: number;
  readonly values: ParameterSet;
  readonly changedBy: string;
  /** What held before the last change that was confirmed: what "revert" goes back to. */
  readonly previous: ParameterSet | null;
  /** A change that is undone at `endsAtMs`, plant time, unless somebody confirms it before. */
  readonly trial: { readonly before: ParameterSet; readonly endsAtMs: number } | null;
  /** Plant time at which a change was last undone because nobody confirmed it; null where none was. */
  readonly undoneAtMs: number | null;
  /** Hashes of the sets that were in force for good, oldest first: a manifest with one of them is old, not edited. */
  readonly known: readonly string[];
};

export const CONFIRM_S_MAX = 600;
const KNOWN_COUNT_MAX = 16;
/** Arguments beside the parameters. */
const OWN_ARGUMENTS: ReadonlySet<string> = new Set(["expectedRevision", "confirmWithinS"]);

export const CONFIGURATION_COMMANDS = [
  "configure",
  "confirmConfiguration",
  "rollBackConfiguration",
  "adoptManifest",
] as const;

export function isConfigurationCommand(command: string): boolean {
  return CONFIGURATION_COMMANDS.some((one) => one === command);
}

/** The plan that the state's parameters make of the manifest's: the same object for the same values. */
export function planInForce(plan: GridPlan, state: GridState): GridPlan {
  return state.configuration === undefined ? plan.base : planWith(plan, state.configuration.values);
}

const derived = new WeakMap<GridPlan, WeakMap<ParameterSet, GridPlan>>();

function planWith({ base }: GridPlan, values: ParameterSet): GridPlan {
  const known = derived.get(base) ?? new WeakMap<ParameterSet, GridPlan>();
  derived.set(base, known);
  const found = known.get(values);
  if (found !== undefined) return found;
  const next = { ...base.rebuild(gridWith(base.grid, values)), base };
  known.set(values, next);
  return next;
}

/**
 * What a new leader asks of the core in the first frame of its epoch: to take the manifest's parameters where the grid has none yet, and
 * where everything was down and the file was edited meanwhile. So all replicas have them from the frames, whatever stands in their files.
 */
export function openingOf(
  plan: GridPlan,
  state: GridState,
  epoch: number,
  origin: LeadershipOrigin,
): OperatorRequest[] {
  const { configuration } = state;
  const values = parametersOf(plan.base.grid);
  const isFromStart = origin === "cold" || origin === "restart";
  const isEdited =
    configuration !== undefined &&
    isFromStart &&
    configuration.trial === null &&
    !configuration.known.includes(parametersHash(values));
  if (configuration !== undefined && !isEdited) return [];
  return [
    {
      requestId: `manifest:${epoch}`,
      role: "engineer",
      user: "manifest",
      actor: plan.address,
      command: "adoptManifest",
      arguments: { ...values },
    },
  ];
}

export interface ConfigurationAnswer {
  readonly state: GridState;
  readonly isAccepted: boolean;
  readonly reason: string;
}

/** Answers a request that concerns the parameters. `plan` is the one in force. */
export function answerConfiguration(
  plan: GridPlan,
  state: GridState,
  request: OperatorRequest,
): ConfigurationAnswer {
  const refused = (reason: string): ConfigurationAnswer => ({ state, isAccepted: false, reason });
  if (request.role !== "engineer") return refused("the configuration needs the role engineer");
  if (request.command === "adoptManifest") return adopt(plan, state, request);
  const { configuration } = state;
  if (configuration === undefined) {
    return refused("the parameters are not known yet; try again in a moment");
  }
  if (request.command === "configure") return configure(plan, state, configuration, request);
  const { trial, revision } = configuration;
  if (trial === null) return refused("no change is on trial");
  if (request.arguments["revision"] !== revision) {
    return refused(
      `revision ${revision} is on trial, not ${String(request.arguments["revision"])}`,
    );
  }
  if (request.command === "confirmConfiguration") {
    const confirmed: ConfigurationState = {
      ...configuration,
      trial: null,
      previous: trial.before,
      known: remembered(configuration.known, configuration.values),
    };
    const next = { ...state, configuration: confirmed };
    return { state: next, isAccepted: true, reason: `revision ${revision} is in force` };
  }
  return {
    state: undone(plan, state, configuration, trial.before, null),
    isAccepted: true,
    reason: `revision ${revision} is undone`,
  };
}

/** The state with parameters changed, as if that had been accepted: for running ahead. The same state where it knows none yet. */
export function withValues(plan: GridPlan, state: GridState, changes: ParameterSet): GridState {
  const { configuration } = state;
  if (configuration === undefined) return state;
  const values = { ...configuration.values, ...changes };
  return withConfiguration(plan, state, { ...configuration, values, trial: null });
}

/** Undoes a change that nobody confirmed in time. */
export function expireTrial(plan: GridPlan, state: GridState, plantTimeMs: number): GridState {
  const { configuration } = state;
  if (configuration === undefined || configuration.trial === null) return state;
  const { before, endsAtMs } = configuration.trial;
  if (plantTimeMs < endsAtMs) return state;
  return undone(plan, state, configuration, before, plantTimeMs);
}

/** The manifest as it is: where there is nothing to compare it with, or everything was down. */
function adopt(plan: GridPlan, state: GridState, request: OperatorRequest): ConfigurationAnswer {
  const own = parametersOf(plan.base.grid);
  const values: Record<string, PointValue> = { ...own };
  for (const [name, value] of Object.entries(request.arguments)) {
    const before = own[name];
    if (before !== undefined && isFitting(name, before, value)) values[name] = value;
  }
  const { configuration } = state;
  const revision = (configuration?.revision ?? 0) + 1;
  const adopted: ConfigurationState = {
    revision,
    values,
    changedBy: request.user,
    previous: configuration?.values ?? null,
    trial: null,
    undoneAtMs: null,
    known: remembered(configuration?.known ?? [], values),
  };
  const reason = `revision ${revision}: the parameters of the manifest`;
  return { state: withConfiguration(plan, state, adopted), isAccepted: true, reason };
}

function configure(
  plan: GridPlan,
  state: GridState,
  configuration: ConfigurationState,
  request: OperatorRequest,
): ConfigurationAnswer {
  const refused = (reason: string): ConfigurationAnswer => ({ state, isAccepted: false, reason });
  const { revision, values, trial } = configuration;
  const { expectedRevision, confirmWithinS } = request.arguments;
  if (trial !== null) {
    const leftS = Math.ceil((trial.endsAtMs - state.plantTimeMs) / 1000);
    return refused(
      `revision ${revision} by ${configuration.changedBy} is on trial for another ${leftS} s: confirm it or roll it back first`,
    );
  }
  if (expectedRevision !== revision) {
    return refused(
      `revision ${revision} is in force, not ${String(expectedRevision)}: look again first`,
    );
  }
  const isTime =
    typeof confirmWithinS === "number" && confirmWithinS >= 1 && confirmWithinS <= CONFIRM_S_MAX;
  if (!isTime)
    return refused(`the argument confirmWithinS must be a number from 1 to ${CONFIRM_S_MAX}`);
  const changes: Record<string, PointValue> = {};
  for (const [name, value] of Object.entries(request.arguments)) {
    if (OWN_ARGUMENTS.has(name)) continue;
    const before = values[name];
    if (before === undefined)
      return refused(`${name} is no parameter that changes while the grid runs`);
    if (!isFitting(name, before, value)) {
      return refused(`${name} is ${String(before)} and cannot become ${String(value)}`);
    }
    if (value !== before) changes[name] = value;
  }
  if (Object.keys(changes).length === 0) return refused("nothing changes");
  const guard = guardOf(plan, state, Object.keys(changes));
  if (guard !== null) return refused(guard);
  const next: ConfigurationState = {
    ...configuration,
    revision: revision + 1,
    values: { ...values, ...changes },
    changedBy: request.user,
    trial: { before: values, endsAtMs: state.plantTimeMs + confirmWithinS * 1000 },
    undoneAtMs: null,
  };
  return {
    state: withConfiguration(plan, state, next),
    isAccepted: true,
    reason: `revision ${revision + 1} is on trial: it is undone in ${confirmWithinS} s unless it is confirmed`,
  };
}

/** Why parameters may not change now: nameplates and stages of shedding only of a device that is out of the plant. Null where they may. */
export function guardOf(plan: GridPlan, state: GridState, names: readonly string[]): string | null {
  for (const name of names) {
    const device = guardedDeviceOf(name);
    const reason = device === null ? null : guardOfDevice(plan, state, device);
    if (reason !== null) return `${name} changes only ${reason}`;
  }
  return null;
}

/** What a device lacks to be changed: it must be open, where nobody decides by it just now. Null where nothing, or it is unknown here. */
export function guardOfDevice(plan: GridPlan, state: GridState, id: string): string | null {
  const device = plan.deviceById.get(id);
  if (device === undefined) return null;
  const mode = actorOf(plan, state, plan.address).snapshot.state;
  const isObserved = plan.grid.control === "observe" || device.config.control === "observe";
  if (mode !== "semi" && !isObserved) {
    return `while the grid is in semi, or in observe; it is in ${mode}`;
  }
  const position = positionOf(state, device.id);
  const hasBreaker = device.kind !== "meter" && device.kind !== "thruster";
  return !hasBreaker || position === "open" ? null : `while ${id} is open; it is ${position}`;
}

function undone(
  plan: GridPlan,
  state: GridState,
  configuration: ConfigurationState,
  before: ParameterSet,
  undoneAtMs: number | null,
): GridState {
  return withConfiguration(plan, state, {
    ...configuration,
    revision: configuration.revision + 1,
    values: before,
    trial: null,
    undoneAtMs,
  });
}

function remembered(known: readonly string[], values: ParameterSet): string[] {
  const hash = parametersHash(values);
  return [...known.filter((one) => one !== hash), hash].slice(-KNOWN_COUNT_MAX);
}

/** Actors keep in their context what they were started with: what of it changes reaches them too. */
function withConfiguration(
  plan: GridPlan,
  state: GridState,
  configuration: ConfigurationState,
): GridState {
  const before = planInForce(plan, state);
  const next = { ...state, configuration };
  return { ...next, tree: retuned(state.tree, before, planInForce(plan, next)) };
}

function retuned(tree: TreeState, before: GridPlan, after: GridPlan): TreeState {
  const old = before.tree.actors;
  assert(old.length === after.tree.actors.length, "parameters change no actors");
  const actors = tree.actors.map((actor, index) => {
    const was = old[index]?.input ?? {};
    const is = after.tree.actors[index]?.input ?? {};
    const changed = Object.entries(is).filter(([key, value]) => was[key] !== value);
    if (changed.length === 0) return actor;
    const { context } = actor.snapshot;
    const own = changed.filter(([key]) => Object.hasOwn(context, key));
    const retunedContext = { ...context, ...Object.fromEntries(own) };
    return { ...actor, snapshot: { ...actor.snapshot, context: retunedContext } };
  });
  return { ...tree, actors };
}
