import * as fc from "fast-check";
import { expect, it } from "vitest";
import { FrameGuard } from "./frame-guard.ts";

const frame = (bodyLength: number, protocol = 0) => {
  const bytes = Buffer.alloc(6 + bodyLength, 0xee);
  bytes.writeUInt16BE(77, 0);
  bytes.writeUInt16BE(protocol, 2);
  bytes.writeUInt16BE(bodyLength, 4);
  return bytes;
};

it("passes any whole frames, in whatever pieces they arrive", () => {
  const lengths = fc.array(fc.integer({ min: 3, max: 254 }), { maxLength: 8 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 300 }), (bodyLengths, pieceLength) => {
      const stream = Buffer.concat(bodyLengths.map((length) => frame(length)));
      const guard = new FrameGuard();
      for (let at = 0; at < stream.length; at += pieceLength) {
        expect(guard.feed(stream.subarray(at, at + pieceLength))).toBeNull();
      }
    }),
  );
});

it.each([
  ["a foreign protocol", frame(5, 1), "protocol id 1 instead of 0"],
  ["a body that is too long", frame(255), "length 255 instead of 3 to 254"],
  ["a body that is too short", frame(2), "length 2 instead of 3 to 254"],
])("stops at %s", (_name, bytes, message) => {
  expect(new FrameGuard().feed(bytes)).toBe(message);
});
