import { present } from "../../kernel/assert.ts";
import {
  pointsLength,
  type SunspecGroup,
  type SunspecModel,
  type SunspecPoint,
} from "./model-table.ts";

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

/** How often a group stands there, as the point says that counts it; null where it says nothing. */
export type ReadCount = (counter: PlacedPoint) => number | null;

/**
 * Where the points of a model stand in a device that says that the model is so long.
 *
 * An older device may have a shorter model than the table: what it lacks is left out. Groups are repeated as often as their count
 * says and the length allows.
 *
 * @param length - `L`: registers after `ID` and `L`.
 */
export function placePoints(
  model: SunspecModel,
  length: number,
  readCount: ReadCount,
): readonly PlacedPoint[] {
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
      const count = countOf(inner, known, readCount, end - at);
      for (let index = 0; index < count && at < end; index++) {
        const name = inner.count === 1 ? `${inner.name}.` : `${inner.name}[${index}].`;
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
  for (let index = first; index < placed.length; index++) {
    const one = present(placed[index], "an index below the length");
    if (typeof one.point.scaleFactor !== "string") continue;
    placed[index] = { ...one, scaleOffset: known.get(one.point.scaleFactor)?.offset ?? null };
  }
}

function countOf(
  group: SunspecGroup,
  known: ReadonlyMap<string, PlacedPoint>,
  readCount: ReadCount,
  room: number,
): number {
  if (typeof group.count === "string") {
    const counter = known.get(group.count);
    return Math.min((counter && readCount(counter)) ?? 0, room);
  }
  return group.count === 0 ? Math.floor(room / Math.max(1, pointsLength(group))) : group.count;
}
