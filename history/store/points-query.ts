import { RemsError } from "../../kernel/errors.ts";
import type { GridCollector } from "./grid-collector.ts";
import type { HistoryStore } from "./history-store.ts";
import {
  decodeBuckets,
  emptyBuckets,
  floorTo,
  HOUR_MS,
  layBuckets,
  LEVELS,
  MINUTE_MS,
  MINUTES,
  QUARTERS,
  RAW,
  SECONDS,
  type Buckets,
  type Level,
} from "./levels.ts";
import { decodeSamples, noSamples, type RawSamples } from "./raw-samples.ts";
import type { Series, SeriesKind } from "./series.ts";

export type Resolution = "auto" | "raw" | Level["name"];

export interface PointsQuery {
  readonly grid: string;
  readonly points: readonly string[];
  /** UTC milliseconds; `fromMs` included, `toMs` not. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly resolution: Resolution;
  /** Most buckets or changes per point: roll-ups are joined until they fit, changes are given page by page. */
  readonly samplesMax: number;
}

/** What one point was over the time asked for. */
export interface PointHistory {
  readonly point: string;
  readonly kind: SeriesKind;
  readonly isCounter: boolean;
  /** Roll-ups, one after the other from `startMs`; null where changes were asked for, or the point has labels. */
  readonly buckets: (Buckets & { readonly startMs: number; readonly stepMs: number }) | null;
  /** Changes; the first is what held at `fromMs`, if that is known. */
  readonly samples: (RawSamples & { readonly labels: readonly string[] }) | null;
  /** Where to ask on from, if there are more changes than `samplesMax`; 0 if not. */
  readonly nextMs: number;
}

const POINTS_NAMED = 8;

/**
 * Answers a query from the database and from what is not in it yet.
 * @throws {@link RemsError} `REMS_NOT_FOUND` for a point without history.
 */
export function queryPoints(store: HistoryStore, query: PointsQuery): PointHistory[] {
  const level = levelFor(query);
  return query.points.map((point) => {
    const series = store.registry.find(query.grid, point);
    if (series === null) throw unknownPoint(store, query.grid, point);
    const collector = store.collectorOf(query.grid);
    series.hold(collector?.clock?.timeMs ?? 0);
    return level === RAW || series.kind === "label"
      ? readSamples(store, query, series)
      : readBuckets(store, query, series, level, collector);
  });
}

/** The finest resolution that does not give more than `samplesMax` buckets; raw only where it is asked for. */
function levelFor({ resolution, fromMs, toMs, samplesMax }: PointsQuery): Level | typeof RAW {
  if (resolution === "raw") return RAW;
  const named = LEVELS.find(({ name }) => name === resolution);
  if (named !== undefined) return named;
  return LEVELS.find(({ bucketMs }) => (toMs - fromMs) / bucketMs <= samplesMax) ?? QUARTERS;
}

function readBuckets(
  store: HistoryStore,
  { fromMs, toMs, samplesMax }: PointsQuery,
  series: Series,
  level: Level,
  collector: GridCollector | null,
): PointHistory {
  const startMs = floorTo(fromMs, level.bucketMs);
  const count = Math.max(1, Math.ceil((toMs - startMs) / level.bucketMs));
  const buckets = emptyBuckets(count);
  if (level === SECONDS) {
    // Seconds are kept by the minute at first and by the hour later.
    const isWhole = layStored(store, series, SECONDS, HOUR_MS, startMs, buckets);
    if (!isWhole) {
      laySteadyMinutes(store, series, collector, startMs, buckets);
      layStored(store, series, SECONDS, HOUR_MS, startMs, buckets);
    }
  } else {
    layStored(store, series, level, level.bucketMs * level.chunkBuckets, startMs, buckets);
  }
  if (collector !== null) layOpen(collector, series, level, startMs, buckets);
  const joinCount = Math.ceil(count / samplesMax);
  return {
    point: series.point,
    kind: series.kind,
    isCounter: series.isCounter,
    buckets: {
      ...join(buckets, joinCount),
      startMs,
      stepMs: level.bucketMs * joinCount,
    },
    samples: null,
    nextMs: 0,
  };
}

/** @returns True if stored chunks cover all of `into`. */
function layStored(
  store: HistoryStore,
  series: Series,
  level: Level,
  spanMs: number,
  startMs: number,
  into: Buckets,
): boolean {
  const endMs = startMs + into.min.length * level.bucketMs;
  let coveredToMs = startMs;
  for (const chunk of store.database.chunks(
    series.id,
    level.number,
    floorTo(startMs, spanMs),
    endMs,
  )) {
    const parts = decodeBuckets(chunk.data, series.isCounter);
    layBuckets(into, startMs, level.bucketMs, chunk.startMs, parts);
    const chunkEndMs = chunk.startMs + (parts[0]?.length ?? 0) * level.bucketMs;
    if (chunk.startMs <= coveredToMs) coveredToMs = Math.max(coveredToMs, chunkEndMs);
  }
  return coveredToMs >= endMs;
}

