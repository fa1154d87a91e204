import type { LeadershipOrigin } from "../kernel/frame.ts";
import type { PointSample } from "../kernel/point.ts";
import type { DeviceChanges, DeviceIo } from "../kernel/ports/device-io.ts";
import type { Image } from "./replica.ts";

/** Scans of an epoch after which the own driver's whole image is compared with the replicated one. */
const RECONCILE_SCANS: readonly number[] = [3, 10, 30];

/**
 * What the devices bring into a frame.
 *
 * The first frame of a leadership that follows without a break repeats the replicated image: it is fresher than what a standby probes,
 * and nothing moves by it. After any other start only what this driver has read itself counts; the rest must be read first.
 *
 * @param scanCount - Scans of this leadership, this one included.
 */
export function takeDeviceInputs(
  devices: DeviceIo,
  replicated: Image,
  origin: LeadershipOrigin,
  scanCount: number,
): DeviceChanges {
  const changes = devices.drain();
  if (scanCount === 1) return { ...changes, ...firstImage(devices, replicated, origin) };
  // A value that changed back to what this driver had probed before it led is no change to the driver, but one to the replica.
  return RECONCILE_SCANS.includes(scanCount)
    ? { ...changes, ...differences(devices, replicated) }
    : changes;
}

function firstImage(
  devices: DeviceIo,
  replicated: Image,
  origin: LeadershipOrigin,
): Pick<DeviceChanges, "points" | "connections"> {
  const own = devices.image();
  if (origin !== "hot" && origin !== "handover") return own;
  const points = new Map<string, PointSample>();
  for (const sample of own.points) points.set(sample[0], sample);
  for (const sample of replicated.points.values()) points.set(sample[0], sample);
  return { points: [...points.values()], connections: own.connections };
}

function differences(
  devices: DeviceIo,
  replicated: Image,
): Pick<DeviceChanges, "points" | "connections"> {
  const own = devices.image();
  return {
    points: own.points.filter(([id, value, quality]) => {
      const known = replicated.points.get(id);
      return known === undefined || known[1] !== value || known[2] !== quality;
    }),
    connections: own.connections.filter(
      ([device, state]) => state !== replicated.connections.get(device)?.[1],
    ),
  };
}
