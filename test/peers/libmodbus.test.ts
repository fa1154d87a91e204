import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { device, mapping, profile } from "../../drivers/modbus/profile-fixture.ts";
import { createDriverBench, type DriverBench } from "../support/driver-bench.ts";
import { addressOn, startForeignDevice, type ForeignDevice } from "./foreign-device.ts";

const battery = profile({
  writeMs: 500,
  points: [
    mapping({ point: "isClosed", address: 0, type: "bit", bit: 2 }),
    mapping({ point: "activePowerKw", address: 1, scale: 0.1 }),
    mapping({ point: "reactivePowerKvar", address: 2, type: "int32", scale: 0.01 }),
    mapping({ point: "chargeLimitKw", address: 4, type: "uint32" }),
    mapping({ point: "socPct", address: 6, type: "float32" }),
    mapping({ point: "isContactorClosed", table: "discrete", address: 5, type: "bit" }),
    mapping({ point: "isBmsFault", table: "coil", address: 6, type: "bit" }),
    mapping({
      point: "powerSetpointKw",
      table: "holding",
      address: 2,
      scale: 0.1,
      access: "readWrite",
    }),
    // libmodbus has forty input registers here: it refuses this one.
    mapping({ point: "sohPct", address: 60 }),
  ],
  commands: [
    { command: "open", table: "coil", address: 9, value: 1, before: [], followedBy: null },
    { command: "setForming", table: "holding", address: 3, value: 4, before: [], followedBy: null },
  ],
});

/** libmodbus 5 of Debian as the device: the library that most devices and tools in C are built on. */
describe.each(["tcp", "rtu"] as const)("a libmodbus server over %s", (transport) => {
  let server: ForeignDevice;
  let driver: DriverBench | null = null;

  beforeAll(async () => {
    server = await startForeignDevice("libmodbus", transport);
  });

  afterEach(async () => {
    await driver?.io.close();
    driver = null;
  });

  afterAll(async () => {
    await server.close();
  });

  async function connected(): Promise<DriverBench> {
    const bench = createDriverBench([
      device({ ...addressOn(server, transport), profile: battery }),
    ]);
    driver = bench;
    await bench.until("all but one point are read", () => bench.points.size === 8);
    return bench;
  }

  it("is read as libmodbus shows it, and what it refuses is listed", async () => {
    const bench = await connected();
    expect(Object.fromEntries([...bench.points].map(([point, [value]]) => [point, value]))).toEqual(
      {
        "bat1.isClosed": true,
        "bat1.activePowerKw": -0.5,
        "bat1.reactivePowerKvar": -1234.56,
        "bat1.chargeLimitKw": 4_000_000_000,
        "bat1.socPct": 59.98,
        "bat1.isContactorClosed": true,
        "bat1.isBmsFault": false,
        "bat1.powerSetpointKw": 0,
      },
    );
    await bench.until("degraded", () => bench.states.get("bat1") === "degraded");
    expect(bench.io.health()[0]?.refused).toEqual([
      { point: "bat1.sohPct", where: "input 60", reason: "exception 2 (illegal data address)" },
    ]);
  });

  it("takes set-points and commands, and shows what it holds", async () => {
    const bench = await connected();
    await bench.confirm("bat1", "powerSetpointKw", -12.3);
    bench.execute("bat1", "setForming");
    bench.execute("bat1", "open");
    await bench.until("both fates", () => bench.fates.length === 2);
    expect(bench.fates.map((fate) => fate.fate)).toEqual(["confirmed", "confirmed"]);
    expect([
      await server.register("holding", 2),
      await server.register("holding", 3),
      await server.register("coil", 9),
    ]).toEqual([0x10000 - 123, 4, 1]);
  });
});
