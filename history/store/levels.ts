/** Roll-ups: buckets of one size each, aligned to UTC, kept in chunks of a fixed number of buckets. */
export interface Level {
  /** As stored; never reuse a number. 0 is raw. */
  readonly number: 1 | 2 | 3;
  readonly name: "1s" | "1m" | "15m";
  readonly bucketMs: number;
  /** Buckets of a chunk as it is first written. */
  readonly chunkBuckets: number;
}

export const RAW = 0;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

export const SECONDS: Level = { number: 1, name: "1s", bucketMs: 1000, chunkBuckets: 60 };
export const MINUTES: Level = { number: 2, name: "1m", bucketMs: MINUTE_MS, chunkBuckets: 60 };
export const QUARTERS: Level = {
  number: 3,
  name: "15m",
  bucketMs: 15 * MINUTE_MS,
  chunkBuckets: 96,
};
export const LEVELS: readonly Level[] = [SECONDS, MINUTES, QUARTERS];

export function floorTo(timeMs: number, stepMs: number): number {
  return Math.floor(timeMs / stepMs) * stepMs;
}

/** Least, mean and greatest value of each bucket; NaN where there was nothing. All three have one length. */
export interface Buckets {
  readonly min: Float64Array;
  readonly mean: Float64Array;
  readonly max: Float64Array;
}

export function emptyBuckets(count: number): Buckets {
  const make = () => new Float64Array(count).fill(Number.NaN);
  return { min: make(), mean: make(), max: make() };
}

/**
 * A chunk as stored: all least values, then all means, then all greatest, little-endian. Single precision holds a measurement
 * (7 digits); counters of energy are kept in double precision.
 */
export function encodeBuckets({ min, mean, max }: Buckets, isWide: boolean): Uint8Array {
  const count = min.length;
  const numbers = isWide ? new Float64Array(3 * count) : new Float32Array(3 * count);
  numbers.set(min, 0);
  numbers.set(mean, count);
  numbers.set(max, 2 * count);
  return new Uint8Array(numbers.buffer);
}

/** The three parts of a stored chunk, without copying where the bytes are aligned. */
export function decodeBuckets(
  data: Uint8Array,
  isWide: boolean,
): readonly (Float32Array | Float64Array)[] {
  const width = isWide ? 8 : 4;
  const aligned = data.byteOffset % width === 0 ? data : data.slice();
  const count = Math.floor(aligned.byteLength / width / 3);
  return [0, 1, 2].map((part) => {
    const at = aligned.byteOffset + part * count * width;
    return isWide
      ? new Float64Array(aligned.buffer, at, count)
      : new Float32Array(aligned.buffer, at, count);
  });
}

/** Lays a chunk that begins at `chunkMs` into `into`, whose first bucket begins at `fromMs`; what lies outside is left out. */
export function layBuckets(
  into: Buckets,
  fromMs: number,
  bucketMs: number,
  chunkMs: number,
  parts: readonly (Float32Array | Float64Array)[],
): void {
  const [min, mean, max] = parts;
  if (min === undefined || mean === undefined || max === undefined) return;
  const shift = Math.round((chunkMs - fromMs) / bucketMs);
  const first = Math.max(0, -shift);
  const end = Math.min(min.length, into.min.length - shift);
  if (end <= first) return;
  into.min.set(min.subarray(first, end), shift + first);
  into.mean.set(mean.subarray(first, end), shift + first);
  into.max.set(max.subarray(first, end), shift + first);
}
