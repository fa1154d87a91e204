import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DeviceProfile } from "../../configs/profile.ts";
import { createDriverBench, type DriverBench } from "../../test/support/driver-bench.ts";
import { eventually } from "../../test/support/eventually.ts";
import { ModbusTestDevice } from "../../test/support/modbus-device.ts";
import { device, mapping, profile, SIGNATURE } from "./profile-fixture.ts";

let peer: ModbusTestDevice;
let port: number;
const benches: DriverBench[] = [];

beforeEach(async () => {
  peer = new ModbusTestDevice();
  peer.registers.set(0, 1).set(1, 0xfffb).set(50, 97).set(102, 0);
  port = await peer.listen();
});

afterEach(async () => {
  await Promise.all(benches.splice(0).map((bench) => bench.io.close()));
  await peer.close();
});

function bench(...args: Parameters<typeof createDriverBench>): DriverBench {
  const created = createDriverBench(...args);
  benches.push(created);
  return created;
}

async function online(
  values: Partial<DeviceProfile> = {},
  overrides: Parameters<typeof bench>[1] = {},
) {
  const driver = bench([device({ port, profile: profile(values) })], overrides);
  await driver.until("the device is online", () => driver.states.get("bat1") === "online");
  await driver.until("every point is read", () => driver.points.size === 4);
  return driver;
}

const levels = (value: number, name = "bat1") => [
  { device: name, point: "powerSetpointKw", value },
];
const EPOCH_BLOCK: Partial<DeviceProfile> = { epochRegister: { address: 100 } };

describe("reading", () => {
  it("brings every point once, then only what changes", async () => {
    const driver = await online();
    expect(Object.fromEntries(driver.points)).toEqual({
      "bat1.isClosed": [true, "good"],
      "bat1.activePowerKw": [-0.5, "good"],
      "bat1.powerSetpointKw": [0, "good"],
      "bat1.sohPct": [97, "good"],
    });
    const readCount = peer.reads.length;
    await eventually("further scans bring nothing", () => {
      expect(driver.scan()).toBe(0);
      return peer.reads.length > readCount + 5;
    });
    peer.registers.set(1, 42);
    await driver.until("the change", () => driver.points.get("bat1.activePowerKw")?.[0] === 4.2);
    expect(driver.io.image().points.length).toBe(4);
    expect(driver.io.image().connections).toEqual([["bat1", "online"]]);
  });

  it("leaves a fast read out while the one before is under way", async () => {
    const driver = await online();
    const held: (() => void)[] = [];
    peer.behave = ({ socket, reply }) => held.push(() => socket.write(reply()));
    await driver.until("a read is held", () => held.length === 1);
    for (let i = 0; i < 5; i++) driver.scan();
    expect(held.length).toBe(1);
    peer.behave = ({ socket, reply }) => socket.write(reply());
    held[0]?.();
    await driver.until("reads go on", () => driver.states.get("bat1") === "online");
  });

  it("a standby reads at most once in the time of its probe, and stays connected", async () => {
    const driver = bench([device({ port })]);
    await driver.until("all points are read", () => driver.points.size === 4, "probe");
    const { length } = peer.reads;
    for (let i = 0; i < 50; i++) driver.scan("probe");
    expect(peer.reads.length).toBe(length);
    expect(driver.io.reach()).toEqual({ reachedCount: 1, criticalCount: 1 });
  });

  it("a standby leaves a device with room for one master alone, and gives it up", async () => {
    const driver = bench([device({ port, profile: profile({ mastersMax: 1 }) })]);
    for (let i = 0; i < 5; i++) driver.scan("probe");
    expect(peer.connectionCount).toBe(0);
    await driver.until("connected as leader", () => driver.states.get("bat1") === "online");
    driver.scan("probe");
    await eventually("given up as standby", () => peer.sockets.size === 0);
    expect(driver.io.connection("bat1")).toBe("offline");
  });

  it("one illegal register costs the other points nothing", async () => {
    const illegal = 2;
    const points = [...profile().points, mapping({ point: "socPct", address: illegal })];
    peer.behave = ({ socket, request, reply, exception }) => {
      const { functionCode, address, count } = request;
      const meets = functionCode === 4 && address <= illegal && address + count > illegal;
      socket.write(meets ? exception(2) : reply());
    };
    const driver = bench([device({ port, profile: profile({ points }) })]);
    await driver.until("the others are read", () => driver.points.size === 4);
    await driver.until("degraded", () => driver.states.get("bat1") === "degraded");
    peer.registers.set(1, 42);
    await driver.until(
      "a change of the others",
      () => driver.points.get("bat1.activePowerKw")?.[0] === 4.2,
    );
    expect(driver.points.has("bat1.socPct")).toBe(false);
  });

  it("a point that the device begins to refuse becomes bad and keeps its last value", async () => {
    const driver = await online();
    peer.behave = ({ socket, request, reply, exception }) =>
      socket.write(request.address <= 1 ? exception(2) : reply());
    await driver.until("bad", () => driver.points.get("bat1.activePowerKw")?.[1] === "bad");
    expect(driver.points.get("bat1.activePowerKw")?.[0]).toBe(-0.5);
    expect(driver.points.get("bat1.sohPct")?.[1]).toBe("good");
  });

  it("points of a silent device become uncertain", async () => {
    const driver = await online({}, { timings: { scanMs: 100, staleMs: 200 } });
    peer.behave = () => {};
    await driver.until("uncertain", () => driver.points.get("bat1.isClosed")?.[1] === "uncertain");
    expect(driver.points.get("bat1.isClosed")?.[0]).toBe(true);
  });
});

