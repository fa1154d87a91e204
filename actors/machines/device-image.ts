import type { PointValue, Quality } from "../../kernel/point.ts";
import type { Position } from "./device-event.ts";

/** Points of one device by name: value and quality. A point that was never read is absent. */
export type DeviceImage = { readonly [point: string]: readonly [PointValue, Quality] };

/** A device as its machine's reading is made from it. */
export interface DeviceView {
  readonly image: DeviceImage;
  /** Both contacts considered; a breaker on its way keeps its last position for a moment. */
  readonly position: Position;
}

/** The value of a switch, or null where it is not known. */
export function switchOf(image: DeviceImage, point: string): boolean | null {
  const sample = image[point];
  if (sample === undefined || sample[1] !== "good" || typeof sample[0] !== "boolean") return null;
  return sample[0];
}

/** True only where the switch is known to be on. */
export function isOn(image: DeviceImage, point: string): boolean {
  return switchOf(image, point) === true;
}

/** A measured number, or null where it is not known. */
export function numberOf(image: DeviceImage, point: string): number | null {
  const sample = image[point];
  if (sample === undefined || sample[1] !== "good") return null;
  return typeof sample[0] === "number" && Number.isFinite(sample[0]) ? sample[0] : null;
}

/** The last number heard, whatever its quality, or null where there was none or the device called it wrong. */
export function lastNumberOf(image: DeviceImage, point: string): number | null {
  const sample = image[point];
  if (sample === undefined || sample[1] === "bad") return null;
  return typeof sample[0] === "number" && Number.isFinite(sample[0]) ? sample[0] : null;
}

/** A label, or "" where it is not known. */
export function labelOf(image: DeviceImage, point: string): string {
  const sample = image[point];
  return sample !== undefined && sample[1] === "good" && typeof sample[0] === "string"
    ? sample[0]
    : "";
}

/** Position by the contacts of this moment; equal contacts mean `moving`. */
export function contactsOf(image: DeviceImage): Position | "moving" {
  const isClosed = switchOf(image, "isClosed");
  const isOpen = switchOf(image, "isOpen");
  if (isClosed === null || isOpen === null) return "unknown";
  if (isClosed === isOpen) return "moving";
  return isClosed ? "closed" : "open";
}

/** True if every named switch or number is known. */
export function areKnown(image: DeviceImage, points: readonly string[]): boolean {
  for (const point of points) if (image[point]?.[1] !== "good") return false;
  return true;
}
