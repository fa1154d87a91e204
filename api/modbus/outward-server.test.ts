import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { Manifest } from "../../configs/manifest.ts";
import { present } from "../../kernel/assert.ts";
import { openTestNode, type TestNode } from "../../apps/r-emsctl/testing/test-node.ts";
import {
  closeClient,
  connectClient,
  type TestClient,
} from "../../sim/devices/testing/modbus-client.ts";
import type { ApiCommand } from "../api-messages.ts";
import { code16, createModbusMap } from "./modbus-map.ts";

const vessel: Manifest = {
  ...loadManifest("configs/vessel.toml"),
  modbusServer: { takesCommands: true, role: "operator", expirySMax: 300 },
};
const map = createModbusMap(vessel);
const taken: ApiCommand[] = [];
let node: TestNode;
let client: TestClient;
let serving: NodeJS.Timeout;

const port = present(map.units[0], "the unit of grid port");
const blockOf = (id: string) =>
  present(
    map.units.flatMap((unit) => unit.blocks).find((block) => block.id === id),
    `block ${id}`,
  );
/** Names the unit of a grid for what follows. */
const select = (grid: "port" | "starboard") => client.setID(grid === "port" ? 1 : 2);
const at = (id: string, point: string) =>
  present(
    blockOf(id).points.find(({ name }) => name === point),
    `${id} ${point}`,
  ).address;
const read = async (address: number, count: number) =>
  (await client.readHoldingRegisters(address, count)).data;
const textOf = (words: readonly number[]) =>
  String.fromCharCode(...words.flatMap((word) => [word >> 8, word & 0xff])).replace(/\0+$/, "");
const floatWords = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return [bytes.readUInt16BE(0), bytes.readUInt16BE(2)];
};
const floatOf = ([high = 0, low = 0]: readonly number[]) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(high, 0);
  bytes.writeUInt16BE(low, 2);
  return bytes.readFloatBE(0);
};
/** What became of the last request of a block, once it is known. */
async function resultOf(id: string) {
  for (;;) {
    const [result = 0, count = 0, ...reason] = await read(blockOf(id).commandAddress + 5, 34);
    if (result !== 1) return { result, count, reason: textOf(reason) };
  }
}
const command = (id: string, code: number, value = 0, expiryS = 10, role = 0) =>
  client.writeRegisters(blockOf(id).commandAddress, [code, ...floatWords(value), expiryS, role]);

beforeAll(async () => {
  node = await openTestNode(vessel, 0);
  node.step({
    points: [
      ["dg1.activePowerKw", 350.5, "good"],
      ["dg1.isClosed", true, "good"],
      ["dg1.isOpen", false, "good"],
      ["dg1.voltageV", 690, "uncertain"],
      ["bat1.state", "ready", "good"],
    ],
    connections: [["dg1", "online"]],
  });
  client = await connectClient(present(node.api.modbusPort, "the Modbus server is on"));
  serving = setInterval(() => {
    for (const one of node.api.takeCommands(16)) {
      taken.push(one);
      if (one.type !== "request") continue;
      const isAccepted = one.request.command !== "stop";
      const reason = isAccepted
        ? "dg2 is now starting"
        : "dg1 is the only source that forms the bus";
      node.api.reply({ requestId: one.request.requestId, isAccepted, reason });
    }
  }, 5);
  // The worker takes its feed every few milliseconds.
  while ((await read(at("dg1", "activePowerKw"), 5))[1] !== 2) await read(0, 1);
});
afterAll(async () => {
  clearInterval(serving);
  await closeClient(client);
  await node.close();
});

