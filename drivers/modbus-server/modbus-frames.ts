/**
 * Modbus TCP on the server's side, as bytes: MODBUS Application Protocol V1.1b3 (function codes, limits, exceptions) and
 * MODBUS Messaging on TCP/IP V1.0b (header).
 */

export type ModbusTable = "coil" | "discrete" | "holding" | "input";

export type ModbusRequest =
  | {
      readonly kind: "read";
      readonly table: ModbusTable;
      readonly address: number;
      readonly count: number;
    }
  | {
      readonly kind: "writeRegisters";
      readonly address: number;
      readonly values: readonly number[];
      readonly isSingle: boolean;
    }
  | {
      readonly kind: "writeCoils";
      readonly address: number;
      readonly values: readonly boolean[];
      readonly isSingle: boolean;
    };

/** Exception codes of the protocol that servers here use. */
export const EXCEPTION = {
  illegalFunction: 1,
  illegalAddress: 2,
  illegalValue: 3,
  deviceFailure: 4,
  busy: 6,
  targetSilent: 11,
} as const;

export type ModbusAnswer =
  | { readonly kind: "bits"; readonly values: readonly boolean[] }
  | { readonly kind: "registers"; readonly values: readonly number[] }
  | { readonly kind: "written" }
  | { readonly kind: "exception"; readonly code: number };

export interface ModbusFrame {
  readonly transaction: number;
  readonly unitId: number;
  readonly functionCode: number;
  /** Null where the request is malformed; `exception` then says how to answer. */
  readonly request: ModbusRequest | null;
  readonly exception: number;
}

export type TakenFrame =
  | { readonly kind: "frame"; readonly frame: ModbusFrame; readonly rest: Buffer }
  | { readonly kind: "incomplete" }
  | { readonly kind: "broken" };

const HEADER_LENGTH = 7;
/** Unit id and PDU: 2…254 bytes after the length field. */
const LENGTH_MIN = 2;
const LENGTH_MAX = 254;

/** Takes one frame from the head of what was received. `broken`: not Modbus TCP, the connection is of no use any more. */
export function takeFrame(received: Buffer): TakenFrame {
  if (received.length < 6) return { kind: "incomplete" };
  const length = received.readUInt16BE(4);
  const isModbus = received.readUInt16BE(2) === 0 && length >= LENGTH_MIN && length <= LENGTH_MAX;
  if (!isModbus) return { kind: "broken" };
  if (received.length < 6 + length) return { kind: "incomplete" };
  const pdu = received.subarray(HEADER_LENGTH, 6 + length);
  const parsed = parsePdu(pdu);
  const frame: ModbusFrame = {
    transaction: received.readUInt16BE(0),
    unitId: received.readUInt8(6),
    functionCode: pdu.readUInt8(0),
    request: typeof parsed === "number" ? null : parsed,
    exception: typeof parsed === "number" ? parsed : 0,
  };
  return { kind: "frame", frame, rest: received.subarray(6 + length) };
}

const READS: Readonly<Record<number, { readonly table: ModbusTable; readonly countMax: number }>> =
  {
    1: { table: "coil", countMax: 2000 },
    2: { table: "discrete", countMax: 2000 },
    3: { table: "holding", countMax: 125 },
    4: { table: "input", countMax: 125 },
  };
const COILS_PER_WRITE_MAX = 1968;
const REGISTERS_PER_WRITE_MAX = 123;

/** The request in a PDU, or the exception code that answers it. */
function parsePdu(pdu: Buffer): ModbusRequest | number {
  const functionCode = pdu.readUInt8(0);
  const isKnown = READS[functionCode] !== undefined || [5, 6, 15, 16].includes(functionCode);
  if (!isKnown) return EXCEPTION.illegalFunction;
  if (pdu.length < 5) return EXCEPTION.illegalValue;
  const address = pdu.readUInt16BE(1);
  const second = pdu.readUInt16BE(3);
  const read = READS[functionCode];
  if (read !== undefined) {
    if (pdu.length !== 5 || second < 1 || second > read.countMax) return EXCEPTION.illegalValue;
    if (address + second > 65536) return EXCEPTION.illegalAddress;
    return { kind: "read", table: read.table, address, count: second };
  }
  if (functionCode === 5) {
    if (pdu.length !== 5 || (second !== 0xff00 && second !== 0)) return EXCEPTION.illegalValue;
    return { kind: "writeCoils", address, values: [second === 0xff00], isSingle: true };
  }
  if (functionCode === 6) {
    if (pdu.length !== 5) return EXCEPTION.illegalValue;
    return { kind: "writeRegisters", address, values: [second], isSingle: true };
  }
  return parseMultiple(pdu, functionCode, address, second);
}

