import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BrokerSettings } from "../../configs/manifest.ts";
import { createDriverBench, type DriverBench } from "../../test/support/driver-bench.ts";
import { startMqttPeer, TEST_CA_FILE, type MqttPeer } from "../../test/support/mqtt-peer.ts";
import { brokerAccessOf } from "./broker-access.ts";
import { mqttFamily } from "./mqtt-device-io.ts";

const LOGIN = "r-ems:s3cret:with colon";
const settings: BrokerSettings = {
  isEncrypted: true,
  caFile: TEST_CA_FILE,
  credentialsFile: "",
  secretVariable: "",
};
const at = (broker: BrokerSettings) => ({ id: "bat1", host: "broker.plant", broker });

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rems-broker-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function credentials(text = `${LOGIN}\n`): string {
  const path = join(directory, "login");
  writeFileSync(path, text);
  return path;
}

describe("a broker over TLS that asks for a log-in", () => {
  let peer: MqttPeer;
  let driver: DriverBench;
  afterEach(async () => {
    await driver.io.close();
    await peer.close();
  });

  async function rig(broker: BrokerSettings | null, host = "localhost") {
    // What stands in front of the first colon is the user: the rest is the password, colons and all.
    peer = await startMqttPeer(undefined, LOGIN.split(":").slice(0, 2).join(":"));
    for (const [point, value] of [
      ["isClosed", true],
      ["activePowerKw", 1],
      ["sohPct", 97],
    ] as const)
      peer.show(point, value);
    driver = createDriverBench([{ ...peer.device, host, broker }], {}, mqttFamily);
  }
  const shortLogin = () => credentials("r-ems:s3cret\n");
  const setpoint = [{ device: "bat1", point: "powerSetpointKw", value: 12.3 }];

  it("is read and written as one in plain text is", async () => {
    await rig({ ...settings, credentialsFile: shortLogin() });
    await driver.until("every point", () => driver.points.size === 4);
    driver.io.writeLevels(setpoint, 1);
    await driver.until("confirmed", () => driver.outcomes("powerSetpointKw").includes("confirmed"));
    expect(peer.held()).toBe(12.3);
  });

  it("may be named by its address, where its certificate bears that", async () => {
    await rig({ ...settings, credentialsFile: shortLogin() }, "127.0.0.1");
    await driver.until("every point", () => driver.points.size === 4);
  });

  it("is left where the password is wrong, and the reason is told", async () => {
    await rig({ ...settings, credentialsFile: credentials("r-ems:guess") });
    await driver.until("refused", () => /not authorized/i.test(reason()));
    expect(driver.io.connection("bat1")).not.toBe("online");
  });

  it("is left where nobody vouches for it: no password is told to a stranger", async () => {
    await rig({ ...settings, caFile: "", credentialsFile: shortLogin() });
    await driver.until("refused", () => /certificate|verify/i.test(reason()));
    expect(peer.connectionCount()).toBe(0);
  });

  it("hears nothing it could take for a log-in in plain text", async () => {
    await rig({ ...settings, isEncrypted: false, caFile: "", credentialsFile: shortLogin() });
    await driver.until("lost", () => reason() !== "");
    expect(driver.points.size).toBe(0);
  });

  const reason = () => driver.io.health()[0]?.reason ?? "";
});

describe("what the manifest names for a broker", () => {
  it("may be a variable of the environment", () => {
    const used = { ...settings, secretVariable: "BROKER_LOGIN" };
    expect(brokerAccessOf(at(used), { BROKER_LOGIN: LOGIN }).login).toEqual({
      username: "r-ems",
      password: "s3cret:with colon",
    });
  });

  it("may be a file of which the first line counts", () => {
    const used = { ...settings, credentialsFile: credentials(`${LOGIN}\r\nmore\n`) };
    expect(brokerAccessOf(at(used)).login.password).toBe("s3cret:with colon");
  });

  it("is refused with its place where it is not there, or makes no sense", () => {
    const refused = (broker: Partial<BrokerSettings>, environment = {}) =>
      expect(() => brokerAccessOf(at({ ...settings, ...broker }), environment));
    refused({ caFile: "/nowhere/ca.pem" }).toThrow("bat1: ca_file /nowhere/ca.pem cannot be read");
    refused({ credentialsFile: credentials("user") }).toThrow("does not hold user:password");
    refused({ secretVariable: "UNSET" }).toThrow("the variable UNSET does not hold user:password");
  });

  it("is sent as a name only where it is one", () => {
    expect(brokerAccessOf(at(settings)).tls).toMatchObject({ servername: "broker.plant" });
    expect(brokerAccessOf({ ...at(settings), host: "10.0.0.7" }).tls).not.toHaveProperty(
      "servername",
    );
  });
});
