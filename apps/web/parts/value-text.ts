import type { Value } from "../data/messages.ts";
import { fixed, NONE, wordsOf } from "./format.ts";

/** Digits that mean something, by unit. */
const DIGITS: Readonly<Record<string, number>> = { Hz: 2, kW: 1, kvar: 1, "%": 1, "kg/h": 1 };

export const digitsOf = (unit: string): number => DIGITS[unit] ?? 0;

export function valueText(value: Value | null | undefined, unit: string): string {
  if (value === null || value === undefined) return NONE;
  if (value.number !== undefined) return fixed(value.number, digitsOf(unit));
  if (value.flag !== undefined) return value.flag ? "yes" : "no";
  return value.text === undefined ? NONE : wordsOf(value.text);
}
