import type { Frame } from "../../kernel/frame.ts";
import type { PointSample, PointValue } from "../../kernel/point.ts";
import { EnergyMeter } from "./energy-meter.ts";
import { historyTimeMs, type TimePoint } from "./history-time.ts";
import {
  encodeBuckets,
  floorTo,
  HOUR_MS,
  MINUTE_MS,
  MINUTES,
  QUARTERS,
  RAW,
  SECONDS,
  type Level,
} from "./levels.ts";
import { encodeSamples, noSamples, QUALITIES } from "./raw-samples.ts";
import { type Series, type SeriesState } from "./series.ts";

/** A device whose energy is counted. */
export interface MeteredDevice {
  readonly device: string;
  readonly isSource: boolean;
}

/** One row of the table of chunks. */
export interface ChunkRow {
  readonly series: number;
  readonly level: number;
  readonly startMs: number;
  readonly data: Uint8Array;
}

/** Everything that a grid's collector goes on from, at the beginning of a minute. Plain data. */
export interface CollectorState {
  readonly clock: TimePoint;
  readonly minuteMs: number;
  readonly isKnown: boolean;
  readonly series: readonly (readonly [id: number, ...SeriesState])[];
  readonly connections: readonly (readonly [device: string, state: string])[];
  readonly meters: readonly (readonly [
    device: string,
    outKwh: number,
    inKwh: number,
    powerKw: number | null,
  ])[];
}

/** What the collector hands on when a minute is over. */
export interface MinuteBatch {
  readonly minuteMs: number;
  readonly rows: readonly ChunkRow[];
  readonly state: CollectorState;
}

/** Gives a point its series, made where it is new; null for a value that does not fit what the point was before. */
export interface SeriesBook {
  seriesOf(grid: string, point: string, value: PointValue, isCounter: boolean): Series;
  byId(id: number): Series | null;
  /** Number for a value: 0 and 1 of switches, the label's number; NaN where its type is not the series'. */
  numberOf(series: Series, value: PointValue): number;
}

/** Frames further apart than this leave a hole: what stood in between is not known. */
const HOLE_MS = 5000;

/** Turns the frames of one grid into changes, roll-ups and counters. Pure but for its own state. */
export class GridCollector {
  readonly #grid: string;
  readonly #book: SeriesBook;
  readonly #onMinute: (batch: MinuteBatch) => void;
  readonly #meters: ReadonlyMap<string, EnergyMeter>;
  /** In order of appearance. */
  readonly #series = new Map<string, Series>();
  /** State of the connection to each device, for events. */
  readonly connections = new Map<string, string>();
  #clock: TimePoint | null = null;
  #minuteMs = -1;
  /** False while frames have stopped, or before the first. */
  #isKnown = false;

