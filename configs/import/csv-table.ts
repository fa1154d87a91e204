/** One field of a table, with where it stands. */
export interface CsvField {
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
  /** Character in its line, counted from 1. */
  readonly column: number;
}

export interface CsvRow {
  readonly line: number;
  readonly fields: readonly CsvField[];
}

export interface CsvTable {
  readonly delimiter: Delimiter;
  /** Lines that hold nothing, and those that begin with "#", are left out. */
  readonly rows: readonly CsvRow[];
  /** A field that begins with a quote and does not end. */
  readonly openQuote: CsvField | null;
}

const DELIMITERS = [",", ";", "\t", "|"] as const;
export type Delimiter = (typeof DELIMITERS)[number];

/** Longest text and most rows that are read. */
export const CSV_LENGTH_MAX = 2_000_000;
const ROW_COUNT_MAX = 5000;

/**
 * Divides a text into rows and fields (RFC 4180, with any of four delimiters). The delimiter is the one that the first row holds
 * most of. Fields in quotes may hold delimiters, doubled quotes and line ends.
 */
export function parseCsv(text: string, rowCountMax = ROW_COUNT_MAX): CsvTable {
  const body = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const delimiter = delimiterOf(body);
  const rows: CsvRow[] = [];
  const reader = new FieldReader(body, delimiter);
  while (!reader.isAtEnd && rows.length < rowCountMax) {
    if (reader.skipComment()) continue;
    const fields = reader.readRow();
    const first = fields[0];
    if (first === undefined || fields.every((field) => field.text === "")) continue;
    rows.push({ line: first.line, fields });
  }
  return { delimiter, rows, openQuote: reader.openQuote };
}

function delimiterOf(text: string): Delimiter {
  const first = text.split(/\r\n|\n|\r/).find((line) => line.trim() !== "" && !/^\s*#/.test(line));
  const bare = (first ?? "").replaceAll(/"[^"]*"/g, "");
  const countOf = (delimiter: string) => bare.split(delimiter).length;
  return DELIMITERS.reduce((best, one) => (countOf(one) > countOf(best) ? one : best));
}

class FieldReader {
  openQuote: CsvField | null = null;
  readonly #text: string;
  readonly #delimiter: Delimiter;
  #at = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string, delimiter: Delimiter) {
    this.#text = text;
    this.#delimiter = delimiter;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  skipComment(): boolean {
    const rest = /[^\r\n]*/y;
    rest.lastIndex = this.#at;
    const line = rest.exec(this.#text)?.[0] ?? "";
    if (!line.trimStart().startsWith("#")) return false;
    this.#at += line.length;
    this.#endLine();
    return true;
  }

  readRow(): CsvField[] {
    const fields: CsvField[] = [];
    for (;;) {
      fields.push(this.#readField());
      if (this.#text[this.#at] !== this.#delimiter) break;
      this.#at++;
    }
    this.#endLine();
    return fields;
  }

  #endLine(): void {
    if (this.#text[this.#at] === "\r") this.#at++;
    if (this.#text[this.#at] === "\n") this.#at++;
    this.#line++;
    this.#lineStart = this.#at;
  }

  #readField(): CsvField {
    while (this.#text[this.#at] === " ") this.#at++;
    const where = { line: this.#line, column: this.#at - this.#lineStart + 1 };
    if (this.#text[this.#at] === '"') return { ...where, text: this.#readQuoted(where).trim() };
    const start = this.#at;
    while (!this.isAtEnd && !this.#isFieldEnd()) this.#at++;
    return { ...where, text: this.#text.slice(start, this.#at).trim() };
  }

  #isFieldEnd(): boolean {
    const character = this.#text[this.#at];
    return character === this.#delimiter || character === "\n" || character === "\r";
  }

  #readQuoted(where: { readonly line: number; readonly column: number }): string {
    let text = "";
    this.#at++;
    for (;;) {
      if (this.isAtEnd) {
        this.openQuote ??= { ...where, text: text.slice(0, 40) };
        return text;
      }
      const character = this.#text[this.#at];
      this.#at++;
      if (character === '"') {
        if (this.#text[this.#at] !== '"') break;
        this.#at++;
      } else if (character === "\n") {
        this.#line++;
        this.#lineStart = this.#at;
      }
      text += character;
    }
    while (!this.isAtEnd && !this.#isFieldEnd()) this.#at++;
    return text;
  }
}
