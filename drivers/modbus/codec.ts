import type { PointMapping, RegisterType } from "../../configs/profile.ts";
import type { PointSpec } from "../../kernel/device-kinds.ts";
import { RemsError } from "../../kernel/errors.ts";
import { roundTo } from "../../kernel/math.ts";
import type { PointValue } from "../../kernel/point.ts";

/** Contents of registers (0…65535) or of coils and discrete inputs, in the order of their addresses. */
export type Words = ArrayLike<number | boolean>;

/** Turns the registers of one point into its value and back. */
export interface PointCodec {
  /** Registers or bits that the point takes up. */
  readonly wordCount: 1 | 2;
  /** What stands for the value while none is known: 0, false, or the first label. */
  readonly neutral: PointValue;
  /** The value at `index`, quantised and canonical, or null where the device says that it has none, or says nonsense. */
  decode(words: Words, index: number): PointValue | null;
  /** The registers that hold `value` best, or null where they cannot hold it. Never clamps. */
  encode(value: PointValue): readonly number[] | null;
  /** True if the registers read back show what was written, to one step of the register. */
  isSame(written: readonly number[], words: Words, index: number): boolean;
}

const RANGES: Readonly<
  Record<Exclude<RegisterType, "float32" | "bit">, readonly [number, number]>
> = {
  int16: [-0x8000, 0x7fff],
  uint16: [0, 0xffff],
  int32: [-0x80000000, 0x7fffffff],
  uint32: [0, 0xffffffff],
};

/** Decimals kept of a float32 where the scale asks for no more: it has about seven digits, and noise should not fill frames. */
const FLOAT_DECIMALS_MIN = 3;
const DECIMALS_MAX = 9;

const bytes = new DataView(new ArrayBuffer(4));

/** Fewest decimals that write `value` exactly, at most {@link DECIMALS_MAX}. */
function decimalsOf(value: number): number {
  for (let decimals = 0, factor = 1; decimals < DECIMALS_MAX; decimals++, factor *= 10) {
    const shifted = value * factor;
    if (Math.abs(Math.round(shifted) - shifted) <= 1e-9 * Math.max(1, Math.abs(shifted))) {
      return decimals;
    }
  }
  return DECIMALS_MAX;
}

function wordAt(words: Words, index: number): number {
  return Number(words[index] ?? 0) & 0xffff;
}

function rawFrom(mapping: PointMapping, words: Words, index: number): number {
  const first = wordAt(words, index);
  if (mapping.type === "bit") return mapping.bit === null ? first & 1 : (first >>> mapping.bit) & 1;
  if (mapping.type === "uint16") return first;
  if (mapping.type === "int16") return (first << 16) >> 16;
  const second = wordAt(words, index + 1);
  const high = mapping.wordOrder === "big" ? first : second;
  const low = mapping.wordOrder === "big" ? second : first;
  if (mapping.type === "uint32") return high * 0x10000 + low;
  if (mapping.type === "int32") return (high << 16) | low;
  bytes.setUint16(0, high);
  bytes.setUint16(2, low);
  return bytes.getFloat32(0);
}

function wordsFrom(mapping: PointMapping, raw: number): readonly number[] {
  if (mapping.type === "int16" || mapping.type === "uint16") return [raw & 0xffff];
  if (mapping.type === "float32") bytes.setFloat32(0, raw);
  else bytes.setUint32(0, raw >>> 0);
  const high = bytes.getUint16(0);
  const low = bytes.getUint16(2);
  return mapping.wordOrder === "big" ? [high, low] : [low, high];
}

/** The all-ones style of "not available" is stated signed or unsigned; both mean the same registers. */
function isNotAvailable(mapping: PointMapping, raw: number): boolean {
  if (mapping.notAvailable === null) return false;
  if (raw === mapping.notAvailable) return true;
  if (mapping.type === "int16") return (raw & 0xffff) === mapping.notAvailable;
  return mapping.type === "int32" && raw >>> 0 === mapping.notAvailable;
}

function isTrue({ trueWhen }: PointMapping, raw: number): boolean {
  if (trueWhen === null) return raw !== 0;
  if ("values" in trueWhen) return trueWhen.values.includes(raw);
  // Bits above 31 do not occur; unsigned, so that bit 31 counts.
  return (raw & trueWhen.mask) >>> 0 !== 0;
}

function encodeNumber(mapping: PointMapping, value: PointValue): readonly number[] | null {
  if (typeof value !== "number" || !Number.isFinite(value)) return null;
  const exact = (value - mapping.offset) / mapping.scale;
  if (mapping.type === "bit") return null;
  if (mapping.type === "float32") {
    return Number.isFinite(Math.fround(exact)) ? wordsFrom(mapping, exact) : null;
  }
  const raw = Math.round(exact);
  const [rawMin, rawMax] = RANGES[mapping.type];
  return raw < rawMin || raw > rawMax ? null : wordsFrom(mapping, raw);
}

/**
 * Compiles the codec of one point.
 *
 * @param spec - The point as its device kind defines it; decides whether a raw value is a number, a switch or a label.
 * @throws {@link RemsError} `REMS_PROFILE_INVALID` if the mapping cannot carry the point.
 */
export function createPointCodec(mapping: PointMapping, spec: PointSpec): PointCodec {
  const where = `point ${mapping.point} at ${mapping.table} ${mapping.address}`;
  if (mapping.scale === 0 || !Number.isFinite(mapping.scale) || !Number.isFinite(mapping.offset)) {
    throw new RemsError("REMS_PROFILE_INVALID", `${where}: scale must be a number other than 0`);
  }
  if (spec.type === "label" && mapping.labels === null) {
    throw new RemsError("REMS_PROFILE_INVALID", `${where}: a label needs a table of labels`);
  }
  const decimals = Math.max(
    decimalsOf(mapping.scale),
    decimalsOf(mapping.offset),
    mapping.type === "float32" ? FLOAT_DECIMALS_MIN : 0,
  );
  let perUnit = 1;
  for (let i = 0; i < Math.min(decimals, DECIMALS_MAX); i++) perUnit *= 10;
  const labels = mapping.labels ?? {};
  const rawStep = mapping.type === "float32" ? 0 : 1;

  return {
    wordCount: mapping.type.endsWith("32") ? 2 : 1,
    neutral:
      spec.type === "number" ? 0 : spec.type === "boolean" ? false : (spec.labels?.[0] ?? ""),
    decode(words, index) {
      const raw = rawFrom(mapping, words, index);
      if (!Number.isFinite(raw) || isNotAvailable(mapping, raw)) return null;
      if (mapping.constant !== null) return mapping.constant.value;
      if (spec.type === "boolean") return isTrue(mapping, raw);
      if (spec.type === "label") return labels[raw] ?? null;
      const value = roundTo(raw * mapping.scale + mapping.offset, perUnit);
      return Number.isFinite(value) ? value : null;
    },
    encode: (value) => encodeNumber(mapping, value),
    isSame(written, words, index) {
      const wanted = rawFrom(mapping, written, 0);
      const found = rawFrom(mapping, words, index);
      return Math.abs(wanted - found) <= Math.max(rawStep, Math.abs(wanted) * 1e-6);
    },
  };
}
