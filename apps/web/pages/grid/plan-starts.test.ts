import { expect, it } from "vitest";
import { planStarts } from "./plan-starts.ts";

it("says at which load the next set starts and one stops, by what is connected and what would remain", () => {
  const sets = [
    { name: "DG1", ratedKw: 1000 },
    { name: "DG2", ratedKw: 500 },
  ];
  expect(planStarts(sets, { startLimitPct: 85, fastStartLimitPct: 95, stopLimitPct: 70 })).toEqual([
    {
      sets: ["DG1"],
      capacityKw: 1000,
      startAboveKw: 850,
      fastStartAboveKw: 950,
      stopBelowKw: null,
    },
    {
      sets: ["DG1", "DG2"],
      capacityKw: 1500,
      startAboveKw: null,
      fastStartAboveKw: null,
      stopBelowKw: 700,
    },
  ]);
});
