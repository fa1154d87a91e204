import type { DeviceConfig } from "../../configs/manifest.ts";
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
import { ConnectPacer } from "./connect-pacer.ts";
import type { DeviceContext } from "./device-context.ts";
import { ModbusDevice } from "./device.ts";
import { Endpoint } from "./endpoint.ts";
import type { LayoutFinder } from "./layout-finder.ts";
import { createLine, lineKey } from "./line.ts";

/** Waiting writes of a planned handover may take the time-outs of the write before and their own. */
const SETTLE_FACTOR = 2;

/**
 * Devices of one grid over Modbus.
 *
 * @param finder - Finds the registers of devices that describe themselves; null where profiles say where everything stands.
 * @throws {@link RemsError} `REMS_PROFILE_INVALID` for a profile that cannot be read or written as the rules demand;
 *   `REMS_CONFIG_INVALID` for a device in simulation mode whose profile has no signature register.
 */
export function createModbusDeviceIo(
  options: DriverOptions,
  finder: LayoutFinder | null,
): DeviceIo {
  return new ModbusDeviceIo(options, finder);
}

/** Modbus devices. */
export const modbusFamily: DriverFamily = {
  name: "modbus",
  create: (options) => createModbusDeviceIo(options, null),
};

class ModbusDeviceIo implements DeviceIo {
  readonly #options: DriverOptions;
  readonly #devices: readonly ModbusDevice[];
  readonly #byId: ReadonlyMap<string, ModbusDevice>;
  readonly #endpoints: readonly Endpoint[];
  readonly #drainedStates: (ConnectionState | null)[];
  readonly #levelsOf: ReadonlyMap<string, Map<string, PointValue>>;
  readonly #settleMs: number;
  readonly #pacer = new ConnectPacer();
  #fates: CommandFate[] = [];
  #onWrite: (report: WriteReport) => void = () => {};
  #waiters: (() => void)[] = [];

