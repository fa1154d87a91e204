import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lossTable, reasonOfLoss, type Sheddable } from "./load-reduction.ts";
import { sentenceOf } from "./reason.ts";
import { genset } from "./testing/sources.ts";

const load = (device: string, stage: number, powerKw: number, more: Partial<Sheddable> = {}) => ({
  device,
  stage,
  powerKw,
  floorKw: 0,
  priority: 50,
  isOwn: true,
  isWhole: false,
  ...more,
});
const feeder = (device: string, stage: number, powerKw: number, more: Partial<Sheddable> = {}) =>
  load(device, stage, powerKw, { isWhole: true, ...more });
const two = (kw: number) => [genset("dg1", 1000, kw), genset("dg2", 1000, kw)];
const LOAD: Sheddable[] = [
  load("bat1", 0, 100),
  feeder("f2", 1, 150),
  feeder("f4", 2, 130),
  load("bt1", 3, 400, { floorKw: 180 }),
];

describe("the table of losses", () => {
  it("has no line where every loss can be carried", () => {
    expect(lossTable(two(500), LOAD)).toEqual([]);
  });

  it("takes stage after stage, no more than is needed, and of a drive only a part", () => {
    // Two sets at 80 %: after the loss of one 600 kW are missing (case C of the reference).
    const [entry] = lossTable(two(800), LOAD);
    expect(entry).toEqual({
      lost: "dg1",
      missingKw: 600,
      cuts: [
        { device: "bat1", powerKw: 100, limitKw: 0 },
        { device: "f2", powerKw: 150, limitKw: null },
        { device: "f4", powerKw: 130, limitKw: null },
        { device: "bt1", powerKw: 220, limitKw: 360 },
      ],
      uncoveredKw: 0,
    });
  });

  it("says what would still be missing", () => {
    const [entry] = lossTable(two(800), [feeder("f2", 1, 150)]);
    expect(entry?.uncoveredKw).toBe(450);
    expect(entry && sentenceOf(reasonOfLoss(entry))).toBe(
      "if dg1 were lost 600 kW would be missing: f2 (150 kW) would go at once and 450 kW would still be missing",
    );
  });

  it("has one order over the whole island: each grid takes off its own part of it", () => {
    const elsewhere = { isOwn: false };
    const island = [
      feeder("f2", 1, 150),
      feeder("f4", 2, 130),
      feeder("f6", 1, 300, elsewhere),
      feeder("f8", 1, 200, elsewhere),
    ];
    const [entry] = lossTable(two(800), island);
    // 600 missing: 150 own and 300 + 200 of the other's stage 1; stage 2 stays.
    expect(entry?.cuts).toEqual([{ device: "f2", powerKw: 150, limitKw: null }]);
    expect(entry?.uncoveredKw).toBe(0);
  });

  it("within a stage takes what matters least first, whichever grid it belongs to", () => {
    const drives = (ownPriority: number) => [
      load("bt1", 3, 400, { priority: ownPriority }),
      load("bt2", 3, 400, { isOwn: false, priority: 50 }),
    ];
    expect(lossTable(two(600), drives(80))[0]?.cuts).toEqual([]);
    expect(lossTable(two(600), drives(20))[0]?.cuts).toEqual([
      { device: "bt1", powerKw: 200, limitKw: 200 },
    ]);
  });

  it("counts the step that engines cannot take", () => {
    const sources = two(450).map((source) => ({ ...source, stepKw: 400 }));
    expect(lossTable(sources, [feeder("f2", 1, 150)])[0]).toMatchObject({
      missingKw: 50,
      cuts: [{ device: "f2", powerKw: 150, limitKw: null }],
    });
  });

  it("covers what is missing whenever it can, and names no device twice", () => {
    const loads = fc.array(
      fc.record({
        isWhole: fc.boolean(),
        priority: fc.integer({ min: 0, max: 100 }),
        stage: fc.integer({ min: 0, max: 3 }),
        powerKw: fc.integer({ min: 1, max: 500 }),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(loads, fc.integer({ min: 0, max: 1000 }), (list, kw) => {
        const sheddable = list.map((one, i) => ({
          ...one,
          device: `d${i}`,
          isOwn: true,
          floorKw: 0,
        }));
        const totalKw = sheddable.reduce((sum, one) => sum + one.powerKw, 0);
        for (const entry of lossTable(two(kw), sheddable)) {
          const cutKw = entry.cuts.reduce((sum, cut) => sum + cut.powerKw, 0);
          if (totalKw >= entry.missingKw) expect(entry.uncoveredKw).toBe(0);
          expect(cutKw + entry.uncoveredKw).toBeGreaterThanOrEqual(entry.missingKw - 1e-9);
          expect(new Set(entry.cuts.map(({ device }) => device)).size).toBe(entry.cuts.length);
        }
      }),
    );
  });
});
