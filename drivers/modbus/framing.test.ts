import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc16, RtuFraming, TcpFraming, type FramedReply } from "./framing.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const collect = () => {
  const replies: FramedReply[] = [];
  return { replies, found: (reply: FramedReply) => void replies.push(reply) };
};

describe("Modbus TCP", () => {
  const reply = (bodyLength: number, id = 77, protocol = 0) => {
    const bytes = Buffer.alloc(6 + bodyLength, 0xee);
    bytes.writeUInt16BE(id, 0);
    bytes.writeUInt16BE(protocol, 2);
    bytes.writeUInt16BE(bodyLength, 4);
    return bytes;
  };

  it("frames a request", () => {
    const frame = new TcpFraming().frame(0x1501, 0x11, hex("03 006b 0003"));
    expect(frame).toEqual(hex("1501 0000 0006 11 03 006b 0003"));
  });

  it("takes any whole frames, in whatever pieces they arrive", () => {
    const lengths = fc.array(fc.integer({ min: 3, max: 254 }), { maxLength: 8 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 300 }), (bodyLengths, pieceLength) => {
        const stream = Buffer.concat(bodyLengths.map((length, index) => reply(length, index)));
        const framing = new TcpFraming();
        const { replies, found } = collect();
        for (let at = 0; at < stream.length; at += pieceLength) {
          expect(framing.feed(stream.subarray(at, at + pieceLength), found)).toBeNull();
        }
        expect(replies.map(({ id, pdu }) => [id, pdu.length])).toEqual(
          bodyLengths.map((length, index) => [index, length - 1]),
        );
      }),
    );
  });

  it.each([
    ["a foreign protocol", reply(5, 1, 1), "protocol id 1 instead of 0"],
    ["a body that is too long", reply(255), "length 255 instead of 3 to 254"],
    ["a body that is too short", reply(2), "length 2 instead of 3 to 254"],
  ])("stops at %s", (_name, bytes, message) => {
    const { replies, found } = collect();
    expect(new TcpFraming().feed(bytes, found)).toBe(message);
    expect(replies).toEqual([]);
  });
});

describe("Modbus RTU", () => {
  const expected = { id: 5, unitId: 2, functionCode: 3, replyLength: 6 };
  /** Two registers of unit 2: 0x1234 and 0x5678. */
  const pdu = hex("03 04 1234 5678");
  const good = new RtuFraming().frame(0, 2, pdu);

  it("has the CRC of the standard's example", () => {
    // MODBUS over Serial Line V1.02, section 6.2.2: a frame of unit 2, function 7 ends in 41 12.
    expect(crc16(hex("02 07"), 0, 2)).toBe(0x1241);
    expect(new RtuFraming().frame(0, 2, hex("07"))).toEqual(hex("02 07 41 12"));
  });

  const taken = (stream: Buffer, pieceLength = stream.length) => {
    const framing = new RtuFraming();
    const { replies, found } = collect();
    framing.expect(expected);
    for (let at = 0; at < stream.length; at += pieceLength)
      expect(framing.feed(stream.subarray(at, at + pieceLength), found)).toBeNull();
    return replies;
  };

  it.each([
    ["whole", good, good.length],
    ["byte by byte", good, 1],
    ["behind the noise of a line that turns round", Buffer.concat([hex("00 ff 02"), good]), 3],
    ["behind a late reply of another unit", Buffer.concat([rtu(1, "03 04 0000 0000"), good]), 4],
    ["behind a late reply of another length", Buffer.concat([rtu(2, "03 02 0000"), good]), 5],
    ["twice", Buffer.concat([good, good]), good.length * 2],
  ])("takes a reply that comes %s", (_name, stream, pieceLength) => {
    expect(taken(stream, pieceLength)).toEqual([{ id: 5, unitId: 2, pdu }]);
  });

  it("takes an exception", () => {
    expect(taken(rtu(2, "83 02")).map((reply) => reply.pdu)).toEqual([hex("83 02")]);
  });

  it.each([
    ["with a wrong CRC", Buffer.from(good.map((byte, at) => (at === 4 ? byte ^ 1 : byte)))],
    ["of another unit", rtu(3, "03 04 1234 5678")],
    ["of another function", rtu(2, "04 04 1234 5678")],
    ["of another length", rtu(2, "03 06 1234 5678 9abc")],
    ["that is cut short", good.subarray(0, good.length - 1)],
  ])("takes nothing from a reply %s", (_name, stream) => {
    expect(taken(stream)).toEqual([]);
  });

  it("takes nothing that was not asked for", () => {
    const framing = new RtuFraming();
    const { replies, found } = collect();
    framing.feed(good, found);
    framing.expect(expected);
    framing.expect(null);
    framing.feed(good, found);
    expect(replies).toEqual([]);
  });

  it("keeps no more than two frames of a line that babbles", () => {
    const framing = new RtuFraming();
    const { replies, found } = collect();
    framing.expect(expected);
    for (let i = 0; i < 1000; i++) framing.feed(Buffer.alloc(1000, 2), found);
    framing.feed(good, found);
    expect(replies.length).toBe(1);
  });

  function rtu(unitId: number, bytes: string): Buffer {
    return new RtuFraming().frame(0, unitId, hex(bytes));
  }
});
