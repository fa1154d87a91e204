import { afterEach, expect, it } from "vitest";
import type { DriverOptions } from "../../drivers/driver-options.ts";
import { createDriverBench, type DriverBench } from "../../test/support/driver-bench.ts";
import { mqttProfile, startMqttPeer, type MqttPeer } from "../../test/support/mqtt-peer.ts";
import { mqttFamily } from "./mqtt-device-io.ts";

let peer: MqttPeer;
let driver: DriverBench;
afterEach(async () => {
  await driver.io.close();
  await peer.close();
});

async function rig(profile = mqttProfile(), overrides: Partial<DriverOptions> = {}) {
  peer = await startMqttPeer(profile);
  peer.show("isClosed", true);
  peer.show("activePowerKw", 1);
  peer.show("sohPct", 97);
  driver = createDriverBench([peer.device], overrides, mqttFamily);
  await driver.until("every point", () => driver.points.size === 4);
}
const setpoint = (value: number) => [{ device: "bat1", point: "powerSetpointKw", value }];
const qualityOf = (point: string) => driver.points.get(`bat1.${point}`)?.[1];

it("a set-point carries the epoch and is never retained", async () => {
  await rig();
  driver.io.writeLevels(setpoint(12.3), 1);
  await driver.until("confirmed", () => driver.outcomes("powerSetpointKw").includes("confirmed"));
  expect(peer.writes).toEqual([
    { topic: "bat1/set/power", payload: '{"watts":12300,"epoch":7}', isRetained: false },
  ]);
});

it("a publication that the broker does not acknowledge ends the connection, and its fate is unknown", async () => {
  await rig();
  peer.swallow = true;
  driver.execute("bat1", "open");
  await driver.until("its fate", () => driver.fates.length === 1);
  expect(driver.fates[0]).toMatchObject({ fate: "unknown" });
  expect(driver.io.connection("bat1")).toBe("offline");
  peer.swallow = false;
  await driver.until("back", () => driver.io.connection("bat1") === "online");
  // What was under way is never sent again by itself.
  expect(peer.writeCount()).toBe(1);
});

it("authority that ends between asking and sending stops the publication", async () => {
  let askedCount = 0;
  await rig(mqttProfile(), { gate: { epochForWrite: () => (++askedCount === 1 ? 7 : null) } });
  driver.execute("bat1", "open");
  await driver.until("its fate", () => driver.fates.length === 1);
  expect(driver.fates[0]?.fate).toBe("dropped");
  expect([askedCount, peer.writeCount()]).toEqual([2, 0]);
});

it("a payload without a value makes the point bad and the device degraded, until it is right again", async () => {
  await rig();
  peer.publish("bat1/soh", "good");
  await driver.until("bad", () => qualityOf("sohPct") === "bad");
  expect(driver.io.connection("bat1")).toBe("degraded");
  expect(driver.io.health()[0]?.refused).toMatchObject([{ point: "sohPct" }]);
  peer.publish("bat1/soh", "96");
  await driver.until("good", () => qualityOf("sohPct") === "good");
});

it("a point that is not told for longer than the profile allows is uncertain", async () => {
  await rig(mqttProfile({ maxAgeMs: 300 }));
  await driver.until("old", () => qualityOf("sohPct") === "uncertain");
  peer.show("sohPct", 95);
  await driver.until("told again", () => qualityOf("sohPct") === "good");
});

it("a set-point that the device does not keep is reported and written again", async () => {
  await rig();
  driver.io.writeLevels(setpoint(5), 1);
  await driver.until("confirmed", () => driver.outcomes("powerSetpointKw").includes("confirmed"));
  // What it shows right after the write may be of before; it goes on showing it.
  await driver.until("reported", () => {
    peer.publish("bat1/held", "0");
    driver.io.writeLevels(setpoint(5), 2);
    return driver.outcomes("powerSetpointKw").includes("failed");
  });
  await driver.until("written again", () => {
    driver.io.writeLevels(setpoint(5), 3);
    return peer.writeCount() === 2;
  });
});

it("a set-point that is acknowledged, and neither shown nor followed, is told so, each in its time", async () => {
  const used = mqttProfile();
  const followedBy = { point: "activePowerKw", tolerance: 0.5, withinMs: 400 };
  const points = used.points.map((one) =>
    one.point === "powerSetpointKw"
      ? { ...one, supervision: { ...one.supervision, confirmWithinMs: 200, followedBy } }
      : one,
  );
  const mqtt = used.mqtt && {
    ...used.mqtt,
    levels: used.mqtt.levels.map((one) => ({
      ...one,
      readBack: { topic: "{device}/shown", path: [] },
    })),
  };
  peer = await startMqttPeer({ ...used, points, mqtt });
  peer.publish("bat1/shown", "0");
  for (const [point, value] of [
    ["isClosed", true],
    ["activePowerKw", 1],
    ["sohPct", 97],
  ] as const)
    peer.show(point, value);
  driver = createDriverBench([peer.device], {}, mqttFamily);
  await driver.until("every point", () => driver.points.size === 4);
  const until = (outcome: string) =>
    driver.until(outcome, () => {
      driver.io.writeLevels(setpoint(5), 1);
      return driver.outcomes("powerSetpointKw").includes(outcome);
    });
  await until("unconfirmed");
  await until("unfollowed");
  expect(driver.reports.at(-1)?.reason).toBe("wanted 5, activePowerKw shows 1 for 400 ms");
  peer.publish("bat1/shown", "5000");
  peer.show("activePowerKw", 4.8);
  await until("confirmed");
  await until("followed");
});

it("a standby leaves a device alone that has room for one master", async () => {
  await rig({ ...mqttProfile(), mastersMax: 1 });
  await driver.until("released", () => peer.connectionCount() === 0, "probe");
  await driver.until("taken again", () => peer.connectionCount() === 1, "full");
});

it("nothing is published to a device that is not available", async () => {
  await rig();
  peer.publish("bat1/status", "offline");
  await driver.until("offline", () => driver.io.connection("bat1") === "offline");
  driver.io.writeLevels(setpoint(5), 1);
  driver.execute("bat1", "open");
  for (let scan = 0; scan < 5; scan++) driver.scan();
  expect(peer.writeCount()).toBe(0);
  peer.publish("bat1/status", "online");
  await driver.until("both", () => peer.writeCount() === 2);
});
