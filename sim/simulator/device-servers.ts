import type { DeviceConfig, Manifest } from "../../configs/manifest.ts";
import { RemsError } from "../../kernel/errors.ts";
import { ModbusServer, type ModbusUnit } from "../../drivers/modbus-server/modbus-server.ts";
import { NodeLink } from "../devices/node-link.ts";
import { type DevicePlant, SimulatedDevice, type WriteEntry } from "../devices/simulated-device.ts";

export interface DeviceServersOptions {
  /** Public ports: undefined for those of the manifest, 0 for free ones, else counted up from it. */
  readonly publicPortBase?: number | undefined;
  readonly nowMs: () => number;
  readonly onWrite: (entry: WriteEntry) => void;
}

/** Every device of a manifest at its Modbus TCP address, and once more per node so that the writer is known by the port. */
export class DeviceServers {
  readonly devices: ReadonlyMap<string, SimulatedDevice>;
  /** Node, then address of the manifest, to where that node finds it. */
  readonly ports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly publicPorts: Readonly<Record<string, string>>;
  readonly #links: ReadonlyMap<string, NodeLink>;
  readonly #servers: readonly ModbusServer[];

  private constructor(
    devices: ReadonlyMap<string, SimulatedDevice>,
    ports: Readonly<Record<string, Readonly<Record<string, string>>>>,
    publicPorts: Readonly<Record<string, string>>,
    links: ReadonlyMap<string, NodeLink>,
    servers: readonly ModbusServer[],
  ) {
    this.devices = devices;
    this.ports = ports;
    this.publicPorts = publicPorts;
    this.#links = links;
    this.#servers = servers;
  }

  /** @throws {@link RemsError} REMS_PORT_IN_USE, naming port and device. */
  static async open(
    manifest: Manifest,
    plant: DevicePlant,
    options: DeviceServersOptions,
  ): Promise<DeviceServers> {
    const links = new Map(manifest.nodes.map(({ id }) => [id, new NodeLink(id)]));
    const devices = new Map<string, SimulatedDevice>();
    const servers: ModbusServer[] = [];
    const ports: Record<string, Record<string, string>> = {};
    for (const { id } of manifest.nodes) ports[id] = {};
    const publicPorts: Record<string, string> = {};
    try {
      for (const [index, place] of placesOf(manifest).entries()) {
        const units = new Map<number, ModbusUnit>();
        for (const { device, grid } of place.devices) {
          const simulated = new SimulatedDevice(
            device,
            grid,
            plant,
            options.nowMs,
            options.onWrite,
          );
          devices.set(device.id, simulated);
          units.set(device.unitId, simulated);
        }
        const profiles = place.devices.map(({ device }) => device.profile);
        const server = new ModbusServer(units, {
          nowMs: options.nowMs,
          mastersMax: Math.min(...profiles.map((profile) => profile.mastersMax)),
          slotReleaseMs: Math.max(...profiles.map((profile) => profile.slotReleaseMs)),
        });
        servers.push(server);
        const what = `device ${place.devices.map(({ device }) => device.id).join(", ")}`;
        const wanted = publicPort(place.port, index, options.publicPortBase);
        const tool = new NodeLink(`tool:${wanted}`);
        const port = await server.listen(place.host, wanted, tool, what);
        publicPorts[place.address] = `${place.host}:${port}`;
        for (const [node, link] of links) {
          const own = await server.listen("127.0.0.1", 0, link, what);
          const ofNode = ports[node];
          if (ofNode !== undefined) ofNode[place.address] = `127.0.0.1:${own}`;
        }
      }
    } catch (cause) {
      await Promise.all(servers.map((server) => server.close()));
      throw cause;
    }
    return new DeviceServers(devices, ports, publicPorts, links, servers);
  }

  /** @throws {@link RemsError} REMS_NOT_FOUND. */
  link(node: string): NodeLink {
    const link = this.#links.get(node);
    if (link !== undefined) return link;
    throw new RemsError("REMS_NOT_FOUND", `there is no node "${node}" in the manifest`);
  }

  checkWatchdogs(): void {
    for (const device of this.devices.values()) device.checkWatchdog();
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }
}

interface Place {
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly devices: { readonly device: DeviceConfig; readonly grid: string }[];
}

/** The devices by address: several units may stand behind one. */
function placesOf(manifest: Manifest): Place[] {
  const places = new Map<string, Place>();
  for (const grid of manifest.grids) {
    for (const device of grid.devices) {
      const { host, port } = device;
      const address = `${host}:${port}`;
      const place = places.get(address) ?? { address, host, port, devices: [] };
      place.devices.push({ device, grid: grid.id });
      places.set(address, place);
    }
  }
  return [...places.values()];
}

function publicPort(port: number, index: number, base: number | undefined): number {
  if (base === undefined) return port;
  return base === 0 ? 0 : base + index;
}