describe("connections", () => {
  it("a device that falls silent is offline within 1.5 s and returns by itself", async () => {
    const driver = await online({ requestTimeoutMs: 5000 });
    peer.behave = () => {};
    const silentAtMs = performance.now();
    await driver.until("offline", () => driver.states.get("bat1") === "offline");
    expect(performance.now() - silentAtMs).toBeLessThan(1500);
    expect(driver.io.reach().reachedCount).toBe(0);
    peer.behave = ({ socket, reply }) => socket.write(reply());
    await driver.until("back", () => driver.states.get("bat1") === "online");
  });

  it("a silent device is out of reach long before it is offline, so that a leader hands over in time", async () => {
    const driver = await online({ requestTimeoutMs: 5000 });
    peer.behave = () => {};
    await driver.until("out of reach", () => driver.io.reach().reachedCount === 0);
    expect(driver.states.get("bat1")).not.toBe("offline");
    // It stays so through the time-outs, or the leader would begin its wait for the handover anew.
    await driver.until("offline", () => {
      expect(driver.io.reach().reachedCount).toBe(0);
      return driver.states.get("bat1") === "offline";
    });
    peer.behave = ({ socket, reply }) => socket.write(reply());
    await driver.until("back", () => driver.io.reach().reachedCount === 1);
  });

  it("a reset in the middle of a request is noticed at once", async () => {
    const driver = await online();
    peer.behave = ({ socket }) => socket.resetAndDestroy();
    const resetAtMs = performance.now();
    await driver.until("offline", () => driver.states.get("bat1") === "offline");
    expect(performance.now() - resetAtMs).toBeLessThan(250);
    peer.behave = ({ socket, reply }) => socket.write(reply());
    await driver.until("back", () => driver.states.get("bat1") === "online");
  });

  it("a device that takes connections and says nothing is tried ever more rarely", async () => {
    peer.behave = ({ socket }) => socket.resetAndDestroy();
    const driver = bench([device({ port })]);
    const startMs = performance.now();
    await driver.until("a second of failures", () => performance.now() - startMs > 1000);
    // 50, 100, 200, 400 ms, each halved at most by jitter.
    expect(peer.connectionCount).toBeLessThanOrEqual(7);
    expect(peer.connectionCount).toBeGreaterThanOrEqual(3);
    expect(driver.io.connection("bat1")).toBe("offline");
  });

  it("finds a device that starts later", async () => {
    await peer.close();
    const driver = bench([device({ port })]);
    await driver.until("offline", () => driver.states.get("bat1") === "offline");
    peer = new ModbusTestDevice();
    await peer.listen(port);
    await driver.until("online", () => driver.states.get("bat1") === "online");
  });

  it.each([
    ["in single bytes", (bytes: Buffer) => Array.from(bytes, (byte) => Buffer.from([byte]))],
    [
      "with another request's reply before it",
      (bytes: Buffer) => {
        const foreign = Buffer.from(bytes);
        foreign.writeUInt16BE((bytes.readUInt16BE(0) + 100) % 256, 0);
        foreign.fill(0x7f, 9);
        return [foreign, bytes];
      },
    ],
    ["twice", (bytes: Buffer) => [bytes, bytes]],
  ])("takes a reply that comes %s", async (_name, pieces) => {
    peer.behave = ({ socket, reply }) => {
      for (const piece of pieces(reply())) socket.write(piece);
    };
    const driver = await online();
    peer.registers.set(1, 42);
    await driver.until("the change", () => driver.points.get("bat1.activePowerKw")?.[0] === 4.2);
    expect(peer.connectionCount).toBe(1);
  });

  it.each([
    ["a foreign protocol", (bytes: Buffer) => bytes.fill(9, 2, 4)],
    ["a length that cannot be", (bytes: Buffer) => bytes.fill(0xff, 4, 6)],
    ["another unit", (bytes: Buffer) => bytes.fill(99, 6, 7)],
    ["another function", (bytes: Buffer) => bytes.fill(6, 7, 8)],
    ["a byte count that lies", (bytes: Buffer) => bytes.fill(2, 8, 9)],
  ])("takes no value from a reply with %s, and connects anew", async (_name, spoil) => {
    const driver = await online();
    peer.registers.set(1, 42);
    peer.behave = ({ socket, reply }) => socket.write(spoil(Buffer.from(reply())));
    await driver.until("a new connection", () => peer.connectionCount > 1);
    expect(driver.points.get("bat1.activePowerKw")?.[0]).toBe(-0.5);
  });

  it("a late reply is not taken for the next one", async () => {
    const driver = await online();
    let late: (() => void) | null = null;
    peer.behave = ({ socket, reply, request }) => {
      if (late === null && request.address === 0) {
        const bytes = reply();
        late = () => socket.write(bytes);
      } else {
        if (request.address === 0) late?.();
        socket.write(reply());
      }
    };
    await driver.until("one is late", () => late !== null);
    peer.registers.set(1, 42);
    await driver.until(
      "the true value",
      () => driver.points.get("bat1.activePowerKw")?.[0] === 4.2,
    );
    await driver.until("online", () => driver.states.get("bat1") === "online");
    expect(peer.connectionCount).toBe(1);
  });

  it("a dead unit behind a gateway leaves the others online", async () => {
    peer.behave = ({ socket, request, reply }) => {
      if (request.unitId !== 2) socket.write(reply());
    };
    const driver = bench([
      device({ port }),
      device({ port, id: "bat2", unitId: 2, profile: profile({ requestTimeoutMs: 50 }) }),
    ]);
    await driver.until(
      "one online, one offline",
      () => driver.states.get("bat1") === "online" && driver.states.get("bat2") === "offline",
    );
    const count = peer.reads.filter((request) => request.unitId === 1).length;
    await driver.until(
      "the good one is read on",
      () => peer.reads.filter((request) => request.unitId === 1).length > count + 20,
    );
    expect(driver.io.connection("bat1")).toBe("online");
    driver.execute("bat2", "open", 100);
    driver.io.writeLevels(levels(5, "bat2"), 1);
    await driver.until("more reads", () => peer.reads.length > count + 60);
    driver.plantTimeMs = 100;
    driver.scan();
    expect(driver.fates.map((fate) => fate.fate)).toEqual(["dropped"]);
    expect(peer.writes).toEqual([]);
    expect(peer.connectionCount).toBe(1);
  });
});

