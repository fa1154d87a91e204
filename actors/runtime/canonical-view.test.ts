import * as fc from "fast-check";
import { expect, it } from "vitest";
import { encodeCanonical } from "../../kernel/canonical.ts";
import { canonicalView } from "./canonical-view.ts";

const rows: [name: string, value: unknown, view: unknown][] = [
  ["canonical data as it is", { a: [1, "x", null, true] }, { a: [1, "x", null, true] }],
  ["what is not there as null", { a: undefined }, { a: null }],
  [
    "numbers that no encoding has by name",
    [Number.NaN, -Infinity, -0, 7n],
    ["NaN", "-Infinity", 0, "7"],
  ],
  [
    "functions and instances by their kind",
    [() => {}, new Map(), new Error("x"), Object.create(Object.create(null) as object)],
    ["[function]", "[Map]", "[Error]", "[object]"],
  ],
  [
    "no more than a hundred entries",
    Array.from({ length: 1_000 }, () => 1),
    Array.from({ length: 100 }, () => 1),
  ],
];
it.each(rows)("shows %s", (_name, value, view) => {
  expect(canonicalView(value)).toEqual(view);
});

it("ends in a circle", () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  expect(encodeCanonical(canonicalView(circle))).toContain("[…]");
});

it("makes anything encodable", () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true }), (value) => {
      encodeCanonical(canonicalView(value));
    }),
  );
});
