import type { ChartLine } from "../parts/chart.tsx";
import { wordsOf } from "../parts/format.ts";
import type { PointHistory } from "./messages.ts";

/** Histories as lines over one axis of time. */
export interface Lines {
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly lines: readonly ChartLine[];
}

const finite = (value: number | null | undefined): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

export const pointOf = (history: PointHistory): string => history.series?.point ?? "";

/** @param unitOf - Unit of a point. */
export function linesOf(
  histories: readonly PointHistory[],
  unitOf: (point: string) => string,
): Lines {
  const known = histories.filter(({ timesMs, mean }) => timesMs.length > 0 || mean.length > 0);
  const times = [...new Set(known.flatMap(timesOf))].toSorted((a, b) => a - b);
  const placeOf = new Map(times.map((time, index) => [time, index]));
  const lines = known.map((history): ChartLine => {
    const label = pointOf(history);
    const unit = unitOf(label);
    const own = timesOf(history);
    const spread = (list: readonly (number | null)[]): (number | null)[] => {
      const out: (number | null)[] = Array.from({ length: times.length }, () => null);
      for (const [index, time] of own.entries()) out[placeOf.get(time) ?? 0] = finite(list[index]);
      return out;
    };
    if (history.mean.length > 0) {
      const band = { min: spread(history.min), max: spread(history.max) };
      return { label, unit, values: spread(history.mean), band, isStepped: false };
    }
    return { label, unit, values: held(spread(history.values), history, times), isStepped: true };
  });
  return { times, lines };
}

function timesOf({ timesMs, mean, startMs, stepMs }: PointHistory): number[] {
  if (mean.length > 0) return mean.map((_value, index) => (startMs + index * stepMs) / 1000);
  return timesMs.map((timeMs) => (timeMs ?? 0) / 1000);
}

/** A change holds until the next one: what lies between is filled where another line has a time. */
function held(
  values: readonly (number | null)[],
  { timesMs, qualities }: PointHistory,
  times: readonly number[],
): (number | null)[] {
  const nothingFrom = new Set(
    timesMs
      .filter((_time, index) => qualities[index] === "SAMPLE_QUALITY_NONE")
      .map((timeMs) => (timeMs ?? 0) / 1000),
  );
  let last: number | null = null;
  return values.map((value, index) => {
    if (nothingFrom.has(times[index] ?? 0)) last = null;
    else if (value !== null) last = value;
    return last;
  });
}

const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/Kwh$/, "kWh"],
  [/Kw$/, "kW"],
  [/Kvar$/, "kvar"],
  [/Hz$/, "Hz"],
  [/Pct$/, "%"],
  [/KgPerH$/, "kg/h"],
  [/H$/, "h"],
  [/V$/, "V"],
  [/Ms$/, "ms"],
];

/** By the ending of a point's name: units stand last in names. */
export const unitOfPoint = (point: string): string =>
  ENDINGS.find(([pattern]) => pattern.test(point))?.[1] ?? "";

/** `powerReferenceKw` is "power reference", `isReadyToStart` "ready to start". */
export function pointWords(point: string): string {
  const ending = ENDINGS.find(([pattern]) => pattern.test(point))?.[0];
  const plain = ending === undefined ? point : point.replace(ending, "");
  return wordsOf(plain.replace(/^is(?=[A-Z])/, ""));
}
