import { assert, present } from "../../kernel/assert.ts";
import { SUNSPEC_MODELS_TEXT } from "./models.generated.ts";

/** Types of SunSpec points (SunSpec Device Information Model Specification 1.1, section 4). */
export type SunspecType =
  | "int16"
  | "int32"
  | "int64"
  | "uint16"
  | "uint32"
  | "uint64"
  | "acc16"
  | "acc32"
  | "acc64"
  | "enum16"
  | "enum32"
  | "bitfield16"
  | "bitfield32"
  | "bitfield64"
  | "float32"
  | "float64"
  | "sunssf"
  | "count"
  | "pad"
  | "string"
  | "ipaddr"
  | "ipv6addr"
  | "eui48";

/** One point as a model defines it. */
export interface SunspecPoint {
  readonly name: string;
  readonly type: SunspecType;
  /** Registers that it takes up. */
  readonly size: number;
  /** The point that holds its power of ten, or that power itself; null where it has none. */
  readonly scaleFactor: string | number | null;
  /** As the model writes it, e.g. `W`, `Pct`, `Secs`; "" where it has none. */
  readonly unit: string;
  readonly isWritable: boolean;
  readonly isMandatory: boolean;
  /** Does not change while the device runs. */
  readonly isStatic: boolean;
  /** Names of values (enumerations) or of bit numbers (bitfields). */
  readonly symbols: ReadonlyMap<number, string>;
}

/** Points, then inner groups: the order of the registers. */
export interface SunspecGroup {
  readonly name: string;
  /** How often it stands there; 0: until the model ends; a name: the point that says so. */
  readonly count: number | string;
  readonly points: readonly SunspecPoint[];
  readonly groups: readonly SunspecGroup[];
}

export interface SunspecModel {
  readonly id: number;
  readonly name: string;
  /** Its first two points are `ID` and `L`. */
  readonly group: SunspecGroup;
}

const texts = new Map<number, string>(
  SUNSPEC_MODELS_TEXT.split("\n#")
    .slice(1)
    .map((text) => [Number.parseInt(text, 10), text]),
);
const parsed = new Map<number, SunspecModel>();

/** Ids of all models in the table, ascending. */
export function sunspecModelIds(): readonly number[] {
  return [...texts.keys()];
}

/** A model of the table, or null for one that SunSpec's public models do not define (a vendor's own). */
export function sunspecModel(id: number): SunspecModel | null {
  const known = parsed.get(id);
  if (known !== undefined) return known;
  const text = texts.get(id);
  if (text === undefined) return null;
  const [heading = "", ...lines] = text.split("\n").filter((line) => line !== "");
  const name = heading.slice(heading.indexOf(" ") + 1);
  const model = { id, name, group: parseGroup(name, 1, lines, 0) };
  parsed.set(id, model);
  return model;
}

interface OpenGroup {
  readonly name: string;
  readonly count: number | string;
  readonly points: SunspecPoint[];
  readonly groups: OpenGroup[];
}

function parseGroup(
  name: string,
  count: number | string,
  lines: readonly string[],
  depth: number,
): SunspecGroup {
  const root: OpenGroup = { name, count, points: [], groups: [] };
  const open = [root];
  for (const line of lines) {
    const text = line.trimStart();
    const level = line.length - text.length - depth;
    open.length = level + 1;
    const group = present(open[level], "groups are nested by one");
    if (text.startsWith(">")) {
      const [inner = "", times = ""] = text.slice(1).split("|");
      const next = {
        name: inner,
        count: /^\d+$/.test(times) ? Number(times) : times,
        points: [],
        groups: [],
      };
      group.groups.push(next);
      open.push(next);
    } else {
      group.points.push(parsePoint(text));
    }
  }
  return root;
}

function parsePoint(text: string): SunspecPoint {
  const [name = "", type = "", size = "", scale = "", unit = "", flags = "", symbols = ""] =
    text.split("|");
  assert(Number(size) >= 1, `point ${name} takes up at least one register`);
  return {
    name,
    type: type as SunspecType,
    size: Number(size),
    scaleFactor: scale === "" ? null : /^-?\d+$/.test(scale) ? Number(scale) : scale,
    unit,
    isWritable: flags.includes("W"),
    isMandatory: flags.includes("M"),
    isStatic: flags.includes("S"),
    symbols: new Map(
      symbols === ""
        ? []
        : symbols.split(",").map((symbol) => {
            const [label = "", value = ""] = symbol.split("=");
            return [Number(value), label];
          }),
    ),
  };
}

/** Registers of a group's own points, inner groups not counted. */
export function pointsLength(group: SunspecGroup): number {
  return group.points.reduce((sum, { size }) => sum + size, 0);
}
