import { afterEach, describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import { present } from "../../kernel/assert.ts";
import { closeClient, connectClient } from "../devices/testing/modbus-client.ts";
import { LineReader } from "./line-reader.ts";
import { loadPlantFile } from "./load-plant-file.ts";
import { type SimulatorMessage, simulatorCommand, simulatorMessage } from "./protocol.ts";
import { Simulator } from "./simulator.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** The vessel on free ports and on a clock that the test moves. */
async function vessel() {
  const path = new URL("../../configs/vessel.toml", import.meta.url).pathname;
  const manifest = loadManifest(path);
  const clock = { nowMs: 1_000_000 };
  const messages: SimulatorMessage[] = [];
  const simulator = await Simulator.open(manifest, loadPlantFile(manifest), {
    seed: 1,
    publicPortBase: 0,
    nowMs: () => clock.nowMs,
    send: (message) => messages.push(simulatorMessage.parse(message)),
  });
  cleanups.push(() => simulator.close());
  /** Time passes in steps of 10 ms. */
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 10) {
      clock.nowMs += 10;
      simulator.advance();
    }
  };
  const addressOf = (id: string) => {
    const device = present(simulator.servers.devices.get(id), "a device").config;
    return `${device.host}:${device.port}`;
  };
  /** A node's connection to a device. */
  const portOf = (node: string, id: string) => {
    const place = present(simulator.servers.ports[node]?.[addressOf(id)], "a port of the node");
    return Number(place.split(":")[1]);
  };
  const connect = async (node: string, id: string) => {
    const client = await connectClient(portOf(node, id));
    cleanups.push(() => closeClient(client));
    return client;
  };
  const last = <K extends SimulatorMessage["type"]>(type: K) =>
    messages
      .filter((message): message is Extract<SimulatorMessage, { type: K }> => message.type === type)
      .at(-1);
  return { simulator, clock, messages, pass, connect, portOf, last };
}

