import type { RegisterTable, RegisterType } from "../profile.ts";
import { oneOf } from "../spelling.ts";
import { type Addressing, type ColumnName, headingOf } from "./csv-columns.ts";
import {
  accessOf,
  decimalNumber,
  isWrong,
  labelsOf,
  looksLikeReference,
  placeOf,
  tableOf,
  typeOf,
  wholeNumber,
  wordOrderOf,
  type Wrong,
} from "./csv-fields.ts";
import type { CsvField, CsvRow } from "./csv-table.ts";

/** Adds a problem of a field. */
export type FieldReport = (field: CsvField, column: string, found: string, allowed: string) => void;

/** One row of a register list, read but not yet matched to a point. */
export interface RegisterRow {
  readonly line: number;
  readonly name: string;
  /** What the list itself says about the point: a name, "-" for none; null where there is no such column. */
  readonly point: CsvField | null;
  readonly nameField: CsvField | null;
  readonly table: RegisterTable;
  readonly address: number;
  /** Null where a profile cannot carry it. */
  readonly type: RegisterType | null;
  readonly typeText: string;
  readonly bit: number | null;
  readonly wordOrder: "big" | "little";
  readonly scale: number;
  readonly offset: number;
  readonly unit: CsvField | null;
  readonly access: "read" | "readWrite" | "write";
  readonly poll: "fast" | "slow" | null;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly notAvailable: number | null;
  readonly readBack: { readonly table: RegisterTable; readonly address: number } | null;
  readonly value: { readonly field: CsvField; readonly raw: number } | null;
}

export interface Columns {
  readonly at: ReadonlyMap<ColumnName, number>;
  readonly addressing: Addressing;
  /** How the notation of addresses was found, for the reader of the profile. */
  readonly addressingBy: "heading" | "option" | "default";
}

/** Reads the headings. Null where the list cannot be read with them. */
export function readColumns(
  header: CsvRow,
  rows: readonly CsvRow[],
  wanted: Addressing | null,
  report: FieldReport,
  remark: (text: string) => void,
): Columns | null {
  const at = new Map<ColumnName, number>();
  let byHeading: Addressing | null = null;
  header.fields.forEach((field, index) => {
    const heading = headingOf(field.text);
    if (heading === null) {
      if (field.text !== "") remark(`column "${field.text}" is not known and was not read`);
      return;
    }
    if (at.has(heading.column)) {
      report(field, heading.column, `a second column for ${heading.column}`, "each column once");
      return;
    }
    at.set(heading.column, index);
    byHeading ??= heading.addressing;
  });
  const first = header.fields[0];
  if (first !== undefined) {
    const has = (...names: ColumnName[]) => names.some((name) => at.has(name));
    const headings = header.fields.map(({ text }) => text).join(", ");
    if (!has("address"))
      report(first, "header", headings, "a column `address` (also: register, reference)");
    if (!has("name", "point")) report(first, "header", headings, "a column `name` or `point`");
    if (!has("type", "table"))
      report(first, "header", headings, "a column `type` (int16, uint32, float32, bit …)");
  }
  if (!at.has("address")) return null;
  const addressing = wanted ?? byHeading ?? "zero";
  const by = wanted !== null ? "option" : byHeading === null ? "default" : "heading";
  if (by === "default" && !isPlainAddressing(at, rows, report)) return null;
  return { at, addressing, addressingBy: by };
}

/** Nobody is to guess whether 40001 is the register 40001 or the first one: the list or its user says so. */
function isPlainAddressing(
  at: ReadonlyMap<ColumnName, number>,
  rows: readonly CsvRow[],
  report: FieldReport,
): boolean {
  const fieldOf = (row: CsvRow, column: ColumnName) => row.fields[at.get(column) ?? -1];
  const suspects = rows.filter((row) => looksLikeReference(fieldOf(row, "address")?.text ?? ""));
  const suspect = suspects[0] && fieldOf(suspects[0], "address");
  if (suspect === undefined) return true;
  // 30775 with function code 3 cannot be a reference number: such a list means the registers themselves.
  const isContradicted = suspects.some((row) => {
    const table = tableOf(fieldOf(row, "table")?.text ?? "");
    const place = placeOf(fieldOf(row, "address")?.text ?? "", "modicon");
    return !isWrong(table) && !isWrong(place) && place.table !== table;
  });
  if (isContradicted) return true;
  const allowed =
    "a notation that is stated: `--addressing modicon` (40001 is the first holding register) or `--addressing zero` (it is register 40001)";
  report(suspect, "address", suspect.text, allowed);
  return false;
}

