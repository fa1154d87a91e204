import type { DeviceConfig } from "../../configs/manifest.ts";
import type { DeviceProfile } from "../../configs/profile.ts";
import { ModbusServer } from "../../drivers/modbus-server/modbus-server.ts";
import type { PointValue } from "../../kernel/point.ts";
import type { FaultAction } from "./fault-lines.ts";
import { NodeLink } from "./node-link.ts";
import { type Nameplate, ProfilePlant } from "./profile-plant.ts";
import { SimulatedDevice, type WriteEntry } from "./simulated-device.ts";

export interface ProfileServerOptions {
  readonly profile: DeviceProfile;
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly unitId: number;
  readonly nameplate: Nameplate;
  readonly settings: readonly { readonly point: string; readonly value: PointValue }[];
  readonly nowMs: () => number;
  readonly onWrite: (entry: WriteEntry) => void;
  /** The watchdog ran out, or a master came back. */
  readonly onFallback: (isActive: boolean) => void;
}

const TICK_MS = 50;

/** Any profile as a device that answers Modbus TCP, alone, without a plant around it. */
export class ProfileServer {
  readonly port: number;
  readonly device: SimulatedDevice;
  readonly #plant: ProfilePlant;
  readonly #server: ModbusServer;
  readonly #timer: NodeJS.Timeout;
  isOneMaster = false;

  private constructor(
    port: number,
    device: SimulatedDevice,
    plant: ProfilePlant,
    server: ModbusServer,
    timer: NodeJS.Timeout,
  ) {
    this.port = port;
    this.device = device;
    this.#plant = plant;
    this.#server = server;
    this.#timer = timer;
  }

  /** @throws {@link RemsError} REMS_PORT_IN_USE. */
  static async open(options: ProfileServerOptions): Promise<ProfileServer> {
    const { profile, host, unitId, nowMs } = options;
    const plant = new ProfilePlant(profile, options.nameplate, nowMs(), options.onFallback);
    for (const { point, value } of options.settings) plant.set(point, value);
    const device = new SimulatedDevice(configOf(options), "", plant, nowMs, (entry) =>
      options.onWrite(entry),
    );
    const server = new ModbusServer(new Map([[unitId, device]]), {
      nowMs,
      mastersMax: profile.mastersMax,
      slotReleaseMs: profile.slotReleaseMs,
    });
    const link = new NodeLink(profile.id);
    const port = await server.listen(host, options.port, link, `device ${profile.id}`);
    const timer = setInterval(() => {
      plant.advance(nowMs());
      device.checkWatchdog();
    }, TICK_MS);
    return new ProfileServer(port, device, plant, server, timer);
  }

  /** Switches a fault, or sets a value. `show`, `help` and `quit` are the caller's. */
  apply(action: FaultAction): void {
    const { faults, config } = this.device;
    switch (action.type) {
      case "set":
        return this.#plant.set(action.point, action.value);
      case "free":
        return this.#plant.free();
      case "slow":
        faults.delayMs = action.delayMs;
        return;
      case "silent":
        faults.isSilent = true;
        return;
      case "halfOpen":
        return this.#server.halfOpenAll();
      case "exception":
        faults.exceptions.set(action.address, action.code);
        return;
      case "oneMaster":
        this.isOneMaster = true;
        return this.#server.limitMasters(1);
      case "ignoreWrites":
        faults.isWriteIgnored = true;
        return;
      case "stuck":
        for (const [point, value] of Object.entries(this.device.points())) {
          if (action.point === null || action.point === point) faults.stuck.set(point, value);
        }
        return;
      case "wrongEndian":
        faults.endian = action.endian;
        return;
      case "ok":
        Object.assign(faults, {
          isSilent: false,
          delayMs: 0,
          isWriteIgnored: false,
          endian: "right",
        });
        faults.exceptions.clear();
        faults.stuck.clear();
        this.isOneMaster = false;
        return this.#server.limitMasters(config.profile.mastersMax);
      case "show":
      case "help":
      case "quit":
        return;
      default:
        return action satisfies never;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#server.close();
  }
}

function configOf({ profile, host, port, unitId, nameplate }: ProfileServerOptions): DeviceConfig {
  return {
    id: profile.id,
    name: profile.name,
    kind: profile.kind,
    profile,
    host,
    port,
    unitId,
    transport: "tcp",
    serial: null,
    broker: null,
    isInMaintenance: false,
    isSimulated: true,
    control: null,
    isCritical: false,
    ratings: {
      powerKw: nameplate.powerKw,
      apparentKva: 0,
      energyKwh: 0,
      minimumLoadPct: 0,
      droopPct: 0,
      voltageDroopPct: 0,
      reserveSocPct: 0,
      loadKw: 0,
      firstStepPct: 0,
      fuelGPerKwh: 195,
      baseLoadPct: 0,
    },
    battery: null,
    consumer: null,
    tripStage: null,
  };
}
