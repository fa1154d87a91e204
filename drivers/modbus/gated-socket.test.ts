import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { eventually } from "../../test/support/eventually.ts";
import { GatedSocket } from "./gated-socket.ts";

let server: Server;
let received: Buffer;
let accepted: Socket | null;
let socket: GatedSocket;
let answers: (string | null)[];
let refused: string[];

const frame = (functionCode: number, fill = 0) => {
  const bytes = Buffer.alloc(12, fill);
  bytes[7] = functionCode;
  return bytes;
};

beforeEach(async () => {
  received = Buffer.alloc(0);
  accepted = null;
  answers = [];
  refused = [];
  server = createServer((peer) => {
    accepted = peer;
    peer.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
    });
    peer.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  socket = new GatedSocket(
    7,
    () => answers.shift() ?? null,
    (reason) => refused.push(reason),
  );
  socket.on("error", () => {});
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => {
    socket.connect({ host: "127.0.0.1", port }, resolve);
  });
  await eventually("accepted", () => accepted !== null);
});

afterEach(async () => {
  socket.destroy();
  accepted?.destroy();
  await new Promise((resolve) => server.close(resolve));
});

it("sends reads without asking", async () => {
  answers = ["asked"];
  for (const code of [1, 2, 3, 4]) socket.write(frame(code));
  await eventually("all four", () => received.length === 48);
  expect(answers).toEqual(["asked"]);
});

it.each([0, 5, 6, 15, 16, 22, 23, 43, 90])(
  "asks before function code %i, and sends nothing of a refused frame",
  async (code) => {
    answers = ["no authority"];
    expect(socket.write(frame(code))).toBe(true);
    socket.write(frame(3));
    await eventually("the read", () => received.length >= 12);
    expect(received).toEqual(frame(3));
    expect(refused).toEqual(["no authority"]);
    expect(answers).toEqual([]);
  },
);

it("sends a write that is admitted", async () => {
  socket.write(frame(16));
  await eventually("the write", () => received.length === 12);
  expect(refused).toEqual([]);
});

it("sends no write while other bytes wait, nor after them", async () => {
  accepted?.pause();
  while (socket.write(Buffer.concat([frame(3), Buffer.alloc(100_000)]))) {
    // Until the kernel's buffers are full: a device that stopped reading.
  }
  socket.write(frame(16));
  socket.write(frame(3));
  accepted?.resume();
  await eventually("everything was sent", () => socket.writableLength === 0);
  expect(refused).toEqual(["other bytes wait in the connection"]);
});

it("sends nothing after the other side has closed", async () => {
  accepted?.end();
  await eventually("closed", () => socket.readyState !== "open");
  socket.write(frame(16));
  expect(received.length).toBe(0);
});
