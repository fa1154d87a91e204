import { afterEach, beforeEach, expect, it } from "vitest";
import type { DriverFamilies } from "./driver-family.ts";
import { createDriverBench, type DriverBench } from "../test/support/driver-bench.ts";
import { ModbusTestDevice } from "../test/support/modbus-device.ts";
import { createDeviceIo } from "./device-io.ts";
import { modbusFamily } from "./modbus/modbus-device-io.ts";
import { device, profile } from "./modbus/profile-fixture.ts";

/** One grid with devices of two families; both speak Modbus here, each with a driver of its own. */
const families = {
  modbus: modbusFamily,
  sunspec: { ...modbusFamily, name: "sunspec" as const },
} satisfies DriverFamilies;

let first: ModbusTestDevice;
let second: ModbusTestDevice;
let driver: DriverBench;

beforeEach(async () => {
  first = new ModbusTestDevice();
  second = new ModbusTestDevice();
  const devices = [
    device({ id: "bat1", port: await first.listen() }),
    device({
      id: "bat2",
      port: await second.listen(),
      profile: profile({ id: "other", family: "sunspec" }),
    }),
  ];
  driver = createDriverBench(
    devices,
    {},
    {
      name: "modbus",
      create: (options) => createDeviceIo(options, families),
    },
  );
});

afterEach(async () => {
  await driver.io.close();
  await first.close();
  await second.close();
});

const online = async () => {
  await driver.until("all points of both", () => driver.points.size === 8);
};

it("brings the points and states of all", async () => {
  await online();
  expect(Object.fromEntries(driver.states)).toEqual({ bat1: "online", bat2: "online" });
  expect(driver.io.image().points.length).toBe(8);
  expect(driver.io.health().map((health) => health.device)).toEqual(["bat1", "bat2"]);
  expect(driver.io.reach()).toEqual({ reachedCount: 2, criticalCount: 2 });
  expect(driver.io.connection("bat2")).toBe("online");
  expect(driver.io.connection("nobody")).toBe("offline");
});

it("writes each set-point and command to the device that it is for, and to no other", async () => {
  await online();
  driver.io.writeLevels([{ device: "bat2", point: "powerSetpointKw", value: 5 }], 1);
  driver.execute("bat1", "open");
  await driver.until("the fate and the confirmation", () => {
    return driver.fates.length === 1 && driver.outcomes("powerSetpointKw").includes("confirmed");
  });
  expect(first.writes.map(({ address }) => address)).toEqual([103]);
  expect(second.writes.map(({ address }) => address)).toEqual([102]);
});

it("is settled once all are, and drops a command that is for nobody", async () => {
  await online();
  driver.execute("bat2", "open");
  let settledCount = 0;
  driver.io.settleWrites(() => settledCount++);
  await driver.until("settled", () => settledCount === 1);
  expect(second.writes.length).toBe(1);
  driver.execute("nobody", "open");
  await driver.until("both fates", () => driver.fates.length === 2);
  expect(driver.fates.map(({ fate }) => fate)).toEqual(["confirmed", "dropped"]);
});
