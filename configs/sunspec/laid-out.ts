import type { PointMapping } from "../profile.ts";
import type { ProfileFile } from "../profile-schema.ts";
import { supervisionFileOf } from "../supervision-schema.ts";
import { nominalLayout } from "./nominal-layout.ts";
import { needsOf } from "./to-needs.ts";

/** A SunSpec profile as one with registers, laid out as in a device that has just what it needs: for checks. */
export function laidOut(profile: ProfileFile): ProfileFile {
  if (profile.sunspec === undefined) return profile;
  const layout = nominalLayout(needsOf(profile.sunspec), profile.kind, profile.id);
  return {
    ...profile,
    points: layout.points.map(pointFileOf),
    commands: layout.commands.map(({ command, table, address, value, followedBy }) => ({
      command,
      table,
      address,
      value,
      before: [],
      ...(followedBy === null
        ? {}
        : {
            followed_by: {
              point: followedBy.point,
              value: followedBy.value,
              within_ms: followedBy.withinMs,
            },
          }),
    })),
  };
}

function pointFileOf(mapping: PointMapping): ProfileFile["points"][number] {
  const { trueWhen, constant, labels, notAvailable, writeWith } = mapping;
  return {
    point: mapping.point,
    table: mapping.table,
    address: mapping.address,
    type: mapping.type,
    word_order: mapping.wordOrder,
    scale: mapping.scale,
    offset: mapping.offset,
    access: mapping.access,
    poll: mapping.poll,
    ...supervisionFileOf(mapping.supervision),
    ...(labels === null ? {} : { labels: { ...labels } }),
    ...(notAvailable === null ? {} : { not_available: notAvailable }),
    ...(trueWhen === null
      ? {}
      : "values" in trueWhen
        ? { true_values: [...trueWhen.values] }
        : { true_mask: trueWhen.mask }),
    ...(constant === null
      ? {}
      : {
          constant: constant.value,
          ...(constant.reason === "" ? {} : { reason: constant.reason }),
        }),
    ...(writeWith === null
      ? {}
      : { write_with: { before: [...writeWith.before], after: [...writeWith.after] } }),
  };
}
