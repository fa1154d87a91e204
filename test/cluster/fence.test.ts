import { afterEach, expect, it } from "vitest";
import { loadProfiles } from "../../configs/load-profile.ts";
import type { DeviceProfile } from "../../configs/profile.ts";
import { device } from "../../drivers/modbus/profile-fixture.ts";
import { present } from "../../kernel/assert.ts";
import { ProfileServer } from "../../sim/devices/profile-server.ts";
import type { WriteEntry } from "../../sim/devices/simulated-device.ts";
import { createDriverBench, type DriverBench } from "../support/driver-bench.ts";

/** What becomes of a device whose leader is fenced: the real driver against a simulated device with its watchdog. */

const shipped = present(loadProfiles().get("sim-plain-genset"), "a shipped profile");
/** The watchdog of the shipped one, in a time that a test can wait for. */
const WATCHDOG_MS = 1200;
const profile: DeviceProfile = {
  ...shipped,
  writeMs: 200,
  fallback: { ...present(shipped.fallback, "a genset is commanded"), watchdogMs: WATCHDOG_MS },
};

let server: ProfileServer;
let driver: DriverBench;

afterEach(async () => {
  await driver.io.close();
  await server.close();
});

it("while a leader serves it the watchdog rests; after a fence it acts within its time, and nothing is left forced", async () => {
  const writes: WriteEntry[] = [];
  const fallbacks: { readonly isActive: boolean; readonly atMs: number }[] = [];
  server = await ProfileServer.open({
    profile,
    host: "127.0.0.1",
    port: 0,
    unitId: 1,
    nameplate: { powerKw: 1000, voltageV: 690, frequencyHz: 60 },
    settings: [],
    nowMs: () => performance.now(),
    onWrite: (entry) => writes.push(entry),
    onFallback: (isActive) => fallbacks.push({ isActive, atMs: performance.now() }),
  });
  const config = device({ id: "dg1", port: server.port, profile, kind: "genset" });
  driver = createDriverBench([config], {
    mode: "simulation",
    timings: { scanMs: 50, staleMs: 1000 },
  });
  const lead = () =>
    driver.io.writeLevels([{ device: "dg1", point: "powerReferenceKw", value: 250 }], 1);
  await driver.until("online", () => driver.states.get("dg1") === "online");
  const servedFromMs = performance.now();
  await driver.until("twice the watchdog's time under command", () => {
    lead();
    return performance.now() - servedFromMs > 2 * WATCHDOG_MS;
  });
  const levelCount = writes.length;
  expect(levelCount).toBeGreaterThanOrEqual(5);
  expect(fallbacks).toEqual([]);

  // The fence: no authority, nothing waits, and scans go on without a write.
  driver.epoch = null;
  driver.io.abandonWrites();
  const fencedAtMs = performance.now();
  await driver.until("the watchdog acts", () => {
    lead();
    return fallbacks.length > 0;
  });
  const [acted] = fallbacks;
  expect(acted?.isActive).toBe(true);
  expect((acted?.atMs ?? Infinity) - fencedAtMs).toBeGreaterThan(0);
  expect(writes.length).toBe(levelCount);
  await driver.until(
    "the device shows that it holds no reference of ours",
    () => driver.points.get("dg1.powerReferenceKw")?.[0] === 0,
  );
});
