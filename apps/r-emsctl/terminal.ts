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
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, widthOf(cell));
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell + " ".repeat((widths[i] ?? 0) - widthOf(cell)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const COLUMN_WIDTH_MIN = 8;

/** A table that a person's terminal can show: its widest columns are cut where it is too narrow. What a script reads is whole. */
export function tableFor(terminal: Terminal, rows: readonly (readonly string[])[]): string {
  const columns = terminal.columns?.();
  return table(columns === undefined ? rows : narrowed(rows, columns));
}

function narrowed(rows: readonly (readonly string[])[], columns: number): string[][] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, widthOf(cell));
    });
  }
  let excess = widths.reduce((sum, width) => sum + width + 2, -2) - columns;
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= COLUMN_WIDTH_MIN) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess--;
  }
  return rows.map((row) => row.map((cell, i) => cut(cell, widths[i] ?? 0)));
}

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
