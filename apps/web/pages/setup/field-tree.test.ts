import { expect, it } from "vitest";
import type { SetupField, Table } from "../../data/setup-state.ts";
import { fieldTree, forKind, withIdOfName, withValue } from "./field-tree.ts";

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
  kinds: [],
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

it("leaves out what a device of its kind has not, unless it is set", () => {
  const fields = [
    field("kind"),
    { ...field("ratings.energy_kwh"), kinds: ["battery"] },
    { ...field("trip_stage"), kinds: ["feeder"] },
  ];
  const of = (value: object) => {
    const { fields: own, tables } = forKind(fieldTree(fields), value as Table);
    return [...own.map(({ key }) => key), ...tables.map(({ key }) => key)];
  };
  expect(of({ kind: "genset" })).toEqual(["kind"]);
  expect(of({ kind: "battery" })).toEqual(["kind", "ratings"]);
  expect(of({ kind: "genset", trip_stage: 1 })).toEqual(["kind", "trip_stage"]);
});

it("takes a key away rather than writing nothing into it", () => {
  expect(withValue({ a: 1, b: 2 }, "a", undefined)).toEqual({ b: 2 });
});

it("the installation's id follows its name until somebody types another", () => {
  const named = (name: string, id: string): Table => ({ installation: { name, id } });
  expect(withIdOfName(named("", "plant"), named("M", "plant"))).toEqual(named("M", "m"));
  expect(withIdOfName(named("MV Ann", "mv-ann"), named("MV Änna 2", "mv-ann"))).toEqual(
    named("MV Änna 2", "mv-anna-2"),
  );
  expect(withIdOfName(named("MV Ann", "hull-7"), named("MV Anna", "hull-7"))).toEqual(
    named("MV Anna", "hull-7"),
  );
  expect(withIdOfName(named("MV Ann", "mv-ann"), named("MV Ann", "hull-7"))).toEqual(
    named("MV Ann", "hull-7"),
  );
});
