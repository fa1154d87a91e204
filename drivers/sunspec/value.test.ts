import { expect, it } from "vitest";
import { sunspecModel, type SunspecType } from "../../configs/sunspec/model-table.ts";
import { present } from "../../kernel/assert.ts";
import { bitNames, decodeRaw, scaled } from "./value.ts";

const FULL = [0xffff, 0xffff, 0xffff, 0xffff];

/** Type, registers, what they mean. Read down the nulls: each type has its own way to say that it has no value. */
const rows: [SunspecType, number[], number | string | null][] = [
  ["int16", [0x8000], null],
  ["int16", [0x7fff], 32767],
  ["int16", [0xffff], -1],
  ["uint16", [0xffff], null],
  ["uint16", [0x8000], 32768],
  ["acc16", [0], null],
  ["acc16", [0xffff], 65535],
  ["enum16", [0xffff], null],
  ["enum16", [0], 0],
  ["bitfield16", [0xffff], null],
  ["bitfield16", [0x8001], 32769],
  ["count", [0xffff], null],
  ["sunssf", [0x8000], null],
  ["sunssf", [0xfffe], -2],
  ["pad", [0x8000], null],
  ["int32", [0x8000, 0], null],
  ["int32", [0xffff, 0xfffe], -2],
  ["uint32", [0xffff, 0xffff], null],
  ["uint32", [0x8000, 0], 2147483648],
  ["acc32", [0, 0], null],
  ["acc32", [1, 0], 65536],
  ["enum32", [0xffff, 0xffff], null],
  ["bitfield32", [0xffff, 0xffff], null],
  ["bitfield32", [0x8000, 1], 2147483649],
  ["int64", [0x8000, 0, 0, 0], null],
  ["int64", [0xffff, 0xffff, 0xffff, 0xfffd], -3],
  ["int64", [0x8000, 0, 0, 1], -(2 ** 63)],
  ["uint64", FULL, null],
  ["uint64", [0, 1, 0, 0], 4294967296],
  ["acc64", [0, 0, 0, 0], null],
  ["acc64", [0, 0, 0, 5], 5],
  ["bitfield64", FULL, null],
  ["float32", [0x7fc0, 0], null],
  ["float32", [0x7f80, 0], null],
  ["float32", [0x3fc0, 0], 1.5],
  ["float64", [0x7ff8, 0, 0, 0], null],
  ["float64", [0xc004, 0, 0, 0], -2.5],
  ["ipaddr", [0, 0], null],
  ["ipaddr", [0xc0a8, 0x0105], "192.168.1.5"],
  ["ipv6addr", [0, 0, 0, 0, 0, 0, 0, 0], null],
  ["ipv6addr", [0xfe80, 0, 0, 0, 0, 0, 0, 1], "fe80:0:0:0:0:0:0:1"],
  ["eui48", FULL, null],
  ["eui48", [0, 0x0011, 0x2233, 0x44aa], "00:11:22:33:44:AA"],
  ["string", [0, 0, 0, 0], null],
  ["string", [0x4142, 0x4300, 0x5a5a, 0], "ABC"],
  ["string", [0x4142, 0x2020, 0x2000, 0], "AB"],
  ["string", FULL, null],
];

it.each(rows)("%s %j is %j", (type, words, expected) => {
  expect(decodeRaw({ type, size: words.length }, words, 0)).toBe(expected);
});

it.each([
  [1234, -2, 12.34],
  [3, -1, 0.3],
  [12, 3, 12_000],
  [-5, 0, -5],
  [0, -3, 0],
  [7, 10, 70_000_000_000],
  [7, 11, null],
  [7, -11, null],
  [7, 0.5, null],
])("%d with scale factor %d is %d", (raw, scaleFactor, expected) => {
  expect(scaled(raw, scaleFactor)).toBe(expected);
});

it("names the bits that are set, and numbers those without a name", () => {
  const model = present(sunspecModel(103), "in the table");
  const events = present(
    model.group.points.find(({ name }) => name === "Evt1"),
    "a point of 103",
  );
  expect(bitNames(events, 0b1_0000_0000_0000_0101)).toEqual([
    "GROUND_FAULT",
    "AC_DISCONNECT",
    "bit16",
  ]);
});
