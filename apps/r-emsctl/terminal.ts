import { userInfo } from "node:os";
import type { Readable, Writable } from "node:stream";

/** Where the program writes, and what is typed; a test gives its own. */
export interface Terminal {
  out(text: string): void;
  error(text: string): void;
  /** Colours only where a person looks at a terminal. */
  readonly hasColours: boolean;
  /** Shows a passing line in place of the last one, "" takes it away; absent where nobody watches. */
  readonly progress?: (text: string) => void;
  /** Draws lines in place of those drawn before; absent where nobody watches. */
  readonly draw?: (lines: readonly string[]) => void;
  /** Width of the terminal, in characters. */
  readonly columns?: () => number;
  /** Absent where nothing is read. */
  readonly input?: Readable;
  /** Where questions are asked; absent where nobody could answer. */
  readonly output?: Writable;
}

export type Colour = "red" | "green" | "yellow" | "dim" | "bold";

/** Select Graphic Rendition codes of ECMA-48. */
const CODES: Record<Colour, number> = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 };
// oxlint-disable-next-line no-control-regex -- measures text without its colours
const COLOUR_CODES = /\u001b\[\d+m/g;

export function paint(terminal: Terminal, colour: Colour, text: string): string {
  return terminal.hasColours ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
}

/** Columns as wide as their widest cell, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = widthsOf(rows);
  return rows.map((row) => lineOf(row, widths)).join("\n");
}

const COLUMN_WIDTH_MIN = 8;
/** A last column narrower than this stands on lines of its own. */
const TEXT_WIDTH_MIN = 32;
/** A last column that is wider is a text: it goes on rather than being cut, or cutting the others. */
const CELL_WIDTH_MAX = 16;
const INDENT = 4;

/**
 * A table that a person's terminal can show: where it is too narrow, texts of the last column go on beneath, and other columns
 * are cut. What a script reads is one line for each row.
 */
export function tableFor(terminal: Terminal, rows: readonly (readonly string[])[]): string {
  const columns = terminal.columns?.();
  const widths = widthsOf(rows);
  if (columns === undefined || spanOf(widths) <= columns) return table(rows);
  const isText = (widths.at(-1) ?? 0) > CELL_WIDTH_MAX;
  return isText ? withTextBeneath(rows, columns) : cutTo(rows, shrunk(widths, columns));
}

const cutTo = (rows: readonly (readonly string[])[], widths: readonly number[]): string =>
  rows
    .map((row) =>
      lineOf(
        row.map((cell, i) => cut(cell, widths[i] ?? 0)),
        widths,
      ),
    )
    .join("\n");

function withTextBeneath(rows: readonly (readonly string[])[], columns: number): string {
  const heads = rows.map((row) => row.slice(0, -1));
  const widths = shrunk(widthsOf(heads), columns);
  const textWidth = columns - spanOf(widths) - 2;
  const isBeside = textWidth >= TEXT_WIDTH_MIN;
  return rows
    .map((row, index) => {
      const head = lineOf(
        (heads[index] ?? []).map((cell, i) => cut(cell, widths[i] ?? 0)),
        widths,
      );
      const text = row.at(-1) ?? "";
      const [first = "", ...rest] = wordLines(text, isBeside ? textWidth : columns - INDENT);
      if (!isBeside) return [head, ...(text === "" ? [] : indented([first, ...rest], INDENT))];
      const edge = spanOf(widths) + 2;
      const start = first === "" ? head : `${head}${" ".repeat(edge - widthOf(head))}${first}`;
      return [start, ...indented(rest, edge)];
    })
    .flat()
    .join("\n");
}

/** Lines that a person's terminal can show: longer ones go on beneath, further in. */
export function linesFor(terminal: Terminal, text: string): string {
  const columns = terminal.columns?.();
  if (columns === undefined) return text;
  return text
    .split("\n")
    .flatMap((line) => {
      if (widthOf(line) <= columns) return [line];
      const indent = line.length - line.trimStart().length;
      const room = columns - indent;
      const [first = "", ...rest] = wordLines(line.trimStart(), room - INDENT, room);
      return [...indented([first], indent), ...indented(rest, indent + INDENT)];
    })
    .join("\n");
}

/** Help: paragraphs flow anew, what is indented stays as it was laid out. */
export function helpFor(terminal: Terminal, text: string): string {
  const columns = terminal.columns?.();
  if (columns === undefined) return text;
  const isProse = (line: string): boolean => line !== "" && !line.startsWith(" ");
  const joined: string[] = [];
  for (const line of text.split("\n")) {
    const last = joined.at(-1);
    const flows = last !== undefined && isProse(last) && isProse(line) && !last.endsWith(":");
    if (flows) joined[joined.length - 1] = `${last} ${line}`;
    else joined.push(line);
  }
  return joined
    .map((line) => (isProse(line) ? wordLines(line, columns).join("\n") : linesFor(terminal, line)))
    .join("\n");
}

const indented = (lines: readonly string[], by: number): string[] =>
  lines.map((line) => `${" ".repeat(by)}${line}`);

/** Breaks between words; a word that is longer than a line stands alone. */
function wordLines(text: string, width: number, firstWidth = width): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const room = lines.length === 0 ? firstWidth : width;
    if (line !== "" && widthOf(line) + 1 + widthOf(word) > room) {
      lines.push(line.trimEnd());
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line.trimEnd()];
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, widthOf(cell));
    });
  }
  return widths;
}

const spanOf = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width + 2, -2);

/** The widest give way first. */
function shrunk(widths: readonly number[], columns: number): number[] {
  const narrow = [...widths];
  for (let excess = spanOf(widths) - columns; excess > 0; excess--) {
    const widest = narrow.indexOf(Math.max(...narrow));
    if ((narrow[widest] ?? 0) <= COLUMN_WIDTH_MIN) break;
    narrow[widest] = (narrow[widest] ?? 0) - 1;
  }
  return narrow;
}

const lineOf = (row: readonly string[], widths: readonly number[]): string =>
  row
    .map((cell, i) => cell + " ".repeat(Math.max(0, (widths[i] ?? 0) - widthOf(cell))))
    .join("  ")
    .trimEnd();

function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return `${text.replace(COLOUR_CODES, "").slice(0, Math.max(0, width - 1))}…`;
}

function widthOf(text: string): number {
  return text.replace(COLOUR_CODES, "").length;
}

export function processTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(`${text}\n`),
    error: (text) => void process.stderr.write(`${text}\n`),
    hasColours: process.stdout.isTTY && !process.env["NO_COLOR"],
    ...(process.stderr.isTTY
      ? { progress: (text: string) => void process.stderr.write(`\r\u001b[K${text}`) }
      : {}),
    ...(process.stdout.isTTY ? { draw: drawer(), columns: () => process.stdout.columns } : {}),
    ...(process.stdin.isTTY && process.stdout.isTTY ? { output: process.stdout } : {}),
    get input() {
      return process.stdin;
    },
  };
}

/** Who asks, for the record. */
export function userName(): string {
  try {
    return userInfo().username.slice(0, 64) || "unknown";
  } catch {
    // A container may run under an id without a name.
    return "unknown";
  }
}

/** Goes back up over what was drawn before, and clears it (ECMA-48). */
function drawer(): (lines: readonly string[]) => void {
  let drawnCount = 0;
  return (lines) => {
    const back = drawnCount === 0 ? "" : `\u001b[${drawnCount}A\u001b[J`;
    process.stdout.write(`${back}${lines.join("\n")}\n`);
    drawnCount = lines.length;
  };
}
