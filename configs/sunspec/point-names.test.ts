import { expect, it } from "vitest";
import { present } from "../../kernel/assert.ts";
import { sunspecModel, type SunspecGroup, type SunspecPoint } from "./model-table.ts";
import { sunspecPointName } from "./point-names.ts";

const MODELS = [
  1, 103, 113, 123, 203, 213, 701, 702, 703, 704, 705, 706, 707, 708, 709, 710, 711, 712, 713, 714,
  802,
];

/** Every point of a model with the groups that it stands in; headers, scale factors and padding have no name. */
function pointsOf(id: number): [path: string, point: SunspecPoint][] {
  const walk = (group: SunspecGroup, prefix: string): [string, SunspecPoint][] => [
    ...group.points.map((point): [string, SunspecPoint] => [prefix + point.name, point]),
    ...group.groups.flatMap((inner) => walk(inner, `${prefix}${inner.name}.`)),
  ];
  const isNamed = ([path, point]: [string, SunspecPoint]) =>
    !["sunssf", "pad"].includes(point.type) && path !== "ID" && path !== "L";
  return walk(present(sunspecModel(id), "in the table").group, "").filter(isNamed);
}

it.each(MODELS)(
  "every point of model %d has a name of its own, written out, with its unit last",
  (id) => {
    const seen = new Map<string, string>();
    for (const [path, point] of pointsOf(id)) {
      const { name } = sunspecPointName(id, point);
      expect(name, path).toMatch(/^[a-z][A-Za-z0-9]+$/);
      const place = path.slice(0, path.length - point.name.length) + name;
      expect([place, seen.get(place)]).toEqual([place, undefined]);
      seen.set(place, path);
      if (["W", "V", "A", "Hz", "Secs"].includes(point.unit)) {
        const unit = { W: "Kw", V: "V", A: "A", Hz: "Hz", Secs: "S" }[point.unit];
        expect(name.endsWith(unit ?? "?"), `${path} is ${name}`).toBe(true);
      }
    }
  },
);

it.each([
  [1, "Mn", "manufacturer"],
  [1, "SN", "serialNumber"],
  [103, "W", "activePowerKw"],
  [103, "PPVphAB", "lineVoltageL1L2V"],
  [113, "TmpCab", "temperatureCabinetC"],
  [123, "WMaxLimPct_RvrtTms", "activePowerMaxLimitRevertTimeS"],
  [203, "TotWhExpPhA", "totalEnergyExportedL1Kwh"],
  [213, "VARphC", "reactivePowerL3Kvar"],
  [701, "WL1", "activePowerL1Kw"],
  [702, "WDisChaRteMaxRtg", "dischargePowerMaxRatingKw"],
  [703, "ESHzHi", "enterServiceFrequencyHighHz"],
  [704, "WSetRvrt", "activePowerSetpointRevertKw"],
  [705, "Var", "reactivePowerPct"],
  [711, "DbOf", "deadbandOverFrequencyHz"],
  [713, "WHAvail", "energyAvailableKwh"],
  [714, "DCW", "dcPowerKw"],
  [802, "SoC", "socPct"],
  [802, "CellVAvg", "cellVoltageMeanV"],
])("model %d %s is %s", (id, name, expected) => {
  const points = pointsOf(id).map(([, point]) => point);
  const point = points.find((one) => one.name === name);
  expect(sunspecPointName(id, present(point, "a point of the model")).name).toBe(expected);
});