/** A minute in which nothing changed has no seconds of its own: its roll-up says what they were. */
function laySteadyMinutes(
  store: HistoryStore,
  series: Series,
  collector: GridCollector | null,
  startMs: number,
  into: Buckets,
): void {
  const minutesFromMs = floorTo(startMs, MINUTE_MS);
  const endMs = startMs + into.min.length * SECONDS.bucketMs;
  const minutes = emptyBuckets(Math.ceil((endMs - minutesFromMs) / MINUTE_MS));
  layStored(store, series, MINUTES, HOUR_MS, minutesFromMs, minutes);
  if (collector !== null) layOpen(collector, series, MINUTES, minutesFromMs, minutes, false);
  minutes.mean.forEach((mean, index) => {
    if (Number.isNaN(mean)) return;
    const at = (minutesFromMs - startMs) / 1000 + index * 60;
    const [from, to] = [Math.max(0, at), Math.max(0, at + 60)];
    into.min.fill(minutes.min[index] ?? Number.NaN, from, to);
    into.mean.fill(mean, from, to);
    into.max.fill(minutes.max[index] ?? Number.NaN, from, to);
  });
}

/** What the collector has that the database does not: the open hour, day and minute, and the bucket that is not full yet. */
function layOpen(
  { minuteMs, clock }: GridCollector,
  series: Series,
  level: Level,
  startMs: number,
  into: Buckets,
  isPartIncluded = true,
): void {
  if (clock === null) return;
  const buckets =
    level === SECONDS ? series.seconds : level === MINUTES ? series.minutes : series.quarters;
  const chunkMs = floorTo(minuteMs, level.bucketMs * level.chunkBuckets);
  const known = [buckets.min, buckets.mean, buckets.max];
  buckets.mean.forEach((mean, index) => {
    if (Number.isNaN(mean)) return;
    const one = known.map((part) => part.subarray(index, index + 1));
    layBuckets(into, startMs, level.bucketMs, chunkMs + index * level.bucketMs, one);
  });
  const part = isPartIncluded ? series.openBucket(level) : null;
  if (part === null) return;
  const partMs = floorTo(level === SECONDS ? series.openSecondMs : clock.timeMs, level.bucketMs);
  const one = [part.min, part.mean, part.max].map((value) => Float64Array.of(value));
  layBuckets(into, startMs, level.bucketMs, partMs, one);
}

/** Every `joinCount` buckets become one: least of least, mean of means, greatest of greatest. */
function join(buckets: Buckets, joinCount: number): Buckets {
  if (joinCount <= 1) return buckets;
  const count = Math.ceil(buckets.min.length / joinCount);
  const joined = emptyBuckets(count);
  for (let to = 0; to < count; to++) {
    let [min, max, sum, known] = [Infinity, -Infinity, 0, 0];
    const end = Math.min((to + 1) * joinCount, buckets.min.length);
    for (let at = to * joinCount; at < end; at++) {
      const mean = buckets.mean[at] ?? Number.NaN;
      if (Number.isNaN(mean)) continue;
      known++;
      sum += mean;
      min = Math.min(min, buckets.min[at] ?? mean);
      max = Math.max(max, buckets.max[at] ?? mean);
    }
    if (known === 0) continue;
    joined.min[to] = min;
    joined.mean[to] = sum / known;
    joined.max[to] = max;
  }
  return joined;
}

function readSamples(
  store: HistoryStore,
  { fromMs, toMs, samplesMax }: PointsQuery,
  series: Series,
): PointHistory {
  const all = noSamples();
  // Every value is repeated on the hour: no further back is it needed to know what held.
  const lookFromMs = floorTo(fromMs - HOUR_MS, HOUR_MS);
  for (const { startMs, data } of store.database.chunks(series.id, RAW, lookFromMs, toMs)) {
    decodeSamples(data, startMs, all);
  }
  for (const column of ["timesMs", "values", "qualities"] as const) {
    all[column].push(...series.raw[column]);
  }
  let first = all.timesMs.findIndex((timeMs) => timeMs >= fromMs);
  if (first < 0) first = all.timesMs.length;
  if (all.timesMs[first] !== fromMs && first > 0) first--;
  let end = all.timesMs.findIndex((timeMs) => timeMs >= toMs);
  if (end < 0) end = all.timesMs.length;
  const nextMs = end - first > samplesMax ? (all.timesMs[first + samplesMax] ?? 0) : 0;
  end = Math.min(end, first + samplesMax);
  const [timesMs, values, qualities] = [all.timesMs, all.values, all.qualities].map((column) =>
    column.slice(first, end),
  ) as [number[], number[], number[]];
  if (timesMs[0] !== undefined) timesMs[0] = Math.max(timesMs[0], fromMs);
  const labels =
    series.kind === "label" ? values.map((value) => store.registry.labelOf(value)) : [];
  const samples = { timesMs, values, qualities, labels };
  const { point, kind, isCounter } = series;
  return { point, kind, isCounter, buckets: null, samples, nextMs };
}

function unknownPoint(store: HistoryStore, grid: string, point: string): RemsError {
  const ofGrid = store.registry.all().filter((each) => each.grid === grid);
  const device = point.slice(0, point.indexOf("."));
  const near = ofGrid.filter(({ series }) => series.point.startsWith(`${device}.`));
  const names = (near.length > 0 ? near : ofGrid).map(({ series }) => series.point);
  const more = names.length > POINTS_NAMED ? ` and ${names.length - POINTS_NAMED} more` : "";
  return new RemsError(
    "REMS_NOT_FOUND",
    ofGrid.length === 0
      ? `there is no history of a grid "${grid}" on this node`
      : `there is no history of "${point}" in grid ${grid}; there is of ${names.slice(0, POINTS_NAMED).join(", ")}${more}`,
    { details: { grid, point } },
  );
}
