/** One curve of a plot. */
export interface Line {
  readonly name: string;
  /** NaN where there is nothing to show: a gap. */
  readonly values: readonly number[];
  readonly colour: string;
  /** Lengths of dashes and gaps; empty: drawn through. */
  readonly dash: string;
}

export interface PlotInput {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Line[];
  /** Time between two values, ms. */
  readonly stepMs: number;
  /** A flat curve is drawn as one, not as its noise: the least span of the scale. */
  readonly spanMin: number;
  /** Drawn as dashed lines where the scale reaches them. */
  readonly limits: readonly number[];
  /** Something happens then: seconds, and the number of the line in the table. */
  readonly marks: readonly { readonly atS: number; readonly number: number }[];
  /** When the busbar is dark, seconds. */
  readonly dark: readonly (readonly [fromS: number, toS: number])[];
  readonly height: number;
}

const WIDTH = 720;
const LEFT = 50;
const RIGHT = 10;
const TOP = 30;
const BOTTOM = 20;
const STEPS_S = [1, 2, 5, 10, 20, 30, 60, 120, 300];
const TICK_COUNT_MAX = 12;

/** An SVG with time below, the quantity at the left, limits dashed, and numbered marks where something happens. */
export function plot(input: PlotInput): string {
  const { lines, stepMs, height, marks, dark } = input;
  const count = Math.max(0, ...lines.map(({ values }) => values.length));
  if (count < 2) return "";
  const [low, high] = scaleOf(input);
  const lengthS = ((count - 1) * stepMs) / 1000;
  const x = (atS: number) => LEFT + ((WIDTH - LEFT - RIGHT) * atS) / lengthS;
  const y = (value: number) => TOP + ((height - TOP - BOTTOM) * (high - value)) / (high - low);
  const parts = [
    ...dark.map(
      ([from, to]) =>
        `<rect x="${n(x(from))}" y="${TOP}" width="${n(x(to) - x(from))}" height="${height - TOP - BOTTOM}" class="dark"/>`,
    ),
    ...timeTicks(lengthS).map(
      (atS) =>
        `<line x1="${n(x(atS))}" y1="${TOP}" x2="${n(x(atS))}" y2="${height - BOTTOM}" class="grid"/><text x="${n(x(atS))}" y="${height - 6}" text-anchor="middle">${atS} s</text>`,
    ),
    ...levels(low, high).map(
      (value) =>
        `<line x1="${LEFT}" y1="${n(y(value))}" x2="${WIDTH - RIGHT}" y2="${n(y(value))}" class="grid"/><text x="${LEFT - 4}" y="${n(y(value) + 4)}" text-anchor="end">${numberText(value)}</text>`,
    ),
    ...input.limits
      .filter((limit) => limit > low && limit < high)
      .map(
        (limit) =>
          `<line x1="${LEFT}" y1="${n(y(limit))}" x2="${WIDTH - RIGHT}" y2="${n(y(limit))}" class="limit"/>`,
      ),
    ...marks
      .filter(({ atS }) => atS <= lengthS)
      .map(
        ({ atS, number }) =>
          `<line x1="${n(x(atS))}" y1="${TOP}" x2="${n(x(atS))}" y2="${height - BOTTOM}" class="mark"/><text x="${n(x(atS))}" y="${TOP - 3}" text-anchor="middle" class="mark">${number}</text>`,
      ),
    ...lines.flatMap(({ values, colour, dash }) =>
      pieces(values).map(({ from, values: piece }) => {
        const at = (index: number) => x(((from + index) * stepMs) / 1000);
        const points = piece.map((value, index) => `${n(at(index))},${n(y(value))}`);
        return `<polyline fill="none" stroke="${colour}" stroke-width="1.3"${dashed(dash)} points="${points.join(" ")}"/>`;
      }),
    ),
  ];
  const label = `${input.title}, ${input.unit}`;
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(label)}"><text x="${LEFT}" y="12" class="title">${escaped(label)}</text>${legend(lines)}${parts.join("")}</svg>`;
}

/** What lies between the gaps. */
function pieces(values: readonly number[]): { from: number; values: number[] }[] {
  const found: { from: number; values: number[] }[] = [];
  for (const [index, value] of values.entries()) {
    if (Number.isNaN(value)) continue;
    const last = found.at(-1);
    if (last !== undefined && last.from + last.values.length === index) last.values.push(value);
    else found.push({ from: index, values: [value] });
  }
  return found;
}

const dashed = (dash: string) => (dash === "" ? "" : ` stroke-dasharray="${dash}"`);

/** Names of the lines at the right of the title, where there are several. */
function legend(lines: readonly Line[]): string {
  if (lines.length < 2) return "";
  let at = WIDTH - RIGHT;
  const texts: string[] = [];
  for (const { name, colour, dash } of lines.toReversed()) {
    texts.push(`<text x="${at}" y="12" text-anchor="end">${escaped(name)}</text>`);
    at -= 7 * name.length + 4;
    texts.push(
      `<line x1="${at - 14}" y1="8" x2="${at - 2}" y2="8" stroke="${colour}" stroke-width="2"${dash === "" ? "" : ` stroke-dasharray="5 2"`}/>`,
    );
    at -= 24;
  }
  return texts.join("");
}

function scaleOf({ lines, spanMin }: PlotInput): readonly [low: number, high: number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { values } of lines) {
    for (const value of values) {
      if (Number.isNaN(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  const middle = (low + high) / 2;
  const half = (Math.max(spanMin, high - low) / 2) * 1.06;
  return [middle - half, middle + half];
}

/** Round values across a scale, 3 to 6 of them. */
function levels(low: number, high: number): number[] {
  const raw = (high - low) / 4;
  const base = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((part) => part * base).find((one) => one >= raw) ?? raw;
  const found: number[] = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) found.push(value);
  return found;
}

function timeTicks(lengthS: number): number[] {
  const stepS = STEPS_S.find((one) => lengthS / one <= TICK_COUNT_MAX) ?? 600;
  const found: number[] = [];
  for (let atS = 0; atS <= lengthS; atS += stepS) found.push(atS);
  return found;
}

function n(value: number): string {
  return value.toFixed(1);
}

function numberText(value: number): string {
  return String(Number(value.toFixed(2))).replace("-", "−");
}

export function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
