import { InvalidArgumentError } from "commander";

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90s`, `15m`, `2h`, `7d` in milliseconds. */
export function duration(text: string): number {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  const ms = Number(amount) * (UNITS_MS[unit] ?? Number.NaN);
  if (ms > 0) return ms;
  throw new InvalidArgumentError("allowed is a number with s, m, h or d, such as 15m");
}

/** An instant: `now`, so long ago (`2h`), or a date and time in UTC (`2026-03-01T06:30`, with a zone if another is meant). */
export function instant(text: string): number {
  if (text === "now") return Date.now();
  if (/^\d+(?:\.\d+)?[smhd]$/.test(text)) return Date.now() - duration(text);
  const isDate = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?$/.test(
    text,
  );
  const hasZone = /(?:Z|[+-]\d\d:\d\d)$/.test(text);
  const ms = isDate
    ? Date.parse(`${text.replace(" ", "T")}${hasZone || text.length === 10 ? "" : "Z"}`)
    : Number.NaN;
  if (Number.isFinite(ms)) return ms;
  throw new InvalidArgumentError(
    'allowed is "now", so long ago ("2h"), or UTC such as "2026-03-01T06:30"',
  );
}

export interface RangeOptions {
  readonly from?: number;
  readonly to?: number;
  readonly last?: number;
}

/** @param presetMs - Looked back so far where nothing is said. */
export function rangeOf(
  { from, to, last }: RangeOptions,
  presetMs: number,
): { fromMs: number; toMs: number } {
  const toMs = to ?? Date.now();
  return { fromMs: from ?? toMs - (last ?? presetMs), toMs };
}

/** `2026-03-01 06:30:00.1Z`, without what is zero everywhere. */
export function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString().replace("T", " ").replace(".000Z", "Z");
}
