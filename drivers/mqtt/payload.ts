import type { MqttLevel, MqttPoint } from "../../configs/profile.ts";
import type { PointSpec } from "../../kernel/device-kinds.ts";
import { roundTo } from "../../kernel/math.ts";
import type { PointValue } from "../../kernel/point.ts";

/** A longer payload is no value of a device. */
export const PAYLOAD_BYTES_MAX = 65_536;
/** Values are kept to a millionth, so that what is the same reads the same. */
const PER_UNIT = 1e6;

/** What stands at a path of a payload, as text; null where nothing does. A path of no keys is the payload itself. */
function textAt(payload: string, path: readonly string[]): string | null {
  if (path.length === 0) return payload.trim();
  let place: unknown;
  try {
    place = JSON.parse(payload);
  } catch {
    return null;
  }
  for (const key of path) {
    if (typeof place !== "object" || place === null || !Object.hasOwn(place, key)) return null;
    place = (place as Record<string, unknown>)[key];
  }
  if (typeof place === "string") return place.trim();
  return typeof place === "number" || typeof place === "boolean" ? String(place) : null;
}

/** The value of a point in a payload, or null where the payload says none. */
export function decodePoint(point: MqttPoint, spec: PointSpec, payload: string): PointValue | null {
  const text = textAt(payload, point.path);
  if (text === null || text === "") return null;
  if (spec.type === "boolean") return point.trueValues.includes(text);
  if (spec.type === "label") return point.labels?.[text] ?? null;
  return numberOf(text, point);
}

/** What the device shows of a level, in the unit of the point, or null. */
export function decodeLevel(level: MqttLevel, payload: string): number | null {
  const text = textAt(payload, level.readBack.path);
  return text === null || text === "" ? null : numberOf(text, level);
}

function numberOf(
  text: string,
  { scale, offset }: { readonly scale: number; readonly offset: number },
): number | null {
  const value = roundTo(Number(text) * scale + offset, PER_UNIT);
  return Number.isFinite(value) ? value : null;
}

/** What is published for a level's value. */
export function levelPayload(level: MqttLevel, value: number, epoch: number): string {
  const raw = roundTo((value - level.offset) / level.scale, PER_UNIT);
  return withEpoch(level.payload.replaceAll("{value}", String(raw)), epoch);
}

export function withEpoch(payload: string, epoch: number): string {
  return payload.replaceAll("{epoch}", String(epoch));
}

/** A topic for one device. */
export function topicOf(topic: string, device: string): string {
  return topic.replaceAll("{device}", device);
}
