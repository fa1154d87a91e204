import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

/** One request as it came over the wire. */
export interface WireRequest {
  readonly transactionId: number;
  readonly unitId: number;
  readonly functionCode: number;
  readonly address: number;
  /** Registers or bits asked for or sent. */
  readonly count: number;
  /** Registers of a write. */
  readonly words: readonly number[];
  readonly bytes: Buffer;
}

export interface Served {
  readonly socket: Socket;
  readonly request: WireRequest;
  /** The reply that an honest device would send, after the registers took the write. */
  readonly reply: () => Buffer;
  readonly exception: (code: number) => Buffer;
}

const WRITE_CODES: readonly number[] = [5, 6, 15, 16];

/**
 * A Modbus TCP device on loopback that shares no code with the driver, and behaves as badly as a test wants: `behave` may
 * answer otherwise, late, in pieces or never. Addresses are the same in all tables: bits are bit 0 of `registers`.
 */
export class ModbusTestDevice {
  readonly registers = new Map<number, number>();
  readonly requests: WireRequest[] = [];
  readonly sockets = new Set<Socket>();
  connectionCount = 0;
  behave: (served: Served) => void = ({ socket, reply }) => socket.write(reply());
  /** Called for each new connection before anything is read. */
  accept: (socket: Socket) => void = () => {};
  readonly #server: Server;
  readonly #isRtu: boolean;

  /** @param framing - How frames lie on the TCP connection: with the header of Modbus TCP, or as on a serial line. */
  constructor(framing: "tcp" | "rtu" = "tcp") {
    this.#isRtu = framing === "rtu";
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** @returns The port. */
  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  get writes(): readonly WireRequest[] {
    return this.requests.filter((request) => !isRead(request));
  }

  get reads(): readonly WireRequest[] {
    return this.requests.filter(isRead);
  }

  #serve(socket: Socket): void {
    this.connectionCount++;
    this.sockets.add(socket);
    socket.setNoDelay();
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => {});
    this.accept(socket);
    let rest = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (this.#isRtu && rest.length >= rtuLengthOf(rest)) {
        const length = rtuLengthOf(rest);
        const body = rest.subarray(0, length - 2);
        if (crcOf(body) !== rest.readUInt16LE(length - 2)) socket.destroy();
        // As it would have come with a header, so that what follows is one.
        this.#answer(socket, requestOf(Buffer.concat([Buffer.alloc(6), body])));
        rest = rest.subarray(length);
      }
      while (!this.#isRtu && rest.length >= 6 && rest.length >= 6 + rest.readUInt16BE(4)) {
        const length = 6 + rest.readUInt16BE(4);
        this.#answer(socket, requestOf(rest.subarray(0, length)));
        rest = rest.subarray(length);
      }
    });
  }

  #answer(socket: Socket, request: WireRequest): void {
    this.requests.push(request);
    const frame = (pdu: Buffer) => {
      if (this.#isRtu) {
        const body = Buffer.concat([Buffer.from([request.unitId]), pdu]);
        const crc = Buffer.alloc(2);
        crc.writeUInt16LE(crcOf(body));
        return Buffer.concat([body, crc]);
      }
      const header = Buffer.alloc(7);
      header.writeUInt16BE(request.transactionId, 0);
      header.writeUInt16BE(pdu.length + 1, 4);
      header.writeUInt8(request.unitId, 6);
      return Buffer.concat([header, pdu]);
    };
    this.behave({
      socket,
      request,
      reply: () => frame(this.#pdu(request)),
      exception: (code) => frame(Buffer.from([request.functionCode | 0x80, code])),
    });
  }

  #pdu(request: WireRequest): Buffer {
    const { functionCode, address, count } = request;
    if (WRITE_CODES.includes(functionCode)) {
      for (const [i, word] of request.words.entries()) this.registers.set(address + i, word);
      return request.bytes.subarray(7, 12);
    }
    const values = Array.from({ length: count }, (_, i) => this.registers.get(address + i) ?? 0);
    if (functionCode <= 2) {
      const data = Buffer.alloc(Math.ceil(count / 8));
      for (const [i, value] of values.entries()) {
        data[i >> 3] = (data[i >> 3] ?? 0) | ((value & 1) << (i & 7));
      }
      return Buffer.concat([Buffer.from([functionCode, data.length]), data]);
    }
    const data = Buffer.alloc(count * 2);
    for (const [i, value] of values.entries()) data.writeUInt16BE(value, i * 2);
    return Buffer.concat([Buffer.from([functionCode, data.length]), data]);
  }
}

/** Length of the RTU request at the head of what was received; more than there is where it does not say yet. */
function rtuLengthOf(bytes: Buffer): number {
  if (bytes.length < 8) return 8;
  const code = bytes[1];
  return code === 15 || code === 16 ? 9 + (bytes[6] ?? 0) : 8;
}

function crcOf(bytes: Buffer): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

function isRead(request: WireRequest): boolean {
  return !WRITE_CODES.includes(request.functionCode);
}

function requestOf(bytes: Buffer): WireRequest {
  const functionCode = bytes.readUInt8(7);
  const isMultiple = functionCode === 16;
  const isSingle = functionCode === 5 || functionCode === 6;
  const count = isSingle ? 1 : bytes.readUInt16BE(10);
  const words = isSingle
    ? [functionCode === 5 ? Number(bytes.readUInt16BE(10) !== 0) : bytes.readUInt16BE(10)]
    : isMultiple
      ? Array.from({ length: count }, (_, i) => bytes.readUInt16BE(13 + i * 2))
      : [];
  return {
    transactionId: bytes.readUInt16BE(0),
    unitId: bytes.readUInt8(6),
    functionCode,
    address: bytes.readUInt16BE(8),
    count,
    words,
    bytes: Buffer.from(bytes),
  };
}
