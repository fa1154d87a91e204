import { expect, it } from "vitest";
import { differenceOf, groupParameters } from "./parameter-groups.ts";

const values = {
  control: "control",
  "power.startLimitPct": 85,
  "power.startDelayS": 10,
  "power.isN1Required": true,
  "devices.dg1.ratings.powerKw": 1000,
};

it("sorts parameters by what they belong to, with words and units", () => {
  expect(
    groupParameters(values).map(({ title, parameters }) => [
      title,
      parameters.map(({ label, unit }) => `${label} ${unit}`.trim()),
    ]),
  ).toEqual([
    ["Grid", ["Control"]],
    ["Power", ["Start limit %", "Start delay s", "Is n1 required"]],
    ["Device dg1", ["Ratings power kW"]],
  ]);
});

it("says what differs", () => {
  expect(differenceOf(values, { ...values, "power.startLimitPct": 80 })).toEqual([
    "Power, start limit: 85 → 80 %",
  ]);
});
