import { describe, expect, it } from "vitest";
import { sentenceOf } from "./reason.ts";
import { genset } from "./testing/sources.ts";
import { decideSacrifice, NO_SACRIFICE, type SacrificeParameters } from "./tie-sacrifice.ts";

const PARAMETERS: SacrificeParameters = {
  isEnabled: true,
  overloadPct: 120,
  overloadDelayS: 3,
  reversePct: 5,
  reverseDelayS: 3,
};

/** @returns When the tie goes and why, or "stays". */
function run(powersKw: readonly number[], more: Partial<SacrificeParameters> = {}): string {
  let timers = NO_SACRIFICE;
  const sources = powersKw.map((kw, i) => genset(`dg${i + 1}`, 1000, kw));
  for (let ms = 0; ms <= 20_000; ms += 100) {
    const decision = decideSacrifice(sources, { ...PARAMETERS, ...more }, ms, timers);
    timers = decision.timers;
    if (decision.because !== null) return `${ms / 1000} s: ${sentenceOf(decision.because)}`;
  }
  return "stays";
}

describe("sacrificing a tie", () => {
  const rows: [string, string, string][] = [
    ["120 % stays", run([1200, 500]), "stays"],
    ["121 % for 3 s goes", run([1210, 500]), "3 s: dg1 is loaded with 121 % > 120 % for 3 s"],
    [
      "6 % backwards for 3 s goes",
      run([700, -60]),
      "3 s: dg2 is driven backwards with 6 % > 5 % for 3 s",
    ],
    ["5 % backwards stays", run([700, -50]), "stays"],
    ["switched off it stays", run([1500, -500], { isEnabled: false }), "stays"],
  ];
  it.each(rows)("%s", (_name, found, wanted) => expect(found).toBe(wanted));

  it("waits for the side of the sick source to act first", () => {
    const timers = { overSinceMs: 0, reverseSinceMs: null };
    const sources = [genset("dg1", 1000, 1210)];
    const goes = (ms: number) =>
      decideSacrifice(sources, PARAMETERS, ms, timers, () => 1000).because !== null;
    expect([3000, 3900, 4000].map(goes)).toEqual([false, false, true]);
  });
});
