import type { ParameterSet } from "../../actors/grid/parameters.ts";
import type { PointValue } from "../../kernel/point.ts";
import { rems, type Types } from "../../proto/generated/rems-v1.ts";
import type { NodeView } from "../node-view.ts";

type Argument = Types.rems.v1.IArgument;

/** The parameters of each grid of this node: replicated state, so that no file is read and no schema loaded for it. */
export function gridConfigurations(view: NodeView): Types.rems.v1.GridConfiguration[] {
  return [...view.replicas].map(([grid, { state }]) => {
    const { configuration, plantTimeMs } = state;
    const trial = configuration?.trial ?? null;
    const values = configuration?.values ?? {};
    return rems.v1.GridConfiguration.create({
      grid,
      revision: configuration?.revision ?? 0,
      changedBy: configuration?.changedBy ?? "",
      parameters: argumentsOf(values),
      isOnTrial: trial !== null,
      trialLeftS: trial === null ? 0 : Math.max(0, (trial.endsAtMs - plantTimeMs) / 1000),
      beforeTrial: argumentsOf(trial === null ? {} : differing(values, trial.before)),
      hasPrevious: (configuration?.previous ?? null) !== null,
      isUndone: trial === null && (configuration?.undoneAtMs ?? null) !== null,
    });
  });
}

/** What pages ask for again and again. */
export const parametersOnly = (view: NodeView): Types.rems.v1.GetConfigResponse =>
  rems.v1.GetConfigResponse.create({ node: view.node.id, grids: gridConfigurations(view) });

/** What changes from one set to another, with its new values. Only names that both know: others are of the structure. */
export function differing(before: ParameterSet, after: ParameterSet): ParameterSet {
  const changes: Record<string, PointValue> = {};
  for (const [name, value] of Object.entries(after)) {
    if (before[name] !== undefined && before[name] !== value) changes[name] = value;
  }
  return changes;
}

export function argumentsOf(
  values: Readonly<Record<string, PointValue>>,
): Record<string, Argument> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "number"
        ? { number: value }
        : typeof value === "boolean"
          ? { flag: value }
          : { text: value },
    ]),
  );
}
