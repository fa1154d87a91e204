/** Roll-ups to be drawn; NaN where nothing is known. */
export interface PlotData {
  readonly startMs: number;
  readonly stepMs: number;
  readonly min: readonly number[];
  readonly mean: readonly number[];
  readonly max: readonly number[];
}

/** A character of braille has two columns and four rows of dots (Unicode U+2800 and on). */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;
const LABEL_WIDTH = 10;

/** Columns of dots that a plot of so many characters has: as many roll-ups are worth asking for. */
export function plotColumns(widthChars: number): number {
  return Math.max(20, widthChars - LABEL_WIDTH - 1) * 2;
}

/**
 * A curve of dots with its band from least to greatest, values to the left and times below.
 * @param widthChars - Of the whole picture.
 * @param rowCount - Of characters; each is four rows of dots.
 */
export function plotText(data: PlotData, widthChars: number, rowCount = 10): string {
  const columnCount = plotColumns(widthChars);
  const known = data.mean.map((_, i) => i).filter((i) => Number.isFinite(data.mean[i]));
  if (known.length === 0) return "  nothing is known of this time";
  const least = Math.min(...known.map((i) => data.min[i] ?? Infinity));
  const greatest = Math.max(...known.map((i) => data.max[i] ?? -Infinity));
  const spread = greatest - least || Math.max(1e-9, Math.abs(greatest) * 0.1);
  const dotRows = rowCount * 4;
  const dotOf = (value: number): number =>
    Math.round(((greatest - value) / spread) * (dotRows - 1));
  const cells = Array.from({ length: rowCount }, () =>
    Array.from({ length: columnCount / 2 }, () => 0),
  );
  for (let column = 0; column < columnCount; column++) {
    const from = Math.floor((column * data.mean.length) / columnCount);
    const to = Math.max(from + 1, Math.floor(((column + 1) * data.mean.length) / columnCount));
    const shown = known.filter((i) => i >= from && i < to);
    if (shown.length === 0) continue;
    const top = dotOf(Math.max(...shown.map((i) => data.max[i] ?? 0)));
    const bottom = dotOf(Math.min(...shown.map((i) => data.min[i] ?? 0)));
    for (let row = Math.max(0, top); row <= Math.min(dotRows - 1, bottom); row++) {
      const line = cells[row >> 2];
      const dot = DOTS[column % 2 === 0 ? 0 : 1][row & 3] ?? 0;
      if (line !== undefined) line[column >> 1] = (line[column >> 1] ?? 0) | dot;
    }
  }
  const lines = cells.map((line, row) => {
    const value = greatest - (spread * row) / Math.max(1, rowCount - 1);
    const isLabelled = row === 0 || row === rowCount - 1 || row === Math.floor(rowCount / 2);
    const label = isLabelled ? numberText(value) : "";
    const dots = line.map((bits) => String.fromCodePoint(0x28_00 + bits)).join("");
    return `${label.padStart(LABEL_WIDTH)}┤${dots}`;
  });
  return [...lines, timesLine(data, columnCount / 2)].join("\n");
}

export function numberText(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 100 ? 1 : 3;
  return String(Number(value.toFixed(digits)));
}

function timesLine({ startMs, stepMs, mean }: PlotData, widthChars: number): string {
  const endMs = startMs + stepMs * mean.length;
  const text = (ms: number) =>
    new Date(ms)
      .toISOString()
      .slice(...(endMs - startMs > 86_400_000 ? [5, 16] : [11, 19]))
      .replace("T", " ");
  const ends = [text(startMs), text((startMs + endMs) / 2), `${text(endMs)} UTC`];
  const gap = Math.max(1, Math.floor((widthChars - ends.join("").length) / 2));
  return `${" ".repeat(LABEL_WIDTH + 1)}${ends.join(" ".repeat(gap))}`;
}
