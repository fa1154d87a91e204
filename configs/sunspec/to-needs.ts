import type { SunspecNeeds, SunspecPointNeed } from "./needs.ts";
import { supervisionOf } from "../supervision-schema.ts";
import type { SunspecFile } from "./sunspec-schema.ts";

export function pointNeedOf(point: SunspecFile["points"][number]): SunspecPointNeed {
  return {
    point: point.point,
    model: point.model,
    name: point.name,
    access: point.access,
    poll: point.poll,
    isNegated: point.negate,
    trueSymbols: point.true_symbols ?? null,
    labels: point.labels ?? null,
    constant:
      point.constant === undefined ? null : { value: point.constant, reason: point.reason ?? "" },
    supervision: supervisionOf(point),
    writeWith: point.with,
  };
}

/** What a profile needs, from its file. */
export function needsOf(file: SunspecFile): SunspecNeeds {
  return {
    baseAddresses: file.base_addresses,
    models: file.models,
    points: file.points.map(pointNeedOf),
    commands: file.commands.map((command) => ({
      command: command.command,
      model: command.model,
      name: command.name,
      value: command.value,
      followedBy: command.followed_by
        ? {
            point: command.followed_by.point,
            value: command.followed_by.value,
            withinMs: command.followed_by.within_ms,
          }
        : null,
    })),
  };
}
