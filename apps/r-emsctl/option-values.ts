import { InvalidArgumentError } from "commander";

/** Readers of option values; what is wrong with one is told before anything is done. */
export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("allowed is a number above 0");
}

/** A whole number of a range. */
export function wholeBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`allowed is a whole number from ${min} to ${max}`);
  };
}

/** An option that may be given more than once. */
export function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}