describe("set-points", () => {
  it("are written once, acknowledged, read back, and not again", async () => {
    const driver = await online();
    driver.io.writeLevels(levels(12.34), 1);
    await driver.until("confirmed", () => driver.outcomes("powerSetpointKw").includes("confirmed"));
    expect(driver.outcomes("powerSetpointKw")).toEqual(["written", "confirmed"]);
    expect(driver.points.get("bat1.powerSetpointKw")?.[0]).toBe(12.3);
    for (let i = 0; i < 20; i++) driver.io.writeLevels(levels(12.34 + i * 0.0001), 2 + i);
    const { length } = peer.reads;
    await driver.until("reads after that", () => peer.reads.length > length);
    expect(peer.writes.length).toBe(1);
  });

  it("only the newest waits", async () => {
    const driver = await online();
    let release = () => {};
    peer.behave = ({ socket, reply }) => {
      release = () => socket.write(reply());
    };
    const { length } = peer.requests;
    await driver.until("a read is held", () => peer.requests.length > length);
    for (const value of [1, 2, 3]) driver.io.writeLevels(levels(value), value);
    peer.behave = ({ socket, reply }) => socket.write(reply());
    release();
    await driver.until("written", () => peer.writes.length > 0);
    expect(peer.writes.map((write) => write.words)).toEqual([[30]]);
  });

  it("are written in full again when a leadership begins", async () => {
    const driver = await online();
    driver.io.writeLevels(levels(5), 1);
    await driver.until("written", () => peer.writes.length === 1);
    await driver.until("confirmed", () => driver.outcomes("powerSetpointKw").includes("confirmed"));
    driver.io.beginLeadership();
    driver.io.writeLevels(levels(5), 2);
    await driver.until("written again", () => peer.writes.length === 2);
  });

  it("serve the watchdog in a third of its time", async () => {
    const driver = await online(
      { fallback: { behaviour: "zero", reason: "a test", watchdogMs: 600 } },
      { timings: { scanMs: 20, staleMs: 1000 } },
    );
    const writtenAtMs: number[] = [];
    await driver.until("six writes", () => {
      driver.io.writeLevels(levels(5), 1);
      if (peer.writes.length > writtenAtMs.length) writtenAtMs.push(performance.now());
      return writtenAtMs.length >= 6;
    });
    const span = (writtenAtMs[5] ?? 0) - (writtenAtMs[0] ?? 0);
    expect(span / 5).toBeLessThanOrEqual(220);
    expect(span / 5).toBeGreaterThanOrEqual(150);
  });

  it("that the device does not keep are reported, and rewritten at most once a second", async () => {
    const driver = await online({ writeMs: 20 });
    const honest = peer.behave;
    peer.behave = (served) => {
      honest(served);
      peer.registers.set(102, 0);
    };
    const startMs = performance.now();
    await driver.until("1.5 s of scans", () => {
      driver.io.writeLevels(levels(5), 1);
      return performance.now() - startMs > 1500;
    });
    expect(peer.writes.length).toBe(2);
    const failed = driver.reports.find((report) => report.outcome === "failed");
    expect(failed?.reason).toBe("wrote 5, read back 0");
  });

  it("that the device refuses are not repeated in every scan, but a new value goes at once", async () => {
    const driver = await online();
    peer.behave = ({ socket, request, reply, exception }) =>
      socket.write(request.words[0] === 50 ? exception(3) : reply());
    const { length } = peer.reads;
    await driver.until("many scans", () => {
      driver.io.writeLevels(levels(5), 1);
      return peer.reads.length > length + 20;
    });
    expect(peer.writes.length).toBe(1);
    driver.io.writeLevels(levels(6), 2);
    await driver.until("the new value", () =>
      driver.outcomes("powerSetpointKw").includes("written"),
    );
    expect(driver.outcomes("powerSetpointKw").slice(0, 2)).toEqual(["failed", "written"]);
  });

  it("without an answer are tried again at once, and from then on once a second", async () => {
    const driver = await online({ writeMs: 20 });
    peer.behave = ({ socket, request, reply }) => {
      if (request.functionCode !== 16) socket.write(reply());
    };
    const startMs = performance.now();
    await driver.until("0.8 s of scans", () => {
      driver.io.writeLevels(levels(5), 1);
      return performance.now() - startMs > 800;
    });
    expect(peer.writes.length).toBe(2);
    expect(driver.outcomes("powerSetpointKw")).toEqual(["unknown"]);
  });

  it("that fit no register are never written", async () => {
    const driver = await online();
    driver.io.writeLevels(levels(4000), 1);
    driver.io.writeLevels(levels(4000), 2);
    expect(driver.reports.map((report) => report.reason)).toEqual([
      "4000 does not fit the register",
    ]);
    await driver.until("scans", () => peer.reads.length > 10);
    expect(peer.writes).toEqual([]);
  });

  it("carry the epoch in the same request where the device takes one", async () => {
    const driver = await online(EPOCH_BLOCK);
    driver.epoch = 0x10005;
    driver.io.writeLevels(levels(-1), 1);
    await driver.until("written", () => peer.writes.length === 1);
    const [write] = peer.writes;
    expect([write?.functionCode, write?.address, write?.words]).toEqual([16, 100, [1, 5, 0xfff6]]);
  });
});

