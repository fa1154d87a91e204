import { parseCsv, type CsvRow } from "../../configs/import/csv-table.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { PointValue } from "../../kernel/point.ts";
import type { PlaybackMap } from "./playback-map.ts";
import { parseTime, parseZone } from "./playback-times.ts";
import { unitConversion, unitsFor } from "./point-units.ts";
import type { Playback, Signal } from "./signal.ts";

/** What is known of a point: its unit and type. Null where a device has no such point. */
export type DescribePoint = (
  device: string,
  point: string,
) => { readonly unit: string; readonly type: "number" | "boolean" | "label" } | null;

export const CSV_BYTES_MAX = 64 * 1024 * 1024;
const ROW_COUNT_MAX = 1_000_000;
const REMARK_COUNT_MAX = 5;

interface Column {
  readonly index: number;
  readonly device: string;
  readonly point: string;
  readonly type: "number" | "boolean" | "label";
  readonly factor: number;
  readonly offset: number;
  readonly between: "hold" | "line";
  readonly gapMs: number;
  readonly inGap: "hold" | "zero" | "release";
}

/**
 * Reads a table whose first row holds headings. Columns are those of the map, and without one every column that is named as a point
 * (`f1.activePowerKw`). Numbers may have a decimal comma where the delimiter is no comma. Rows need not be in order.
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` with line, column, what was found and what is allowed.
 */
export function readCsvPlayback(
  text: string,
  file: string,
  map: PlaybackMap | null,
  describe: DescribePoint,
): Playback {
  const { rows, delimiter, openQuote } = parseCsv(text, ROW_COUNT_MAX);
  if (openQuote !== null)
    throw invalid(file, openQuote.line, "a quote that does not end", "RFC 4180");
  const [header, ...body] = rows;
  if (header === undefined || body.length === 0) {
    throw invalid(file, 1, "no rows below a row of headings", "a table with headings");
  }
  const headings = header.fields.map((field) => field.text);
  const timeAt = columnIndex(file, headings, map?.time.column ?? 1);
  const columns = columnsOf(file, headings, timeAt, map, describe);
  const format = map?.time.format ?? "auto";
  const zoneMinutes = parseZone(map?.time.zone ?? "UTC");
  const remarks: string[] = [];
  const remark = (said: string) => {
    if (remarks.length < REMARK_COUNT_MAX) remarks.push(said);
    else if (remarks.length === REMARK_COUNT_MAX) remarks.push("and more like these");
  };
  const timed: { tMs: number; row: CsvRow }[] = [];
  for (const row of body) {
    const found = row.fields[timeAt]?.text ?? "";
    const tMs = parseTime(found, format, zoneMinutes);
    if (tMs === null)
      remark(
        `${file}:${row.line}: "${found.slice(0, 40)}" is no time (${format}); the row is passed over`,
      );
    else timed.push({ tMs, row });
  }
  const [first] = timed.sort((a, b) => a.tMs - b.tMs);
  const last = timed.at(-1);
  if (first === undefined || last === undefined) {
    throw invalid(
      file,
      header.line + 1,
      `no time in column "${headings[timeAt] ?? ""}"`,
      `times as ${format}; [time] format names others`,
    );
  }
  const signals = columns.map((column) => {
    const values = timed.map(({ row }) => valueOf(row, column, delimiter, file, remark));
    const timesMs = timed.map(({ tMs }) => tMs - first.tMs);
    return courseOf(column, timesMs, values);
  });
  const hasDates = first.tMs > 1e11;
  return {
    name: file,
    durationMs: last.tMs - first.tMs,
    startWallMs: hasDates ? first.tMs : null,
    signals,
    remarks,
  };
}

function columnIndex(file: string, headings: readonly string[], column: string | number): number {
  const at = typeof column === "number" ? column - 1 : headings.indexOf(column);
  if (at >= 0 && at < headings.length) return at;
  throw invalid(
    file,
    1,
    `no column "${column}"`,
    headings.map((heading) => `"${heading}"`).join(", "),
  );
}

