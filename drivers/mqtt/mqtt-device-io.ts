import type { DeviceConfig } from "../../configs/manifest.ts";
import { present } from "../../kernel/assert.ts";
import type { CommandFate, CommandOutput, LevelOutput } from "../../kernel/command.ts";
import { RemsError } from "../../kernel/errors.ts";
import type {
  ConnectionSample,
  ConnectionState,
  PointSample,
  PointValue,
} from "../../kernel/point.ts";
import type {
  DeviceChanges,
  DeviceHealth,
  DeviceIo,
  PollMode,
  WriteReport,
} from "../../kernel/ports/device-io.ts";
import type { DriverFamily } from "../driver-family.ts";
import type { DriverOptions } from "../driver-options.ts";
import { brokerAccessOf } from "./broker-access.ts";
import { BrokerLink } from "./broker-link.ts";
import { MqttDevice, type MqttDeviceContext } from "./mqtt-device.ts";

/** Waiting writes of a planned handover may take the time-outs of the write before and their own. */
const SETTLE_FACTOR = 2;
const LINK_TIMEOUT_MS = 2000;

/** Devices behind MQTT brokers. */
export const mqttFamily: DriverFamily = {
  name: "mqtt",
  create: (options) => new MqttDeviceIo(options),
};

/** One broker with the devices behind it. */
interface Broker {
  readonly devices: readonly MqttDevice[];
  readonly link: BrokerLink;
  turn: number;
}

class MqttDeviceIo implements DeviceIo {
  readonly #options: DriverOptions;
  readonly #devices: readonly MqttDevice[];
  readonly #byId: ReadonlyMap<string, MqttDevice>;
  readonly #brokers: readonly Broker[];
  readonly #drainedStates: (ConnectionState | null)[];
  readonly #settleMs: number;
  #fates: CommandFate[] = [];
  #onWrite: (report: WriteReport) => void = () => {};
  #waiters: (() => void)[] = [];
  #isClosed = false;

