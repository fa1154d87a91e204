import { createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** How a bench device answers. */
export interface BenchDevice {
  /** A request that meets this register is refused with exception 2; −1: none. */
  readonly illegal: number;
  /** Units that take requests and say nothing. */
  readonly deadUnits: ReadonlySet<number>;
  /** A gateway in front of a serial line: one request after the other, so long each; a dead unit holds it up for `gatewayTimeoutMs`. */
  readonly gatewayMs: number;
  readonly gatewayTimeoutMs: number;
}

export const QUICK: BenchDevice = {
  illegal: -1,
  deadUnits: new Set(),
  gatewayMs: 0,
  gatewayTimeoutMs: 0,
};

export interface Served {
  readonly port: number;
  /** Called as a read of a unit is answered. */
  onRead: (unitId: number) => void;
  close(): Promise<void>;
}

/**
 * A Modbus TCP device for benchmarks: as quick as a socket can be, no code in common with the driver, and a quarter of its registers differs
 * from one read to the next.
 */
export async function serveDevice(device: BenchDevice, port = 0): Promise<Served> {
  let readCount = 0;
  let lineFreeAtMs = 0;
  const served = { onRead: (_unitId: number) => {} };
  const answer = (socket: Socket, request: Buffer) => {
    const unitId = request.readUInt8(6);
    const address = request.readUInt16BE(8);
    const count = request.readUInt16BE(10);
    const isDead = device.deadUnits.has(unitId);
    const reply =
      address <= device.illegal && device.illegal < address + count
        ? refusal(request)
        : contents(request, count, ++readCount);
    const send = () => {
      if (isDead) return;
      if (!socket.destroyed) socket.write(reply);
      served.onRead(unitId);
    };
    if (device.gatewayMs === 0) return send();
    const nowMs = performance.now();
    lineFreeAtMs =
      Math.max(nowMs, lineFreeAtMs) + (isDead ? device.gatewayTimeoutMs : device.gatewayMs);
    setTimeout(send, lineFreeAtMs - nowMs);
  };
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay();
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let rest = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length >= 12) {
        answer(socket, rest.subarray(0, 12));
        rest = rest.subarray(12);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return Object.assign(served, {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  });
}

function contents(request: Buffer, count: number, readCount: number): Buffer {
  const reply = Buffer.alloc(9 + count * 2);
  request.copy(reply, 0, 0, 8);
  reply.writeUInt16BE(3 + count * 2, 4);
  reply.writeUInt8(count * 2, 8);
  for (let i = 0; i < count; i++) {
    reply.writeUInt16BE(i % 4 === 0 ? (readCount + i) & 0x7fff : i, 9 + i * 2);
  }
  return reply;
}

function refusal(request: Buffer): Buffer {
  const reply = Buffer.alloc(9);
  request.copy(reply, 0, 0, 8);
  reply.writeUInt16BE(3, 4);
  reply.writeUInt8(request.readUInt8(7) | 0x80, 7);
  reply.writeUInt8(2, 8);
  return reply;
}
