import type { DeviceConfig } from "../../configs/manifest.ts";
import type { DeviceProfile, PollClass } from "../../configs/profile.ts";
import { present } from "../../kernel/assert.ts";
import { DEVICE_KINDS } from "../../kernel/device-kinds.ts";
import { pointId } from "../../kernel/point.ts";
import { createPointCodec, type PointCodec } from "./codec.ts";
import type { ReadItem } from "./request-plan.ts";
import { layoutWrites, type WriteLayout } from "./write-plan.ts";

/** One point of a device that is read: its place in every list is its slot. */
export interface MappedPoint {
  readonly id: string;
  readonly codec: PointCodec;
  readonly poll: PollClass;
}

/** Where a device keeps what is read of it and what it is told. */
export interface DeviceMap {
  readonly points: readonly MappedPoint[];
  readonly items: Readonly<Record<PollClass, readonly ReadItem[]>>;
  /** For each slot the index of its level, or −1. */
  readonly levelOfSlot: readonly number[];
  readonly layout: WriteLayout;
}

/**
 * Maps a device by a profile with registers.
 * @throws {@link RemsError} `REMS_PROFILE_INVALID` where the profile cannot be read or written as the rules demand.
 */
export function mapDevice(config: DeviceConfig, profile: DeviceProfile): DeviceMap {
  const layout = layoutWrites(profile);
  const points: MappedPoint[] = [];
  const items: Record<PollClass, ReadItem[]> = { fast: [], slow: [], rare: [] };
  const levelOfSlot: number[] = [];
  for (const mapping of profile.points) {
    const at = mapping.readBack ?? (mapping.access === "write" ? null : mapping);
    if (at === null) continue;
    const spec = present(
      DEVICE_KINDS[profile.kind].points[mapping.point],
      "checked by layoutWrites",
    );
    const codec = createPointCodec(mapping, spec);
    const slot = points.length;
    points.push({ id: pointId(config.id, mapping.point), codec, poll: mapping.poll });
    levelOfSlot.push(layout.levels.findIndex((level) => level.point === mapping.point));
    items[mapping.poll].push({
      slot,
      table: at.table,
      address: at.address,
      wordCount: codec.wordCount,
    });
  }
  return { points, items, levelOfSlot, layout };
}