  constructor(options: DriverOptions, finder: LayoutFinder | null) {
    this.#options = options;
    const context: DeviceContext = {
      ...options,
      finder,
      log: options.log ?? (() => {}),
      report: (report) => this.#onWrite(report),
      settled: (fate) => this.#fates.push(fate),
    };
    const endpoints = new Map<string, Endpoint>();
    this.#devices = options.devices.map((config, index) => {
      this.#checkMode(config);
      const endpoint = this.#endpointOf(config, endpoints);
      const rights = {
        isOwn: options.isOwn(config),
        get control() {
          return options.controlOf(config);
        },
        phase: index / options.devices.length,
      };
      const device = new ModbusDevice(config, rights, context, (sign) => endpoint.settled(sign));
      endpoint.add(device);
      return device;
    });
    this.#endpoints = [...endpoints.values()];
    this.#byId = new Map(this.#devices.map((device) => [device.config.id, device]));
    this.#levelsOf = new Map(this.#devices.map((device) => [device.config.id, new Map()]));
    this.#drainedStates = this.#devices.map(() => null);
    const writeMsMax = Math.max(0, ...options.devices.map((device) => device.profile.writeMs));
    this.#settleMs = writeMsMax * SETTLE_FACTOR;
  }

  poll(mode: PollMode): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const endpoint of this.#endpoints) endpoint.poll(mode, nowMs);
  }

  drain(): DeviceChanges {
    const points: PointSample[] = [];
    const connections: ConnectionSample[] = [];
    const nowMs = this.#options.clock.monotonicMs();
    for (const [index, device] of this.#devices.entries()) {
      device.drain(points, nowMs);
      if (this.#drainedStates[index] === device.state) continue;
      this.#drainedStates[index] = device.state;
      connections.push([device.config.id, device.state]);
    }
    const fates = this.#fates;
    if (fates.length > 0) this.#fates = [];
    return { points, connections, fates };
  }

  image(): Pick<DeviceChanges, "points" | "connections"> {
    const points: PointSample[] = [];
    const connections: ConnectionSample[] = [];
    const nowMs = this.#options.clock.monotonicMs();
    for (const [index, device] of this.#devices.entries()) {
      device.all(points, nowMs);
      this.#drainedStates[index] = device.state;
      connections.push([device.config.id, device.state]);
    }
    return { points, connections };
  }

  connection(device: string): ConnectionState {
    return this.#byId.get(device)?.state ?? "offline";
  }

  health(): readonly DeviceHealth[] {
    return this.#devices.map((device) => device.health());
  }

  writeLevels(levels: readonly LevelOutput[], _sequence: number): void {
    for (const values of this.#levelsOf.values()) values.clear();
    for (const level of levels) {
      const values = this.#levelsOf.get(level.device);
      if (values === undefined) {
        this.#options.log?.("error", `a level is for ${level.device}, which is not here`, {
          device: level.device,
          point: level.point,
        });
      } else values.set(level.point, level.value);
    }
    for (const device of this.#devices) {
      const values = this.#levelsOf.get(device.config.id);
      if (values !== undefined) device.setLevels(values);
    }
    this.#pump();
  }

  beginLeadership(): void {
    for (const device of this.#devices) device.beginLeadership();
  }

  execute(command: CommandOutput): void {
    const device = this.#byId.get(command.device);
    if (device === undefined) {
      this.#fates.push({
        id: command.id,
        fate: "dropped",
        reason: `there is no device ${command.device} here`,
      });
      return;
    }
    device.execute(command);
    this.#pump();
  }

  abandonWrites(): void {
    for (const endpoint of this.#endpoints) endpoint.abandonWrites();
  }

  settleWrites(done: () => void): void {
    let timer: { cancel(): void } | null = null;
    const finish = () => {
      timer?.cancel();
      this.#waiters = this.#waiters.filter((waiter) => waiter !== check);
      done();
    };
    const check = () => {
      if (!this.#endpoints.some((endpoint) => endpoint.isWriting)) finish();
    };
    const nowMs = this.#options.clock.monotonicMs();
    timer = this.#options.clock.at(nowMs + this.#settleMs, () => {
      for (const endpoint of this.#endpoints) endpoint.abandonWaiting();
      // One that is out already has its full time: what is on the wire could still arrive after a reset.
      check();
    });
    this.#waiters.push(check);
    queueMicrotask(() => this.#progressed());
  }

  reach(): { readonly reachedCount: number; readonly criticalCount: number } {
    let reachedCount = 0;
    let criticalCount = 0;
    const nowMs = this.#options.clock.monotonicMs();
    for (const device of this.#devices) {
      if (!device.isOwn || !device.config.isCritical || device.control !== "control") continue;
      criticalCount++;
      if (device.isReached(nowMs)) reachedCount++;
    }
    return { reachedCount, criticalCount };
  }

  onWrite(handler: (report: WriteReport) => void): void {
    this.#onWrite = handler;
  }

  async close(): Promise<void> {
    this.abandonWrites();
    await Promise.all(
      this.#endpoints.map((endpoint) => new Promise<void>((resolve) => endpoint.close(resolve))),
    );
  }

  #pump(): void {
    for (const endpoint of this.#endpoints) endpoint.pump();
  }

  #progressed(): void {
    for (const waiter of this.#waiters) waiter();
  }

  #checkMode(config: DeviceConfig): void {
    if (this.#options.mode === "production" || config.profile.signature !== null) return;
    throw new RemsError(
      "REMS_CONFIG_INVALID",
      `${config.id} has profile ${config.profile.id}, which names no simulator's signature; simulation mode needs one`,
      { details: { device: config.id, profile: config.profile.id } },
    );
  }

  #endpointOf(config: DeviceConfig, endpoints: Map<string, Endpoint>): Endpoint {
    const key = lineKey(config);
    const found = endpoints.get(key);
    if (found !== undefined) return found;
    const { clock, random, dial, devices } = this.#options;
    // All devices of a line must bear what any of them is asked to bear.
    const inFlightMax = Math.min(
      ...devices
        .filter((device) => lineKey(device) === key)
        .map((device) => device.profile.modbus.inFlightMax),
    );
    const endpoint = new Endpoint({
      line: createLine(config, inFlightMax, clock, dial),
      clock,
      random,
      pacer: this.#pacer,
      progressed: () => this.#progressed(),
    });
    endpoints.set(key, endpoint);
    return endpoint;
  }
}
