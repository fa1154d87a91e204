import { expect, it } from "vitest";
import {
  sunspecModel,
  sunspecModelIds,
  type SunspecModel,
} from "../../configs/sunspec/model-table.ts";
import { present } from "../../kernel/assert.ts";
import { placePoints as placeBy } from "../../configs/sunspec/place-points.ts";
import { countsIn, decodeModel } from "./decode-model.ts";

const placePoints = (one: SunspecModel, words: number[], length: number) =>
  placeBy(one, length, countsIn(words));
const model = (id: number) => present(sunspecModel(id), `model ${id} is in the table`);

/** Registers of a model, all 0, with some set by path. */
function words(id: number, length: number, set: Readonly<Record<string, number>>): number[] {
  const all = Array.from({ length: length + 2 }, () => 0);
  for (let pass = 0; pass < 3; pass++) {
    for (const { path, offset } of placePoints(model(id), all, length)) {
      all[offset] = set[path] ?? 0;
    }
  }
  return all;
}

/** Lengths that the specification states for models without repeating groups. */
it.each([
  [1, 66],
  [103, 50],
  [113, 60],
  [123, 24],
  [203, 105],
  [213, 124],
  [701, 153],
  [702, 50],
  [703, 17],
  [704, 65],
  [713, 7],
  [802, 62],
])("model %d is %d registers long", (id, length) => {
  const last = present(placePoints(model(id), [], length).at(-1), "it has points");
  expect(last.offset + last.point.size).toBe(length + 2);
  expect(placePoints(model(id), [], length + 40).at(-1)?.path).toBe(last.path);
});

it("has all 112 models, each with ID and L first and every scale factor in reach", () => {
  expect(sunspecModelIds()).toHaveLength(112);
  for (const id of sunspecModelIds()) {
    const { group } = model(id);
    expect(group.points.slice(0, 2).map(({ name }) => name)).toEqual(["ID", "L"]);
    const length = 1500;
    const ones = Array.from({ length: length + 2 }, () => 1);
    const unscaled = placePoints(model(id), ones, length).filter(
      ({ point, scaleOffset }) => typeof point.scaleFactor === "string" && scaleOffset === null,
    );
    expect(unscaled.map(({ path }) => `${id} ${path}`)).toEqual([]);
  }
});

it("repeats a group until the model ends", () => {
  const paths = placePoints(model(160), [], 8 + 2 * 20).map(({ path }) => path);
  expect(paths).toContain("module[1].DCW");
  expect(paths.some((path) => path.startsWith("module[2]"))).toBe(false);
});

it("repeats nested groups as often as their counters say, and no further than the model goes", () => {
  const set = { NPt: 2, NCrv: 2, "Crv[1].Pt[1].Var": 77 };
  const length = 13 + 2 * (10 + 2 * 2);
  const all = words(705, length, set);
  const points = decodeModel(model(705), all, length);
  const last = present(points.at(-1), "it has points");
  expect([last.path, last.raw, last.offset]).toEqual(["Crv[1].Pt[1].Var", 77, length + 1]);
  const hostile = words(705, length, { NPt: 60_000, NCrv: 60_000 });
  const placed = placePoints(model(705), hostile, length);
  expect(Math.max(...placed.map(({ offset, point }) => offset + point.size))).toBe(length + 2);
});

it("leaves out what an older, shorter model lacks", () => {
  const paths = placePoints(model(103), [], 38).map(({ path }) => path);
  expect(paths.at(-1)).toBe("StVnd");
});

it("has no value for a point whose scale factor is not implemented or out of range", () => {
  const good = decodeModel(model(103), words(103, 50, { W: 1234, W_SF: 0xffff }), 50);
  expect(good.find(({ path }) => path === "W")).toMatchObject({ raw: 1234, value: 123.4 });
  for (const scaleFactor of [0x8000, 11, 0xfff5]) {
    const points = decodeModel(model(103), words(103, 50, { W: 1234, W_SF: scaleFactor }), 50);
    const expected = { raw: 1234, value: null, absence: "scaleFactorMissing" };
    expect(points.find(({ path }) => path === "W")).toMatchObject(expected);
  }
});

it("takes each read with the scale factor in it: it may change with the range", () => {
  const value = (scaleFactor: number) =>
    decodeModel(model(203), words(203, 105, { W: 500, W_SF: scaleFactor }), 105).find(
      ({ path }) => path === "W",
    )?.value;
  expect([value(0), value(1), value(0xffff)]).toEqual([500, 5000, 50]);
});

it("uses fixed scale factors where the model states them", () => {
  const points = decodeModel(model(307), words(307, 11, { TmpAmb: 215 }), 11);
  expect(points.find(({ path }) => path === "TmpAmb")?.value).toBe(21.5);
});
