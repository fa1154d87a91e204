import type { PointValue } from "../../kernel/point.ts";
import {
  emptyBuckets,
  floorTo,
  MINUTES,
  QUARTERS,
  SECONDS,
  type Buckets,
  type Level,
} from "./levels.ts";
import { noSamples, QUALITIES, type RawSamples } from "./raw-samples.ts";

/** What kind of values a point has: numbers, switches (0 and 1), or labels (by their number in the store). */
export type SeriesKind = "number" | "flag" | "label";

export function kindOf(value: PointValue): SeriesKind {
  return typeof value === "number" ? "number" : typeof value === "boolean" ? "flag" : "label";
}

interface Accumulator {
  /** Value times milliseconds. */
  sum: number;
  ms: number;
  min: number;
  max: number;
}

const nothing = (): Accumulator => ({ sum: 0, ms: 0, min: Infinity, max: -Infinity });

/** What a series is restored from: what holds at the beginning of a minute. */
export type SeriesState = readonly [
  held: number | null,
  quality: number,
  rawValue: number | null,
  rawQuality: number,
  quarterSum: number,
  quarterMs: number,
  quarterMin: number | null,
  quarterMax: number | null,
];

/** One point as history sees it: its changes, and roll-ups of the minute, hour and day that are open. */
export class Series {
  readonly id: number;
  readonly point: string;
  readonly kind: SeriesKind;
  /** Counters of energy: kept in double precision. */
  readonly isCounter: boolean;
  readonly #deadBand: number;

  /** Last value known, whatever its quality; NaN for none. */
  held = Number.NaN;
  quality: number = QUALITIES.none;
  /** Value that counts now: NaN while it is bad, or while nothing is known. */
  #current = Number.NaN;
  #sinceMs = 0;
  #rawValue = Number.NaN;
  #rawQuality: number = QUALITIES.none;
  /** Changes within the open minute. */
  raw: RawSamples = noSamples();
  #second = nothing();
  #secondStartMs = -1;
  #minute = nothing();
  #quarter = nothing();
  /** Buckets of the open minute, hour and day. */
  readonly seconds = emptyBuckets(SECONDS.chunkBuckets);
  readonly minutes = emptyBuckets(MINUTES.chunkBuckets);
  readonly quarters = emptyBuckets(QUARTERS.chunkBuckets);

  constructor(id: number, point: string, kind: SeriesKind, isCounter: boolean, deadBand: number) {
    this.id = id;
    this.point = point;
    this.kind = kind;
    this.isCounter = isCounter;
    this.#deadBand = deadBand;
  }

  /** A value read, good or not; from `timeMs` on. */
  set(timeMs: number, value: number, quality: number): void {
    this.hold(timeMs);
    this.held = value;
    this.quality = quality;
    this.#current = quality >= QUALITIES.bad ? Number.NaN : value;
    this.#emit(timeMs, false);
  }

  /** Nothing is known from `timeMs` on. @param isValueKept - The value is still what it was once frames come again. */
  interrupt(timeMs: number, isValueKept: boolean): void {
    this.hold(timeMs);
    this.#current = Number.NaN;
    if (!isValueKept) {
      this.held = Number.NaN;
      this.quality = QUALITIES.none;
    }
    // A millisecond later: what was read in the last frame stays.
    this.#push(timeMs + 1, Number.NaN, QUALITIES.none);
  }

  /** Frames come again and continue what was: the value still holds. */
  resume(timeMs: number): void {
    if (this.quality !== QUALITIES.none) this.set(timeMs, this.held, this.quality);
  }

  /** Repeats the value, so that a reader need not look back further than this. */
  repeat(timeMs: number): void {
    if (this.quality !== QUALITIES.none) this.#emit(timeMs, true);
  }

