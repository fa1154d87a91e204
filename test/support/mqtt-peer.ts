import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { fileURLToPath } from "node:url";
import { Aedes } from "aedes";
import { connect, type MqttClient } from "mqtt";
import type { DeviceProfile } from "../../configs/profile.ts";
import { mqttFamily } from "../../drivers/mqtt/mqtt-device-io.ts";
import { device, profile } from "../../drivers/modbus/profile-fixture.ts";
import type { FamilyCase, FamilyPeer } from "./family-peer.ts";

/** A battery as an MQTT device: one value a topic, one in JSON, a set-point with the epoch beside it. */
export function mqttProfile(changes: Partial<DeviceProfile["mqtt"] & object> = {}): DeviceProfile {
  const plain = { path: [], scale: 1, offset: 0, labels: null, trueValues: ["true"] };
  return profile({
    family: "mqtt",
    writeMs: 500,
    mqtt: {
      availability: { topic: "{device}/status", online: "online", offline: "offline" },
      maxAgeMs: null,
      points: [
        { ...plain, point: "isClosed", topic: "{device}/breaker" },
        {
          ...plain,
          point: "activePowerKw",
          topic: "{device}/power",
          path: ["ac", "watts"],
          scale: 0.001,
        },
        { ...plain, point: "sohPct", topic: "{device}/soh" },
      ],
      levels: [
        {
          point: "powerSetpointKw",
          topic: "{device}/set/power",
          payload: '{"watts":{value},"epoch":{epoch}}',
          scale: 0.001,
          offset: 0,
          readBack: { topic: "{device}/held", path: [] },
        },
      ],
      commands: [
        { command: "open", topic: "{device}/set/breaker", payload: "open" },
        { command: "setForming", topic: "{device}/set/mode", payload: "forming" },
      ],
      ...changes,
    },
  });
}

export interface MqttPeer extends FamilyPeer {
  /** Everything that was published to the device, in order. */
  readonly writes: {
    readonly topic: string;
    readonly payload: string;
    readonly isRetained: boolean;
  }[];
  /** Publishes as the device. */
  publish(topic: string, payload: string): void;
  /** The broker takes publications and acknowledges none. */
  swallow: boolean;
}

/** A certificate for `localhost` and 127.0.0.1, and who vouches for it: of this test alone, good for a hundred years. */
const tlsFile = (name: string) => fileURLToPath(new URL(`./tls/${name}`, import.meta.url));
export const TEST_CA_FILE = tlsFile("ca.pem");

/**
 * A broker of its own with one device on it, which leaves a last will.
 * @param login - `user:password` that it asks of everybody; it speaks TLS then.
 */
export async function startMqttPeer(
  used: DeviceProfile = mqttProfile(),
  login: string | null = null,
): Promise<MqttPeer> {
  const broker = await Aedes.createBroker();
  const key = {
    key: readFileSync(tlsFile("broker.key")),
    cert: readFileSync(tlsFile("broker.pem")),
  };
  const server = login === null ? createServer(broker.handle) : createTlsServer(key, broker.handle);
  if (login !== null) {
    broker.authenticate = (_client, username, password, done) =>
      done(null, `${username}:${password?.toString()}` === login);
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const writes: { topic: string; payload: string; isRetained: boolean }[] = [];
  const drivers = new Set<string>();
  let swallow = false;
  let heldKw = 0;
  const isDriver = (id: string | undefined): boolean => id?.startsWith("r-ems-") === true;
  broker.on("client", ({ id }) => void (isDriver(id) && drivers.add(id)));
  broker.on("clientDisconnect", ({ id }) => void drivers.delete(id));
  broker.authorizePublish = (client, packet, done) => {
    const payload = packet.payload.toString();
    if (isDriver(client?.id))
      writes.push({ topic: packet.topic, payload, isRetained: packet.retain });
    if (!swallow || !isDriver(client?.id)) done(null);
  };
  const shown = new Map<string, string>();
  let own: MqttClient;
  const publish = (topic: string, payload: string): void => {
    shown.set(topic, payload);
    own.publish(topic, payload, { qos: 1, retain: true });
  };
  const come = async (): Promise<void> => {
    const [username = "", password = ""] = login?.split(":") ?? [];
    const url = login === null ? "mqtt://127.0.0.1" : "mqtts://localhost";
    own = connect(`${url}:${port}`, {
      clientId: "bat1",
      ...(login === null ? {} : { username, password, ca: readFileSync(TEST_CA_FILE) }),
      reconnectPeriod: 0,
      will: { topic: "bat1/status", payload: Buffer.from("offline"), qos: 1, retain: true },
    });
    own.on("error", () => {});
    own.on("message", (topic, payload) => {
      if (topic !== "bat1/set/power") return;
      const { watts } = JSON.parse(payload.toString()) as { readonly watts: number };
      heldKw = watts / 1000;
      publish("bat1/held", String(watts));
    });
    await new Promise<void>((resolve) => own.once("connect", () => resolve()));
    own.subscribe("bat1/set/#", { qos: 1 });
    for (const [topic, payload] of shown) publish(topic, payload);
    own.publish("bat1/status", "online", { qos: 1, retain: true });
  };
  shown.set("bat1/held", "0");
  await come();
  return {
    device: device({ port, profile: used }),
    writes,
    publish,
    get swallow() {
      return swallow;
    },
    set swallow(value: boolean) {
      swallow = value;
    },
    show(point, value) {
      if (point === "isClosed") publish("bat1/breaker", String(value));
      else if (point === "activePowerKw") {
        publish("bat1/power", JSON.stringify({ ac: { watts: Number(value) * 1000 } }));
      } else publish("bat1/soh", String(value));
    },
    held: () => heldKw,
    writeCount: () => writes.length,
    // The device is gone without a word: the broker tells its last will.
    silence: () => void own.stream.destroy(),
    answer: () => void come(),
    // MQTT 3.1.1 has no word for it.
    refuseWrites() {},
    connectionCount: () => drivers.size,
    async close() {
      own.end(true);
      await new Promise<void>((resolve) => broker.close(() => server.close(() => resolve())));
    },
  };
}

export const mqttCase: FamilyCase = {
  name: "mqtt",
  family: mqttFamily,
  start: () => startMqttPeer(),
};
