import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeviceConfig } from "../../configs/manifest.ts";
import { ConnectPacer } from "../../drivers/modbus/connect-pacer.ts";
import type { DeviceContext } from "../../drivers/modbus/device-context.ts";
import { ModbusDevice } from "../../drivers/modbus/device.ts";
import { Endpoint } from "../../drivers/modbus/endpoint.ts";
import { device, mapping, profile } from "../../drivers/modbus/profile-fixture.ts";
import type { PointSample } from "../../kernel/point.ts";
import { createSeededRandom } from "../../sim/ports/seeded-random.ts";
import { createVirtualClock } from "../../sim/ports/virtual-clock.ts";
import { ANSWER_MS_MAX, HostileDevice, wordFor, type Behaviour } from "./hostile-device.ts";

const CASE_COUNT = process.env["R_EMS_TEST_FULL"] === "1" ? 100_000 : 5000;
const SCAN_MS = 100;
const SCAN_COUNT = 10;

/** Registers of three requests of like shape, so that a reply to one could pass for that of another. */
const ADDRESSES: Readonly<Record<string, number>> = {
  activePowerKw: 10,
  reactivePowerKvar: 110,
  chargeLimitKw: 210,
};
const hostileProfile = profile({
  requestTimeoutMs: ANSWER_MS_MAX,
  points: Object.entries(ADDRESSES).map(([point, address]) =>
    mapping({ point, address, type: "uint16" }),
  ),
  commands: [],
});

const KINDS: readonly Behaviour["kind"][] = [
  "honest",
  "silent",
  "late",
  "inPieces",
  "truncated",
  "twice",
  "againLater",
  "damaged",
  "noiseBefore",
  "foreignBefore",
  "otherUnit",
  "otherFunction",
  "otherLength",
  "lyingByteCount",
  "exception",
  "flood",
  "closes",
];
const behaviours = fc.array(
  fc.record({
    kind: fc.oneof(
      { weight: 3, arbitrary: fc.constant("honest" as const) },
      { weight: 7, arbitrary: fc.constantFrom(...KINDS) },
    ),
    a: fc.nat(100_000),
    b: fc.nat(100_000),
  }),
  { minLength: 1, maxLength: 40 },
);

const soon = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Ten scans against the device. @returns How many good values were taken. */
async function run(
  transport: "tcp" | "rtu",
  inFlightMax: number,
  script: readonly Behaviour[],
): Promise<number> {
  const clock = createVirtualClock();
  const hostile = new HostileDevice(clock, transport, inFlightMax, script);
  const context: DeviceContext = {
    grid: "port",
    clock,
    gate: { epochForWrite: () => null },
    timings: { scanMs: SCAN_MS, staleMs: 1000 },
    mode: "production",
    plantTimeMs: () => 0,
    report: () => {},
    settled: () => {},
    onFatal: (error) => {
      throw error;
    },
    finder: null,
    log: () => {},
  };
  const endpoint = new Endpoint({
    line: hostile.line,
    clock,
    random: createSeededRandom(1),
    pacer: new ConnectPacer(),
    progressed: () => {},
  });
  const devices = [1, 2].map((unitId) => {
    const config: DeviceConfig = device({
      port: 502,
      id: `bat${unitId}`,
      unitId,
      transport: transport === "rtu" ? "rtu-over-tcp" : "tcp",
      profile: hostileProfile,
    });
    const rights = { isOwn: true, control: "control" as const, phase: 0 };
    const one = new ModbusDevice(config, rights, context, (sign) => endpoint.settled(sign));
    endpoint.add(one);
    return { unitId, one, versions: new Map<string, number>() };
  });
  let goodCount = 0;
  for (let scan = 0; scan < SCAN_COUNT; scan++) {
    endpoint.poll("full", clock.monotonicMs());
    for (let i = 0; i < 4; i++) {
      clock.advanceBy(SCAN_MS / 4);
      // Reads that waited too long are given up from a turn of the event loop of their own.
      await soon();
    }
    for (const { unitId, one, versions } of devices) {
      const samples: PointSample[] = [];
      one.drain(samples, clock.monotonicMs());
      for (const [point, value, quality] of samples) {
        if (quality !== "good") continue;
        goodCount++;
        check(hostile, versions, unitId, point, value as number);
      }
    }
  }
  await new Promise<void>((resolve) => endpoint.close(resolve));
  return goodCount;
}

/** A value taken as good was truly said of this register, and is no older than the one before. */
function check(
  hostile: HostileDevice,
  versions: Map<string, number>,
  unitId: number,
  point: string,
  value: number,
): void {
  const address = ADDRESSES[point.slice(point.indexOf(".") + 1)] ?? -1;
  const said = [...(hostile.said.get(`${unitId}:${address}`) ?? [])];
  const version = said.findLast((one) => wordFor(unitId, address, one) === value);
  expect(version, `${point} shows ${value}, which the device never said of it`).toBeDefined();
  expect(version).toBeGreaterThanOrEqual(versions.get(point) ?? 0);
  versions.set(point, version ?? 0);
}

describe("whatever a device answers, nothing crashes and no wrong value is taken as good", () => {
  it.each([
    ["tcp", 1],
    ["tcp", 4],
    ["rtu", 1],
  ] as const)(
    "over %s, %i at once",
    async (transport, inFlightMax) => {
      let goodCount = 0;
      await fc.assert(
        fc.asyncProperty(behaviours, async (script) => {
          goodCount += await run(transport, inFlightMax, script);
        }),
        { numRuns: Math.ceil(CASE_COUNT / 3) },
      );
      // A driver that took nothing at all would pass the above.
      expect(goodCount).toBeGreaterThan(CASE_COUNT);
    },
    CASE_COUNT * 20,
  );
});

it.each(["tcp", "rtu"] as const)(
  "an honest device over %s is read in every scan",
  async (transport) => {
    const script: Behaviour[] = [{ kind: "honest", a: 0, b: 0 }];
    expect(await run(transport, 1, script)).toBeGreaterThanOrEqual(2 * 3 * (SCAN_COUNT - 1));
  },
);

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

it.each(["tcp", "rtu"] as const)(
  "memory stays bounded under two hundred megabytes of noise over %s",
  async (transport) => {
    const clock = createVirtualClock();
    const script: Behaviour[] = [{ kind: "silent", a: 0, b: 0 }];
    const hostile = new HostileDevice(clock, transport, 1, script);
    const framing = hostile.line.createFraming();
    framing.expect({ id: 1, unitId: 1, functionCode: 3, replyLength: 252 });
    const before = process.memoryUsage();
    let heldMax = 0;
    const chunk = Buffer.alloc(65_536, 1);
    for (let i = 0; i < 3200; i++) {
      // A stream that is lost ends its connection; here it goes on.
      framing.feed(chunk, () => {});
      if (i % 100 === 0) {
        await soon();
        // What is held is what a collection leaves, not what it has not looked at yet.
        collectGarbage();
        const { arrayBuffers } = process.memoryUsage();
        heldMax = Math.max(heldMax, arrayBuffers - before.arrayBuffers);
      }
    }
    expect(heldMax).toBeLessThan(64 << 20);
  },
);