function parseMultiple(
  pdu: Buffer,
  functionCode: number,
  address: number,
  count: number,
): ModbusRequest | number {
  const isCoils = functionCode === 15;
  const countMax = isCoils ? COILS_PER_WRITE_MAX : REGISTERS_PER_WRITE_MAX;
  const byteCount = isCoils ? Math.ceil(count / 8) : count * 2;
  if (count < 1 || count > countMax || pdu.length !== 6 + byteCount) return EXCEPTION.illegalValue;
  if (pdu.readUInt8(5) !== byteCount) return EXCEPTION.illegalValue;
  if (address + count > 65536) return EXCEPTION.illegalAddress;
  const indices = Array.from({ length: count }, (_value, index) => index);
  if (isCoils) {
    const values = indices.map(
      (index) => ((pdu.readUInt8(6 + (index >> 3)) >> (index & 7)) & 1) === 1,
    );
    return { kind: "writeCoils", address, values, isSingle: false };
  }
  const values = indices.map((index) => pdu.readUInt16BE(6 + index * 2));
  return { kind: "writeRegisters", address, values, isSingle: false };
}

/** The bytes that answer a frame. */
export function encodeAnswer(frame: ModbusFrame, answer: ModbusAnswer): Buffer {
  const pdu = answerPdu(frame, answer);
  const bytes = Buffer.alloc(HEADER_LENGTH + pdu.length);
  bytes.writeUInt16BE(frame.transaction, 0);
  bytes.writeUInt16BE(pdu.length + 1, 4);
  bytes.writeUInt8(frame.unitId, 6);
  pdu.copy(bytes, HEADER_LENGTH);
  return bytes;
}

function answerPdu(frame: ModbusFrame, answer: ModbusAnswer): Buffer {
  const { functionCode, request } = frame;
  switch (answer.kind) {
    case "exception":
      return Buffer.from([functionCode | 0x80, answer.code]);
    case "registers": {
      const pdu = Buffer.alloc(2 + answer.values.length * 2);
      pdu.writeUInt8(functionCode, 0);
      pdu.writeUInt8(answer.values.length * 2, 1);
      for (const [index, value] of answer.values.entries()) pdu.writeUInt16BE(value, 2 + index * 2);
      return pdu;
    }
    case "bits": {
      const byteCount = Math.ceil(answer.values.length / 8);
      const pdu = Buffer.alloc(2 + byteCount);
      pdu.writeUInt8(functionCode, 0);
      pdu.writeUInt8(byteCount, 1);
      for (const [index, isSet] of answer.values.entries()) {
        const at = 2 + (index >> 3);
        if (isSet) pdu.writeUInt8(pdu.readUInt8(at) | (1 << (index & 7)), at);
      }
      return pdu;
    }
    case "written":
      return writtenPdu(functionCode, request);
    default:
      return answer satisfies never;
  }
}

/** Echo of a single write; address and count of a multiple one. */
function writtenPdu(functionCode: number, request: ModbusRequest | null): Buffer {
  const pdu = Buffer.alloc(5);
  pdu.writeUInt8(functionCode, 0);
  if (request === null || request.kind === "read") return pdu;
  pdu.writeUInt16BE(request.address, 1);
  const [first] = request.values;
  let second = request.values.length;
  if (request.isSingle && typeof first === "number") second = first;
  else if (request.isSingle) second = first === true ? 0xff00 : 0;
  pdu.writeUInt16BE(second, 3);
  return pdu;
}