describe("commands", () => {
  it("are confirmed by the device's answer", async () => {
    const driver = await online();
    const id = driver.execute("bat1", "setForming");
    await driver.until("fate", () => driver.fates.length > 0);
    expect(driver.fates).toEqual([{ id, fate: "confirmed", reason: "" }]);
    expect(
      peer.writes.map(({ functionCode, address, words }) => [functionCode, address, words]),
    ).toEqual([[6, 103, [3]]]);
  });

  it("go behind epoch and set-points, which are read back where they are not held", async () => {
    peer.registers.set(102, 70);
    const driver = await online(EPOCH_BLOCK);
    driver.execute("bat1", "open");
    await driver.until("fate", () => driver.fates.length > 0);
    expect(peer.writes.map((write) => [write.address, write.words])).toEqual([
      [100, [0, 7, 70, 4]],
    ]);
  });

  it("with a refused epoch have failed", async () => {
    const driver = await online(EPOCH_BLOCK);
    peer.behave = ({ socket, request, reply, exception }) =>
      socket.write(request.functionCode === 16 ? exception(4) : reply());
    const id = driver.execute("bat1", "open");
    await driver.until("fate", () => driver.fates.length > 0);
    expect(driver.fates).toEqual([{ id, fate: "failed", reason: "exception 4 (device failure)" }]);
  });

  it("without an answer are unknown, never repeated, and the connection is reset", async () => {
    const driver = await online({ writeMs: 40 });
    let resetCount = 0;
    peer.behave = ({ socket, request, reply }) => {
      if (request.functionCode === 6) socket.on("error", () => resetCount++);
      else socket.write(reply());
    };
    const id = driver.execute("bat1", "open");
    await driver.until("fate", () => driver.fates.length > 0);
    expect(driver.fates).toEqual([{ id, fate: "unknown", reason: "no answer in time" }]);
    await driver.until(
      "back",
      () => peer.connectionCount === 2 && driver.states.get("bat1") === "online",
    );
    expect(resetCount).toBe(1);
    expect(peer.writes.length).toBe(1);
  });

  it("keep their order and a limit", async () => {
    const driver = await online();
    const held: (() => void)[] = [];
    peer.behave = ({ socket, reply }) => held.push(() => socket.write(reply()));
    await driver.until("a read is held", () => held.length > 0);
    const ids = Array.from({ length: 18 }, (_, i) =>
      driver.execute("bat1", i % 2 === 0 ? "open" : "setForming"),
    );
    peer.behave = ({ socket, reply }) => socket.write(reply());
    held[0]?.();
    await driver.until("all fates", () => driver.fates.length === 18);
    const confirmed = driver.fates
      .filter((fate) => fate.fate === "confirmed")
      .map((fate) => fate.id);
    expect(confirmed).toEqual(ids.slice(0, 16));
    expect(driver.fates.filter((fate) => fate.fate === "dropped").map((fate) => fate.id)).toEqual(
      ids.slice(16),
    );
    expect(peer.writes.map((write) => write.words[0])).toEqual(
      Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 4 : 3)),
    );
  });

  it("expire while the device is away", async () => {
    const driver = await online();
    peer.behave = ({ socket }) => socket.resetAndDestroy();
    await driver.until("offline", () => driver.states.get("bat1") === "offline");
    driver.execute("bat1", "open", 500);
    driver.plantTimeMs = 499;
    driver.scan();
    expect(driver.fates).toEqual([]);
    driver.plantTimeMs = 500;
    driver.scan();
    expect(driver.fates.map((fate) => [fate.fate, fate.reason])).toEqual([
      ["dropped", "not written before it expired; the device is offline"],
    ]);
  });

  it("that nobody knows are dropped with a reason", async () => {
    const driver = await online();
    driver.execute("bat1", "warp");
    driver.execute("bat9", "open");
    driver.scan();
    expect(driver.fates.map((fate) => fate.reason)).toEqual([
      "profile test-battery has no command warp",
      "there is no device bat9 here",
    ]);
  });
});

