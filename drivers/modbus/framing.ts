import { EXCEPTION_LENGTH } from "./pdu.ts";

/** A reply taken from a stream of bytes. */
export interface FramedReply {
  /** The exchange that it belongs to; on TCP the transaction. */
  readonly id: number;
  readonly unitId: number;
  readonly pdu: Buffer;
}

/** What may answer the request that was sent. */
export interface Expected {
  readonly id: number;
  readonly unitId: number;
  readonly functionCode: number;
  /** Bytes of the PDU of a good reply. */
  readonly replyLength: number;
}

/** How requests and replies lie on a stream of bytes. Holds no more than one frame. */
export interface Framing {
  /** Where the function code stands in a request: the gate asks by it. */
  readonly functionCodeOffset: number;
  /** True where a reply names its request, so that several may be under way and a late one is known as late. */
  readonly hasTransactions: boolean;
  /** A whole request. */
  frame(id: number, unitId: number, pdu: Buffer): Buffer;
  /** Says what the next reply may be, where replies do not say it themselves; null: none is awaited. */
  expect(expected: Expected | null): void;
  /** Takes bytes as they come. @returns What is wrong with the stream, or null. After a problem it is lost. */
  feed(chunk: Uint8Array, found: (reply: FramedReply) => void): string | null;
}

const MBAP_LENGTH = 7;
/** Unit id and the longest PDU (MODBUS Messaging on TCP/IP V1.0b, section 3.1.3). */
const TCP_LENGTH_MAX = 254;
const TCP_LENGTH_MIN = 3;

/** Modbus TCP: a header with transaction, protocol, length and unit before each PDU. */
export class TcpFraming implements Framing {
  readonly functionCodeOffset = MBAP_LENGTH;
  readonly hasTransactions = true;
  readonly #pending = Buffer.alloc(6 + TCP_LENGTH_MAX);
  #count = 0;
  #problem: string | null = null;

  frame(id: number, unitId: number, pdu: Buffer): Buffer {
    const bytes = Buffer.allocUnsafe(MBAP_LENGTH + pdu.length);
    bytes.writeUInt16BE(id, 0);
    bytes.writeUInt16BE(0, 2);
    bytes.writeUInt16BE(pdu.length + 1, 4);
    bytes.writeUInt8(unitId, 6);
    pdu.copy(bytes, MBAP_LENGTH);
    return bytes;
  }

  expect(): void {}

  feed(chunk: Uint8Array, found: (reply: FramedReply) => void): string | null {
    let at = 0;
    while (at < chunk.length && this.#problem === null) {
      const wanted = this.#count < 6 ? 6 : 6 + this.#pending.readUInt16BE(4);
      const taken = Math.min(wanted - this.#count, chunk.length - at);
      this.#pending.set(chunk.subarray(at, at + taken), this.#count);
      this.#count += taken;
      at += taken;
      if (this.#count === 6) {
        this.#problem = this.#headerProblem();
      } else if (this.#count === wanted && wanted > 6) {
        this.#count = 0;
        // A copy: the receiver keeps it, the next frame overwrites ours.
        const pdu = Buffer.from(this.#pending.subarray(MBAP_LENGTH, wanted));
        found({
          id: this.#pending.readUInt16BE(0),
          unitId: this.#pending.readUInt8(6),
          pdu,
        });
      }
    }
    return this.#problem;
  }

  #headerProblem(): string | null {
    const protocol = this.#pending.readUInt16BE(2);
    if (protocol !== 0) return `protocol id ${protocol} instead of 0`;
    const length = this.#pending.readUInt16BE(4);
    if (length >= TCP_LENGTH_MIN && length <= TCP_LENGTH_MAX) return null;
    return `length ${length} instead of ${TCP_LENGTH_MIN} to ${TCP_LENGTH_MAX}`;
  }
}

/** Unit, PDU of at most 253 bytes, and two bytes of CRC (MODBUS over Serial Line V1.02, section 2.5.1). */
const RTU_LENGTH_MAX = 256;
const RTU_OVERHEAD = 3;

/**
 * Modbus RTU: unit, PDU and CRC, with nothing that says where a frame begins or which request it answers. A reply is found by what the
 * one request under way may be answered with: unit, function code, length and CRC must all fit. Bytes before it (noise of a line that
 * turns round, a reply that came late for another unit) are passed over.
 */
export class RtuFraming implements Framing {
  readonly functionCodeOffset = 1;
  readonly hasTransactions = false;
  #expected: Expected | null = null;
  #pending = Buffer.alloc(0);

  frame(_id: number, unitId: number, pdu: Buffer): Buffer {
    const bytes = Buffer.allocUnsafe(RTU_OVERHEAD + pdu.length);
    bytes.writeUInt8(unitId, 0);
    pdu.copy(bytes, 1);
    bytes.writeUInt16LE(crc16(bytes, 0, bytes.length - 2), bytes.length - 2);
    return bytes;
  }

  expect(expected: Expected | null): void {
    this.#expected = expected;
    this.#pending = Buffer.alloc(0);
  }

  feed(chunk: Uint8Array, found: (reply: FramedReply) => void): string | null {
    const expected = this.#expected;
    if (expected === null) return null;
    // A frame that is broken in its middle can hide no more than one whole frame behind it.
    const kept = Buffer.concat([this.#pending, chunk]);
    this.#pending = kept.subarray(Math.max(0, kept.length - 2 * RTU_LENGTH_MAX));
    const pdu = findReply(this.#pending, expected);
    if (pdu === null) return null;
    this.expect(null);
    found({ id: expected.id, unitId: expected.unitId, pdu });
    return null;
  }
}

function findReply(bytes: Buffer, expected: Expected): Buffer | null {
  const { unitId, functionCode, replyLength } = expected;
  for (let at = 0; at + RTU_OVERHEAD + EXCEPTION_LENGTH <= bytes.length; at++) {
    if (bytes[at] !== unitId) continue;
    const code = bytes[at + 1];
    const isException = code === (functionCode | 0x80);
    if (!isException && code !== functionCode) continue;
    const end = at + RTU_OVERHEAD + (isException ? EXCEPTION_LENGTH : replyLength);
    if (end > bytes.length) continue;
    if (crc16(bytes, at, end - 2) === bytes.readUInt16LE(end - 2)) {
      return Buffer.from(bytes.subarray(at + 1, end - 2));
    }
  }
  return null;
}

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  return crc;
});

/** CRC-16 of Modbus (MODBUS over Serial Line V1.02, section 6.2.2), of the bytes from `start` to before `end`. */
export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0xffff;
  for (let at = start; at < end; at++) {
    crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  }
  return crc;
}
