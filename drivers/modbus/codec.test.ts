import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PointMapping } from "../../configs/profile.ts";
import { present } from "../../kernel/assert.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import { DEVICE_KINDS } from "../../kernel/device-kinds.ts";
import type { PointValue } from "../../kernel/point.ts";
import { createPointCodec } from "./codec.ts";
import { mapping } from "./profile-fixture.ts";

const battery = DEVICE_KINDS.battery.points;
const power = present(battery["activePowerKw"], "a point of the kind");
const closed = present(battery["isClosed"], "a point of the kind");
const state = present(battery["state"], "a point of the kind");
const codecOf = (values: Partial<PointMapping>, spec = power) =>
  createPointCodec(mapping({ point: "activePowerKw", address: 0, ...values }), spec);

const decoded: [string, Partial<PointMapping>, number[], PointValue | null][] = [
  ["int16 below zero", { type: "int16", scale: 0.1 }, [0xfffb], -0.5],
  ["uint16", { type: "uint16", scale: 0.01 }, [6001], 60.01],
  ["a product that floating point spoils", { type: "uint16", scale: 0.1 }, [3], 0.3],
  ["int32, high word first", { type: "int32", scale: 0.1 }, [0xffff, 0xfff6], -1],
  ["int32, low word first", { type: "int32", wordOrder: "little" }, [0xfff6, 0xffff], -10],
  ["uint32 above 2^31", { type: "uint32" }, [0xffff, 0xffff], 4294967295],
  ["float32", { type: "float32" }, [0x4248, 0x0000], 50],
  ["float32, low word first", { type: "float32", wordOrder: "little" }, [0x0000, 0x4248], 50],
  ["float32 noise is cut at three decimals", { type: "float32" }, [0x4270, 0x0001], 60],
  ["float32 that is no number", { type: "float32" }, [0x7fc0, 0x0000], null],
  ["float32 infinity", { type: "float32" }, [0x7f80, 0x0000], null],
  ["offset", { type: "uint16", scale: 0.5, offset: -40 }, [100], 10],
  ["minus zero becomes zero", { type: "int16", scale: -1 }, [0], 0],
  ["not available, stated unsigned", { type: "int16", notAvailable: 0x8000 }, [0x8000], null],
  ["not available, stated signed", { type: "int16", notAvailable: -32768 }, [0x8000], null],
  [
    "not available in 32 bits",
    { type: "uint32", notAvailable: 0xffffffff },
    [0xffff, 0xffff],
    null,
  ],
];

describe("reading numbers", () => {
  it.each(decoded)("%s", (_name, values, words, expected) => {
    expect(codecOf(values).decode(words, 0)).toBe(expected);
  });
});

describe("reading switches and labels", () => {
  it("takes one bit of a register", () => {
    const codec = codecOf({ type: "bit", bit: 9 }, closed);
    expect(codec.decode([0x0200], 0)).toBe(true);
    expect(codec.decode([0xfdff], 0)).toBe(false);
  });

  it.each([
    ["one of the values", { trueWhen: { values: [4, 5] } }, [5], true],
    ["none of the values", { trueWhen: { values: [4, 5] } }, [6], false],
    ["no value at all means true", { trueWhen: { values: [] } }, [0], false],
    ["any bit of a mask", { trueWhen: { mask: 0x8001 } }, [0x8000], true],
    ["no bit of a mask", { trueWhen: { mask: 0x8001 } }, [0x7ffe], false],
    [
      "the highest bit of 32",
      { type: "uint32", trueWhen: { mask: 0x80000000 } },
      [0x8000, 0],
      true,
    ],
    ["a bit turned round", { type: "bit", bit: 2, trueWhen: { values: [0] } }, [0b100], false],
    ["what the installation fixes", { constant: { value: true, reason: "a test" } }, [0], true],
  ] as const)("is true by %s", (_name, values, words, expected) => {
    expect(codecOf({ type: "uint16", ...values }, closed).decode(words, 0)).toBe(expected);
  });

  it("takes a coil", () => {
    expect(codecOf({ type: "bit", table: "coil" }, closed).decode([true], 0)).toBe(true);
  });

  it("knows no value for a label that the profile does not name", () => {
    const codec = codecOf({ type: "uint16", labels: { 2: "ready" } }, state);
    expect(codec.decode([2], 0)).toBe("ready");
    expect(codec.decode([9], 0)).toBeNull();
  });
});

describe("writing", () => {
  it.each([
    ["a value beyond the register", { type: "int16", scale: 0.1 }, 3276.8],
    ["a negative value in an unsigned register", { type: "uint16" }, -1],
    ["what is no number", { type: "int16" }, NaN],
    ["a switch", { type: "int16" }, true],
    ["a float that float32 cannot hold", { type: "float32" }, 1e39],
  ] as [string, Partial<PointMapping>, PointValue][])("refuses %s", (_name, values, value) => {
    expect(codecOf(values).encode(value)).toBeNull();
  });

  it("gives back what it wrote, to half a step of the register, as canonical data", () => {
    const types = fc.constantFrom("int16", "uint16", "int32", "uint32", "float32");
    const orders = fc.constantFrom("big", "little");
    const scales = fc.constantFrom(1, 0.1, 0.01, 0.001, 10, -0.1, 0.25);
    const offsets = fc.constantFrom(0, -40, 0.5);
    fc.assert(
      fc.property(
        types,
        orders,
        scales,
        offsets,
        fc.double({ min: -3e5, max: 3e5, noNaN: true }),
        (type, wordOrder, scale, offset, value) => {
          const codec = codecOf({ type, wordOrder, scale, offset } as Partial<PointMapping>);
          const words = codec.encode(value);
          if (words === null) return;
          expect(words.length).toBe(codec.wordCount);
          const back = codec.decode(words, 0);
          const step =
            type === "float32" ? Math.max(0.001, Math.abs(value) * 1e-6) : Math.abs(scale);
          expect(Math.abs(Number(back) - value)).toBeLessThanOrEqual(
            step * 0.5001 + 1e-3 * Number(type === "float32"),
          );
          expect(() => encodeCanonical(back)).not.toThrow();
          expect(codec.isSame(words, words, 0)).toBe(true);
        },
      ),
    );
  });

  it("decodes any registers to canonical data or to nothing", () => {
    const types = fc.constantFrom("int16", "uint16", "int32", "uint32", "float32", "bit");
    const word = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(types, word, word, fc.constantFrom(1, 0.1, -0.003, 1e-7), (type, a, b, scale) => {
        const codec = codecOf({ type, scale } as Partial<PointMapping>);
        const value = codec.decode([a, b], 0);
        if (value !== null) expect(() => encodeCanonical(value)).not.toThrow();
      }),
    );
  });
});

it("rejects a mapping that cannot carry its point", () => {
  expect(() => codecOf({ scale: 0 })).toThrow("REMS_PROFILE_INVALID");
  expect(() => codecOf({ type: "uint16" }, state)).toThrow("REMS_PROFILE_INVALID");
});