describe("authority", () => {
  it("without it nothing but reads reaches the wire", async () => {
    const driver = await online();
    driver.epoch = null;
    driver.execute("bat1", "open");
    const { length } = peer.reads;
    await driver.until("many scans", () => {
      driver.io.writeLevels(levels(peer.reads.length), 1);
      return peer.reads.length > length + 20;
    });
    expect(peer.writes).toEqual([]);
    expect(driver.fates.map((fate) => [fate.fate, fate.reason])).toEqual([
      ["dropped", "no authority"],
    ]);
    expect(new Set(driver.outcomes("powerSetpointKw"))).toEqual(new Set(["dropped"]));
  });

  it("that ends between the call and the socket's write stops the write", async () => {
    const answers: (number | null)[] = [7, null];
    const driver = await online({}, { gate: { epochForWrite: () => answers.shift() ?? null } });
    driver.execute("bat1", "open");
    await driver.until("fate", () => driver.fates.length > 0);
    expect(driver.fates[0]?.reason).toBe("no authority");
    expect(answers).toEqual([]);
    const { length } = peer.reads;
    await driver.until("reads go on", () => peer.reads.length > length);
    expect(peer.writes).toEqual([]);
    expect(peer.connectionCount).toBe(1);
  });

  it("of another epoch than the one in the frame stops the write", async () => {
    const answers: (number | null)[] = [7, 8];
    const driver = await online(EPOCH_BLOCK, {
      gate: { epochForWrite: () => answers.shift() ?? null },
    });
    driver.io.writeLevels(levels(5), 1);
    await driver.until("dropped", () => driver.outcomes("powerSetpointKw").includes("dropped"));
    expect(driver.reports[0]?.reason).toBe("the epoch changed from 7 to 8");
    expect(peer.writes).toEqual([]);
  });

  it("is asked for as long as the device needs to act", async () => {
    const asked: unknown[] = [];
    const gate = { epochForWrite: (...args: unknown[]) => (asked.push(args), 7) };
    const driver = await online({ writeMs: 123 }, { gate });
    driver.execute("bat1", "open");
    await driver.until("fate", () => driver.fates.length > 0);
    expect(asked).toEqual([
      ["port", "bat1", 123],
      ["port", "bat1", 123],
    ]);
  });

  it("lost with a write unanswered resets the connection, drops what waits and leaves idle connections", async () => {
    const other = new ModbusTestDevice();
    const driver = bench([device({ port }), device({ port: await other.listen(), id: "bat2" })]);
    await driver.until(
      "both online",
      () => driver.io.reach().reachedCount === 2 && driver.points.size === 8,
    );
    peer.behave = ({ socket, request, reply }) => {
      if (request.functionCode !== 6) socket.write(reply());
    };
    const first = driver.execute("bat1", "open");
    const second = driver.execute("bat1", "open");
    await eventually("the write is out", () => peer.writes.length === 1);
    driver.io.abandonWrites();
    driver.scan();
    expect(driver.fates).toContainEqual({
      id: first,
      fate: "unknown",
      reason: "authority was lost",
    });
    expect(driver.fates).toContainEqual({
      id: second,
      fate: "dropped",
      reason: "authority was lost",
    });
    await driver.until("connected anew", () => peer.connectionCount === 2);
    expect(other.connectionCount).toBe(1);
    await driver.io.close();
    await other.close();
  });

  it("settling waits for the answer and for what waits behind it", async () => {
    const driver = await online();
    driver.io.writeLevels(levels(5), 1);
    driver.execute("bat1", "open");
    let isSettled = false;
    driver.io.settleWrites(() => {
      isSettled = true;
    });
    expect(isSettled).toBe(false);
    await eventually("settled", () => isSettled);
    expect(peer.writes.length).toBe(2);
  });

  it("settling is bounded where the device does not answer a write", async () => {
    const driver = await online({ writeMs: 50 });
    peer.behave = ({ socket, request, reply }) => {
      if (request.functionCode !== 6) socket.write(reply());
    };
    driver.execute("bat1", "open");
    let settledCount = 0;
    driver.io.settleWrites(() => settledCount++);
    await eventually("settled", () => settledCount === 1);
    driver.scan();
    expect(driver.fates.map((fate) => fate.fate)).toEqual(["unknown"]);
    await driver.until("connected anew", () => peer.connectionCount === 2);
    expect(settledCount).toBe(1);
  });

  it("settling gives a write that went out late its full time, because what is on the wire may still arrive", async () => {
    const writeMs = 100;
    const at = { writtenMs: 0, settledMs: 0 };
    // On a busy machine the read may be given up only after everything has settled, and no write goes out.
    for (let attempt = 0; attempt < 5 && at.writtenMs === 0; attempt++) {
      const driver = await online({ writeMs, requestTimeoutMs: 600 });
      peer.behave = ({ request }) => {
        if (request.functionCode === 6) at.writtenMs = performance.now();
      };
      const { length } = peer.requests;
      await driver.until("a read is out", () => peer.requests.length > length);
      driver.execute("bat1", "open");
      at.settledMs = 0;
      driver.io.settleWrites(() => (at.settledMs = performance.now()));
      await eventually("settled", () => at.settledMs > 0);
      await driver.io.close();
      peer.behave = ({ socket, reply }) => void socket.write(reply());
    }
    expect(at.writtenMs, "a write went out").toBeGreaterThan(0);
    expect(at.settledMs - at.writtenMs).toBeGreaterThan(0.9 * writeMs);
  });

  it("settling drops a write that waits behind a read without an answer", async () => {
    const driver = await online({ writeMs: 50, requestTimeoutMs: 600 });
    peer.behave = () => {};
    const { length } = peer.requests;
    await driver.until("a read is out", () => peer.requests.length > length);
    driver.execute("bat1", "open");
    let settledCount = 0;
    driver.io.settleWrites(() => settledCount++);
    await eventually("settled", () => settledCount === 1);
    driver.scan();
    expect(driver.fates.map((fate) => fate.fate)).toEqual(["dropped"]);
    expect(peer.writes).toEqual([]);
  });
});

