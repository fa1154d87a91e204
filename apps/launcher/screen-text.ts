/** How a piece of text is meant; the terminal decides what it looks like. */
export type Role = "plain" | "title" | "good" | "warning" | "bad" | "dim" | "key";

export interface Piece {
  readonly text: string;
  readonly role: Role;
}

/** One line of the picture. */
export type Line = readonly Piece[];

export function piece(text: string, role: Role = "plain"): Piece {
  return { text, role };
}

export function widthOf(line: Line): number {
  return line.reduce((sum, { text }) => sum + Array.from(text).length, 0);
}

/** Cuts a line to a width; what was cut off is shown by an ellipsis. */
export function clip(line: Line, width: number): Line {
  if (widthOf(line) <= width) return line;
  const kept: Piece[] = [];
  let left = width - 1;
  for (const { text, role } of line) {
    const characters = Array.from(text);
    kept.push(piece(characters.slice(0, left).join(""), role));
    left -= characters.length;
    if (left <= 0) break;
  }
  return [...kept, piece("…", "dim")];
}

/** Parts that belong on one line, with so many spaces between; what does not fit goes to further lines, indented. */
export function flow(parts: readonly Line[], width: number, indent: number, gap = 2): Line[] {
  const lines: Line[] = [];
  let current: Piece[] = [];
  for (const part of parts) {
    const used = widthOf(current);
    if (current.length > 0 && used + gap + widthOf(part) > width) {
      lines.push(current);
      current = [piece(" ".repeat(indent)), ...part];
    } else {
      current = current.length === 0 ? [...part] : [...current, piece(" ".repeat(gap)), ...part];
    }
  }
  if (current.length > 0) lines.push(current);
  return lines.map((line) => clip(line, width));
}

/** Cells in columns of one width, so that the picture stands still while its values change. */
export function columns(cells: readonly Line[], width: number, cellWidth: number): Line[] {
  const perLine = Math.max(1, Math.floor(width / cellWidth));
  const lines: Line[] = [];
  for (let at = 0; at < cells.length; at += perLine) {
    const line: Piece[] = [];
    for (const cell of cells.slice(at, at + perLine)) {
      const shown = clip(cell, cellWidth - 1);
      line.push(...shown, piece(" ".repeat(cellWidth - widthOf(shown))));
    }
    lines.push(clip(line, width));
  }
  return lines;
}

export function textOf(line: Line): string {
  return line
    .map(({ text }) => text)
    .join("")
    .trimEnd();
}

const ESCAPES: Readonly<Record<Role, string>> = {
  plain: "",
  title: "\u001B[1m",
  good: "\u001B[32m",
  warning: "\u001B[33m",
  bad: "\u001B[1;31m",
  dim: "\u001B[2m",
  key: "\u001B[36m",
};

/** A line with the terminal's colours, or without. */
export function paint(line: Line, isColoured: boolean): string {
  if (!isColoured) return textOf(line);
  return line
    .map(({ text, role }) => (ESCAPES[role] === "" ? text : `${ESCAPES[role]}${text}\u001B[0m`))
    .join("");
}
