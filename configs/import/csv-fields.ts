import type { RegisterTable, RegisterType } from "../profile.ts";
import { type Addressing, plainText } from "./csv-columns.ts";

/** A field that could not be read: what may stand there. */
export interface Wrong {
  readonly allowed: string;
}

export function isWrong(value: unknown): value is Wrong {
  return typeof value === "object" && value !== null && "allowed" in value;
}

/** Where a row's value stands. */
export interface Place {
  /** Null where the notation does not say. */
  readonly table: RegisterTable | null;
  /** Protocol address, counted from 0. */
  readonly address: number;
  readonly bit: number | null;
}

/** A whole number as decimal, `0x1F`, `1Fh`, `$1F` or `16#1F`; null where it is none. */
export function wholeNumber(text: string): number | null {
  const plain = text.replaceAll(/[_\s]/g, "");
  if (/^-?\d+$/.test(plain)) return Number(plain);
  const hex = /^(?:0x|\$|16#)([0-9a-f]+)$/i.exec(plain)?.[1] ?? /^([0-9a-f]+)h$/i.exec(plain)?.[1];
  return hex === undefined ? null : Number.parseInt(hex, 16);
}

/** A number with a decimal point, or a comma where that is the only one: `0,1`. Also `1/10` and `x0.1`. */
export function decimalNumber(text: string): number | null {
  const plain = text.replaceAll(/\s/g, "").replace(/^[x×*]/i, "");
  const fraction = /^([\d.,]+)[/:÷]([\d.,]+)$/.exec(plain);
  if (fraction) {
    const [top, bottom] = [decimalNumber(fraction[1] ?? ""), decimalNumber(fraction[2] ?? "")];
    return top === null || bottom === null || bottom === 0 ? null : top / bottom;
  }
  const dotted = /^-?\d+,\d+$/.test(plain) ? plain.replace(",", ".") : plain;
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(dotted) ? Number(dotted) : null;
}

const MODICON_TABLES: Readonly<Record<string, RegisterTable>> = {
  "0": "coil",
  "1": "discrete",
  "3": "input",
  "4": "holding",
};

/** Reads an address in its notation. A bit may follow: `100.3` or `100:3`. */
export function placeOf(text: string, addressing: Addressing): Place | Wrong {
  const divided = /^(.+?)[.:](\d{1,2})$/.exec(text);
  const base = divided?.[1] ?? text;
  const bit = divided ? Number(divided[2]) : null;
  if (bit !== null && bit > 15) return { allowed: "a bit of 0 to 15 after the address" };
  if (addressing === "modicon") return modiconPlace(base, bit);
  const number = wholeNumber(base);
  const first = addressing === "one" ? 1 : 0;
  if (number === null || number < first || number > 65535 + first) {
    const counted = `a whole number, ${first} to ${65535 + first}, decimal or hexadecimal (0x1F, 1Fh)`;
    return { allowed: counted };
  }
  return { table: null, address: number - first, bit };
}

function modiconPlace(text: string, bit: number | null): Place | Wrong {
  const allowed =
    "a reference number of 5 or 6 digits: 40001 (holding), 30001 (input), 10001 (discrete), 00001 (coil) is the first of its table";
  const digits = /^(\d)(\d{4}|\d{5})$/.exec(text.replaceAll(/[_\s]/g, ""));
  const table = MODICON_TABLES[digits?.[1] ?? ""];
  const number = Number(digits?.[2] ?? 0);
  if (table === undefined || number < 1 || number > 65536) return { allowed };
  return { table, address: number - 1, bit };
}

/** True for numbers that look like reference numbers (30001…49999, 300001…465536). */
export function looksLikeReference(text: string): boolean {
  return /^[34](?:\d{4}|\d{5})(?:[.:]\d{1,2})?$/.test(text);
}

const TABLES: Readonly<Record<string, RegisterTable>> = {
  holding: "holding",
  "holding register": "holding",
  "holding registers": "holding",
  hr: "holding",
  "4x": "holding",
  "3": "holding",
  "6": "holding",
  "16": "holding",
  input: "input",
  "input register": "input",
  "input registers": "input",
  ir: "input",
  "3x": "input",
  "4": "input",
  coil: "coil",
  coils: "coil",
  "0x": "coil",
  "1": "coil",
  "5": "coil",
  "15": "coil",
  discrete: "discrete",
  "discrete input": "discrete",
  "discrete inputs": "discrete",
  di: "discrete",
  "1x": "discrete",
  "2": "discrete",
};

/** A table by its name, its prefix (`4x`) or a function code (3, FC04, "03/06"). */
export function tableOf(text: string): RegisterTable | Wrong {
  const plain = plainText(text.split("/")[0] ?? "")
    .replace(/^(?:fc|function|f) ?/, "")
    .replace(/^0+(?=\d+$)/, "");
  return (
    TABLES[plain] ?? { allowed: "holding, input, coil or discrete, or a function code 1 to 4" }
  );
}

/** A type as a profile knows it, with the word order where the name says it. */
export interface TypeFound {
  readonly type: RegisterType;
  readonly wordOrder: "big" | "little" | null;
}

/** Without blanks. */
const TYPES: Readonly<Record<RegisterType, readonly string[]>> = {
  int16: ["int16", "s16", "i16", "sint16", "short", "int", "signed", "integer", "signed16"],
  uint16: [
    "uint16",
    "u16",
    "ui16",
    "word",
    "ushort",
    "unsigned",
    "uint",
    "unsigned16",
    "enum16",
    "enum",
    "bitfield16",
  ],
  int32: ["int32", "s32", "i32", "sint32", "long", "dint", "signed32"],
  uint32: ["uint32", "u32", "ui32", "dword", "ulong", "udint", "unsigned32", "acc32"],
  float32: ["float32", "float", "real", "f32", "single", "ieee754", "real32"],
  bit: ["bit", "bool", "boolean", "binary", "flag", "digital"],
};

/** Types that manuals name and that a profile cannot carry: the row is left out and reported. */
const UNSUPPORTED =
  /^(?:u?int(?:8|64)|[su]64|float64|double|string|ascii|char|text|bcd|date|time|datetime)/;

export function typeOf(text: string): TypeFound | "unsupported" | Wrong {
  const order = /[\s_(-]+(le|be|swapped|cdab|abcd|little|big|badc|dcba)\)?$/i.exec(text);
  const wordOrder = order === null ? null : wordOrderOf(order[1] ?? "");
  if (isWrong(wordOrder)) return wordOrder;
  const plain = plainText(order === null ? text : text.slice(0, order.index)).replaceAll(" ", "");
  const known = (Object.keys(TYPES) as RegisterType[]).find((type) => TYPES[type].includes(plain));
  if (known !== undefined) return { type: known, wordOrder };
  if (UNSUPPORTED.test(plain)) return "unsupported";
  return { allowed: "int16, uint16, int32, uint32, float32 or bit (also u16, DINT, REAL, BOOL …)" };
}

const WORD_ORDERS: Readonly<Record<string, "big" | "little">> = {
  big: "big",
  be: "big",
  abcd: "big",
  msw: "big",
  "msw first": "big",
  "high first": "big",
  "hi lo": "big",
  "big endian": "big",
  no: "big",
  little: "little",
  le: "little",
  cdab: "little",
  lsw: "little",
  "lsw first": "little",
  "low first": "little",
  "lo hi": "little",
  "little endian": "little",
  swapped: "little",
  yes: "little",
};

/** Word order of 32-bit values; the two bytes of a register are always in the order of the protocol. */
export function wordOrderOf(text: string): "big" | "little" | Wrong {
  const allowed =
    "big (ABCD, high word first) or little (CDAB, low word first); swapped bytes (BADC, DCBA) are not supported";
  return WORD_ORDERS[plainText(text)] ?? { allowed };
}

const ACCESS: Readonly<Record<string, "read" | "readWrite" | "write">> = {
  r: "read",
  ro: "read",
  read: "read",
  "read only": "read",
  rw: "readWrite",
  "r w": "readWrite",
  wr: "readWrite",
  "read write": "readWrite",
  w: "write",
  wo: "write",
  write: "write",
  "write only": "write",
};

export function accessOf(text: string): "read" | "readWrite" | "write" | Wrong {
  return ACCESS[plainText(text)] ?? { allowed: "R, RW or W (also RO, R/W, WO, read/write)" };
}

/** Raw value to label: `0=off; 1=ready` or `0: off | 1: ready`. */
export function labelsOf(text: string): Readonly<Record<string, string>> | Wrong {
  const labels: Record<string, string> = {};
  for (const part of text.split(/[;|,]/)) {
    const match = /^\s*([^=:]+?)\s*[=:]\s*(.+?)\s*$/.exec(part);
    const raw = wholeNumber(match?.[1] ?? "");
    if (raw === null || raw < 0 || raw > 65535) {
      return { allowed: "raw values with their labels, for example 0=off; 1=ready" };
    }
    labels[String(raw)] = match?.[2] ?? "";
  }
  return labels;
}
