import type { DeviceConfig } from "../configs/manifest.ts";
import type { DriverFamilyName } from "../configs/profile.ts";
import { present } from "../kernel/assert.ts";
import type { CommandOutput, LevelOutput } from "../kernel/command.ts";
import type { ConnectionState } from "../kernel/point.ts";
import type {
  DeviceChanges,
  DeviceHealth,
  DeviceIo,
  PollMode,
  WriteReport,
} from "../kernel/ports/device-io.ts";
import type { DriverFamilies } from "./driver-family.ts";
import type { DriverOptions } from "./driver-options.ts";

/**
 * Serves all devices of a grid, each by the family of its profile. A grid of one family costs nothing more than that family.
 * @throws {@link RemsError} as the families do, see {@link DriverFamily.create}.
 */
export function createDeviceIo(options: DriverOptions, families: DriverFamilies): DeviceIo {
  const byFamily = new Map<DriverFamilyName, DeviceConfig[]>();
  for (const device of options.devices) {
    const { family } = device.profile;
    byFamily.set(family, [...(byFamily.get(family) ?? []), device]);
  }
  const parts = [...byFamily].map(([family, devices]) => ({
    devices,
    io: present(families[family], `the family ${family} was loaded`).create({
      ...options,
      devices,
    }),
  }));
  const [first] = parts;
  if (first === undefined) return families.modbus.create(options);
  return parts.length === 1 ? first.io : new ManyFamilies(parts, options);
}

interface Part {
  readonly devices: readonly DeviceConfig[];
  readonly io: DeviceIo;
}

/** Several families as one. Samples come family by family, within each in the order of the manifest. */
class ManyFamilies implements DeviceIo {
  readonly #ios: readonly DeviceIo[];
  readonly #byDevice: ReadonlyMap<string, DeviceIo>;
  readonly #options: DriverOptions;

  constructor(parts: readonly Part[], options: DriverOptions) {
    this.#options = options;
    this.#ios = parts.map(({ io }) => io);
    this.#byDevice = new Map(
      parts.flatMap(({ devices, io }) => devices.map(({ id }) => [id, io] as const)),
    );
  }

  poll(mode: PollMode): void {
    for (const io of this.#ios) io.poll(mode);
  }

  drain(): DeviceChanges {
    const parts = this.#ios.map((io) => io.drain());
    return {
      points: parts.flatMap(({ points }) => points),
      connections: parts.flatMap(({ connections }) => connections),
      fates: parts.flatMap(({ fates }) => fates),
    };
  }

  image(): Pick<DeviceChanges, "points" | "connections"> {
    const parts = this.#ios.map((io) => io.image());
    return {
      points: parts.flatMap(({ points }) => points),
      connections: parts.flatMap(({ connections }) => connections),
    };
  }

  connection(device: string): ConnectionState {
    return this.#byDevice.get(device)?.connection(device) ?? "offline";
  }

  health(): readonly DeviceHealth[] {
    return this.#ios.flatMap((io) => io.health());
  }

  writeLevels(levels: readonly LevelOutput[], sequence: number): void {
    const first = present(this.#ios[0], "a grid of many families has a first");
    for (const io of this.#ios) {
      // A level for a device that is not here goes to the first family, which says so.
      const own = levels.filter(({ device }) => (this.#byDevice.get(device) ?? first) === io);
      io.writeLevels(own, sequence);
    }
  }

  beginLeadership(): void {
    for (const io of this.#ios) io.beginLeadership();
  }

  execute(command: CommandOutput): void {
    const io = this.#byDevice.get(command.device) ?? this.#ios[0];
    present(io, "a grid of many families has a first").execute(command);
  }

  abandonWrites(): void {
    for (const io of this.#ios) io.abandonWrites();
  }

  settleWrites(done: () => void): void {
    let openCount = this.#ios.length;
    for (const io of this.#ios) {
      io.settleWrites(() => {
        openCount--;
        if (openCount === 0) done();
      });
    }
  }

  reach(): { readonly reachedCount: number; readonly criticalCount: number } {
    const parts = this.#ios.map((io) => io.reach());
    return {
      reachedCount: parts.reduce((sum, part) => sum + part.reachedCount, 0),
      criticalCount: parts.reduce((sum, part) => sum + part.criticalCount, 0),
    };
  }

  onWrite(handler: (report: WriteReport) => void): void {
    for (const io of this.#ios) io.onWrite(handler);
  }

  async close(): Promise<void> {
    const results = await Promise.allSettled(this.#ios.map((io) => io.close()));
    for (const result of results) {
      if (result.status === "rejected")
        this.#options.log?.("error", "a driver did not close", { reason: String(result.reason) });
    }
  }
}