describe("rights", () => {
  it.each(["observe", "advise"] as const)(
    "in %s nothing is written, and each new output is reported once",
    async (control) => {
      const driver = await online({}, { controlOf: () => control });
      for (const value of [5, 5, 6]) driver.io.writeLevels(levels(value), 1);
      driver.execute("bat1", "open");
      const { length } = peer.reads;
      await driver.until("scans", () => peer.reads.length > length + 3);
      expect(driver.reports.map((report) => [report.name, report.outcome])).toEqual([
        ["powerSetpointKw", "wouldWrite"],
        ["powerSetpointKw", "wouldWrite"],
        ["open", "wouldWrite"],
      ]);
      expect(driver.fates.map((fate) => [fate.fate, fate.reason])).toEqual([
        ["dropped", `control is ${control}`],
      ]);
      expect(peer.writes).toEqual([]);
      expect(driver.io.reach()).toEqual({ reachedCount: 0, criticalCount: 0 });
    },
  );

  it("devices of another grid are read and never written", async () => {
    const driver = await online({}, { isOwn: () => false });
    driver.io.writeLevels(levels(5), 1);
    driver.execute("bat1", "open");
    const { length } = peer.reads;
    await driver.until("scans", () => peer.reads.length > length + 3);
    expect(peer.writes).toEqual([]);
    expect(driver.io.reach().criticalCount).toBe(0);
  });
});

