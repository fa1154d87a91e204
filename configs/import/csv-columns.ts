/** What a column of a register list holds. */
export type ColumnName =
  | "address"
  | "table"
  | "name"
  | "point"
  | "type"
  | "bit"
  | "wordOrder"
  | "scale"
  | "divisor"
  | "decimals"
  | "offset"
  | "unit"
  | "access"
  | "poll"
  | "labels"
  | "notAvailable"
  | "readBack"
  | "value"
  | "description";

/** How addresses are written: from 0 as on the wire, from 1, or as reference numbers (40001 is the first holding register). */
export type Addressing = "zero" | "one" | "modicon";

/** Headings as manuals and exports write them, in lower case, without punctuation. */
const HEADINGS: Readonly<Record<ColumnName, readonly string[]>> = {
  address: [
    "address",
    "addr",
    "register",
    "reg",
    "register address",
    "modbus address",
    "start address",
  ],
  table: [
    "table",
    "function",
    "function code",
    "fc",
    "register type",
    "object type",
    "area",
    "read function",
  ],
  name: [
    "name",
    "signal",
    "parameter",
    "variable",
    "tag",
    "register name",
    "signal name",
    "label",
    "measurement",
  ],
  point: ["point", "r ems point", "rems point", "point name", "r ems"],
  type: ["type", "data type", "datatype", "format", "encoding", "data format"],
  bit: ["bit", "bit number", "bit no", "bit position"],
  wordOrder: [
    "word order",
    "wordorder",
    "order",
    "endian",
    "endianness",
    "byte order",
    "word swap",
  ],
  scale: [
    "scale",
    "factor",
    "scale factor",
    "scaling",
    "multiplier",
    "gain",
    "resolution",
    "coefficient",
  ],
  divisor: ["divisor", "divide by", "div", "divider"],
  decimals: ["decimals", "decimal places", "dec", "digits"],
  offset: ["offset", "value offset", "bias"],
  unit: ["unit", "units", "eng unit", "engineering unit", "uom"],
  access: ["access", "rw", "r w", "read write", "mode", "permission"],
  poll: ["poll", "poll class", "rate", "class", "priority"],
  labels: ["labels", "values", "enum", "enumeration", "value labels", "states"],
  notAvailable: ["not available", "invalid", "na value", "nan", "no value", "not implemented"],
  readBack: ["read back", "readback", "read back address", "feedback address"],
  value: ["value", "write value", "command value"],
  description: [
    "description",
    "comment",
    "comments",
    "remark",
    "remarks",
    "notes",
    "note",
    "meaning",
  ],
};

/** Headings that say how the addresses below are counted. */
const COUNTED: readonly (readonly [Addressing, readonly string[]])[] = [
  [
    "zero",
    [
      "protocol address",
      "pdu address",
      "address 0 based",
      "register 0 based",
      "zero based address",
      "address from 0",
    ],
  ],
  [
    "one",
    [
      "register number",
      "address 1 based",
      "register 1 based",
      "one based address",
      "address from 1",
    ],
  ],
  [
    "modicon",
    [
      "modicon",
      "modicon address",
      "reference",
      "reference number",
      "modbus reference",
      "register reference",
      "plc address",
    ],
  ],
];

export interface Heading {
  readonly column: ColumnName;
  readonly addressing: Addressing | null;
}

/** What a heading means, or null for one that is not known: such a column is ignored, and reported. */
export function headingOf(text: string): Heading | null {
  const plain = plainText(text);
  for (const [addressing, names] of COUNTED) {
    if (names.includes(plain)) return { column: "address", addressing };
  }
  const column = (Object.keys(HEADINGS) as ColumnName[]).find((name) =>
    HEADINGS[name].includes(plain),
  );
  return column === undefined ? null : { column, addressing: null };
}

/** Lower case, words divided by single blanks, `camelCase` divided too. */
export function plainText(text: string): string {
  return text
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .replaceAll(/[^a-z0-9%°]+/g, " ")
    .trim();
}