  constructor(
    grid: string,
    metered: readonly MeteredDevice[],
    book: SeriesBook,
    state: CollectorState | null,
    onMinute: (batch: MinuteBatch) => void,
  ) {
    this.#grid = grid;
    this.#book = book;
    this.#onMinute = onMinute;
    const totals = new Map(state?.meters.map(([device, ...rest]) => [device, rest]));
    this.#meters = new Map(
      metered.map(({ device, isSource }) => {
        const [outKwh = 0, inKwh = 0, powerKw = null] = totals.get(device) ?? [];
        const meter = new EnergyMeter(device, isSource, { outKwh, inKwh });
        meter.restore(powerKw ?? Number.NaN, state?.clock.plantMs ?? 0);
        return [device, meter];
      }),
    );
    if (state !== null) this.#restore(state);
  }

  /** Plant time and history's time of the last frame; null before the first. */
  get clock(): TimePoint | null {
    return this.#clock;
  }

  /** Beginning of the open minute; −1 before the first frame. */
  get minuteMs(): number {
    return this.#minuteMs;
  }

  get openSeries(): ReadonlyMap<string, Series> {
    return this.#series;
  }

  /**
   * @param continues - False where frames before it are missing: what neither it nor `image` holds is not known.
   * @param image - Of the snapshot that the frame continues, where it does.
   */
  frame(frame: Frame, continues: boolean, image: readonly PointSample[] = []): void {
    const { plantTimeMs: plantMs, wallTimeMs: wallMs } = frame;
    const points = image.length === 0 ? frame.points : [...image, ...frame.points];
    const before = this.#clock;
    const timeMs = historyTimeMs(before, plantMs, wallMs);
    const isHole = before !== null && timeMs - before.timeMs > HOLE_MS;
    if (before !== null && (isHole || !continues)) this.#interrupt(before, continues);
    this.#openMinute(timeMs);
    if (!this.#isKnown) {
      this.#isKnown = true;
      for (const series of this.#series.values()) series.resume(timeMs);
    }
    for (const [point, value, quality] of points) {
      const series = this.#seriesOf(point, value);
      const number = this.#book.numberOf(series, value);
      series.set(timeMs, number, QUALITIES[quality]);
      this.#measure(point, quality === "bad" ? Number.NaN : number, plantMs, before);
    }
    const isNewSecond =
      before === null || floorTo(before.timeMs, 1000) !== floorTo(timeMs, 1000) || isHole;
    this.#clock = { plantMs, timeMs };
    if (isNewSecond) this.#countEnergy(plantMs, timeMs);
  }

  #seriesOf(point: string, value: PointValue, isCounter = false): Series {
    let series = this.#series.get(point);
    if (series === undefined) {
      series = this.#book.seriesOf(this.#grid, point, value, isCounter);
      this.#series.set(point, series);
    }
    return series;
  }

  #interrupt(last: TimePoint, isValueKept: boolean): void {
    for (const meter of this.#meters.values()) {
      meter.holdTo(last.plantMs);
      meter.change(Number.NaN, last.plantMs, last.plantMs);
    }
    for (const series of this.#series.values()) {
      series.interrupt(last.timeMs, isValueKept || series.isCounter);
    }
    this.#isKnown = false;
  }

  // --- energy ---

  #measure(point: string, powerKw: number, plantMs: number, before: TimePoint | null): void {
    if (!point.endsWith(".activePowerKw")) return;
    const meter = this.#meters.get(point.slice(0, point.lastIndexOf(".")));
    meter?.change(powerKw, plantMs, before?.plantMs ?? plantMs);
  }

  #countEnergy(plantMs: number, timeMs: number): void {
    for (const meter of this.#meters.values()) {
      if (Number.isNaN(meter.powerKw)) this.#remeasure(meter, plantMs);
      if (Number.isNaN(meter.powerKw)) continue;
      meter.holdTo(plantMs);
      const { outKwh, inKwh } = meter.totals;
      this.#seriesOf(`${meter.device}.energyOutKwh`, outKwh, true).set(timeMs, outKwh, 0);
      this.#seriesOf(`${meter.device}.energyInKwh`, inKwh, true).set(timeMs, inKwh, 0);
    }
  }

  /** After a hole in which the value did not change no frame brings it again. */
  #remeasure(meter: EnergyMeter, plantMs: number): void {
    const series = this.#series.get(`${meter.device}.activePowerKw`);
    if (series === undefined || series.quality >= QUALITIES.bad) return;
    meter.change(series.held, plantMs, plantMs);
  }

  // --- minutes ---

  #openMinute(timeMs: number): void {
    const minuteMs = floorTo(timeMs, MINUTE_MS);
    if (minuteMs === this.#minuteMs) return;
    const previous = this.#minuteMs;
    this.#minuteMs = minuteMs;
    if (previous >= 0) this.#closeMinute(previous, minuteMs);
    const isNewHour = floorTo(previous, HOUR_MS) !== floorTo(minuteMs, HOUR_MS);
    for (const series of this.#series.values()) {
      if (isNewHour && this.#isKnown) series.repeat(minuteMs);
    }
  }

  #closeMinute(minuteMs: number, nextMs: number): void {
    const endMs = minuteMs + MINUTE_MS;
    // So that the saved totals reach as far as the saved clock.
    for (const meter of this.#meters.values()) meter.holdTo(this.#clock?.plantMs ?? 0);
    const rows: ChunkRow[] = [];
    const isQuarterOver =
      floorTo(minuteMs, QUARTERS.bucketMs) !== floorTo(nextMs, QUARTERS.bucketMs);
    for (const series of this.#series.values()) {
      series.hold(endMs);
      this.#takeRaw(series, minuteMs, rows);
      const areSecondsKept = series.closeMinute(minuteMs);
      if (areSecondsKept) push(rows, series, SECONDS, minuteMs);
      push(rows, series, MINUTES, minuteMs);
      if (isQuarterOver && series.closeQuarter(minuteMs)) push(rows, series, QUARTERS, minuteMs);
      clearFor(series, minuteMs, nextMs);
      series.hold(nextMs);
    }
    this.#onMinute({ minuteMs, rows, state: this.#state() });
  }

  #takeRaw(series: Series, minuteMs: number, rows: ChunkRow[]): void {
    if (series.raw.timesMs.length === 0) return;
    const data = encodeSamples(series.raw, minuteMs);
    rows.push({ series: series.id, level: RAW, startMs: minuteMs, data });
    series.raw = noSamples();
  }

  #state(): CollectorState {
    return {
      clock: this.#clock ?? { plantMs: 0, timeMs: this.#minuteMs },
      minuteMs: this.#minuteMs,
      isKnown: this.#isKnown,
      series: [...this.#series.values()].map((series) => [series.id, ...series.state()] as const),
      connections: [...this.connections],
      meters: [...this.#meters.values()].map(({ device, totals, powerKw }) => [
        device,
        totals.outKwh,
        totals.inKwh,
        Number.isNaN(powerKw) ? null : powerKw,
      ]),
    };
  }

  #restore(state: CollectorState): void {
    this.#clock = state.clock;
    this.#minuteMs = state.minuteMs;
    this.#isKnown = state.isKnown;
    for (const [device, connection] of state.connections) this.connections.set(device, connection);
    for (const [id, ...rest] of state.series) {
      const series = this.#book.byId(id);
      if (series === null) continue;
      series.restore(rest, state.minuteMs, state.isKnown);
      this.#series.set(series.point, series);
    }
  }
}

function push(rows: ChunkRow[], series: Series, level: Level, timeMs: number): void {
  const buckets =
    level === SECONDS ? series.seconds : level === MINUTES ? series.minutes : series.quarters;
  if (level === MINUTES && buckets.min.every(Number.isNaN)) return;
  const startMs = floorTo(timeMs, level.bucketMs * level.chunkBuckets);
  const data = encodeBuckets(buckets, series.isCounter);
  rows.push({ series: series.id, level: level.number, startMs, data });
}

/** Empties the chunks that end with the minute at `minuteMs`, for the one at `nextMs`. */
function clearFor(series: Series, minuteMs: number, nextMs: number): void {
  const chunks = [
    [SECONDS, series.seconds],
    [MINUTES, series.minutes],
    [QUARTERS, series.quarters],
  ] as const;
  for (const [level, { min, mean, max }] of chunks) {
    const spanMs = level.bucketMs * level.chunkBuckets;
    if (floorTo(minuteMs, spanMs) === floorTo(nextMs, spanMs)) continue;
    for (const part of [min, mean, max]) part.fill(Number.NaN);
  }
}