/** Reads one row; null where a field of it is wrong. */
export function readRow(row: CsvRow, columns: Columns, report: FieldReport): RegisterRow | null {
  let isRight = true;
  const fieldOf = (column: ColumnName): CsvField | null => {
    const field = row.fields[columns.at.get(column) ?? -1];
    return field === undefined || field.text === "" ? null : field;
  };
  const wrong = (field: CsvField, column: ColumnName, allowed: string) => {
    isRight = false;
    report(field, column, JSON.stringify(field.text), allowed);
  };
  const read = <T extends object | string | number | null>(
    column: ColumnName,
    parse: (text: string) => T | Wrong,
  ): T | null => {
    const field = fieldOf(column);
    if (field === null) return null;
    const value = parse(field.text);
    if (!isWrong(value)) return value;
    wrong(field, column, value.allowed);
    return null;
  };
  const whole = (text: string): number | Wrong =>
    wholeNumber(text) ?? { allowed: "a whole number, decimal or hexadecimal" };
  const decimal = (text: string): number | Wrong =>
    decimalNumber(text) ?? { allowed: "a number, for example 0.1 or 1/10" };

  const place = read("address", (text) => placeOf(text, columns.addressing));
  if (place === null && isRight) {
    const at = row.fields[0] ?? { text: "", line: row.line, column: 1 };
    wrong({ ...at, text: "" }, "address", "an address in every row");
  }
  const named = read("table", tableOf);
  const tableField = fieldOf("table");
  if (tableField && place?.table && named && named !== place.table) {
    wrong(tableField, "table", `${place.table}, as the reference number says`);
  }
  const table = place?.table ?? named ?? "holding";
  const type = read("type", typeOf);
  const isBitTable = table === "coil" || table === "discrete";
  const found =
    type === null ? (isBitTable ? { type: "bit" as const, wordOrder: null } : null) : type;
  const typeField = fieldOf("type");
  if (found === null && isRight && columns.at.has("type")) {
    const at = row.fields[0] ?? { text: "", line: row.line, column: 1 };
    wrong({ ...at, text: "" }, "type", "a type in every row of holding or input registers");
  }
  const bit = read("bit", whole) ?? place?.bit ?? null;
  const bitField = fieldOf("bit");
  if (bitField && bit !== null && (bit < 0 || bit > 15)) wrong(bitField, "bit", "0 to 15");
  const scale = readScale(fieldOf, read, decimal, whole, wrong);
  const readBack = read("readBack", (text) => readBackOf(text, columns.addressing, table));
  const valueField = fieldOf("value");
  const raw = read("value", whole);
  const registerType = found === null || found === "unsupported" ? null : found.type;
  const result: RegisterRow = {
    line: row.line,
    name: fieldOf("name")?.text ?? fieldOf("point")?.text ?? "",
    nameField: fieldOf("name"),
    point: columns.at.has("point") ? fieldOf("point") : null,
    table,
    address: place?.address ?? 0,
    type: registerType === "uint16" && bit !== null ? "bit" : registerType,
    typeText: typeField?.text ?? "",
    bit: isBitTable ? null : bit,
    wordOrder:
      read("wordOrder", wordOrderOf) ??
      (found === null || found === "unsupported" ? null : found.wordOrder) ??
      "big",
    scale,
    offset: read("offset", decimal) ?? 0,
    unit: fieldOf("unit"),
    access: read("access", accessOf) ?? "read",
    poll: read("poll", pollOf),
    labels: read("labels", labelsOf),
    notAvailable: read("notAvailable", whole),
    readBack,
    value: valueField !== null && raw !== null ? { field: valueField, raw } : null,
  };
  return isRight ? result : null;
}

function readScale(
  fieldOf: (column: ColumnName) => CsvField | null,
  read: (column: ColumnName, parse: (text: string) => number | Wrong) => number | null,
  decimal: (text: string) => number | Wrong,
  whole: (text: string) => number | Wrong,
  wrong: (field: CsvField, column: ColumnName, allowed: string) => void,
): number {
  const scale = read("scale", decimal) ?? 1;
  const divisor = read("divisor", decimal) ?? 1;
  const decimals = read("decimals", whole) ?? 0;
  const given = (["scale", "divisor", "decimals"] as const).filter(
    (name) => fieldOf(name) !== null,
  );
  const last = given.length > 1 ? fieldOf(given.at(-1) ?? "scale") : null;
  const isOne = (name: ColumnName) => fieldOf(name)?.text === "1" || fieldOf(name)?.text === "0";
  if (last && given.filter((name) => !isOne(name)).length > 1) {
    wrong(last, given.at(-1) ?? "scale", "only one of scale, divisor and decimals");
  }
  const zero = (["scale", "divisor"] as const).find(
    (name) => fieldOf(name) !== null && (name === "scale" ? scale : divisor) === 0,
  );
  const zeroField = zero === undefined ? null : fieldOf(zero);
  if (zero && zeroField) wrong(zeroField, zero, "a number other than 0");
  let power = 1;
  for (let i = 0; i < Math.min(Math.max(decimals, 0), 9); i++) power *= 10;
  return scale / (divisor === 0 ? 1 : divisor) / power;
}

function pollOf(text: string): "fast" | "slow" | Wrong {
  const plain = text.toLowerCase();
  if (plain === "fast" || plain === "high") return "fast";
  if (plain === "slow" || plain === "low") return "slow";
  return { allowed: oneOf(text, ["fast", "slow"]) };
}

/** `input 10`, or an address in the notation of the list; the table is that of the row where none is said. */
function readBackOf(
  text: string,
  addressing: Addressing,
  table: RegisterTable,
): { table: RegisterTable; address: number } | Wrong {
  const [first = "", second] = text.split(/\s+/);
  const named = second === undefined ? null : tableOf(first);
  if (isWrong(named)) return named;
  const place = placeOf(second ?? first, addressing);
  if (isWrong(place)) return place;
  return { table: place.table ?? named ?? table, address: place.address };
}
