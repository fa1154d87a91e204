import { describe, expect, it } from "vitest";
import { baseLoadKw, sharePlanOf, type SharePlanInput } from "./asymmetric.ts";
import { sentenceOf } from "./reason.ts";

const BASE: SharePlanInput = {
  members: [
    { device: "dg1", ratedKw: 1000 },
    { device: "dg2", ratedKw: 1000 },
  ],
  demandKw: 1200,
  sharing: "asymmetric",
  asymmetricPct: 80,
  asymmetricMinPct: 5,
  asymmetricMaxPct: 95,
  wasAsymmetric: true,
};

describe("asymmetric sharing", () => {
  const rows: [string, Partial<SharePlanInput>, [sharePu: number, fixedPu: number | null]][] = [
    ["dg1 at 80 %, the last takes the rest", {}, [0.4, 0.8]],
    ["equal where it is not asked for", { sharing: "equal" }, [0.6, null]],
    ["equal where the last would fall below 5 %", { demandKw: 840 }, [0.42, null]],
    ["still asymmetric at 5 %", { demandKw: 850 }, [0.05, 0.8]],
    ["equal where the last would rise above 95 %", { demandKw: 1760 }, [0.88, null]],
    ["comes back only 5 % within its band", { demandKw: 890, wasAsymmetric: false }, [0.445, null]],
    ["comes back there", { demandKw: 910, wasAsymmetric: false }, [0.11, 0.8]],
    [
      "one set alone carries all",
      { members: [{ device: "dg1", ratedKw: 1000 }], demandKw: 400 },
      [0.4, null],
    ],
  ];
  it.each(rows)("%s", (_name, more, [sharePu, fixedPu]) => {
    const plan = sharePlanOf({ ...BASE, ...more });
    expect(plan.sharePu).toBeCloseTo(sharePu, 9);
    expect(plan.fixedPu).toBe(fixedPu);
    expect(plan.swingDevice).toBe(fixedPu === null ? null : "dg2");
  });

  it("says why it is equal", () => {
    expect(sentenceOf(sharePlanOf({ ...BASE, demandKw: 840 }).reason)).toBe(
      "sharing is equal: dg2 would have 4 % of its rating, outside 5 to 95 %",
    );
  });
});

describe("a base load", () => {
  const rows: [string, Parameters<typeof baseLoadKw>, number][] = [
    ["is its set point", [1000, 80, 2000, 300], 800],
    ["leaves the others their minimum", [1000, 80, 900, 300], 600],
    ["is never negative", [1000, 80, 200, 300], 0],
  ];
  it.each(rows)("%s", (_name, input, kw) => expect(baseLoadKw(...input)).toBe(kw));
});
