import { afterEach, describe, expect, it } from "vitest";
import { loadProfiles } from "../../configs/load-profile.ts";
import { present } from "../../kernel/assert.ts";
import { parseFaultLine } from "./fault-lines.ts";
import { ProfileServer } from "./profile-server.ts";
import type { WriteEntry } from "./simulated-device.ts";
import { closeClient, connectClient } from "./testing/modbus-client.ts";
import { RawClient } from "./testing/test-rig.ts";

const profile = present(loadProfiles().get("sim-plain-genset"), "a shipped profile");
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A genset of the plain series (low word first) on a clock that the test moves. */
async function rig() {
  const writes: WriteEntry[] = [];
  const fallbacks: boolean[] = [];
  const clock = { nowMs: 0 };
  const server = await ProfileServer.open({
    profile,
    host: "127.0.0.1",
    port: 0,
    unitId: 1,
    nameplate: { powerKw: 1000, voltageV: 690, frequencyHz: 60 },
    settings: [{ point: "runningHoursH", value: 7000 }],
    nowMs: () => clock.nowMs,
    onWrite: (entry) => writes.push(entry),
    onFallback: (isActive) => fallbacks.push(isActive),
  });
  cleanups.push(() => server.close());
  const connect = async () => {
    const client = await connectClient(server.port);
    cleanups.push(() => closeClient(client));
    return client;
  };
  const apply = (line: string) => server.apply(parseFaultLine(line, profile));
  return { server, clock, connect, apply, writes, fallbacks };
}

const reference = present(
  profile.points.find(({ point }) => point === "powerReferenceKw"),
  "a level",
);
const readBack = present(reference.readBack, "a read-back elsewhere");
/** runningHoursH = 7000 at 0.1 h: 70000 is 1 × 65536 + 4464, low word first. */
const HOURS = [4464, 1];

describe("a profile served as a device", () => {
  it("shows a commanded value at its read-back, and takes it back when the watchdog runs out", async () => {
    const { server, clock, connect, fallbacks } = await rig();
    const client = await connect();
    await client.writeRegisters(reference.address, [2500]);
    const shown = async () => (await client.readInputRegisters(readBack.address, 1)).data[0];
    expect(await shown()).toBe(2500);
    clock.nowMs += 5001;
    server.device.checkWatchdog();
    expect(fallbacks).toEqual([true]);
    expect(await shown()).toBe(0);
  });

  it("half-open: the old connection falls silent and stays, a new one is served", async () => {
    const { server, apply, connect } = await rig();
    const old = await RawClient.open(server.port);
    cleanups.push(async () => void old.socket.destroy());
    old.send("00 01 00 00 00 06 01 04 00 00 00 01");
    expect(await old.take(11)).toMatch(/^00 01/);
    apply("half-open");
    old.send("00 02 00 00 00 06 01 04 00 00 00 01");
    const client = await connect();
    await client.readInputRegisters(0, 1);
    expect([old.received.length, old.isClosed]).toEqual([0, false]);
  });

  it("one-master: a second connection is reset, and the oldest is kept", async () => {
    const { server, apply, connect } = await rig();
    const first = await connect();
    await first.readInputRegisters(0, 1);
    const second = await RawClient.open(server.port);
    apply("one-master");
    await second.closed();
    await first.readInputRegisters(0, 1);
    apply("ok");
    const third = await connect();
    await third.readInputRegisters(0, 1);
  });

  it("exception: whatever touches the register is refused, the rest is answered", async () => {
    const { apply, connect } = await rig();
    const client = await connect();
    apply("exception 50 4");
    await expect(client.readInputRegisters(50, 2)).rejects.toMatchObject({ modbusCode: 4 });
    await client.readInputRegisters(0, 2);
  });

  it("ignore-writes: acknowledged, without effect, and seen as ignored", async () => {
    const { apply, connect, writes } = await rig();
    const client = await connect();
    apply("ignore-writes");
    await client.writeRegisters(reference.address, [2500]);
    expect((await client.readInputRegisters(readBack.address, 1)).data).toEqual([0]);
    expect(writes[0]?.refusal).toBe("ignored: a fault");
  });

  it("stuck: the value stays where it was, others move", async () => {
    const { apply, connect } = await rig();
    const client = await connect();
    apply("stuck runningHoursH");
    apply("set runningHoursH=1");
    expect((await client.readInputRegisters(50, 2)).data).toEqual(HOURS);
    apply("ok");
    expect((await client.readInputRegisters(50, 2)).data).toEqual([10, 0]);
  });

  it("wrong-endian: words change places, or bytes", async () => {
    const { apply, connect } = await rig();
    const client = await connect();
    const hours = async () => (await client.readInputRegisters(50, 2)).data;
    expect(await hours()).toEqual(HOURS);
    apply("wrong-endian words");
    expect(await hours()).toEqual([1, 4464]);
    apply("wrong-endian bytes");
    expect(await hours()).toEqual([0x7011, 0x0100]);
    await client.writeRegisters(reference.address, [0x0a00]);
    apply("ok");
    expect((await client.readInputRegisters(readBack.address, 1)).data).toEqual([0x000a]);
  });
});
