import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sentenceOf } from "./reason.ts";
import {
  decideShedding,
  NO_SHEDDING,
  type SheddingParameters,
  type SheddingTimers,
} from "./shedding.ts";
import { battery, genset } from "./testing/sources.ts";

const PARAMETERS: SheddingParameters = {
  isEnabled: true,
  overloadPct: 100,
  stageDelaysS: [5, 8, 10],
  fastOverloadPct: 110,
  fastDelayS: 1,
  underFrequencyPct: 95,
  underFrequencyDelayS: 0.5,
  reconnectAfterS: 10,
};

interface Moment {
  readonly loadKw: number;
  readonly frequencyPct: number | null;
}

/** Runs for so long, each 100 ms. @returns When each stage went, s, and the timers at the end. */
function run(
  secondsOf: number,
  at: (s: number) => Moment,
  more: Partial<SheddingParameters> = {},
  stages = [1, 2, 3],
): { readonly wentAtS: Record<string, number>; readonly timers: SheddingTimers } {
  let timers = NO_SHEDDING;
  const wentAtS: Record<string, number> = {};
  for (let ms = 0; ms <= secondsOf * 1000; ms += 100) {
    const { loadKw, frequencyPct } = at(ms / 1000);
    const before = timers.stage;
    ({ timers } = decideShedding(
      {
        plantTimeMs: ms,
        parameters: { ...PARAMETERS, ...more },
        sources: [genset("dg1", 1000, loadKw), battery("bat1", 0, 0)],
        frequencyPct,
        stages,
      },
      timers,
    ));
    for (let stage = before + 1; stage <= timers.stage; stage++) wentAtS[stage] = ms / 1000;
  }
  return { wentAtS, timers };
}

const steady =
  (loadKw: number, frequencyPct: number | null = 100) =>
  () => ({ loadKw, frequencyPct });

describe("preferential trip", () => {
  const rows: [string, ReturnType<typeof run>["wentAtS"], Record<string, number>][] = [
    ["100 % sheds nothing", run(60, steady(1000)).wentAtS, {}],
    ["101 % sheds after 5, 8 and 10 s", run(60, steady(1010)).wentAtS, { 0: 0, 1: 5, 2: 8, 3: 10 }],
    [
      "111 % sheds one stage each second",
      run(60, steady(1110)).wentAtS,
      { 0: 0, 1: 1, 2: 2, 3: 3 },
    ],
    [
      "94.9 % of frequency sheds one stage each half second",
      run(60, steady(500, 94.9)).wentAtS,
      { 0: 0, 1: 0.5, 2: 1, 3: 1.5 },
    ],
    ["frequency that is not known sheds nothing", run(60, steady(500, null)).wentAtS, {}],
    [
      "the fast cause passes over a stage that has nothing to shed",
      run(1.5, steady(1110), {}, [2]).wentAtS,
      { 0: 0, 1: 1, 2: 1 },
    ],
    [
      "an overload that ends in time sheds nothing but charging",
      run(60, (s) => ({ loadKw: s < 4.9 ? 1050 : 900, frequencyPct: 100 })).wentAtS,
      { 0: 0 },
    ],
    [
      "a cause that ends keeps what is still connected",
      run(60, (s) => ({ loadKw: s < 6 ? 1050 : 900, frequencyPct: 100 })).wentAtS,
      { 0: 0, 1: 5 },
    ],
    ["switched off it sheds nothing", run(60, steady(1500, 90), { isEnabled: false }).wentAtS, {}],
  ];
  it.each(rows)("%s", (_name, found, wanted) => expect(found).toEqual(wanted));

  it("holds its stage until no cause has held for 10 s", () => {
    const load = (s: number) => ({ loadKw: s < 6 ? 1050 : 900, frequencyPct: 100 });
    expect(run(15.9, load).timers.stage).toBe(1);
    expect(run(16.1, load).timers).toEqual(NO_SHEDDING);
    const again = (s: number) => ({
      loadKw: s < 6 || (s > 12 && s < 13) ? 1050 : 900,
      frequencyPct: 100,
    });
    expect(run(22, again).timers.stage).toBe(1);
    expect(run(23.2, again).timers.stage).toBe(-1);
  });

  it("measures a derated source by what it can give, and a battery by its converter", () => {
    const decide = (sources: Parameters<typeof decideShedding>[0]["sources"]) =>
      decideShedding(
        { plantTimeMs: 0, parameters: PARAMETERS, sources, frequencyPct: 100, stages: [1] },
        NO_SHEDDING,
      ).because.map(sentenceOf);
    expect(decide([genset("dg1", 1000, 850, { availableKw: 800 })])).toEqual([
      "dg1 is loaded with 106.3 %, above 100 %",
    ]);
    expect(decide([{ ...battery("bat1", 0, 510), isForming: true }])).toEqual([
      "bat1 is loaded with 102 %, above 100 %",
    ]);
  });

  it("never goes back by itself while a cause holds, and never beyond stage 3", () => {
    const loads = fc.array(
      fc.record({
        loadKw: fc.integer({ min: 0, max: 1500 }),
        pct: fc.integer({ min: 90, max: 105 }),
      }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(loads, (list) => {
        let timers = NO_SHEDDING;
        list.forEach(({ loadKw, pct }, i) => {
          const decision = decideShedding(
            {
              plantTimeMs: i * 100,
              parameters: PARAMETERS,
              sources: [genset("dg1", 1000, loadKw)],
              frequencyPct: pct,
              stages: [1, 2, 3],
            },
            timers,
          );
          if (decision.because.length > 0)
            expect(decision.timers.stage).toBeGreaterThanOrEqual(Math.max(0, timers.stage));
          expect(decision.timers.stage).toBeLessThanOrEqual(3);
          timers = decision.timers;
        });
      }),
    );
  });
});
