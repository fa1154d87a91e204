import { expect, it } from "vitest";
import { loadProfiles } from "../../configs/load-profile.ts";
import { DEVICE_KINDS } from "../../kernel/device-kinds.ts";
import { device } from "./profile-fixture.ts";
import { planReads, readLimitsOf } from "./request-plan.ts";
import { layoutWrites, planCommandWrite } from "./write-plan.ts";

/** As the checks of profiles allow: more do not fit into a scan beside those of other devices. */
const FAST_REQUEST_COUNT_MAX = 4;
const profiles = [...loadProfiles().values()];

it("there are profiles", () => {
  expect(profiles.length).toBeGreaterThan(10);
});

it.each(profiles.map((profile) => [profile.id, profile] as const))(
  "%s: what it lets R-EMS write can be written, and its fast points need few requests",
  (_id, profile) => {
    const layout = layoutWrites(profile);
    const image = layout.levels.map((level) => level.codec.encode(0));
    for (const command of layout.commands.keys()) {
      expect(typeof planCommandWrite(layout, command, image, 1)).toBe("object");
    }
    const levels = Object.entries(DEVICE_KINDS[profile.kind].points).filter(
      ([name, spec]) =>
        spec.direction === "level" && profile.points.some((point) => point.point === name),
    );
    expect(layout.levels.length).toBe(levels.length);
    const fast = profile.points
      .filter((point) => point.poll === "fast" && (point.readBack ?? point.access !== "write"))
      .map((point, slot) => {
        const { table, address } = point.readBack ?? point;
        return { slot, table, address, wordCount: point.type.endsWith("32") ? 2 : 1 };
      });
    expect(
      planReads(fast, readLimitsOf(device({ port: 502, profile }))).length,
    ).toBeLessThanOrEqual(profile.id.startsWith("sim-") ? 1 : FAST_REQUEST_COUNT_MAX);
  },
);
