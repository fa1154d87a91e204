import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lossTable, NO_OTHERS, reasonOfLoss, type Sheddable } from "./load-reduction.ts";
import { sentenceOf } from "./reason.ts";
import { genset } from "./testing/sources.ts";

const feeder = (device: string, stage: number, powerKw: number): Sheddable => ({
  device,
  kind: "feeder",
  stage,
  powerKw,
});
const two = (kw: number) => [genset("dg1", 1000, kw), genset("dg2", 1000, kw)];
const LOAD: Sheddable[] = [
  { device: "bat1", kind: "battery", stage: 0, powerKw: 100 },
  feeder("f2", 1, 150),
  feeder("f4", 2, 130),
  { device: "bt1", kind: "thruster", stage: 3, powerKw: 400 },
];

describe("the table of losses", () => {
  it("has no line where every loss can be carried", () => {
    expect(lossTable(two(500), LOAD, NO_OTHERS)).toEqual([]);
  });

  it("takes stage after stage, no more than is needed, and of a drive only a part", () => {
    // Two sets at 80 %: after the loss of one 600 kW are missing (case C of the reference).
    const [entry] = lossTable(two(800), LOAD, NO_OTHERS);
    expect(entry).toEqual({
      lost: "dg1",
      missingKw: 600,
      cuts: [
        { device: "bat1", powerKw: 100 },
        { device: "f2", powerKw: 150 },
        { device: "f4", powerKw: 130 },
        { device: "bt1", powerKw: 220 },
      ],
      uncoveredKw: 0,
    });
  });

  it("says what would still be missing", () => {
    const [entry] = lossTable(two(800), [feeder("f2", 1, 150)], NO_OTHERS);
    expect(entry?.uncoveredKw).toBe(450);
    expect(entry && sentenceOf(reasonOfLoss(entry))).toBe(
      "if dg1 were lost 600 kW would be missing: f2 (150 kW) would go at once and 450 kW would still be missing",
    );
  });

  it("leaves to the grids before it what they shed first, and lower stages of those behind it", () => {
    const others = { beforeKw: [0, 300, 0, 0], behindKw: [0, 200, 0, 0] };
    const [entry] = lossTable(two(800), [feeder("f2", 1, 150), feeder("f4", 2, 130)], others);
    // 600 missing: 300 before, 150 own, 150 of the 200 behind: stage 2 stays.
    expect(entry?.cuts).toEqual([{ device: "f2", powerKw: 150 }]);
    expect(entry?.uncoveredKw).toBe(0);
  });

  it("counts the step that engines cannot take", () => {
    const sources = two(450).map((source) => ({ ...source, stepKw: 400 }));
    expect(lossTable(sources, [feeder("f2", 1, 150)], NO_OTHERS)[0]).toMatchObject({
      missingKw: 50,
      cuts: [{ device: "f2", powerKw: 150 }],
    });
  });

  it("covers what is missing whenever it can, and names no device twice", () => {
    const load = fc.array(
      fc.record({
        kind: fc.constantFrom("feeder" as const, "thruster" as const, "battery" as const),
        stage: fc.integer({ min: 0, max: 3 }),
        powerKw: fc.integer({ min: 1, max: 500 }),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(load, fc.integer({ min: 0, max: 1000 }), (list, kw) => {
        const sheddable = list.map((one, i) => ({ ...one, device: `d${i}` }));
        const totalKw = sheddable.reduce((sum, one) => sum + one.powerKw, 0);
        for (const entry of lossTable(two(kw), sheddable, NO_OTHERS)) {
          const cutKw = entry.cuts.reduce((sum, cut) => sum + cut.powerKw, 0);
          if (totalKw >= entry.missingKw) expect(entry.uncoveredKw).toBe(0);
          expect(cutKw + entry.uncoveredKw).toBeGreaterThanOrEqual(entry.missingKw - 1e-9);
          expect(new Set(entry.cuts.map(({ device }) => device)).size).toBe(entry.cuts.length);
        }
      }),
    );
  });
});
