import { expect, it } from "vitest";
import type { SetupField } from "../../data/setup-state.ts";
import { fieldTree, withValue } from "./field-tree.ts";

const field = (path: string): SetupField => ({
  path,
  meaning: "",
  allowed: "",
  type: "text",
  choices: [],
  unit: "",
  min: null,
  max: null,
  defaultValue: null,
  defaultText: "",
  isRequired: false,
  isMore: false,
});

it("sorts the fields of a step into tables and lists after their paths", () => {
  const tree = fieldTree(
    [
      "mode",
      "installation.name",
      "grids[].id",
      "grids[].devices[].host",
      "grids[].devices[].port",
    ].map(field),
  );
  expect(tree.fields.map(({ key }) => key)).toEqual(["mode"]);
  expect(tree.tables.map(({ key, group }) => [key, group.fields.map((one) => one.key)])).toEqual([
    ["installation", ["name"]],
  ]);
  const [grids] = tree.lists;
  expect(grids?.group.fields.map(({ key }) => key)).toEqual(["id"]);
  expect(grids?.group.lists[0]?.group.fields.map(({ key }) => key)).toEqual(["host", "port"]);
});

it("takes a key away rather than writing nothing into it", () => {
  expect(withValue({ a: 1, b: 2 }, "a", undefined)).toEqual({ b: 2 });
});
