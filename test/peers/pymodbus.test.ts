import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { DeviceProfile } from "../../configs/profile.ts";
import { device, mapping, profile } from "../../drivers/modbus/profile-fixture.ts";
import { createDriverBench, type DriverBench } from "../support/driver-bench.ts";
import { addressOn, startForeignDevice, type ForeignDevice } from "./foreign-device.ts";

function battery(wordOrder: "big" | "little", values: Partial<DeviceProfile> = {}): DeviceProfile {
  return profile({
    writeMs: 500,
    points: [
      mapping({ point: "isClosed", address: 0, type: "bit", bit: 2 }),
      mapping({ point: "isOpen", address: 0, type: "bit", bit: 1 }),
      mapping({ point: "activePowerKw", address: 1, scale: 0.1 }),
      mapping({ point: "reactivePowerKvar", address: 2, type: "int32", wordOrder, scale: 0.01 }),
      mapping({ point: "chargeLimitKw", address: 4, type: "uint32", wordOrder }),
      mapping({ point: "socPct", address: 6, type: "float32", wordOrder }),
      mapping({ point: "isContactorClosed", table: "discrete", address: 5, type: "bit" }),
      mapping({ point: "isBmsFault", table: "coil", address: 6, type: "bit" }),
      mapping({
        point: "powerSetpointKw",
        table: "holding",
        address: 2,
        scale: 0.1,
        access: "readWrite",
      }),
    ],
    commands: [
      { command: "open", table: "coil", address: 9, value: 1, before: [], followedBy: null },
      {
        command: "setForming",
        table: "holding",
        address: 3,
        value: 4,
        before: [],
        followedBy: null,
      },
    ],
    ...values,
  });
}

/** pymodbus 3 of Debian as the device: a peer that is not our own code, on either end of the wire. */
describe.each(["tcp", "rtu-over-tcp", "rtu"] as const)("a pymodbus server over %s", (transport) => {
  let server: ForeignDevice;
  let driver: DriverBench | null = null;

  beforeAll(async () => {
    server = await startForeignDevice("python3-pymodbus", transport);
  });

  afterEach(async () => {
    await driver?.io.close();
    driver = null;
  });

  afterAll(async () => {
    await server.close();
  });

  const address = () => addressOn(server, transport);

  async function connected(unitId: number, used: DeviceProfile): Promise<DriverBench> {
    const bench = createDriverBench([device({ ...address(), unitId, profile: used })]);
    driver = bench;
    await bench.until("every point is read", () => bench.points.size === used.points.length);
    return bench;
  }

  it.each([
    [1, "big"],
    [2, "little"],
  ] as const)(
    "unit %i is read with its %s word order, as pymodbus encoded it",
    async (unitId, wordOrder) => {
      const bench = await connected(unitId, battery(wordOrder));
      expect(
        Object.fromEntries([...bench.points].map(([point, [value]]) => [point, value])),
      ).toEqual({
        "bat1.isClosed": true,
        "bat1.isOpen": false,
        "bat1.activePowerKw": -0.5,
        "bat1.reactivePowerKvar": -1234.56,
        "bat1.chargeLimitKw": 4_000_000_000,
        "bat1.socPct": 59.98,
        "bat1.isContactorClosed": true,
        "bat1.isBmsFault": false,
        "bat1.powerSetpointKw": 0,
      });
      expect(bench.states.get("bat1")).toBe("online");
    },
  );

  it("takes set-points, and shows what it holds", async () => {
    const bench = await connected(1, battery("big"));
    await bench.confirm("bat1", "powerSetpointKw", -12.3);
    expect(await server.register("holding", 1, 2)).toBe(0x10000 - 123);
    expect(bench.points.get("bat1.powerSetpointKw")?.[0]).toBe(-12.3);
  });

  it("takes commands in a register and in a coil", async () => {
    const bench = await connected(1, battery("big"));
    bench.execute("bat1", "setForming");
    bench.execute("bat1", "open");
    await bench.until("both fates", () => bench.fates.length === 2);
    expect(bench.fates.map((fate) => fate.fate)).toEqual(["confirmed", "confirmed"]);
    expect([await server.register("holding", 1, 3), await server.register("coil", 1, 9)]).toEqual([
      4, 1,
    ]);
  });

  it("takes epoch, set-point and command in one request", async () => {
    const { commands } = battery("little");
    const block = { epochRegister: { address: 0 }, commands: commands.slice(1) };
    const bench = await connected(2, battery("little", block));
    bench.epoch = 70_000;
    bench.io.writeLevels([{ device: "bat1", point: "powerSetpointKw", value: 5 }], 1);
    bench.execute("bat1", "setForming");
    await bench.until("fate", () => bench.fates.length === 1);
    expect(bench.fates[0]?.fate).toBe("confirmed");
    const held = [];
    for (const address of [0, 1, 2, 3]) held.push(await server.register("holding", 2, address));
    expect(held).toEqual([1, 4464, 50, 4]);
  });

  it("refuses registers that it does not have; the others are read on", async () => {
    const points = [...battery("big").points, mapping({ point: "sohPct", address: 60 })];
    const bench = createDriverBench([
      device({ ...address(), profile: battery("big", { points }) }),
    ]);
    driver = bench;
    await bench.until("degraded", () => bench.states.get("bat1") === "degraded");
    await bench.until("the others", () => bench.points.size === points.length - 1);
    await server.register("input", 1, 1, 420);
    await bench.until("a change", () => bench.points.get("bat1.activePowerKw")?.[0] === 42);
    await server.register("input", 1, 1, 0xfffb);
  });
});
