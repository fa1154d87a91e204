import { status as grpcStatus } from "@grpc/grpc-js";
import type { Manifest } from "../../../configs/manifest.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { InspectionService, rems, type Types } from "../../../proto/generated/rems-v1.ts";
import { OperatorClient, OperatorRefusal } from "../operator-client.ts";
import type { DeviceAddress } from "./device-address.ts";

/** A device that a running node answers for: tools ask the node and leave the device alone (rule 12 of the plant). */
export interface DaemonDevice {
  /** Operator service that knows it. */
  readonly address: string;
  readonly device: Types.rems.v1.Device;
}

/** A node on this machine or network answers long before; a tool must not wait for one that is not there. */
const LOOKUP_MS = 2000;

/** Every device that the nodes at these addresses know, the first node that knows one counts. */
export async function daemonDevices(addresses: readonly string[]): Promise<DaemonDevice[]> {
  const found = new Map<string, DaemonDevice>();
  await Promise.all(
    addresses.map(async (address) => {
      for (const device of await devicesOf(address)) {
        if (!found.has(device.device)) found.set(device.device, { address, device });
      }
    }),
  );
  return [...found.values()];
}

/** The operator services to ask: those of the manifest, else the one that the options name. */
export function operatorAddresses(manifest: Manifest | null, address: string): readonly string[] {
  if (manifest === null) return [address];
  return [
    ...new Set([
      address,
      ...manifest.nodes.map(({ host, operatorPort }) => `${host}:${operatorPort}`),
    ]),
  ];
}

/** Nothing where no node is there, or one that is older than this tool. */
async function devicesOf(address: string): Promise<Types.rems.v1.Device[]> {
  const client = new OperatorClient(address, LOOKUP_MS);
  try {
    const request = rems.v1.ListDevicesRequest.create({});
    const { devices } = await client.call(InspectionService.listDevices, request);
    return devices.map((device) => rems.v1.Device.create(device));
  } catch (error) {
    if (!(error instanceof OperatorRefusal)) throw error;
    if (error.isUnreachable || error.code === grpcStatus.DEADLINE_EXCEEDED) return [];
    throw new RemsError(
      "REMS_REQUEST_REFUSED",
      `the node at ${address} does not say which devices it serves (${error.message}); a tool does not go past it`,
      { cause: error },
    );
  } finally {
    client.close();
  }
}

/** Whether a device stands at this address, by name; this machine's names are one. */
export function standsAt(device: DeviceAddress, { host, port }: DeviceAddress): boolean {
  return device.port === port && plainHost(device.host) === plainHost(host);
}

function plainHost(host: string): string {
  const plain = host.toLowerCase();
  return plain === "localhost" || plain === "::1" || plain.startsWith("127.") ? "127.0.0.1" : plain;
}

/**
 * The points of a device as the node knows them, or the one that leads its grid: only that one hears what the device refuses.
 *
 * @throws {@link OperatorRefusal} where the node is gone meanwhile.
 */
export async function daemonPoints(
  client: OperatorClient,
  { device, grid }: Types.rems.v1.Device,
): Promise<readonly Types.rems.v1.PointReading[]> {
  const request = rems.v1.ListDevicesRequest.create({ device, withPoints: true });
  const { devices } = await client.call(InspectionService.listDevices, request);
  const [found] = devices;
  const known = found?.points ?? [];
  const isWhole = found?.connection !== "degraded" && found?.connection !== "faulted";
  const told = isWhole ? [] : ((await askLeader(client, grid, request)) ?? []);
  return (told.length > 0 ? told : known).map((point) => rems.v1.PointReading.create(point));
}

/** Nothing where nobody else leads, or the leader does not answer. */
async function askLeader(
  client: OperatorClient,
  grid: string,
  request: Types.rems.v1.ListDevicesRequest,
): Promise<readonly Types.rems.v1.IPointReading[] | null> {
  const { grids } = await client.call(
    InspectionService.getStatus,
    rems.v1.GetStatusRequest.create(),
  );
  const address = grids.find((one) => one.grid === grid)?.leaderAddress ?? "";
  if (address === "" || address === client.address) return null;
  const leader = new OperatorClient(address, LOOKUP_MS);
  try {
    const { devices } = await leader.call(InspectionService.listDevices, request);
    return devices[0]?.points ?? null;
  } catch (error) {
    if (error instanceof OperatorRefusal) return null;
    throw error;
  } finally {
    leader.close();
  }
}