describe("what another system reads", () => {
  it("a header that says what this is", async () => {
    const words = await read(0, 42);
    expect(textOf(words.slice(0, 2))).toBe("REMS");
    expect(words.slice(2, 7)).toEqual([
      1,
      port.blocks.length,
      port.hash >>> 16,
      port.hash & 0xffff,
      0,
    ]);
    expect(words.slice(8, 10)).toEqual([100, 1]);
    expect([textOf(words.slice(10, 26)), textOf(words.slice(26, 42))]).toEqual(["vessel", "n1"]);
  });

  it("every block by following the chain alone", async () => {
    const ids: string[] = [];
    for (let address = (await read(8, 1))[0] ?? 0; address !== 0xffff;) {
      const words = await read(address, 24);
      ids.push(textOf(words.slice(4, 20)));
      expect(words[1]).toBe(port.blocks[ids.length - 1]?.length);
      address = words[2] ?? 0xffff;
    }
    expect(ids).toEqual(port.blocks.map(({ id }) => id));
  });

  it("a value with its name, quality and age; the same as input registers", async () => {
    const words = await read(at("dg1", "activePowerKw"), 5);
    expect([words[0], words[1], floatOf(words.slice(3))]).toEqual([
      code16("activePowerKw"),
      2,
      350.5,
    ]);
    expect(words[2]).toBeLessThan(600);
    const { data } = await client.readInputRegisters(at("dg1", "activePowerKw"), 2);
    expect(data).toEqual(words.slice(0, 2));
    expect(floatOf((await read(at("dg1", "isClosed"), 5)).slice(3))).toBe(1);
    expect(floatOf((await read(at("bat1", "state"), 5)).slice(3))).toBe(2);
  });

  it("an old value as uncertain, and what was never read as bad, without a number", async () => {
    expect((await read(at("dg1", "voltageV"), 2))[1]).toBe(1);
    const words = await read(at("dg1", "fuelKgPerH"), 5);
    expect([words[1], words[2], floatOf(words.slice(3))]).toEqual([0, 0xffff, Number.NaN]);
    // Grid starboard has no frames in this test.
    select("starboard");
    expect((await read(at("starboard", "frequencyHz"), 3)).slice(1)).toEqual([0, 0xffff]);
    select("port");
  });

  it("the figures of a grid", async () => {
    const leading = await read(at("port", "isLeadingHere"), 5);
    expect(floatOf(leading.slice(3))).toBe(1);
  });

  it("nothing beyond the map", async () => {
    const last = present(port.blocks.at(-1), "a last block");
    await read(last.address, last.length);
    await expect(read(last.address + last.length - 1, 2)).rejects.toMatchObject({ modbusCode: 2 });
    await expect(client.readCoils(0, 1)).rejects.toMatchObject({ modbusCode: 1 });
  });
});

describe("what another system asks for", () => {
  it("becomes an operator's command, with its answer in words", async () => {
    await command("dg2", 1);
    expect(await resultOf("dg2")).toEqual({ result: 2, count: 1, reason: "dg2 is now starting" });
    expect(taken.at(-1)).toMatchObject({
      type: "request",
      grid: "port",
      request: {
        role: "operator",
        actor: "grids/port/devices/dg2",
        command: "start",
        user: "modbus n1",
      },
    });
  });

  it("carries a limit with its value and expiry", async () => {
    await command("bt1", 9, 100.1, 30);
    await resultOf("bt1");
    expect(taken.at(-1)).toMatchObject({
      request: { command: "limit", arguments: { value: 100.1, expiryS: 30 } },
    });
  });

  it("is refused with the core's reason", async () => {
    await command("dg1", 2);
    const { result, reason } = await resultOf("dg1");
    expect([result, reason]).toEqual([3, "dg1 is the only source that forms the bus"]);
  });

  it.each<[string, () => Promise<unknown>, number, string]>([
    ["a command that the device does not have", () => command("dg1", 9), 3, "no command 9 here"],
    ["no expiry", () => command("dg1", 1, 0, 0), 3, "1 to 300 s"],
    ["an expiry above the manifest's", () => command("dg1", 1, 0, 301), 3, "1 to 300 s"],
    ["a role above the manifest's", () => command("dg1", 1, 0, 10, 1), 3, "not be above operator"],
    ["a value that is no number", () => command("dg1", 1, Number.NaN), 3, "not a finite number"],
  ])("%s is refused with a reason, and never asked for", async (_name, ask, code, reason) => {
    const before = taken.length;
    await expect(ask()).rejects.toMatchObject({ modbusCode: code });
    expect((await resultOf("dg1")).reason).toContain(reason);
    expect(taken.length).toBe(before);
  });

  it("is refused where this node does not lead, and the result says who does", async () => {
    select("starboard");
    await expect(command("dg3", 1)).rejects.toMatchObject({ modbusCode: 4 });
    expect((await resultOf("dg3")).reason).toBe("n1 does not lead starboard; nobody does");
    select("port");
  });

  it("is taken only as one request of five registers", async () => {
    const { commandAddress } = blockOf("dg1");
    const wrong = { modbusCode: 2 };
    await expect(client.writeRegister(commandAddress, 1)).rejects.toMatchObject(wrong);
    await expect(client.writeRegisters(commandAddress, [1, 0])).rejects.toMatchObject(wrong);
    await expect(client.writeRegisters(750, [1, 0, 0, 10, 0])).rejects.toMatchObject(wrong);
    await expect(client.writeCoil(0, true)).rejects.toMatchObject({ modbusCode: 1 });
  });
});

it("there is no Modbus server unless the manifest has a port", async () => {
  const silent = await openTestNode(loadManifest("configs/vessel.toml"));
  expect(silent.api.modbusPort).toBeNull();
  await silent.close();
});
