import { afterEach, describe, expect, it } from "vitest";
import { ModbusServer } from "../../drivers/modbus-server/modbus-server.ts";
import { NodeLink } from "./node-link.ts";
import { SimulatedDevice, type WriteEntry } from "./simulated-device.ts";
import { closeClient, connectClient } from "./testing/modbus-client.ts";
import { RawClient, RecordingPlant, vesselDevice } from "./testing/test-rig.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A plain genset behind two listeners, one per node. */
async function rig(options: { mastersMax?: number; slotReleaseMs?: number } = {}) {
  const plant = new RecordingPlant();
  const log: WriteEntry[] = [];
  const clock = { nowMs: 0 };
  const device = new SimulatedDevice(
    vesselDevice("dg2"),
    "port",
    plant,
    () => clock.nowMs,
    (entry) => log.push(entry),
  );
  const neighbour = new SimulatedDevice(
    { ...vesselDevice("dg2"), id: "neighbour", unitId: 2 },
    "port",
    new RecordingPlant(),
    () => clock.nowMs,
    () => {},
  );
  const units = new Map([
    [1, device],
    [2, neighbour],
  ]);
  const server = new ModbusServer(units, {
    nowMs: () => clock.nowMs,
    mastersMax: options.mastersMax ?? 8,
    slotReleaseMs: options.slotReleaseMs ?? 1000,
  });
  cleanups.push(() => server.close());
  const links = { n1: new NodeLink("n1"), n2: new NodeLink("n2") };
  const ports = {
    n1: await server.listen("127.0.0.1", 0, links.n1, "device dg2"),
    n2: await server.listen("127.0.0.1", 0, links.n2, "device dg2"),
  };
  const open = async (port: number) => {
    const client = await RawClient.open(port);
    cleanups.push(() => client.socket.destroy());
    return client;
  };
  return { plant, log, clock, device, server, links, ports, open };
}

/** Reads holding register 0; answers are 11 bytes long. */
const READ = "00 01 00 00 00 06 01 03 00 00 00 01";
const READ_ANSWER_LENGTH = 11;
/** Writes 100 to register 0 (10 kW); answers are 12 bytes long. */
const WRITE = "00 02 00 00 00 06 01 06 00 00 00 64";
const WRITE_ANSWER_LENGTH = 12;

describe("the server serves modbus-serial", () => {
  it("reads and writes registers, and gives exceptions their code", async () => {
    const { ports, plant, log } = await rig();
    const client = await connectClient(ports.n1);
    cleanups.push(() => closeClient(client));
    plant.values["activePowerKw"] = 123.4;
    await client.writeRegisters(0, [2500, 10]);
    expect(plant.calls).toEqual(["powerReferenceKw=250", "reactiveReferenceKvar=1"]);
    expect((await client.readHoldingRegisters(0, 2)).data).toEqual([2500, 10]);
    await client.writeRegister(2, 1);
    expect(plant.calls.at(-1)).toBe("start");
    expect((await client.readInputRegisters(0, 7)).data).toHaveLength(7);
    await expect(client.readHoldingRegisters(900, 1)).rejects.toMatchObject({ modbusCode: 2 });
    await expect(client.readCoils(0, 1)).rejects.toMatchObject({ modbusCode: 2 });
    await expect(client.writeCoil(0, true)).rejects.toMatchObject({ modbusCode: 2 });
    client.setID(9);
    await expect(client.readHoldingRegisters(0, 1)).rejects.toMatchObject({ modbusCode: 11 });
    expect(log.filter(({ refusal }) => refusal === null).map(({ writer }) => writer)).toEqual([
      "n1",
      "n1",
    ]);
  });
});

describe("on the wire", () => {
  it("answers a request that comes in pieces, and several that come at once", async () => {
    const { ports, open } = await rig();
    const client = await open(ports.n1);
    client.send(READ.slice(0, 17));
    client.send(READ.slice(17));
    expect(await client.take(READ_ANSWER_LENGTH)).toBe("00 01 00 00 00 05 01 03 02 00 00");
    client.send(`${WRITE} ${READ}`);
    expect(await client.take(WRITE_ANSWER_LENGTH)).toBe("00 02 00 00 00 06 01 06 00 00 00 64");
    expect(await client.take(READ_ANSWER_LENGTH)).toBe("00 01 00 00 00 05 01 03 02 00 64");
  });

  it("closes a connection that does not speak Modbus, and goes on serving others", async () => {
    const { ports, open } = await rig();
    const client = await open(ports.n1);
    client.send("47 45 54 20 2f 20 48 54 54 50");
    await client.closed();
    const other = await open(ports.n1);
    other.send(READ);
    expect(await other.take(READ_ANSWER_LENGTH)).not.toBe("");
  });

  it("knows the writer by the port", async () => {
    const { ports, log, open } = await rig();
    for (const port of [ports.n2, ports.n1]) {
      const client = await open(port);
      client.send(WRITE);
      await client.take(WRITE_ANSWER_LENGTH);
    }
    expect(log.map(({ writer }) => writer)).toEqual(["n2", "n1"]);
    expect(log[0]?.connectionId).not.toBe(log[1]?.connectionId);
  });

  it("names port and device where the port is taken", async () => {
    const { server, ports, links } = await rig();
    await expect(server.listen("127.0.0.1", ports.n1, links.n1, "device dg2")).rejects.toThrow(
      new RegExp(`device dg2: cannot listen on 127.0.0.1:${ports.n1}`),
    );
  });
});

