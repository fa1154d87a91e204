import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { GatedMqttStream } from "./packet-gate.ts";

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
const PING = "c0 00";
/** Topic "a", packet 1, payload "x". */
const PUBLISH = "32 06 00 01 61 00 01 78";

let server: Server;
let received: Buffer;
let wake = (): void => {};
beforeEach(async () => {
  received = Buffer.alloc(0);
  server = createServer((socket) =>
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      wake();
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => new Promise<void>((resolve) => void server.close(() => resolve())));

async function open(admit: () => string | null, onRefused: (reason: string) => void = () => {}) {
  const { port } = server.address() as AddressInfo;
  const connected = new Promise((resolve) => server.once("connection", resolve));
  const socket = new GatedMqttStream({ host: "127.0.0.1", port }, null, admit, onRefused);
  await connected;
  return socket;
}
async function take(hex: string): Promise<void> {
  const wanted = bytesOf(hex);
  while (received.length < wanted.length) await new Promise<void>((resolve) => (wake = resolve));
  expect(received.toString("hex")).toBe(wanted.toString("hex"));
}

it("a publication in pieces goes out whole, right after it was admitted, and once", async () => {
  const asked: number[] = [];
  const socket = await open(() => (asked.push(received.length), null));
  for (const byte of bytesOf(PUBLISH)) socket.write(Buffer.from([byte]));
  socket.write(bytesOf(PING));
  await take(PUBLISH + PING);
  expect(asked.length).toBe(1);
  socket.destroy();
});

it("one that is refused is not sent, not a byte of it; what is no publication passes", async () => {
  const reasons: string[] = [];
  const socket = await open(
    () => "no authority",
    (reason) => reasons.push(reason),
  );
  socket.write(bytesOf(PING + PUBLISH + PING));
  await take(PING + PING);
  expect(reasons).toEqual(["no authority"]);
  socket.destroy();
});

it("several in one piece are each asked for", async () => {
  const answers = [null, "the epoch changed", null];
  let count = 0;
  const socket = await open(() => answers[count++] ?? null);
  socket.write(bytesOf(PUBLISH + PUBLISH + PUBLISH));
  await take(PUBLISH + PUBLISH);
  expect(count).toBe(3);
  socket.destroy();
});

it("a long publication is one, by its length in two bytes", async () => {
  let count = 0;
  const socket = await open(() => (count++, null));
  const body = Buffer.alloc(300, 0x61);
  const long = Buffer.concat([bytesOf("32 ac 02"), body]);
  socket.write(long.subarray(0, 2));
  socket.write(long.subarray(2, 100));
  socket.write(long.subarray(100));
  await take(long.toString("hex"));
  expect(count).toBe(1);
  socket.destroy();
});
