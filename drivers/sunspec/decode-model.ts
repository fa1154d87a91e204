import {
  pointsLength,
  type SunspecGroup,
  type SunspecModel,
  type SunspecPoint,
} from "../../configs/sunspec/model-table.ts";
import { bitNames, decodeRaw, type Registers, scaled } from "./value.ts";

/** One point of a model where it stands in a device. */
export interface PlacedPoint {
  /** Name in its model, groups and their number before it: `W`, `Crv[1].Pt[0].V`. */
  readonly path: string;
  readonly point: SunspecPoint;
  /** Index of its first register, counted from the model's `ID`. */
  readonly offset: number;
  /** Index of the register of its scale factor; null where it has none there. */
  readonly scaleOffset: number | null;
}

export interface DecodedPoint extends PlacedPoint {
  readonly raw: number | string | null;
  /** Scaled; the text of a text; null where the device has none. */
  readonly value: number | string | null;
  /** The name of an enumeration's value, or of the bits that are set. */
  readonly symbols: readonly string[];
  /** Why there is no value. */
  readonly absence: "notImplemented" | "scaleFactorMissing" | null;
}

/**
 * Where the points of a model stand in a device that says that the model is so long.
 *
 * An older device may have a shorter model than the table: what it lacks is left out. Groups are repeated as often as their count
 * says and the length allows.
 *
 * @param words - All registers of the model, from `ID` on.
 * @param length - `L`: registers after `ID` and `L`.
 */
export function placePoints(model: SunspecModel, words: Registers, length: number): PlacedPoint[] {
  const placed: PlacedPoint[] = [];
  const end = length + 2;

  const place = (
    group: SunspecGroup,
    start: number,
    prefix: string,
    outer: ReadonlyMap<string, PlacedPoint>,
  ): number => {
    let at = start;
    const known = new Map(outer);
    const first = placed.length;
    for (const point of group.points) {
      if (at + point.size > end) {
        at = end;
        break;
      }
      const one = { path: prefix + point.name, point, offset: at, scaleOffset: null };
      known.set(point.name, one);
      placed.push(one);
      at += point.size;
    }
    resolveScales(placed, first, known);
    for (const inner of group.groups) {
      const count = countOf(inner, known, words, end - at);
      for (let index = 0; index < count && at < end; index++) {
        const isArray = inner.count !== 1;
        const name = isArray ? `${inner.name}[${index}].` : `${inner.name}.`;
        at = place(inner, at, prefix + name, known);
      }
    }
    return at;
  };
  place(model.group, 0, "", new Map());
  return placed;
}

/** Scale factors may stand after the points that use them, so they are looked up once the group is whole. */
function resolveScales(
  placed: PlacedPoint[],
  first: number,
  known: ReadonlyMap<string, PlacedPoint>,
): void {
  for (const [index, one] of placed.entries()) {
    if (index < first || typeof one.point.scaleFactor !== "string") continue;
    placed[index] = { ...one, scaleOffset: known.get(one.point.scaleFactor)?.offset ?? null };
  }
}

function countOf(
  group: SunspecGroup,
  known: ReadonlyMap<string, PlacedPoint>,
  words: Registers,
  room: number,
): number {
  const each = pointsLength(group);
  if (typeof group.count === "string") {
    const counter = known.get(group.count);
    const count = counter === undefined ? null : decodeRaw(counter.point, words, counter.offset);
    return typeof count === "number" ? Math.min(count, room) : 0;
  }
  return group.count === 0 ? Math.floor(room / Math.max(1, each)) : group.count;
}

/** All points of a model in a device, decoded. Padding is left out. */
export function decodeModel(
  model: SunspecModel,
  words: Registers,
  length: number,
): readonly DecodedPoint[] {
  return placePoints(model, words, length)
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