describe("masters", () => {
  it("beyond the most are refused, until one leaves", async () => {
    const { ports, open, server } = await rig({ mastersMax: 1 });
    const first = await open(ports.n1);
    first.send(READ);
    await first.take(READ_ANSWER_LENGTH);
    const second = await open(ports.n2);
    await second.closed();
    expect(server.connectionCount).toBe(1);
    first.socket.destroy();
    while (server.connectionCount > 0) await new Promise((resolve) => setImmediate(resolve));
    const third = await open(ports.n2);
    third.send(READ);
    expect(await third.take(READ_ANSWER_LENGTH)).toHaveLength(READ_ANSWER_LENGTH * 3 - 1);
  });

  it("that were silent for the release time give their slot to one that asks", async () => {
    const { ports, open, clock } = await rig({ mastersMax: 1, slotReleaseMs: 1000 });
    const first = await open(ports.n1);
    first.send(READ);
    await first.take(READ_ANSWER_LENGTH);
    clock.nowMs += 1000;
    const second = await open(ports.n2);
    second.send(READ);
    expect(await second.take(READ_ANSWER_LENGTH)).toHaveLength(READ_ANSWER_LENGTH * 3 - 1);
    await first.closed();
  });
});

describe("the link of one node", () => {
  /** Enough traffic of another node that anything readable of the cut one would have been served by then. */
  const passTime = async (other: RawClient) => {
    for (let round = 0; round < 20; round += 1) {
      other.send(READ);
      await other.take(READ_ANSWER_LENGTH);
    }
  };

  it("held: nothing is read or answered, and all of it comes through after the heal", async () => {
    const { ports, open, links, log } = await rig();
    const [cut, other] = [await open(ports.n1), await open(ports.n2)];
    cut.send(READ);
    await cut.take(READ_ANSWER_LENGTH);
    links.n1.cut("held");
    cut.send(WRITE);
    const late = await open(ports.n1);
    late.send(READ);
    await passTime(other);
    expect(log).toEqual([]);
    expect([cut.received.length, late.received.length]).toEqual([0, 0]);
    expect([cut.isClosed, late.isClosed]).toEqual([false, false]);
    links.n1.heal();
    expect(await cut.take(WRITE_ANSWER_LENGTH)).toBe(WRITE);
    await late.take(READ_ANSWER_LENGTH);
    expect(log).toMatchObject([{ writer: "n1", refusal: null }]);
  });

  it("dropped: what was under way never acts, and the peer hears nothing until the heal", async () => {
    const { ports, open, links, log } = await rig();
    const [cut, other] = [await open(ports.n1), await open(ports.n2)];
    cut.send(READ);
    await cut.take(READ_ANSWER_LENGTH);
    links.n1.cut("dropped");
    cut.send(WRITE);
    await passTime(other);
    expect([log.length, cut.received.length, cut.isClosed]).toEqual([0, 0, false]);
    links.n1.heal();
    await cut.closed();
    expect(log).toEqual([]);
    const again = await open(ports.n1);
    again.send(READ);
    await again.take(READ_ANSWER_LENGTH);
  });
});

describe("a faulty device", () => {
  it("stays silent while its neighbour behind the same connection answers", async () => {
    const { ports, open, device, log } = await rig();
    const client = await open(ports.n1);
    device.faults.isSilent = true;
    client.send(`${WRITE} 00 03 00 00 00 06 02 03 00 00 00 01`);
    expect(await client.take(READ_ANSWER_LENGTH)).toBe("00 03 00 00 00 05 02 03 02 00 00");
    expect([log.length, client.isClosed]).toEqual([0, false]);
    device.faults.isSilent = false;
    client.send(WRITE);
    expect(await client.take(WRITE_ANSWER_LENGTH)).toBe(WRITE);
  });

  it("answers late, in order", async () => {
    const { ports, open, device } = await rig();
    const client = await open(ports.n1);
    device.faults.delayMs = 5;
    client.send(`${WRITE} ${READ}`);
    expect(await client.take(WRITE_ANSWER_LENGTH)).toBe(WRITE);
    expect(await client.take(READ_ANSWER_LENGTH)).toBe("00 01 00 00 00 05 01 03 02 00 64");
  });
});
