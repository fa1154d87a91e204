import { describe, expect, it } from "vitest";
import type { LeadershipRecord } from "../kernel/record.ts";
import { decodeRecord, encodeRecord } from "./record-codec.ts";

const n1 = { node: "n1", incarnation: "1".repeat(32) };
const record: LeadershipRecord = {
  epoch: 7,
  leader: n1,
  inSync: [n1, { node: "n2", incarnation: "2".repeat(32) }],
  order: ["n1", "n2", "n3"],
  nonce: `${"a".repeat(32)}:17`,
  plantTimeMsMax: 1234.5,
  issuedSequence: 90,
};

describe("record codec", () => {
  it("returns the record as it was, and has one text per record", () => {
    const text = encodeRecord(record);
    expect(decodeRecord(text)).toEqual(record);
    expect(encodeRecord(decodeRecord(text))).toBe(text);
  });

  it("reads a record of an earlier version, which did not say what was issued", () => {
    const { issuedSequence, ...earlier } = record;
    expect(issuedSequence).toBe(90);
    expect(decodeRecord(JSON.stringify(earlier))).toEqual({ ...record, issuedSequence: 0 });
  });

  it.each<[name: string, text: string]>([
    ["no JSON", "{"],
    ["no object", "[]"],
    ["an epoch that is no integer", JSON.stringify({ ...record, epoch: 1.5 })],
    ["a leader without incarnation", JSON.stringify({ ...record, leader: { node: "n1" } })],
    ["an in-sync set without its leader", JSON.stringify({ ...record, inSync: [] })],
    ["a nonce that is no nonce", JSON.stringify({ ...record, nonce: "later" })],
    ["an order that is no list", JSON.stringify({ ...record, order: "n1" })],
    ["an issued sequence below zero", JSON.stringify({ ...record, issuedSequence: -1 })],
    ["a plant time below zero", JSON.stringify({ ...record, plantTimeMsMax: -1 })],
    ["too much", `"${"x".repeat(100_001)}"`],
  ])("refuses %s", (_name, text) => {
    expect(() => decodeRecord(text)).toThrow(
      expect.objectContaining({ code: "REMS_RECORD_INVALID" }),
    );
  });
});
