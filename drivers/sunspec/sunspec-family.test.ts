import { afterEach, describe, expect, it } from "vitest";
import { device } from "../modbus/profile-fixture.ts";
import { createDriverBench, type DriverBench } from "../../test/support/driver-bench.ts";
import { storageProfile, SunspecTestDevice } from "../../test/support/sunspec-peer.ts";
import { sunspecFamily } from "./sunspec-family.ts";

const profile = storageProfile();
let peer: SunspecTestDevice;
let driver: DriverBench;

afterEach(async () => {
  await driver.io.close();
  await peer.wire.close();
});

async function start(base: number, made = new SunspecTestDevice(profile, base)): Promise<void> {
  peer = made;
  const port = await peer.wire.listen();
  driver = createDriverBench([device({ port, profile })], {}, sunspecFamily);
}

const valueOf = (point: string) => driver.points.get(`bat1.${point}`);
const isRead = (point: string, value: unknown) =>
  valueOf(point)?.[0] === value && valueOf(point)?.[1] === "good";
const setpoint = (value: number) =>
  driver.io.writeLevels([{ device: "bat1", point: "powerSetpointKw", value }], 1);

describe("a SunSpec device", () => {
  it.each([40000, 0, 50000])("is read where its base is %d", async (base) => {
    await start(base);
    peer.wire.registers.set(peer.addressOf("activePowerKw"), 1234);
    await driver.until("power is read", () => isRead("activePowerKw", 12.34));
    expect(driver.states.get("bat1")).toBe("online");
  });

  it("that says nothing where it has nothing is found all the same", async () => {
    await start(50000);
    const honest = peer.wire.behave;
    peer.wire.behave = (served) => {
      if (peer.isThere(served.request.address, served.request.count)) honest(served);
    };
    await driver.until("it is online", () => driver.states.get("bat1") === "online");
  });

  it("takes its set-point with the flags around it in one request", async () => {
    await start(40000);
    await driver.until("it is online", () => driver.states.get("bat1") === "online");
    setpoint(-75.5);
    await driver.until("it is confirmed", () =>
      driver.outcomes("powerSetpointKw").includes("confirmed"),
    );
    const [write] = peer.wire.writes;
    const address = peer.addressOf("powerSetpointKw");
    expect([write?.address, write?.words]).toEqual([address - 2, [1, 1, 0xffff, 0xfd0d]]);
  });

  it("whose scale factor changes is believed again only with the new one", async () => {
    await start(40000);
    peer.wire.registers.set(peer.addressOf("activePowerKw"), 1000);
    await driver.until("power is read", () => isRead("activePowerKw", 10));
    const guard = profile.points.find(({ point }) => point === "activePowerKw");
    expect(guard?.scale).toBe(0.01);
    // W_SF of model 701 from 1 to 2, and the power that is shown by it: 10 kW go on.
    const scaleAt = peer.base + 2 + 68 + 117;
    const found = [...peer.wire.registers].filter(([at]) => at === scaleAt);
    expect(found).toHaveLength(1);
    const seen = new Set<unknown>();
    peer.wire.registers.set(peer.addressOf("activePowerKw"), 100);
    peer.wire.registers.set(scaleAt, 2);
    await driver.until("power is read anew", () => {
      const sample = valueOf("activePowerKw");
      if (sample?.[1] === "good") seen.add(sample[0]);
      return (
        peer.wire.reads.some(({ address }) => address === peer.base) &&
        isRead("activePowerKw", 10) &&
        driver.states.get("bat1") === "online"
      );
    });
    expect([...seen]).toEqual([10]);
  });

  it("without a model that is needed cannot be used, and says which it has", async () => {
    const lesser = storageProfile({
      models: [[701], [704]],
      points: profile.sunspec?.needs.points.filter(({ model }) => model !== 802) ?? [],
      commands: [],
    });
    await start(40000, new SunspecTestDevice(lesser, 40000));
    await driver.until("it is faulted", () => driver.states.get("bat1") === "faulted");
    expect(driver.io.health()[0]?.reason).toBe(
      "has no model 715, no model 802; its models are 1, 701, 704",
    );
    expect(driver.points.size).toBe(0);
  });

  it("that is none says so", async () => {
    await start(40000);
    peer.wire.behave = ({ socket, exception }) => socket.write(exception(2));
    await driver.until("it is faulted", () => driver.states.get("bat1") === "faulted");
    expect(driver.io.health()[0]?.reason).toBe(
      "no SunSpec marker at 40000, 0, 50000, 40001, 1, 50001",
    );
  });

  it("is asked anew after each connection: another may stand there now", async () => {
    await start(40000);
    await driver.until("it is online", () => driver.states.get("bat1") === "online");
    const before = peer.wire.reads.filter(({ address }) => address === peer.base).length;
    for (const socket of peer.wire.sockets) socket.resetAndDestroy();
    await driver.until("it was asked again", () => {
      const now = peer.wire.reads.filter(({ address }) => address === peer.base).length;
      return now > before && driver.states.get("bat1") === "online";
    });
  });
});
