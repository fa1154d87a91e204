import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeCanonical } from "./canonical.ts";
import { RemsError } from "./errors.ts";

describe("encodeCanonical", () => {
  it("orders keys, so that equal data has equal text", () => {
    expect(encodeCanonical({ b: 1, a: [true, null, "x"] })).toBe('{"a":[true,null,"x"],"b":1}');
    expect(encodeCanonical({ a: [true, null, "x"], b: 1 })).toBe('{"a":[true,null,"x"],"b":1}');
  });

  it.each<[string, unknown, string]>([
    ["not a number", { x: Number.NaN }, "$.x"],
    ["infinity", [1, Infinity], "$[1]"],
    ["minus zero", { a: { b: -0 } }, "$.a.b"],
    ["undefined", { a: undefined }, "$.a"],
    ["a map", { a: new Map() }, "$.a"],
    ["a bigint", [1n], "$[0]"],
  ])("refuses %s and names its path", (_name, value, path) => {
    const attempt = () => encodeCanonical(value);
    expect(attempt).toThrow(RemsError);
    expect(attempt).toThrow(path);
  });

  it("refuses data deeper than 64 levels instead of overflowing", () => {
    let value: unknown = 0;
    for (let depth = 0; depth < 100; depth++) value = [value];
    expect(() => encodeCanonical(value)).toThrow("nesting");
  });

  it("survives a round trip for any plain data", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const plain = JSON.parse(
          JSON.stringify(value, (_key, item: unknown) => (Object.is(item, -0) ? 0 : item)),
        ) as unknown;
        const text = encodeCanonical(plain);
        expect(encodeCanonical(JSON.parse(text))).toBe(text);
      }),
    );
  });
});
