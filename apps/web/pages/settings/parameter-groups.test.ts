import { expect, it } from "vitest";
import { factsOf, type FieldSchema } from "./manifest-schema.ts";
import { differenceOf, groupParameters, listOf, listValue } from "./parameter-groups.ts";

const values = {
  control: "control",
  "power.startLimitPct": 85,
  "power.startDelayS": 10,
  "power.isN1Required": true,
  "power.startOrder": '["dg1","dg2"]',
  "power.shedding.stageDelaysS": "[5,8,10]",
  "devices.dg1.control": "",
  "devices.dg1.ratings.powerKw": 1000,
  "devices.dg1.ratings.energyKwh": 0,
};
const field = (facts: FieldSchema): FieldSchema => facts;
const SCHEMA = field({
  properties: {
    grids: {
      items: {
        properties: {
          power: { properties: { n1_required: { description: "Keep `reserve`." } } },
          devices: {
            items: {
              properties: {
                control: { enum: ["observe", "control"], defaultText: "as the grid" },
                trip_stage: { type: "integer", minimum: 0, maximum: 3, defaultText: "never shed" },
                ratings: {
                  properties: { power_kw: { maximum: 1e6 }, energy_kwh: { kinds: ["battery"] } },
                },
              },
            },
          },
        },
      },
    },
  },
});
const DEVICES = new Map([["dg1", { name: "DG1", kind: "genset" }]]);

it("sorts parameters by what they belong to, with words and units, and leaves out what a device of its kind has not", () => {
  expect(
    groupParameters(values, SCHEMA, DEVICES).map(({ title, parameters }) => [
      title,
      parameters.map(({ label, unit }) => `${label} ${unit}`.trim()),
    ]),
  ).toEqual([
    ["Grid", ["Control"]],
    ["Power", ["Start limit %", "Start delay s", "Start order", "N1 required"]],
    ["Shedding", ["Stage delays s"]],
    ["DG1, genset", ["Control", "Power kW"]],
  ]);
});

it("takes meaning, choices and range of a parameter from the manifest's schema", () => {
  expect(factsOf(SCHEMA, "power.isN1Required").meaning).toBe("Keep reserve.");
  expect(factsOf(SCHEMA, "devices.f1.tripStage")).toMatchObject({
    choices: [0, 1, 2, 3],
    absent: "never shed",
  });
  expect(factsOf(SCHEMA, "devices.dg1.control")).toMatchObject({
    choices: ["observe", "control"],
    absent: "as the grid",
  });
  expect(factsOf(SCHEMA, "devices.dg1.ratings.energyKwh").kinds).toEqual(["battery"]);
  expect(factsOf(SCHEMA, "power.unheardOf").meaning).toBe("");
});

it("keeps the manifest's order, also where a snapshot brought them sorted by name", () => {
  const sorted = Object.fromEntries(
    Object.entries(values).toSorted(([a], [b]) => a.localeCompare(b)),
  );
  const titles = groupParameters(sorted, SCHEMA, DEVICES).map(({ title }) => title);
  expect(titles).toEqual(["Grid", "Power", "Shedding", "DG1, genset"]);
  const all = { "devices.dg1.ratings.powerKw": 1000, "devices.dg1.control": "" };
  const [device] = groupParameters(all, SCHEMA, DEVICES);
  expect(device?.parameters.map(({ label }) => label)).toEqual(["Control", "Power"]);
});

it("says what differs", () => {
  const after = { ...values, "power.startLimitPct": 80, "power.startOrder": '["dg2","dg1"]' };
  expect(differenceOf(values, after)).toEqual([
    "Power, start limit: 85 → 80 %",
    "Power, start order: dg1, dg2 → dg2, dg1",
  ]);
});

it("takes a list as it is typed, of what stood there", () => {
  expect(listOf("[5,8,10]")).toEqual([5, 8, 10]);
  expect(listOf("equal")).toBeNull();
  expect(listValue("5, 9,12", [5, 8, 10])).toBe("[5,9,12]");
  expect(listValue("5, nine", [5, 8, 10])).toBeNull();
  expect(listValue("dg2, dg1 ", ["dg1", "dg2"])).toBe('["dg2","dg1"]');
});
