import { assert } from "./assert.ts";

/** `value` limited to `min`…`max`. `min` ≤ `max`. */
export function clamp(value: number, min: number, max: number): number {
  assert(min <= max, "clamp needs min ≤ max");
  return value < min ? min : value > max ? max : value;
}

/** `from` moved toward `to` by at most `stepMax` (≥ 0), never past it. */
export function moveToward(from: number, to: number, stepMax: number): number {
  assert(stepMax >= 0, "a step is not negative");
  const difference = to - from;
  if (difference > stepMax) return from + stepMax;
  if (difference < -stepMax) return from - stepMax;
  return to;
}

/** `value` rounded to a multiple of 1 / `perUnit`; −0 becomes 0, so that the result is canonical. */
export function roundTo(value: number, perUnit: number): number {
  assert(perUnit > 0, "rounding needs a positive resolution");
  return Math.round(value * perUnit) / perUnit + 0;
}
