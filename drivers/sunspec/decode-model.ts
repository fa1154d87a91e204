import type { SunspecModel, SunspecPoint } from "../../configs/sunspec/model-table.ts";
import {
  placePoints,
  type PlacedPoint,
  type ReadCount,
} from "../../configs/sunspec/place-points.ts";
import { bitNames, decodeRaw, type Registers, scaled } from "./value.ts";

export interface DecodedPoint extends PlacedPoint {
  readonly raw: number | string | null;
  /** Scaled; the text of a text; null where the device has none. */
  readonly value: number | string | null;
  /** The name of an enumeration's value, or of the bits that are set. */
  readonly symbols: readonly string[];
  /** Why there is no value. */
  readonly absence: "notImplemented" | "scaleFactorMissing" | null;
}

/** Counts as the registers of a model say them. */
export function countsIn(words: Registers): ReadCount {
  return ({ point, offset }) => {
    const count = decodeRaw(point, words, offset);
    return typeof count === "number" ? count : null;
  };
}

/** All points of a model in a device, decoded. Padding is left out. */
export function decodeModel(
  model: SunspecModel,
  words: Registers,
  length: number,
): readonly DecodedPoint[] {
  return placePoints(model, length, countsIn(words))
    .filter(({ point }) => point.type !== "pad")
    .map((placed) => decodePlaced(placed, words));
}

function decodePlaced(placed: PlacedPoint, words: Registers): DecodedPoint {
  const { point, offset } = placed;
  const raw = decodeRaw(point, words, offset);
  const absent = { ...placed, raw, value: null, symbols: [] };
  if (raw === null) return { ...absent, absence: "notImplemented" };
  if (typeof raw === "string") return { ...placed, raw, value: raw, symbols: [], absence: null };
  const scaleFactor = scaleFactorOf(placed, words);
  const value = scaleFactor === null ? null : scaled(raw, scaleFactor);
  if (value === null) return { ...absent, absence: "scaleFactorMissing" };
  return { ...placed, raw, value, symbols: symbolsOf(point, raw), absence: null };
}

/** The power of ten in force; null where the device should have one and has none. */
export function scaleFactorOf(placed: PlacedPoint, words: Registers): number | null {
  if (placed.point.scaleFactor === null) return 0;
  if (typeof placed.point.scaleFactor === "number") return placed.point.scaleFactor;
  if (placed.scaleOffset === null) return null;
  const raw = decodeRaw({ type: "sunssf", size: 1 }, words, placed.scaleOffset);
  return typeof raw === "number" ? raw : null;
}

function symbolsOf(point: SunspecPoint, raw: number): string[] {
  if (point.type.startsWith("bitfield")) return bitNames(point, raw);
  const name = point.symbols.get(raw);
  return name === undefined ? [] : [name];
}