describe("simulation mode", () => {
  const simulated = { signature: SIGNATURE };

  it("reads the signature on every connection before anything else", async () => {
    peer.registers.set(SIGNATURE.address, SIGNATURE.value);
    const driver = await online(simulated, { mode: "simulation" });
    for (const socket of peer.sockets) socket.resetAndDestroy();
    const before = peer.requests.length;
    await driver.until(
      "connected anew",
      () => peer.connectionCount === 2 && driver.states.get("bat1") === "online",
    );
    expect([peer.requests[0]?.address, peer.requests[before]?.address]).toEqual([60_000, 60_000]);
    expect(driver.fatals).toEqual([]);
  });

  it.each([
    ["another value", 1],
    ["an exception", null],
  ])("a device that answers with %s is fatal and hears nothing more", async (_name, value) => {
    if (value === null) peer.behave = ({ socket, exception }) => socket.write(exception(2));
    else peer.registers.set(SIGNATURE.address, value);
    const driver = bench([device({ port, profile: profile(simulated) })], { mode: "simulation" });
    driver.execute("bat1", "open");
    driver.io.writeLevels(levels(5), 1);
    await driver.until("fatal", () => driver.fatals.length > 0);
    await eventually("disconnected", () => {
      driver.scan();
      return peer.sockets.size === 0;
    });
    expect(driver.fatals.map((error) => error.code)).toEqual(["REMS_NOT_A_SIMULATOR"]);
    expect(peer.requests.map((request) => request.address)).toEqual([60_000]);
    expect(driver.io.connection("bat1")).toBe("faulted");
  });

  it("a device that does not answer is offline, not fatal, and gets nothing else", async () => {
    peer.behave = () => {};
    const driver = bench(
      [device({ port, profile: profile({ ...simulated, requestTimeoutMs: 50 }) })],
      { mode: "simulation" },
    );
    await driver.until("offline", () => driver.states.get("bat1") === "offline");
    expect(new Set(peer.requests.map((request) => request.address))).toEqual(new Set([60_000]));
    expect(driver.fatals).toEqual([]);
  });

  it("needs a signature in the profile", () => {
    expect(() => bench([device({ port })], { mode: "simulation" })).toThrow("REMS_CONFIG_INVALID");
  });
});

it("connects where it is told to dial", async () => {
  const driver = bench([device({ host: "10.9.8.7", port: 502 })], {
    dial: () => ({ host: "127.0.0.1", port }),
  });
  await driver.until("online", () => driver.states.get("bat1") === "online");
});
