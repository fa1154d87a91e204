import { z } from "zod";
import { field } from "./field-schema.ts";
import { SUPERVISION, type LevelSupervision } from "./profile.ts";

/**
 * What a level owes after it was acknowledged, and what its register bears: the same in every family.
 * @param confirmMs - Time within which the device shows a value, where the profile says nothing.
 */
export const supervisionFields = (confirmMs: number) => ({
  confirm_within_ms: field(
    z.int().min(100).max(600_000).default(confirmMs),
    "Levels: an acknowledged value that the device does not show by then raises an alarm.",
    { unit: "ms" },
  ),
  followed_by: field(
    z
      .strictObject({
        point: field(
          z.string().min(1).max(64),
          "Measured point of the same device that shows the effect.",
        ),
        tolerance: field(z.number().gt(0).max(1_000_000), "How close it must come.", {
          unit: "of the level",
        }),
        within_ms: field(
          z.int().min(100).max(3_600_000),
          "Apart for so long, and the device does not follow: an alarm.",
          { unit: "ms" },
        ),
      })
      .optional(),
    "Levels: the measured effect. Not for references that droop or load may keep apart from what is measured.",
  ),
  writes_per_day_max: field(
    z.int().min(1).max(1_000_000).optional(),
    "Levels: writes that the register bears where it is kept in flash memory. The value is then not re-served for the watchdog.",
  ),
});

const supervisionSchema = z.object(supervisionFields(SUPERVISION.confirmWithinMs));
type SupervisionFile = z.output<typeof supervisionSchema>;

export function supervisionOf(point: SupervisionFile): LevelSupervision {
  const { confirm_within_ms: confirmWithinMs, followed_by: effect } = point;
  return {
    confirmWithinMs,
    followedBy: effect
      ? { point: effect.point, tolerance: effect.tolerance, withinMs: effect.within_ms }
      : null,
    writesPerDayMax: point.writes_per_day_max ?? null,
  };
}

/** The fields that say so. */
export function supervisionFileOf(rule: LevelSupervision): SupervisionFile {
  const { confirmWithinMs, followedBy, writesPerDayMax } = rule;
  return {
    confirm_within_ms: confirmWithinMs,
    ...(followedBy === null
      ? {}
      : {
          followed_by: {
            point: followedBy.point,
            tolerance: followedBy.tolerance,
            within_ms: followedBy.withinMs,
          },
        }),
    ...(writesPerDayMax === null ? {} : { writes_per_day_max: writesPerDayMax }),
  };
}