  /** Counts the present value up to `toMs`. */
  hold(toMs: number): void {
    const value = this.#current;
    if (Number.isNaN(value) || this.kind === "label") {
      this.#sinceMs = toMs;
      return;
    }
    while (this.#sinceMs < toMs) {
      const startMs = floorTo(this.#sinceMs, SECONDS.bucketMs);
      const endMs = Math.min(startMs + SECONDS.bucketMs, toMs);
      if (startMs !== this.#secondStartMs) {
        this.#closeSecond();
        this.#secondStartMs = startMs;
      }
      add(this.#second, value * (endMs - this.#sinceMs), endMs - this.#sinceMs, value, value);
      this.#sinceMs = endMs;
    }
  }

  /**
   * Ends the minute that began at `minuteMs`; all was held up to its end, or nothing was known.
   * @returns True if its seconds differ, so that they are worth keeping.
   */
  closeMinute(minuteMs: number): boolean {
    this.#closeSecond();
    const { sum, ms, min, max } = this.#minute;
    if (ms === 0) return false;
    this.#put(this.minutes, indexIn(MINUTES, minuteMs), min, sum / ms, max);
    add(this.#quarter, sum, ms, min, max);
    this.#minute = nothing();
    return min !== max || ms < MINUTES.bucketMs;
  }

  /** @returns False if nothing was known in the quarter of an hour that began at `quarterMs`. */
  closeQuarter(quarterMs: number): boolean {
    const { sum, ms, min, max } = this.#quarter;
    if (ms === 0) return false;
    this.#put(this.quarters, indexIn(QUARTERS, quarterMs), min, sum / ms, max);
    this.#quarter = nothing();
    return true;
  }

  /** Beginning of the second that is not full yet; −1 if there is none. */
  get openSecondMs(): number {
    return this.#secondStartMs;
  }

  /** The bucket of the open minute or quarter as it would be now; null where nothing is known. */
  openBucket(
    level: Level,
  ): { readonly min: number; readonly mean: number; readonly max: number } | null {
    const total = nothing();
    if (level === SECONDS) return meanOf(this.#second);
    for (const part of level === QUARTERS
      ? [this.#quarter, this.#minute, this.#second]
      : [this.#minute, this.#second]) {
      add(total, part.sum, part.ms, part.min, part.max);
    }
    return meanOf(total);
  }

  /** At the beginning of a minute. */
  state(): SeriesState {
    const { sum, ms, min, max } = this.#quarter;
    const [least, greatest] = ms === 0 ? [null, null] : [min, max];
    return [
      orNull(this.held),
      this.quality,
      orNull(this.#rawValue),
      this.#rawQuality,
      sum,
      ms,
      least,
      greatest,
    ];
  }

  /** @param isKnown - False where frames had stopped by then. */
  restore(state: SeriesState, timeMs: number, isKnown: boolean): void {
    const [held, quality, rawValue, rawQuality, sum, ms, min, max] = state;
    this.held = held ?? Number.NaN;
    this.quality = quality;
    this.#current = isKnown && quality < QUALITIES.bad ? this.held : Number.NaN;
    this.#sinceMs = timeMs;
    this.#rawValue = rawValue ?? Number.NaN;
    this.#rawQuality = rawQuality;
    this.#quarter = { sum, ms, min: min ?? Infinity, max: max ?? -Infinity };
  }

  #closeSecond(): void {
    const { sum, ms, min, max } = this.#second;
    if (ms === 0) return;
    this.#put(this.seconds, indexIn(SECONDS, this.#secondStartMs), min, sum / ms, max);
    add(this.#minute, sum, ms, min, max);
    this.#second = nothing();
    this.#secondStartMs = -1;
  }

  /** Rounded as it is stored, so that an answer is the same before and after. */
  #put(buckets: Buckets, at: number, min: number, mean: number, max: number): void {
    const stored = this.isCounter ? Number : Math.fround;
    buckets.min[at] = stored(min);
    buckets.mean[at] = stored(mean);
    buckets.max[at] = stored(max);
  }

  #emit(timeMs: number, isForced: boolean): void {
    const isChanged =
      isForced ||
      this.quality !== this.#rawQuality ||
      Number.isNaN(this.#rawValue) ||
      Math.abs(this.held - this.#rawValue) > this.#deadBand;
    if (isChanged) this.#push(timeMs, this.held, this.quality);
  }

  #push(timeMs: number, value: number, quality: number): void {
    this.#rawValue = value;
    this.#rawQuality = quality;
    const { timesMs, values, qualities } = this.raw;
    const at = timesMs.at(-1) === timeMs ? timesMs.length - 1 : timesMs.length;
    timesMs[at] = timeMs;
    values[at] = value;
    qualities[at] = quality;
  }
}

function add(to: Accumulator, sum: number, ms: number, min: number, max: number): void {
  to.sum += sum;
  to.ms += ms;
  if (min < to.min) to.min = min;
  if (max > to.max) to.max = max;
}

function meanOf({ sum, ms, min, max }: Accumulator) {
  return ms === 0 ? null : { min, mean: sum / ms, max };
}

/** Which bucket of its chunk a time falls into. */
export function indexIn(level: Level, timeMs: number): number {
  return Math.floor(timeMs / level.bucketMs) % level.chunkBuckets;
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
