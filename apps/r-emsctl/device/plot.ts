/** A curve of Braille dots: two columns and four rows of dots in each character. */

const DOT_COLUMNS = 2;
const DOT_ROWS = 4;
/** Unicode 15.1, chapter "Braille Patterns": bits of the dots of a cell, by column and row. */
const DOTS: readonly (readonly number[])[] = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
];
const BRAILLE = 0x2800;

export interface PlotRange {
  readonly min: number;
  readonly max: number;
}

/** What the values need, with a little room; never empty, so that a steady value is a line in the middle. */
export function rangeOf(values: readonly (number | null)[]): PlotRange {
  let min = Infinity;
  let max = -Infinity;
  for (const value of values) {
    if (value === null) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  if (min > max) return { min: 0, max: 1 };
  const room = max === min ? Math.max(1, Math.abs(max) * 0.05) : (max - min) * 0.05;
  return { min: min - room, max: max + room };
}

/**
 * Draws values as a curve, the newest at the right edge; null is a gap. Pure.
 *
 * @param width - Characters; twice as many values fit, older ones are left out.
 * @param height - Lines.
 * @returns `height` lines of `width` characters.
 */
export function plotLines(
  values: readonly (number | null)[],
  width: number,
  height: number,
  range: PlotRange = rangeOf(values),
): string[] {
  const columnCount = width * DOT_COLUMNS;
  const rowCount = height * DOT_ROWS;
  const shown = values.slice(-columnCount);
  const offset = columnCount - shown.length;
  const cells = Array.from({ length: height }, () => Array.from({ length: width }, () => 0));
  const set = (column: number, row: number): void => {
    const line = cells[Math.floor(row / DOT_ROWS)];
    const at = Math.floor(column / DOT_COLUMNS);
    const dot = DOTS[column % DOT_COLUMNS]?.[row % DOT_ROWS] ?? 0;
    if (line !== undefined) line[at] = (line[at] ?? 0) | dot;
  };
  const rowOf = (value: number): number => {
    const share = (value - range.min) / (range.max - range.min);
    return Math.min(rowCount - 1, Math.max(0, Math.round((1 - share) * (rowCount - 1))));
  };
  let before: number | null = null;
  for (const [index, value] of shown.entries()) {
    if (value === null) {
      before = null;
      continue;
    }
    const row = rowOf(value);
    const from = before ?? row;
    // A step is a line, so that one sees it.
    for (let at = Math.min(from, row); at <= Math.max(from, row); at++) set(offset + index, at);
    before = row;
  }
  return cells.map((line) => line.map((dots) => String.fromCharCode(BRAILLE + dots)).join(""));
}
