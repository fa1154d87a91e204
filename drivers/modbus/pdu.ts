import type { ReadRequest } from "./request-plan.ts";
import type { WriteRequest } from "./write-plan.ts";

/** What a good reply to a request looks like (MODBUS Application Protocol V1.1b3, sections 6.1 to 6.6 and 6.12). */
export interface ReplyShape {
  readonly functionCode: number;
  /** Bytes of a good reply, without unit and check; an exception has {@link EXCEPTION_LENGTH}. */
  readonly length: number;
  /** For a write: what its reply must repeat, behind the function code. */
  readonly echo: Buffer | null;
}

/** Function code and exception code. */
export const EXCEPTION_LENGTH = 2;
const EXCEPTION_FLAG = 0x80;
const READ_CODES = { coil: 1, discrete: 2, holding: 3, input: 4 } as const;
const WRITE_REPLY_LENGTH = 5;

/** @param pdu - The request as it leaves, from the function code on. */
export function replyShapeOf(request: ReadRequest | WriteRequest, pdu: Buffer): ReplyShape {
  if ("functionCode" in request) {
    const { functionCode } = request;
    return { functionCode, length: WRITE_REPLY_LENGTH, echo: pdu.subarray(1, WRITE_REPLY_LENGTH) };
  }
  const functionCode = READ_CODES[request.table];
  const byteCount = functionCode <= 2 ? Math.ceil(request.count / 8) : request.count * 2;
  return { functionCode, length: 2 + byteCount, echo: null };
}

/** True where a reply fits its request in every byte that is not its contents: only then the library is given it. */
export function isReply(shape: ReplyShape, reply: Buffer): boolean {
  const functionCode = reply[0];
  if (functionCode === (shape.functionCode | EXCEPTION_FLAG)) {
    return reply.length === EXCEPTION_LENGTH && (reply[1] ?? 0) > 0;
  }
  if (functionCode !== shape.functionCode || reply.length !== shape.length) return false;
  if (shape.echo !== null) return shape.echo.equals(reply.subarray(1));
  return reply[1] === reply.length - 2;
}
