import { RemsError } from "../../kernel/errors.ts";

/** How a file writes its times. `auto` takes ISO 8601, `31.12.2026 23:59`, and seconds or milliseconds since 1970. */
export const TIME_FORMATS = [
  "auto",
  "iso",
  "dd.mm.yyyy",
  "dd/mm/yyyy",
  "mm/dd/yyyy",
  "yyyy/mm/dd",
  "epoch-s",
  "epoch-ms",
  "seconds",
  "minutes",
  "hours",
  "time-of-day",
] as const;
export type TimeFormat = (typeof TIME_FORMATS)[number];

const DAY_MS = 86_400_000;
const TIME = String.raw`(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,]\d{1,9})?))?\s*(AM|PM)?)?\s*(Z|[+-]\d{2}:?\d{2})?$`;
const PATTERNS: Readonly<Record<string, RegExp>> = {
  iso: new RegExp(String.raw`^(\d{4})-(\d{1,2})-(\d{1,2})${TIME}`, "i"),
  "yyyy/mm/dd": new RegExp(String.raw`^(\d{4})/(\d{1,2})/(\d{1,2})${TIME}`, "i"),
  "dd.mm.yyyy": new RegExp(String.raw`^(\d{1,2})\.(\d{1,2})\.(\d{4})${TIME}`, "i"),
  "dd/mm/yyyy": new RegExp(String.raw`^(\d{1,2})/(\d{1,2})/(\d{4})${TIME}`, "i"),
  "mm/dd/yyyy": new RegExp(String.raw`^(\d{1,2})/(\d{1,2})/(\d{4})${TIME}`, "i"),
};
const FACTORS: Readonly<Record<string, number>> = {
  "epoch-s": 1000,
  "epoch-ms": 1,
  seconds: 1000,
  minutes: 60_000,
  hours: 3_600_000,
};

/**
 * A time of a file in milliseconds: since 1970 for dates, since the file's own zero for plain numbers.
 * @param zoneMinutes - Offset from UTC of times that name no zone.
 * @returns Null if the text is no time of that format.
 */
export function parseTime(text: string, format: TimeFormat, zoneMinutes: number): number | null {
  const trimmed = text.trim();
  if (format === "auto") {
    for (const candidate of ["iso", "dd.mm.yyyy", "yyyy/mm/dd"] as const) {
      const found = parseTime(trimmed, candidate, zoneMinutes);
      if (found !== null) return found;
    }
    const number = numberOf(trimmed);
    if (number === null) return null;
    // Seconds since 1970 have ten digits for centuries to come, milliseconds thirteen; smaller numbers count from the file's own zero.
    return number >= 1e11 ? number : number * 1000;
  }
  const factor = FACTORS[format];
  if (factor !== undefined) {
    const number = numberOf(trimmed);
    return number === null ? null : number * factor;
  }
  if (format === "time-of-day") {
    const match = /^(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,]\d{1,9})?))?\s*(AM|PM)?$/i.exec(trimmed);
    return match === null ? null : clockMs(match[1], match[2], match[3], match[4]);
  }
  const match = PATTERNS[format]?.exec(trimmed);
  return match === null || match === undefined ? null : dateMs(match, format, zoneMinutes);
}

function numberOf(text: string): number | null {
  const value = Number(text.replace(",", "."));
  return text === "" || !Number.isFinite(value) ? null : value;
}

function clockMs(hours = "0", minutes = "0", seconds = "0", half?: string): number | null {
  let hour = Number(hours);
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return null;
    hour = (hour % 12) + (half.toUpperCase() === "PM" ? 12 : 0);
  }
  const second = Number(seconds.replace(",", "."));
  if (hour > 24 || Number(minutes) > 59 || second >= 61) return null;
  return hour * 3_600_000 + Number(minutes) * 60_000 + Math.round(second * 1000);
}

function dateMs(match: RegExpExecArray, format: TimeFormat, zoneMinutes: number): number | null {
  const [, a = "", b = "", c = "", hours, minutes, seconds, half, zone] = match;
  const isYearFirst = format === "iso" || format === "yyyy/mm/dd";
  const [year, month, day] = isYearFirst
    ? [a, b, c]
    : format === "mm/dd/yyyy"
      ? [c, a, b]
      : [c, b, a];
  const dayMs = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const check = new Date(dayMs);
  if (check.getUTCMonth() !== Number(month) - 1 || check.getUTCDate() !== Number(day)) return null;
  const inDayMs = clockMs(hours, minutes, seconds, half);
  if (inDayMs === null || inDayMs > DAY_MS) return null;
  return dayMs + inDayMs - zoneMs(zone, zoneMinutes);
}

function zoneMs(zone: string | undefined, zoneMinutes: number): number {
  if (zone === undefined) return zoneMinutes * 60_000;
  if (/^z$/i.test(zone)) return 0;
  return parseZone(zone) * 60_000;
}

/** `+01:00`, `-0530` or `Z` in minutes. @throws {@link RemsError} `REMS_REQUEST_INVALID`. */
export function parseZone(text: string): number {
  if (/^(z|utc)?$/i.test(text)) return 0;
  const match = /^([+-])(\d{2}):?(\d{2})$/.exec(text);
  if (match === null) {
    throw new RemsError("REMS_REQUEST_INVALID", `"${text}" is no zone; allowed are UTC and +01:00`);
  }
  return (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]));
}
