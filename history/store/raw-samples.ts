import type { Quality } from "../../kernel/point.ts";

/** Quality as stored; `none`: nothing is known from here on (no frames). Never reuse a number. */
export const QUALITIES = {
  good: 0,
  uncertain: 1,
  bad: 2,
  none: 3,
} as const satisfies Record<Quality | "none", number>;

/** Changes of one point, in order of time: the value holds from its time on until the next. */
export interface RawSamples {
  readonly timesMs: number[];
  /** Numbers; 0 and 1 of switches; numbers of labels; NaN where there is no value. */
  readonly values: number[];
  readonly qualities: number[];
}

export function noSamples(): RawSamples {
  return { timesMs: [], values: [], qualities: [] };
}

/** A chunk as stored: values as doubles, then offsets from `chunkMs` as 32-bit milliseconds, then qualities as bytes; little-endian. */
export function encodeSamples(
  { timesMs, values, qualities }: RawSamples,
  chunkMs: number,
): Uint8Array {
  const count = timesMs.length;
  const data = new Uint8Array(count * 13);
  new Float64Array(data.buffer, 0, count).set(values);
  new Uint32Array(data.buffer, count * 8, count).set(timesMs.map((timeMs) => timeMs - chunkMs));
  data.set(qualities, count * 12);
  return data;
}

/** Adds the samples of a stored chunk to `into`. */
export function decodeSamples(data: Uint8Array, chunkMs: number, into: RawSamples): void {
  const aligned = data.byteOffset % 8 === 0 ? data : data.slice();
  const count = Math.floor(aligned.byteLength / 13);
  const values = new Float64Array(aligned.buffer, aligned.byteOffset, count);
  const offsets = new Uint32Array(aligned.buffer, aligned.byteOffset + count * 8, count);
  for (let i = 0; i < count; i++) {
    into.timesMs.push(chunkMs + (offsets[i] ?? 0));
    into.values.push(values[i] ?? Number.NaN);
    into.qualities.push(aligned[count * 12 + i] ?? QUALITIES.none);
  }
}
