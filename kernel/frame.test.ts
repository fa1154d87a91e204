import { describe, expect, it } from "vitest";
import type { Frame } from "./frame.ts";
import { decodeFrame, encodeFrame } from "./frame.ts";
import { HASH_NONE, hashOf } from "./hash.ts";

const frame: Frame = {
  grid: "port",
  epoch: 3,
  sequence: 17,
  previousHash: HASH_NONE,
  plantTimeMs: 1700,
  wallTimeMs: 1_790_000_000_000,
  isFirstOfEpoch: false,
  points: [["dg1.activePowerKw", 350.2, "good"]],
  connections: [],
  fates: [],
  requests: [],
  messages: [],
  facts: [],
  leadership: null,
};

describe("frames", () => {
  it("decode to what was encoded, at the same position", () => {
    const encoded = encodeFrame(frame);
    expect(decodeFrame(encoded.text)).toEqual(encoded);
    expect(encoded.position).toMatchObject({ epoch: 3, sequence: 17 });
  });

  it("have a hash that covers the predecessor's", () => {
    const other = encodeFrame({ ...frame, previousHash: hashOf("another") });
    expect(other.position.hash).not.toBe(encodeFrame(frame).position.hash);
  });

  it.each(["", "7", "null", "{}", '{"grid":"port"}', "{"])("refuse the text %j", (text) => {
    expect(() => decodeFrame(text)).toThrow("REMS_MESSAGE_INVALID");
  });
});

describe("hashOf", () => {
  it("is the first half of SHA-256 (FIPS 180-4, the message abc)", () => {
    expect(hashOf("abc")).toBe("ba7816bf8f01cfea414140de5dae2223");
  });
});
