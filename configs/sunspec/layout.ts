import { DEVICE_KINDS, type DeviceKind, type PointSpec } from "../../kernel/device-kinds.ts";
import type { CommandMapping, PointMapping, RegisterType } from "../profile.ts";
import type { SunspecPoint, SunspecType } from "./model-table.ts";
import type { SunspecCommandNeed, SunspecNeeds, SunspecPointNeed } from "./needs.ts";
import type { PlacedPoint } from "./place-points.ts";

/** A model of a device with its points where they stand. */
export interface PlacedModel {
  readonly id: number;
  /** Address of its `ID` register. */
  readonly address: number;
  readonly points: ReadonlyMap<string, PlacedPoint>;
}

/** A register that says what others mean: while it holds something else, the layout does not hold. */
export interface Guard {
  readonly address: number;
  readonly word: number;
  /** Polled with the points that it guards. */
  readonly poll: PointMapping["poll"];
  /** Names of these points. */
  readonly points: readonly string[];
}

export interface Layout {
  readonly points: readonly PointMapping[];
  readonly commands: readonly CommandMapping[];
  /** Scale factors in use and the headers of their models, each once. */
  readonly guards: readonly Guard[];
  /** What the device lacks, for people. */
  readonly missing: readonly string[];
}

/** How a SunSpec type is read as registers; null where a profile cannot carry it. */
export function registerTypeOf(type: SunspecType): RegisterType | null {
  switch (type) {
    case "int16":
    case "sunssf":
      return "int16";
    case "uint16":
    case "acc16":
    case "enum16":
    case "bitfield16":
    case "count":
      return "uint16";
    case "int32":
      return "int32";
    case "uint32":
    case "acc32":
    case "enum32":
    case "bitfield32":
      return "uint32";
    case "float32":
      return "float32";
    default:
      return null;
  }
}

/** Raw value of "not implemented". Accumulators say 0, which may as well be their value. */
const NOT_AVAILABLE: Readonly<Partial<Record<SunspecType, number>>> = {
  int16: -0x8000,
  int32: -0x80000000,
  uint16: 0xffff,
  uint32: 0xffffffff,
  enum16: 0xffff,
  enum32: 0xffffffff,
  bitfield16: 0xffff,
  bitfield32: 0xffffffff,
  count: 0xffff,
};

/** Units of the models for a unit of ours, with the factor to it. */
const UNITS: Readonly<Partial<Record<PointSpec["unit"], readonly (readonly [RegExp, number])[]>>> =
  {
    kW: [[/^W$/, 0.001]],
    kvar: [[/^var$/i, 0.001]],
    V: [[/^V$/, 1]],
    Hz: [[/^Hz$/, 1]],
    A: [[/^A$/, 1]],
    "%": [[/^(?:Pct$|%)/, 1]],
    "°C": [[/^C$/, 1]],
  };

/** The factor from a model's unit to that of a point; null where they do not fit. */
export function sunspecUnitFactor(unit: string, wanted: PointSpec["unit"]): number | null {
  if (wanted === "") return 1;
  return UNITS[wanted]?.find(([pattern]) => pattern.test(unit))?.[1] ?? null;
}

/**
 * Lays out what a profile needs in a device.
 *
 * @param models - All models of the device.
 * @param scaleOf - The power of ten in force at a register; null where it is not implemented.
 */
export function layOut(
  needs: SunspecNeeds,
  kind: DeviceKind,
  models: readonly PlacedModel[],
  scaleOf: (address: number) => number | null,
): Layout {
  const missing: string[] = [];
  const chosen = new Map<number, PlacedModel>();
  for (const alternatives of needs.models) {
    const found = alternatives.map((id) => models.find((model) => model.id === id));
    const model = found.find((one) => one !== undefined);
    if (model === undefined) missing.push(`model ${alternatives.join(" or ")}`);
    else chosen.set(alternatives[0] ?? 0, model);
  }
  const guards = new Map<number, Guard>();
  const points = needs.points.flatMap((need) => {
    const model = chosen.get(need.model);
    if (model === undefined) return [];
    const placed = model.points.get(need.name);
    if (placed === undefined) {
      missing.push(`${need.point} (${model.id} ${need.name})`);
      return [];
    }
    const scale = scaleIn(model, placed, scaleOf);
    if (scale === null) {
      missing.push(
        `the scale factor of ${need.point} (${model.id} ${String(placed.point.scaleFactor)})`,
      );
      return [];
    }
    addGuards(guards, model, placed, scale, need);
    const writeWith = writeWithOf(need, model, placed, scaleOf);
    if (writeWith === null && Object.keys(need.writeWith).length > 0) {
      missing.push(
        `what ${need.point} is written with (${model.id} ${Object.keys(need.writeWith).join(", ")})`,
      );
      return [];
    }
    const spec = DEVICE_KINDS[kind].points[need.point];
    return [{ ...mappingOf(need, model, placed, scale, spec), writeWith }];
  });
  const commands = needs.commands.flatMap((need) => {
    const model = chosen.get(need.model);
    const placed = model?.points.get(need.name);
    if (model === undefined || placed === undefined) {
      missing.push(`command ${need.command} (${need.model} ${need.name})`);
      return [];
    }
    return [commandOf(need, model.address + placed.offset, placed.point)];
  });
  return { points, commands, guards: [...guards.values()], missing };
}

