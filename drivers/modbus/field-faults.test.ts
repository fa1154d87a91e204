import { afterEach, describe, expect, it } from "vitest";
import type { DeviceConfig } from "../../configs/manifest.ts";
import { createDriverBench, type DriverBench } from "../../test/support/driver-bench.ts";
import { eventually } from "../../test/support/eventually.ts";
import { ModbusTestDevice } from "../../test/support/modbus-device.ts";
import { SUPERVISION } from "../../configs/profile.ts";
import { present } from "../../kernel/assert.ts";
import { device, mapping, MODBUS, profile } from "./profile-fixture.ts";

/** What goes wrong in the field, against real sockets. */

const peers: ModbusTestDevice[] = [];
const benches: DriverBench[] = [];

afterEach(async () => {
  await Promise.all(benches.splice(0).map((bench) => bench.io.close()));
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

async function serve(framing: "tcp" | "rtu" = "tcp"): Promise<{
  peer: ModbusTestDevice;
  port: number;
}> {
  const peer = new ModbusTestDevice(framing);
  peers.push(peer);
  return { peer, port: await peer.listen() };
}

function bench(...args: Parameters<typeof createDriverBench>): DriverBench {
  const created = createDriverBench(...args);
  benches.push(created);
  return created;
}

const healthOf = (driver: DriverBench, id = "bat1") =>
  driver.io.health().find((one) => one.device === id);

describe("registers that a device refuses", () => {
  it("are listed with what the device says, and one that refuses all is faulted", async () => {
    const { peer, port } = await serve();
    peer.behave = ({ socket, request, reply, exception }) => {
      const meets = request.address <= 50 && request.address + request.count > 50;
      socket.write(meets ? exception(2) : reply());
    };
    const driver = bench([device({ port })]);
    await driver.until("degraded", () => driver.states.get("bat1") === "degraded");
    await driver.until("listed", () => healthOf(driver)?.refused.length === 1);
    expect(healthOf(driver)).toMatchObject({
      reason: "refuses some of its registers",
      refused: [
        { point: "bat1.sohPct", where: "input 50", reason: "exception 2 (illegal data address)" },
      ],
    });
    peer.behave = ({ socket, exception }) => socket.write(exception(1));
    for (const socket of peer.sockets) socket.resetAndDestroy();
    await driver.until("faulted", () => driver.states.get("bat1") === "faulted");
    expect(driver.io.reach().reachedCount).toBe(0);
  });

  it("quality and age of every point can be seen", async () => {
    const { port } = await serve();
    const driver = bench([device({ port })]);
    expect(healthOf(driver)?.points).toContainEqual({
      point: "bat1.isClosed",
      quality: "bad",
      ageMs: null,
    });
    await driver.until("read", () => driver.points.size === 4);
    const seen = healthOf(driver)?.points.find(({ point }) => point === "bat1.isClosed");
    expect(seen?.quality).toBe("good");
    expect(seen?.ageMs).toBeLessThan(1000);
  });
});

describe("devices behind one gateway", () => {
  const two = (port: number, values: Partial<DeviceConfig> = {}) => [
    device({ port, ...values }),
    device({ port, id: "bat2", unitId: 2, ...values }),
  ];

  it("are read side by side where the profile allows it, so that a dead unit delays nobody", async () => {
    const { peer, port } = await serve();
    peer.behave = ({ socket, request, reply }) => {
      if (request.unitId === 1) socket.write(reply());
    };
    const modbus = { ...MODBUS, inFlightMax: 4 };
    const driver = bench(two(port, { profile: profile({ modbus, requestTimeoutMs: 600 }) }));
    await driver.until("bat1 is read", () => driver.points.size === 4);
    const startMs = performance.now();
    const firstCount = peer.reads.filter(({ unitId }) => unitId === 1).length;
    await driver.until("bat1 is read on", () => {
      return peer.reads.filter(({ unitId }) => unitId === 1).length > firstCount + 10;
    });
    // The dead unit's first request alone waits 600 ms.
    expect(performance.now() - startMs).toBeLessThan(500);
  });

  it("more reads are under way than the line allows never", async () => {
    const { peer, port } = await serve();
    let openCount = 0;
    let most = 0;
    peer.behave = ({ socket, reply }) => {
      openCount++;
      most = Math.max(most, openCount);
      setTimeout(() => {
        openCount--;
        socket.write(reply());
      }, 5);
    };
    const points = [...profile().points, mapping({ point: "socPct", address: 900 })];
    const modbus = { ...MODBUS, inFlightMax: 3 };
    const driver = bench(two(port, { profile: profile({ modbus, points }) }));
    await driver.until("all are read", () => driver.points.size === 10);
    await driver.until("more scans", () => peer.reads.length > 60);
    // A read that was given up (on a busy machine) is still under way at the device.
    const givenUpCount = driver.io
      .health()
      .reduce((sum, { timeoutCount }) => sum + timeoutCount, 0);
    expect(most).toBeGreaterThanOrEqual(3);
    expect(most).toBeLessThanOrEqual(3 + givenUpCount);
  });

  it("a write waits for the reads under way, and no read overtakes it", async () => {
    const { peer, port } = await serve();
    const modbus = { ...MODBUS, inFlightMax: 4 };
    const driver = bench(two(port, { profile: profile({ modbus }) }));
    await driver.until("both are read", () => driver.points.size === 8);
    const held: (() => void)[] = [];
    const honest = peer.behave;
    peer.behave = (served) => void held.push(() => honest(served));
    await driver.until("reads are held", () => held.length >= 2);
    driver.io.writeLevels([{ device: "bat1", point: "powerSetpointKw", value: 5 }], 1);
    const { length } = peer.requests;
    driver.scan();
    expect(peer.requests.length).toBe(length);
    peer.behave = honest;
    for (const answer of held) answer();
    await eventually("the write is next", () => peer.requests.length > length);
    expect(peer.requests[length]?.functionCode).toBe(16);
  });
});

it("a device that needs a pause between requests gets it", async () => {
  const { peer, port } = await serve();
  const atMs: number[] = [];
  peer.behave = ({ socket, reply }) => {
    atMs.push(performance.now());
    socket.write(reply());
  };
  const points = [...profile().points, mapping({ point: "socPct", address: 900 })];
  const driver = bench([
    device({ port, profile: profile({ points, modbus: { ...MODBUS, gapMs: 25 } }) }),
  ]);
  await driver.until("many reads", () => atMs.length > 20);
  const gaps = atMs.slice(1).map((at, i) => at - (atMs[i] ?? 0));
  // From our receipt of the answer to the device's receipt of the request; a millisecond for clocks that differ in rounding.
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(24);
});

describe("RTU, which has no transactions", () => {
  it("a late answer is not taken for that of the next read: the unit is left alone meanwhile", async () => {
    const { peer, port } = await serve("rtu");
    const used = profile({ requestTimeoutMs: 400 });
    const driver = bench([device({ port, transport: "rtu-over-tcp", profile: used })]);
    await driver.until("read", () => driver.points.size === 4);
    await driver.until("its latency is known", () => (healthOf(driver)?.timeoutMs ?? 400) < 300);
    let late: (() => void) | null = null;
    let lateRequestAtMs = 0;
    const timeoutCount = () => healthOf(driver)?.timeoutCount ?? 0;
    const timeoutsBefore = timeoutCount();
    const honest = peer.behave;
    peer.behave = (served) => {
      if (served.request.address !== 0 || late !== null) return honest(served);
      const bytes = served.reply();
      lateRequestAtMs = performance.now();
      late = () => void served.socket.write(bytes);
    };
    // Later than the driver waits, within what the profile says.
    await driver.until("it gave up one", () => timeoutCount() > timeoutsBefore);
    expect(performance.now() - lateRequestAtMs).toBeLessThan(400);
    present(late as (() => void) | null, "one is late")();
    peer.registers.set(1, 42);
    const { length } = peer.reads;
    const values: unknown[] = [];
    await driver.until("the true value", () => {
      values.push(driver.points.get("bat1.activePowerKw")?.[0]);
      return values.at(-1) === 4.2;
    });
    expect(new Set(values)).toEqual(new Set([0, 4.2]));
    expect(peer.reads.length).toBeGreaterThan(length);
    expect(performance.now() - lateRequestAtMs).toBeGreaterThanOrEqual(395);
    expect(peer.connectionCount).toBe(1);
  });
});

it("a device in maintenance hears nothing, and its state says so", async () => {
  const { peer, port } = await serve();
  const driver = bench([device({ port, isInMaintenance: true })]);
  driver.io.writeLevels([{ device: "bat1", point: "powerSetpointKw", value: 5 }], 1);
  for (let i = 0; i < 20; i++) driver.scan();
  expect(driver.states.get("bat1")).toBe("maintenance");
  expect(peer.connectionCount).toBe(0);
});

describe("set-points that a device acknowledges and does not do", () => {
  const point = "powerSetpointKw";
  const level = (value: number) => [{ device: "bat1", point, value }];
  const supervised = (values: Partial<typeof SUPERVISION>) =>
    profile({
      points: profile().points.map((one) =>
        one.point === point ? { ...one, supervision: { ...SUPERVISION, ...values } } : one,
      ),
    });

  it("are unconfirmed where it does not show them", async () => {
    const { peer, port } = await serve();
    const driver = bench([device({ port, profile: supervised({ confirmWithinMs: 400 }) })]);
    await driver.until("read", () => driver.points.size === 4);
    const honest = peer.behave;
    peer.behave = (served) => {
      honest(served);
      if (served.request.functionCode === 16) peer.registers.set(102, 0);
    };
    await driver.until("unconfirmed", () => {
      driver.io.writeLevels(level(5), 1);
      return driver.outcomes(point).includes("unconfirmed");
    });
    peer.behave = honest;
    await driver.until("confirmed at last", () => {
      driver.io.writeLevels(level(5), 1);
      return driver.outcomes(point).at(-1) === "confirmed";
    });
  });

  it("are unfollowed where they have no effect, and followed once they have", async () => {
    const { peer, port } = await serve();
    const followedBy = { point: "activePowerKw", tolerance: 1, withinMs: 300 };
    const driver = bench([device({ port, profile: supervised({ followedBy }) })]);
    await driver.until("read", () => driver.points.size === 4);
    const until = (outcome: string) =>
      driver.until(outcome, () => {
        driver.io.writeLevels(level(5), 1);
        return driver.outcomes(point).at(-1) === outcome;
      });
    await until("unfollowed");
    expect(driver.reports.at(-1)?.reason).toBe("wanted 5, activePowerKw shows 0 for 300 ms");
    peer.registers.set(1, 48);
    await until("followed");
  });

  it("a register that wears is written as often as it bears, and never for the watchdog", async () => {
    const { peer, port } = await serve();
    // One in 200 ms, so that the test need not wait for long; the first one as well.
    const used = supervised({ writesPerDayMax: 432_000 });
    const fallback = { behaviour: "hold", reason: "a test", watchdogMs: 300 } as const;
    const devices = [device({ port, profile: { ...used, fallback } })];
    const fast = { timings: { scanMs: 20, staleMs: 1000 } };
    const hold = (driver: DriverBench, value: number, isSo: () => boolean) =>
      driver.until(`${value} is held`, () => {
        driver.io.writeLevels(level(value), 1);
        return isSo();
      });
    const readMore = () => {
      const { length } = peer.reads;
      return () => peer.reads.length > length + 100;
    };
    const written = () => peer.writes.map(({ words }) => words[0]);
    const driver = bench(devices, fast);
    await driver.until("read", () => driver.points.size === 4);
    await hold(driver, 5, () => driver.outcomes(point).includes("confirmed"));
    expect(driver.reports[0]).toMatchObject({
      outcome: "dropped",
      reason: "its register has no write left for now",
    });
    await hold(driver, 5, readMore());
    expect(written()).toEqual([50]);
    // Another process: it need not write what is there, and has nothing saved up for what is not.
    await driver.io.close();
    const next = bench(devices, fast);
    await next.until("read", () => next.points.size === 4);
    await hold(next, 5, readMore());
    expect(written()).toEqual([50]);
    next.io.beginLeadership();
    await hold(next, 6, () => next.outcomes(point).length > 0);
    expect(next.outcomes(point)).toEqual(["dropped"]);
    await hold(next, 6, () => next.outcomes(point).includes("confirmed"));
    expect(written()).toEqual([50, 60]);
  });
});