  constructor(options: DriverOptions) {
    this.#options = options;
    const context: MqttDeviceContext = {
      ...options,
      report: (report) => this.#onWrite(report),
      settled: (fate) => this.#fates.push(fate),
    };
    this.#devices = options.devices.map((config) => {
      checkMode(config, options.mode);
      return new MqttDevice(config, context);
    });
    this.#byId = new Map(this.#devices.map((device) => [device.config.id, device]));
    this.#drainedStates = this.#devices.map(() => null);
    this.#brokers = this.#createBrokers();
    const writeMsMax = Math.max(0, ...options.devices.map(({ profile }) => profile.writeMs));
    this.#settleMs = writeMsMax * SETTLE_FACTOR;
  }

  poll(mode: PollMode): void {
    if (this.#isClosed) return;
    for (const broker of this.#brokers) {
      // Whoever only looks on is one more client of the broker, unless the profile allows but one.
      const isWanted =
        mode === "full" || broker.devices.every(({ config }) => config.profile.mastersMax > 1);
      if (!isWanted) {
        broker.link.rest("not wanted");
        continue;
      }
      if (!broker.link.isOpen) for (const device of broker.devices) device.connecting();
      broker.link.want();
      const nowMs = this.#options.clock.monotonicMs();
      for (const device of broker.devices) {
        device.dropExpired();
        device.watch(nowMs);
      }
      this.#pump(broker);
    }
  }

  drain(): DeviceChanges {
    const take = (device: MqttDevice, points: PointSample[], nowMs: number): void =>
      device.values.drain(points, nowMs);
    const changes = this.#changes(take, true);
    const fates = this.#fates;
    if (fates.length > 0) this.#fates = [];
    return { ...changes, fates };
  }

  image(): Pick<DeviceChanges, "points" | "connections"> {
    return this.#changes((device, points, nowMs) => device.values.all(points, nowMs), false);
  }

  connection(device: string): ConnectionState {
    return this.#byId.get(device)?.state ?? "offline";
  }

  health(): readonly DeviceHealth[] {
    return this.#devices.map((device) => {
      const broker = this.#brokers.find(({ devices }) => devices.includes(device));
      const { link } = present(broker, "each device has a broker");
      return {
        device: device.config.id,
        state: device.state,
        reason: device.reason,
        refused: device.values.badPoints().map((point) => ({
          point,
          where: "its topic",
          reason: "the payload holds no value that can be understood",
        })),
        points: device.values.qualities(this.#options.clock.monotonicMs()),
        roundTripMs: link.roundTripMs,
        timeoutMs: device.config.profile.writeMs,
        requestCount: link.requestCount,
        timeoutCount: link.timeoutCount,
        exceptionCount: 0,
        skippedCount: 0,
      };
    });
  }

  writeLevels(levels: readonly LevelOutput[], _sequence: number): void {
    for (const device of this.#devices) {
      const own = levels.filter((level) => level.device === device.config.id);
      device.setLevels(new Map<string, PointValue>(own.map(({ point, value }) => [point, value])));
    }
    for (const broker of this.#brokers) this.#pump(broker);
  }

  beginLeadership(): void {
    for (const device of this.#devices) device.beginLeadership();
  }

  execute(command: CommandOutput): void {
    const device = this.#byId.get(command.device);
    if (device === undefined) {
      const reason = `there is no device ${command.device} here`;
      this.#fates.push({ id: command.id, fate: "dropped", reason });
      return;
    }
    device.execute(command);
    for (const broker of this.#brokers) this.#pump(broker);
  }

  abandonWrites(): void {
    for (const { devices, link } of this.#brokers) {
      for (const device of devices) device.abandonWrites("authority was lost");
      if (link.isPublishing) link.reset("authority was lost");
    }
  }

  settleWrites(done: () => void): void {
    const { clock } = this.#options;
    const timer = clock.at(clock.monotonicMs() + this.#settleMs, () => {
      this.#waiters = this.#waiters.filter((waiter) => waiter !== check);
      this.abandonWrites();
      done();
    });
    const check = (): void => {
      const isWriting = this.#brokers.some(
        ({ devices, link }) => link.isPublishing || devices.some((device) => device.isWriteWaiting),
      );
      if (isWriting) return;
      timer.cancel();
      this.#waiters = this.#waiters.filter((waiter) => waiter !== check);
      done();
    };
    this.#waiters.push(check);
    queueMicrotask(() => this.#progressed());
  }

  reach(): { readonly reachedCount: number; readonly criticalCount: number } {
    const critical = this.#devices.filter(
      ({ isOwn, config, control }) => isOwn && config.isCritical && control === "control",
    );
    const reachedCount = critical.filter((device) => device.isReached).length;
    return { reachedCount, criticalCount: critical.length };
  }

  onWrite(handler: (report: WriteReport) => void): void {
    this.#onWrite = handler;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.abandonWrites();
    await Promise.all(
      this.#brokers.map(({ link }) => new Promise<void>((resolve) => link.close(resolve))),
    );
  }

  /** Takes what the devices have, in the order of the manifest. */
  #changes(
    take: (device: MqttDevice, points: PointSample[], nowMs: number) => void,
    isOnlyNew: boolean,
  ): { readonly points: PointSample[]; readonly connections: ConnectionSample[] } {
    const points: PointSample[] = [];
    const connections: ConnectionSample[] = [];
    const nowMs = this.#options.clock.monotonicMs();
    for (const [index, device] of this.#devices.entries()) {
      take(device, points, nowMs);
      if (isOnlyNew && this.#drainedStates[index] === device.state) continue;
      this.#drainedStates[index] = device.state;
      connections.push([device.config.id, device.state]);
    }
    return { points, connections };
  }

  #createBrokers(): Broker[] {
    const byAddress = new Map<string, MqttDevice[]>();
    for (const device of this.#devices) {
      const { host, port } = device.config;
      const known = byAddress.get(`${host}:${port}`) ?? [];
      byAddress.set(`${host}:${port}`, [...known, device]);
    }
    return [...byAddress.values()].map((devices) => this.#createBroker(devices));
  }

  #createBroker(devices: readonly MqttDevice[]): Broker {
    const { clock, random, dial, grid } = this.#options;
    const { config } = present(devices[0], "a broker has a device");
    const { host, port } = config;
    const now = (): number => clock.monotonicMs();
    const options = {
      host,
      port,
      access: brokerAccessOf(config),
      topics: [...new Set(devices.flatMap((device) => device.topics))],
      clientId: `r-ems-${grid}`,
      clock,
      random,
      dial,
      timeoutMs: LINK_TIMEOUT_MS,
    };
    const link = new BrokerLink(options, {
      connected: () => devices.forEach((device) => device.connected()),
      lost: (reason) => {
        for (const device of devices) device.lost(reason, now());
        this.#progressed();
      },
      message: (topic, payload) => {
        for (const device of devices) device.message(topic, payload, now());
      },
      freed: () => {
        this.#pump(broker);
        this.#progressed();
      },
    });
    const broker: Broker = { devices, link, turn: 0 };
    return broker;
  }

  /** Begins the next publication, taking turns between the devices behind the broker. */
  #pump(broker: Broker): void {
    const { devices, link } = broker;
    for (let i = 0; i < devices.length && link.isFree; i++) {
      const device = devices[(broker.turn + i) % devices.length];
      if (device?.startWrite(link) !== true) continue;
      broker.turn = (broker.turn + i + 1) % devices.length;
      return;
    }
  }

  #progressed(): void {
    for (const waiter of this.#waiters) waiter();
  }
}

/** A broker has no register that only the simulator answers so: rule 11 of the plant keeps it out of simulation. */
function checkMode({ id, profile }: DeviceConfig, mode: DriverOptions["mode"]): void {
  if (mode === "production") return;
  throw new RemsError(
    "REMS_CONFIG_INVALID",
    `${id} has the MQTT profile ${profile.id}, and a broker cannot prove that it is simulated; simulation mode needs a simulator's signature`,
    { details: { device: id, profile: profile.id } },
  );
}
