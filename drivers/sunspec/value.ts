import type { SunspecPoint, SunspecType } from "../../configs/sunspec/model-table.ts";

/** Registers, 0…65535, in the order of their addresses. */
export type Registers = ArrayLike<number>;

/** Scale factors that the specification allows: powers of ten from −10 to 10. */
const SCALE_FACTOR_MAX = 10;

const view = new DataView(new ArrayBuffer(8));

function load(words: Registers, at: number, count: number): void {
  for (let i = 0; i < count; i++) view.setUint16(i * 2, words[at + i] ?? 0);
}

/** What stands for "not implemented" in numeric types; accumulators and addresses use 0. */
const NOT_IMPLEMENTED: Readonly<Partial<Record<SunspecType, number>>> = {
  int16: -0x8000,
  int32: -0x80000000,
  uint16: 0xffff,
  uint32: 0xffffffff,
  acc16: 0,
  acc32: 0,
  acc64: 0,
  enum16: 0xffff,
  enum32: 0xffffffff,
  bitfield16: 0xffff,
  bitfield32: 0xffffffff,
  sunssf: -0x8000,
  count: 0xffff,
};

/**
 * The raw value of a point: a number before scaling, or a text.
 *
 * Values of 64 bits are rounded to what a double holds (53 bits).
 *
 * @param at - Index of its first register in `words`.
 * @returns Null where the device does not implement the point, or the registers hold no number (NaN), or it is padding.
 * @see SunSpec Device Information Model Specification 1.1, section 4.2, "Unimplemented values".
 */
export function decodeRaw(
  point: Pick<SunspecPoint, "type" | "size">,
  words: Registers,
  at: number,
): number | string | null {
  const { type, size } = point;
  switch (type) {
    case "pad":
      return null;
    case "string":
      return textOf(words, at, size);
    case "ipaddr":
      return addressText(words, at, 2);
    case "ipv6addr":
      return addressText(words, at, 8);
    case "eui48":
      return macText(words, at);
    default: {
      const raw = numberOf(type, words, at);
      return raw === NOT_IMPLEMENTED[type] || !Number.isFinite(raw) ? null : raw;
    }
  }
}

function numberOf(
  type: Exclude<SunspecType, "pad" | "string" | "ipaddr" | "ipv6addr" | "eui48">,
  words: Registers,
  at: number,
): number {
  switch (type) {
    case "int16":
    case "sunssf":
      load(words, at, 1);
      return view.getInt16(0);
    case "uint16":
    case "acc16":
    case "enum16":
    case "bitfield16":
    case "count":
      load(words, at, 1);
      return view.getUint16(0);
    case "int32":
      load(words, at, 2);
      return view.getInt32(0);
    case "uint32":
    case "acc32":
    case "enum32":
    case "bitfield32":
      load(words, at, 2);
      return view.getUint32(0);
    case "float32":
      load(words, at, 2);
      return view.getFloat32(0);
    case "float64":
      load(words, at, 4);
      return view.getFloat64(0);
    // The double next to the marker is the marker's own: it is told apart before it is rounded.
    case "int64":
      load(words, at, 4);
      return view.getBigInt64(0) === -(2n ** 63n) ? Number.NaN : Number(view.getBigInt64(0));
    case "uint64":
    case "bitfield64":
      load(words, at, 4);
      return view.getBigUint64(0) === 2n ** 64n - 1n ? Number.NaN : Number(view.getBigUint64(0));
    case "acc64":
      load(words, at, 4);
      return Number(view.getBigUint64(0));
    default:
      return type satisfies never;
  }
}

/** Characters up to the first NUL, blanks at the end removed; what is not printable ASCII becomes "?". */
function textOf(words: Registers, at: number, size: number): string | null {
  let text = "";
  for (let i = 0; i < size * 2; i++) {
    const word = words[at + (i >> 1)] ?? 0;
    const code = i % 2 === 0 ? word >> 8 : word & 0xff;
    if (code === 0) break;
    text += code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : "?";
  }
  text = text.trimEnd();
  return text === "" || /^\?+$/.test(text) ? null : text;
}

function addressText(words: Registers, at: number, size: 2 | 8): string | null {
  const parts = Array.from({ length: size }, (_, i) => words[at + i] ?? 0);
  if (parts.every((part) => part === 0)) return null;
  if (size === 8) return parts.map((part) => part.toString(16)).join(":");
  return parts.flatMap((part) => [part >> 8, part & 0xff]).join(".");
}

/** Six octets at the end of four registers. */
function macText(words: Registers, at: number): string | null {
  const octets = [1, 2, 3].flatMap((i) => [(words[at + i] ?? 0) >> 8, (words[at + i] ?? 0) & 0xff]);
  if (octets.every((octet) => octet === 0xff)) return null;
  return octets.map((octet) => octet.toString(16).padStart(2, "0").toUpperCase()).join(":");
}

/**
 * A raw number times a power of ten, without the noise of a multiplication by 0.1.
 *
 * @returns Null where the scale factor is out of range: what it means is then unknown.
 */
export function scaled(raw: number, scaleFactor: number): number | null {
  if (!Number.isInteger(scaleFactor) || Math.abs(scaleFactor) > SCALE_FACTOR_MAX) return null;
  let power = 1;
  for (let i = 0; i < Math.abs(scaleFactor); i++) power *= 10;
  return (scaleFactor < 0 ? raw / power : raw * power) + 0;
}

/** Names of the bits that are set; a bit without a name in the model is `bit<n>`. */
export function bitNames(point: SunspecPoint, raw: number): string[] {
  const names: string[] = [];
  for (let bit = 0, rest = raw; rest >= 1 && bit < 53; bit++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) names.push(point.symbols.get(bit) ?? `bit${bit}`);
  }
  return names;
}
