import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DriverOptions } from "../../drivers/driver-options.ts";
import { createDriverBench, type DriverBench } from "../support/driver-bench.ts";
import { eventually } from "../support/eventually.ts";
import type { FamilyCase, FamilyPeer } from "../support/family-peer.ts";
import { modbusCases } from "../support/modbus-peer.ts";
import { mqttCase } from "../support/mqtt-peer.ts";
import { sunspecCase } from "../support/sunspec-peer.ts";

/** What every family of drivers must do, against a real device of each. A family is added with one line here. */
const CASES: readonly FamilyCase[] = [...modbusCases, sunspecCase, mqttCase];

describe.each(CASES.map((one) => [one.name, one] as const))("family %s", (_name, one) => {
  let peer: FamilyPeer;
  let driver: DriverBench;

  beforeEach(async () => {
    peer = await one.start();
    peer.show("isClosed", true);
    peer.show("activePowerKw", -0.5);
    peer.show("sohPct", 97);
  });

  afterEach(async () => {
    await driver.io.close();
    await peer.close();
  });

  const create = (overrides: Partial<DriverOptions> = {}) => {
    driver = createDriverBench([peer.device], overrides, one.family);
  };
  const online = async (overrides: Partial<DriverOptions> = {}) => {
    create(overrides);
    await driver.until("every point is read", () => driver.points.size === 4);
    expect(driver.states.get("bat1")).toBe("online");
  };
  const setpoint = (value: number) => [{ device: "bat1", point: "powerSetpointKw", value }];
  const valueOf = (point: string) => driver.points.get(`bat1.${point}`);

  it("connects nowhere before the first scan", () => {
    create();
    expect(peer.connectionCount()).toBe(0);
    expect(driver.io.connection("bat1")).toBe("offline");
    expect(driver.io.image()).toEqual({ points: [], connections: [["bat1", "offline"]] });
  });

  it("brings every point as good, then only what changes", async () => {
    await online();
    expect(valueOf("isClosed")).toEqual([true, "good"]);
    expect(valueOf("activePowerKw")).toEqual([-0.5, "good"]);
    expect(valueOf("sohPct")).toEqual([97, "good"]);
    peer.show("activePowerKw", 4.2);
    await driver.until("the change", () => valueOf("activePowerKw")?.[0] === 4.2);
    expect(driver.io.image().points.length).toBe(4);
    expect(driver.scan()).toBe(0);
  });

  it("tells how the device answers", async () => {
    await online();
    const [health] = driver.io.health();
    expect(health).toMatchObject({ device: "bat1", state: "online", refused: [] });
    expect(health?.roundTripMs).not.toBeNull();
    expect(driver.io.reach()).toEqual({ reachedCount: 1, criticalCount: 1 });
  });

  it("a silent device is offline, its values uncertain, and it returns by itself", async () => {
    await online({ timings: { scanMs: 100, staleMs: 400 } });
    peer.silence();
    await driver.until("offline", () => driver.states.get("bat1") === "offline");
    await driver.until("uncertain", () => valueOf("isClosed")?.[1] === "uncertain");
    expect(valueOf("isClosed")?.[0]).toBe(true);
    expect(driver.io.reach().reachedCount).toBe(0);
    peer.answer();
    await driver.until("online", () => driver.states.get("bat1") === "online");
    await driver.until("good again", () => valueOf("isClosed")?.[1] === "good");
  });

  it("writes a set-point once, and reports it written and confirmed", async () => {
    await online();
    driver.io.writeLevels(setpoint(12.3), 1);
    await driver.until("confirmed", () => driver.outcomes("powerSetpointKw").includes("confirmed"));
    expect(peer.held()).toBe(12.3);
    const count = peer.writeCount();
    for (let i = 0; i < 5; i++) driver.io.writeLevels(setpoint(12.3), 2 + i);
    driver.io.writeLevels(setpoint(20), 9);
    await driver.until("the next value", () => peer.held() === 20);
    expect(peer.writeCount()).toBe(count + 1);
  });

  it("gives a command once, and tells its fate", async () => {
    await online();
    const id = driver.execute("bat1", "open");
    await driver.until("its fate", () => driver.fates.length === 1);
    expect(driver.fates).toEqual([{ id, fate: "confirmed", reason: "" }]);
    expect(peer.writeCount()).toBe(1);
  });

  it("lets nothing out without authority", async () => {
    await online();
    driver.epoch = null;
    driver.io.writeLevels(setpoint(5), 1);
    driver.execute("bat1", "open");
    await driver.until("dropped", () => driver.fates.length === 1);
    expect(driver.fates[0]?.fate).toBe("dropped");
    await driver.until("reported", () => driver.outcomes("powerSetpointKw").includes("dropped"));
    expect(peer.writeCount()).toBe(0);
  });

  it.each(["observe", "advise"] as const)("only says what it would write in %s", async (mode) => {
    await online({ controlOf: () => mode });
    driver.io.writeLevels(setpoint(5), 1);
    driver.execute("bat1", "open");
    await driver.until("the fate", () => driver.fates.length === 1);
    expect(driver.outcomes("powerSetpointKw")).toEqual(["wouldWrite"]);
    expect(driver.outcomes("open")).toEqual(["wouldWrite"]);
    expect(peer.writeCount()).toBe(0);
  });

  it("never writes to a device of another grid", async () => {
    await online({ isOwn: () => false });
    driver.io.writeLevels(setpoint(5), 1);
    driver.execute("bat1", "open");
    await driver.until("the fate", () => driver.fates.length === 1);
    expect(peer.writeCount()).toBe(0);
  });

  it("drops what waits when authority is lost, and a command that expired", async () => {
    await online();
    peer.silence();
    await driver.until("offline", () => driver.states.get("bat1") === "offline");
    driver.execute("bat1", "open");
    driver.io.abandonWrites();
    driver.execute("bat1", "open", 100);
    driver.plantTimeMs = 100;
    await driver.until("both fates", () => driver.fates.length === 2);
    expect(driver.fates.map(({ fate }) => fate)).toEqual(["dropped", "dropped"]);
    expect(peer.writeCount()).toBe(0);
  });

  it("tells when nothing is being written any more, also while the device is silent", async () => {
    await online();
    driver.io.writeLevels(setpoint(5), 1);
    let isSettled = false;
    driver.io.settleWrites(() => (isSettled = true));
    await driver.until("settled", () => isSettled);
    expect(peer.held()).toBe(5);
    peer.silence();
    isSettled = false;
    driver.execute("bat1", "open");
    driver.io.settleWrites(() => (isSettled = true));
    await driver.until("settled in bounded time", () => isSettled);
  });

  it("refuses a device in simulation mode whose profile has no signature", () => {
    create();
    expect(() => createDriverBench([peer.device], { mode: "simulation" }, one.family)).toThrow(
      "REMS_CONFIG_INVALID",
    );
  });

  it("closes for good", async () => {
    await online();
    await driver.io.close();
    await eventually("no connection is left", () => peer.connectionCount() === 0);
    driver.scan();
    expect(peer.connectionCount()).toBe(0);
  });
});
