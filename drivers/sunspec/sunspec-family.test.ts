import { afterEach, describe, expect, it } from "vitest";
import { sunspecModel } from "../../configs/sunspec/model-table.ts";
import { placePoints } from "../../configs/sunspec/place-points.ts";
import { present } from "../../kernel/assert.ts";
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
/** Where W_SF of model 701 stands, which follows model 1 of 66 registers. */
const scaleAddress = (base: number): number => {
  const model = present(sunspecModel(701), "in the table");
  const placed = placePoints(model, 153, () => 1).find(({ path }) => path === "W_SF");
  return base + 2 + 68 + present(placed, "a point of 701").offset;
};
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
    const findings = () => peer.wire.reads.filter(({ address }) => address === peer.base).length;
    expect(findings()).toBe(1);
    // W_SF of model 701 from 1 to 2, and another power: 12 kW, which the old scale factor would show as 1.2.
    peer.wire.registers.set(peer.addressOf("activePowerKw"), 120);
    peer.wire.registers.set(scaleAddress(peer.base), 2);
    const seen: unknown[] = [];
    const states: unknown[] = [];
    await driver.until("power is read anew", () => {
      const sample = valueOf("activePowerKw");
      if (sample?.[1] === "good") seen.push(sample[0]);
      states.push(driver.states.get("bat1"));
      return isRead("activePowerKw", 12) && driver.states.get("bat1") === "online";
    });
    expect(findings()).toBe(2);
    expect(new Set(seen)).toEqual(new Set([10, 12]));
    expect(states).toContain("degraded");
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