function columnsOf(
  file: string,
  headings: readonly string[],
  timeAt: number,
  map: PlaybackMap | null,
  describe: DescribePoint,
): Column[] {
  const wanted =
    map !== null && map.columns.length > 0
      ? map.columns
      : headings.flatMap((heading, index) => {
          const [device = "", point = ""] = heading.split(".", 2);
          const isPoint = index !== timeAt && describe(device, point) !== null;
          const rest = {
            scale: 1,
            offset: 0,
            between: "hold",
            gap_s: Infinity,
            in_gap: "hold",
          } as const;
          return isPoint ? [{ column: index + 1, point: heading, ...rest }] : [];
        });
  if (wanted.length === 0) {
    throw invalid(
      file,
      1,
      `headings ${headings.join(", ")}`,
      "headings such as f1.activePowerKw, or a map (--map) that names columns",
    );
  }
  return wanted.map((one) => {
    const [device = "", point = ""] = one.point.split(".", 2);
    const described = describe(device, point);
    if (described === null) {
      throw new RemsError(
        "REMS_NOT_FOUND",
        `${file}: the installation has no point "${one.point}"`,
      );
    }
    const unit = "unit" in one && one.unit !== undefined ? one.unit : described.unit;
    const conversion = unitConversion(unit, described.unit);
    if (conversion === null) {
      throw new RemsError(
        "REMS_REQUEST_INVALID",
        `${file}: unit "${unit}" cannot be turned into ${described.unit} of ${one.point}; allowed are ${unitsFor(described.unit).join(", ")}`,
      );
    }
    const [factor, offset] = conversion;
    return {
      index: columnIndex(file, headings, one.column),
      device,
      point,
      type: described.type,
      factor: factor * one.scale,
      offset: offset + one.offset,
      between: one.between,
      gapMs: one.gap_s * 1000,
      inGap: one.in_gap,
    };
  });
}

const NOTHING = /^(|-|nan|null|n\/?a|bad|error|#.*)$/i;

function valueOf(
  row: CsvRow,
  column: Column,
  delimiter: string,
  file: string,
  remark: (text: string) => void,
): PointValue | null {
  const field = row.fields[column.index];
  const text = field?.text ?? "";
  if (NOTHING.test(text)) return null;
  if (column.type === "label") return text;
  if (column.type === "boolean") {
    if (/^(true|1|on|yes|closed)$/i.test(text)) return true;
    if (/^(false|0|off|no|open)$/i.test(text)) return false;
  }
  const plain = delimiter === "," ? text : text.replace(",", ".");
  const value = Number(plain.replaceAll(/[\s'_]/g, ""));
  if (column.type === "number" && Number.isFinite(value)) {
    return value * column.factor + column.offset + 0;
  }
  remark(
    `${file}:${row.line}: "${text.slice(0, 40)}" is no ${column.type} for ${column.device}.${column.point}; taken as a gap`,
  );
  return null;
}

/** Only where there are values: gaps are what lies between them. */
function courseOf(
  column: Column,
  timesMs: readonly number[],
  values: readonly (PointValue | null)[],
): Signal {
  const at = timesMs.filter((_tMs, i) => values[i] !== null);
  const held = values.filter((value) => value !== null);
  let cursor = 0;
  const { device, point, gapMs, inGap, between } = column;
  return {
    device,
    point,
    at(tMs) {
      if ((at[cursor] ?? Infinity) > tMs) cursor = 0;
      while ((at[cursor + 1] ?? Infinity) <= tMs) cursor++;
      const from = at[cursor];
      const value = held[cursor];
      if (from === undefined || value === undefined || from > tMs) return null;
      const to = at[cursor + 1];
      const isGap = tMs - from > gapMs && (to === undefined || to - from > gapMs);
      if (isGap) return inGap === "hold" ? value : inGap === "zero" ? 0 : null;
      const next = held[cursor + 1];
      const isLine = between === "line" && to !== undefined && to - from <= gapMs;
      if (!isLine || typeof value !== "number" || typeof next !== "number") return value;
      return value + ((tMs - from) / (to - from)) * (next - value);
    },
  };
}

function invalid(file: string, line: number, found: string, allowed: string): RemsError {
  return new RemsError(
    "REMS_REQUEST_INVALID",
    `${file}:${line}: found ${found}; allowed: ${allowed}`,
  );
}
