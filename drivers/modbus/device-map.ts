import type { DeviceConfig } from "../../configs/manifest.ts";
import type { DeviceProfile, PollClass } from "../../configs/profile.ts";
import { present } from "../../kernel/assert.ts";
import { DEVICE_KINDS } from "../../kernel/device-kinds.ts";
import { pointId } from "../../kernel/point.ts";
import type { Guard } from "../../configs/sunspec/layout.ts";
import { createPointCodec, type PointCodec } from "./codec.ts";
import type { FoundLayout } from "./layout-finder.ts";
import type { ReadItem, ReadRequest } from "./request-plan.ts";
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
  /** Registers that must not change; the slot of each is its index behind the points. */
  readonly guards: readonly Guard[];
  /** For each slot the slots of the registers that say what its value means. */
  readonly guardsOfSlot: readonly (readonly number[])[];
}

/**
 * Maps a device by a profile with registers. Every point has its slot, so that it keeps it when the registers are found anew.
 *
 * @param found - Where this device keeps the points, if it tells itself; what is not there is not read.
 * @throws {@link RemsError} `REMS_PROFILE_INVALID` where the profile cannot be read or written as the rules demand.
 */
export function mapDevice(
  config: DeviceConfig,
  profile: DeviceProfile,
  found: FoundLayout | null = null,
): DeviceMap {
  const layout = layoutWrites(found?.profile ?? profile);
  const points: MappedPoint[] = [];
  const items: Record<PollClass, ReadItem[]> = { fast: [], slow: [], rare: [] };
  const levelOfSlot: number[] = [];
  for (const nominal of profile.points) {
    const own = found?.profile.points.find(({ point }) => point === nominal.point);
    const mapping = own ?? nominal;
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
    if (found !== null && own === undefined) continue;
    items[mapping.poll].push({
      slot,
      table: at.table,
      address: at.address,
      wordCount: codec.wordCount,
    });
  }
  const guards = found?.guards ?? [];
  for (const [index, { address, poll }] of guards.entries()) {
    items[poll].push({ slot: points.length + index, table: "holding", address, wordCount: 1 });
  }
  const guardsOfSlot = points.map(({ id }) =>
    guards.flatMap((guard, index) =>
      guard.points.some((point) => pointId(config.id, point) === id) ? [points.length + index] : [],
    ),
  );
  return { points, items, levelOfSlot, layout, guards, guardsOfSlot };
}

/** What a reply says against the layout, or null: a scale factor or a model header that is not what it was. */
export function brokenGuard(
  map: DeviceMap,
  request: ReadRequest,
  words: readonly number[],
): string | null {
  for (const { slot, address } of request.items) {
    const guard = map.guards[slot - map.points.length];
    const found = words[address - request.address];
    if (guard === undefined || found === guard.word) continue;
    return `holding ${address} changed from ${guard.word} to ${found ?? "nothing"}: scale factors or models are not what they were`;
  }
  return null;
}