function scaleIn(
  model: PlacedModel,
  placed: PlacedPoint,
  scaleOf: (address: number) => number | null,
): number | null {
  const { scaleFactor } = placed.point;
  if (scaleFactor === null) return 0;
  if (typeof scaleFactor === "number") return scaleFactor;
  const scale = placed.scaleOffset === null ? null : scaleOf(model.address + placed.scaleOffset);
  return scale === null || Math.abs(scale) > 10 ? null : scale;
}

/** The header of the model and the scale factor: if one of them moves, every value may mean something else. */
function addGuards(
  guards: Map<number, Guard>,
  model: PlacedModel,
  placed: PlacedPoint,
  scale: number,
  { point, poll }: SunspecPointNeed,
): void {
  const add = (address: number, word: number) => {
    const known = guards.get(address);
    const points = [...(known?.points ?? []), point];
    const soonest = known === undefined || poll === "fast" ? poll : known.poll;
    guards.set(address, { address, word, poll: soonest, points });
  };
  add(model.address, model.id);
  if (placed.scaleOffset !== null) add(model.address + placed.scaleOffset, scale & 0xffff);
}

function mappingOf(
  need: SunspecPointNeed,
  model: PlacedModel,
  placed: PlacedPoint,
  scale: number,
  spec: PointSpec | undefined,
): PointMapping {
  const { point } = placed;
  const unitFactor = spec === undefined ? 1 : (sunspecUnitFactor(point.unit, spec.unit) ?? 1);
  let power = 1;
  for (let i = 0; i < Math.abs(scale); i++) power *= 10;
  const factor = (scale < 0 ? unitFactor / power : unitFactor * power) * (need.isNegated ? -1 : 1);
  return {
    point: need.point,
    table: "holding",
    address: model.address + placed.offset,
    type: registerTypeOf(point.type) ?? "uint16",
    bit: null,
    wordOrder: "big",
    scale: spec?.type === "number" ? Number(factor.toPrecision(12)) : 1,
    offset: 0,
    access: need.access,
    poll: need.poll,
    labels: need.labels === null ? null : labelsOf(need.labels, point),
    notAvailable: NOT_AVAILABLE[point.type] ?? null,
    trueWhen: need.trueSymbols === null ? null : trueWhenOf(need.trueSymbols, point),
    constant: need.constant,
    readBack: null,
    supervision: need.supervision,
    writeWith: null,
  };
}

/** The raw value of a symbol; null where the model has none of that name. */
export function symbolValue(point: SunspecPoint, symbol: string): number | null {
  for (const [value, name] of point.symbols) if (name === symbol) return value;
  return null;
}

function labelsOf(
  labels: Readonly<Record<string, string>>,
  point: SunspecPoint,
): Record<number, string> {
  const byValue: Record<number, string> = {};
  for (const [symbol, label] of Object.entries(labels)) {
    const value = symbolValue(point, symbol);
    if (value !== null) byValue[value] = label;
  }
  return byValue;
}

function trueWhenOf(symbols: readonly string[], point: SunspecPoint): PointMapping["trueWhen"] {
  const values = symbols.flatMap((symbol) => symbolValue(point, symbol) ?? []);
  if (!point.type.startsWith("bitfield")) return { values };
  return { mask: values.reduce((mask, bit) => (mask | (1 << bit)) >>> 0, 0) };
}

/** The neighbours that a level's write sets along, in the order of their registers; null where they leave a hole or one is nothing that it can hold. */
export function writeWithOf(
  need: SunspecPointNeed,
  model: PlacedModel,
  placed: PlacedPoint,
  scaleOf: (address: number) => number | null,
): PointMapping["writeWith"] {
  const words = new Map<number, number>();
  for (const [name, value] of Object.entries(need.writeWith)) {
    const at = model.points.get(name);
    const raw = at === undefined ? null : rawOf(value, at.point, () => scaleIn(model, at, scaleOf));
    if (at === undefined || raw === null) return null;
    const whole = at.point.size === 1 ? [raw & 0xffff] : [(raw >>> 16) & 0xffff, raw & 0xffff];
    for (const [index, word] of whole.entries()) words.set(at.offset + index, word);
  }
  if (words.size === 0) return null;
  const before: number[] = [];
  const after: number[] = [];
  for (let at = placed.offset - 1; words.has(at); at--) before.unshift(words.get(at) ?? 0);
  for (let at = placed.offset + placed.point.size; words.has(at); at++) {
    after.push(words.get(at) ?? 0);
  }
  return before.length + after.length === words.size ? { before, after } : null;
}

/** A value to write as the register holds it: raw, by its name, or in the unit of the point. 0 is 0 on every scale. */
function rawOf(
  value: number | string,
  point: SunspecPoint,
  scale: () => number | null,
): number | null {
  if (typeof value === "number") return value;
  const named = symbolValue(point, value);
  if (named !== null) return named;
  const number = Number(value);
  if (value.trim() === "" || !Number.isFinite(number)) return null;
  if (number === 0) return 0;
  const power = scale();
  if (power === null) return null;
  let factor = 1;
  for (let i = 0; i < Math.abs(power); i++) factor *= 10;
  return Math.round(power < 0 ? number * factor : number / factor);
}

function commandOf(need: SunspecCommandNeed, address: number, point: SunspecPoint): CommandMapping {
  return {
    command: need.command,
    table: "holding",
    address,
    value: typeof need.value === "number" ? need.value : (symbolValue(point, need.value) ?? 0),
    before: [],
    followedBy: need.followedBy,
  };
}
