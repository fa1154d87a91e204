import { RemsError } from "../../kernel/errors.ts";

/** What a time on the command line is measured from. */
export interface TimeFrame {
  /** `+90s` counts from here, and a time of day means this day or the next. */
  readonly startMs: number;
  /** `-10m` counts back from here; `now` and `end` mean it. */
  readonly endMs: number;
}

export const WHEN_HELP =
  "2026-11-26T00:13:00Z, 00:13:00 (UTC, of the recording's day), +90s (from its start), -10m (before its end), start, end";

const FACTORS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DAY_MS = 86_400_000;

/**
 * Reads a wall time as people write it; without a zone it is UTC.
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` that says what is allowed.
 */
export function parseWhen(text: string, { startMs, endMs }: TimeFrame): number {
  const trimmed = text.trim();
  if (trimmed === "start") return startMs;
  if (trimmed === "end" || trimmed === "now") return endMs;
  if (/^[+-]/.test(trimmed)) {
    const durationMs = parseDuration(trimmed.slice(1));
    if (durationMs !== null)
      return trimmed.startsWith("+") ? startMs + durationMs : endMs - durationMs;
  }
  const day = /^(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,3})?))?$/.exec(trimmed);
  if (day !== null) {
    const [, hours = "", minutes = "", seconds = "0"] = day;
    const inDayMs =
      Number(hours) * FACTORS["h"]! + Number(minutes) * 60_000 + Number(seconds) * 1000;
    const atMs = Math.floor(startMs / DAY_MS) * DAY_MS + inDayMs;
    // Before midnight on the first day, behind it on the second.
    if (inDayMs < DAY_MS) return atMs < startMs - 60_000 ? atMs + DAY_MS : atMs;
  }
  if (/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(trimmed)) {
    const hasZone = /(Z|[+-]\d{2}:?\d{2})$/.test(trimmed) && trimmed.length > 10;
    const atMs = Date.parse(
      hasZone || trimmed.length === 10 ? trimmed : `${trimmed.replace(" ", "T")}Z`,
    );
    if (!Number.isNaN(atMs)) return atMs;
  }
  throw new RemsError("REMS_REQUEST_INVALID", `"${text}" is no time; allowed are ${WHEN_HELP}`);
}

/** `10s`, `1.5m`, `250ms`, `2h` in milliseconds; null if it is none. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim());
  if (match === null) return null;
  return Number(match[1]) * (FACTORS[match[2] ?? ""] ?? Number.NaN);
}
