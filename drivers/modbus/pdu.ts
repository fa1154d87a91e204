import { assert } from "../../kernel/assert.ts";
import type { Outcome } from "./outcome.ts";
import type { ReadRequest } from "./request-plan.ts";
import type { WriteRequest } from "./write-plan.ts";

/**
 * Requests and replies of a Modbus master as bytes, without the header of a transport (MODBUS Application Protocol V1.1b3, sections
 * 6.1 to 6.6, 6.11, 6.12 and 7).
 */

/** A request as it leaves, and what a good answer to it looks like. */
export interface Pdu {
  readonly bytes: Buffer;
  readonly functionCode: number;
  /** Bytes of a good reply; an exception has {@link EXCEPTION_LENGTH}. */
  readonly replyLength: number;
  /** For a write: what its reply must repeat, behind the function code. */
  readonly echo: Buffer | null;
}

/** Function code and exception code. */
export const EXCEPTION_LENGTH = 2;
const EXCEPTION_FLAG = 0x80;
const READ_CODES = { coil: 1, discrete: 2, holding: 3, input: 4 } as const;

export function readPdu(request: ReadRequest): Pdu {
  const { table, address, count } = request;
  const functionCode = READ_CODES[table];
  const byteCount = functionCode <= 2 ? Math.ceil(count / 8) : count * 2;
  assert(count >= 1 && byteCount <= 250, "a read fits one reply");
  const bytes = Buffer.allocUnsafe(5);
  bytes.writeUInt8(functionCode, 0);
  bytes.writeUInt16BE(address, 1);
  bytes.writeUInt16BE(count, 3);
  return { bytes, functionCode, replyLength: 2 + byteCount, echo: null };
}

export function writePdu(request: WriteRequest): Pdu {
  const { functionCode, address, words } = request;
  if (functionCode === 16) {
    assert(words.length >= 1 && words.length <= 123, "a write fits one request");
    const bytes = Buffer.allocUnsafe(6 + words.length * 2);
    bytes.writeUInt8(functionCode, 0);
    bytes.writeUInt16BE(address, 1);
    bytes.writeUInt16BE(words.length, 3);
    bytes.writeUInt8(words.length * 2, 5);
    for (const [index, word] of words.entries()) bytes.writeUInt16BE(word, 6 + index * 2);
    return { bytes, functionCode, replyLength: 5, echo: bytes.subarray(1, 5) };
  }
  const [word = 0] = words;
  const value = functionCode === 5 ? (word === 0 ? 0 : 0xff00) : word;
  const bytes = Buffer.allocUnsafe(5);
  bytes.writeUInt8(functionCode, 0);
  bytes.writeUInt16BE(address, 1);
  bytes.writeUInt16BE(value, 3);
  return { bytes, functionCode, replyLength: 5, echo: bytes.subarray(1, 5) };
}

/** What a reply means, or null where it is no answer to the request: a value is only taken from a reply that fits in every byte. */
export function outcomeOf(request: Pdu, reply: Buffer): Outcome | null {
  const functionCode = reply[0];
  if (functionCode === (request.functionCode | EXCEPTION_FLAG)) {
    const code = reply[1] ?? 0;
    return reply.length === EXCEPTION_LENGTH && code > 0 ? { type: "exception", code } : null;
  }
  if (functionCode !== request.functionCode || reply.length !== request.replyLength) return null;
  if (request.echo !== null) {
    return request.echo.equals(reply.subarray(1)) ? { type: "acknowledged" } : null;
  }
  return reply[1] === reply.length - 2 ? { type: "data", bytes: reply.subarray(2) } : null;
}

/** Contents of a good reply to a read: registers, or bits as 0 and 1 without those that fill the last byte. */
export function wordsOf(request: ReadRequest, bytes: Buffer): readonly number[] {
  const words: number[] = [];
  if (READ_CODES[request.table] <= 2) {
    for (let i = 0; i < request.count; i++) words.push(((bytes[i >> 3] ?? 0) >> (i & 7)) & 1);
  } else {
    for (let at = 0; at + 1 < bytes.length; at += 2) words.push(bytes.readUInt16BE(at));
  }
  return words;
}
