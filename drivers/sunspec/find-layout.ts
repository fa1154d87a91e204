import type { DeviceProfile } from "../../configs/profile.ts";
import { layOut, type PlacedModel } from "../../configs/sunspec/layout.ts";
import { sunspecModel } from "../../configs/sunspec/model-table.ts";
import { placePoints } from "../../configs/sunspec/place-points.ts";
import { present } from "../../kernel/assert.ts";
import type { FoundLayout, RegisterNeed, RegisterReply } from "../modbus/layout-finder.ts";
import { countsIn } from "./decode-model.ts";
import { BASE_ADDRESSES, discoverSunspec, type FoundModel } from "./discovery.ts";
import { decodeRaw } from "./value.ts";

/** Registers of one read of a model. */
const READ_COUNT_MAX = 125;

/**
 * Asks a SunSpec device where it keeps what a profile needs: base address, model chain, then each model of the profile once, for
 * its counters and scale factors.
 */
export function* findSunspecLayout(
  profile: DeviceProfile,
): Generator<RegisterNeed, FoundLayout | string, RegisterReply> {
  const { needs } = present(profile.sunspec, "a profile of family sunspec says what it needs");
  const bases = needs.baseAddresses.length === 0 ? BASE_ADDRESSES : needs.baseAddresses;
  const chain = yield* discoverSunspec(bases);
  if (chain === null) return `no SunSpec marker at ${bases.join(", ")}`;
  const placed: PlacedModel[] = [];
  const words = new Map<number, number>();
  for (const alternatives of needs.models) {
    const found = chosenOf(alternatives, chain.models);
    if (found === null) continue;
    placed.push(yield* readModel(found, profile, words));
  }
  const scaleOf = (address: number) => {
    const word = words.get(address);
    const scale = word === undefined ? null : decodeRaw({ type: "sunssf", size: 1 }, [word], 0);
    return typeof scale === "number" ? scale : null;
  };
  const layout = layOut(needs, profile.kind, placed, scaleOf);
  const lacking = layout.missing.filter((one) => one.startsWith("model "));
  if (lacking.length > 0) {
    const models = chain.models.map(({ id }) => id).join(", ") || "none";
    const remark = chain.remark === null ? "" : `; ${chain.remark}`;
    return `has no ${lacking.join(", no ")}; its models are ${models}${remark}`;
  }
  return {
    profile: { ...profile, points: layout.points, commands: layout.commands },
    guards: layout.guards,
    missing: layout.missing,
  };
}

/** The first of the alternatives that the device has; a device with several common models counts from its first. */
function chosenOf(
  alternatives: readonly number[],
  models: readonly FoundModel[],
): FoundModel | null {
  for (const id of alternatives) {
    const found = models.find((model) => model.id === id);
    if (found !== undefined) return found;
  }
  return null;
}

function* readModel(
  found: FoundModel,
  profile: DeviceProfile,
  words: Map<number, number>,
): Generator<RegisterNeed, PlacedModel, RegisterReply> {
  const model = present(sunspecModel(found.id), "the checks know every model of a profile");
  const end = found.address + 2 + found.length;
  const countMax = Math.min(READ_COUNT_MAX, profile.modbus.registersPerReadMax);
  for (let address = found.address; address < end; address += countMax) {
    const count = Math.min(countMax, end - address);
    yield* readInto(words, address, count);
  }
  const own = Array.from({ length: found.length + 2 }, (_, i) => words.get(found.address + i) ?? 0);
  const points = placePoints(model, found.length, countsIn(own));
  // A device that refuses the block may still tell its scale factors one by one.
  for (const { scaleOffset } of points) {
    if (scaleOffset === null || words.has(found.address + scaleOffset)) continue;
    yield* readInto(words, found.address + scaleOffset, 1);
  }
  return {
    id: found.id,
    address: found.address,
    points: new Map(points.map((one) => [one.path, one])),
  };
}

function* readInto(
  words: Map<number, number>,
  address: number,
  count: number,
): Generator<RegisterNeed, void, RegisterReply> {
  const reply: RegisterReply = yield { address, count, isGuess: false };
  for (let i = 0; i < (reply?.length ?? 0); i++) words.set(address + i, reply?.[i] ?? 0);
}