describe("the simulator", () => {
  it("does what is played into it, and serves it over Modbus; what is given back follows the plant again", async () => {
    const { simulator, pass, portOf } = await vessel();
    const feeder = await connectClient(portOf("n1", "f1"));
    const battery = await connectClient(portOf("n1", "bat1"));
    const drive = (value: number | null, socPct: number | null) =>
      simulator.execute({
        type: "drive",
        values: [
          { device: "f1", point: "activePowerKw", value },
          { device: "bat1", point: "socPct", value: socPct },
        ],
      });
    /** As the profiles have them: tenths, the low word first. */
    const read = async () => {
      const power = await feeder.readInputRegisters(1, 1);
      const soc = await battery.readInputRegisters(6, 1);
      return [(power.data[0] ?? 0) / 10, (soc.data[0] ?? 0) / 10];
    };
    drive(123.4, 33.3);
    pass(100);
    expect(await read()).toEqual([123.4, 33.3]);
    expect(Math.abs(simulator.plant.grid("port").loadKw - 123.4 - 150)).toBeLessThan(10);
    drive(null, null);
    pass(100);
    const [powerKw = 0, socPct] = await read();
    expect(Math.abs(powerKw - 200)).toBeLessThan(10);
    expect(socPct).toBe(62);
    await Promise.all([closeClient(feeder), closeClient(battery)]);
  });

  it("offers each node its own port for every device of the manifest", async () => {
    const { last } = await vessel();
    const ready = present(last("ready"), "ready was sent");
    expect(Object.keys(ready.ports)).toEqual(["n1", "n2", "n3"]);
    const all = Object.values(ready.ports).flatMap((ports) => Object.values(ports));
    expect(new Set(all).size).toBe(all.length);
    expect(Object.keys(ready.ports["n1"] ?? {})).toEqual(Object.keys(ready.publicPorts));
  });

  it("shows a takeover as the devices saw it", async () => {
    const { simulator, clock, pass, connect, last, messages } = await vessel();
    const [old, next] = [await connect("n1", "dg1"), await connect("n2", "dg1")];
    pass(1000);
    await old.writeRegisters(0, [0, 5, 3500, 0]);
    pass(400);
    expect(last("plant")?.grids[0]).toMatchObject({ id: "port", writer: "n1", epoch: 5 });
    const faultAtMs = clock.nowMs;
    simulator.execute(
      simulatorCommand.parse({
        type: "fault.mark",
        id: "k1",
        grid: "port",
        from: "n1",
        reason: "kill",
        atMonotonicMs: faultAtMs,
      }),
    );
    pass(150);
    await next.writeRegisters(0, [0, 6, 3504, 0]);
    await expect(old.writeRegisters(0, [0, 5, 9000, 0])).rejects.toMatchObject({ modbusCode: 3 });
    pass(3000);
    const summary = present(last("failover"), "the failover was judged");
    expect(summary).toMatchObject({
      id: "k1",
      from: "n1",
      to: "n2",
      epoch: 6,
      gapMs: 150,
      overlapCount: 0,
      lateWriteCount: 0,
      breakersMovedCount: 0,
      startsStopsCount: 0,
    });
    expect(summary.setpointStepKwMax).toBeCloseTo(0.4, 6);
    expect(summary.frequencyHzMin).toBeGreaterThan(59.8);
    expect(summary.frequencyHzMax).toBeLessThan(60.2);
    const kinds = messages.filter((one) => one.type === "event").map((one) => one.kind);
    expect(kinds).toContain("refused");
  });

  it("carries a command over the wire into the plant and shows what follows", async () => {
    const { pass, connect, last, messages } = await vessel();
    const client = await connect("n1", "dg2");
    await client.writeRegisters(2, [1]);
    pass(10_000);
    const dg2 = last("plant")?.devices.find(({ id }) => id === "dg2");
    expect(dg2?.points).toMatchObject({ isRunning: true, isReadyToLoad: true, isClosed: false });
    const texts = messages.filter((one) => one.type === "event").map((one) => one.kind);
    expect(texts).toEqual(expect.arrayContaining(["leader", "started", "ready"]));
    expect(last("totals")).toMatchObject({ writeCount: 1, startsStopsCount: 1, skippedMs: 0 });
  });

  it("catches up 200 ms after a pause of the host, skips the rest and says so", async () => {
    const { simulator, clock, pass, last } = await vessel();
    pass(100);
    clock.nowMs += 1000;
    simulator.advance();
    expect(simulator.plant.plantMs).toBe(300);
    pass(1000);
    expect(last("totals")?.skippedMs).toBe(800);
    expect(simulator.plant.plantMs).toBe(1300);
  });

  it.each([
    [{ type: "trip", device: "nothing" }, "nothing"],
    [{ type: "loadStep", device: "dg1", deltaKw: 5 }, "dg1"],
    [{ type: "cut", node: "n9" }, "n9"],
    [{ type: "tie", tie: "x", action: "close" }, "x"],
    [{ type: "breaker", device: "dg2", action: "close" }, "not ready"],
  ])("answers %o with a message that names it", async (command, named) => {
    const { simulator } = await vessel();
    expect(() => simulator.execute(simulatorCommand.parse(command))).toThrow(named);
  });

  it("closes the tie by its push-buttons", async () => {
    const { simulator, pass, last } = await vessel();
    pass(500);
    simulator.execute({ type: "tie", tie: "tie", action: "close" });
    pass(10_000);
    const grids = last("plant")?.grids ?? [];
    expect(new Set(grids.map(({ island }) => island)).size).toBe(1);
    expect(last("totals")).toMatchObject({ breakersMovedCount: 2, outOfPhaseCount: 0 });
  });
});

describe("plant files", () => {
  it.each(["vessel", "land-battery", "single"])("%s fits its manifest", async (name) => {
    const path = new URL(`../../configs/${name}.toml`, import.meta.url).pathname;
    const manifest = loadManifest(path);
    const simulator = await Simulator.open(manifest, loadPlantFile(manifest), {
      seed: 1,
      publicPortBase: 0,
      nowMs: () => 0,
      send: () => {},
    });
    cleanups.push(() => simulator.close());
    for (let step = 0; step < 2000; step += 1) simulator.plant.step();
    for (const bus of simulator.plant.buses) {
      expect(bus.isLive).toBe(true);
      expect(Math.abs(bus.omegaPu - 1)).toBeLessThan(0.01);
    }
  });
});

describe("lines", () => {
  it("are put together from pieces, and one that is far too long is dropped", () => {
    const lines: string[] = [];
    const reader = new LineReader((line) => lines.push(line));
    const push = (text: string) => reader.push(new TextEncoder().encode(text));
    push('{"a"');
    push(":1}\n\n{}\n");
    push("x".repeat(1_000_001));
    push("yz\nnext\n");
    expect(lines).toEqual(['{"a":1}', "{}", "next"]);
  });
});
