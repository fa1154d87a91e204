import type { LeadershipOrigin } from "../kernel/frame.ts";
import type { PointSample } from "../kernel/point.ts";
import type { DeviceChanges, DeviceIo } from "../kernel/ports/device-io.ts";
import type { Image } from "./replica.ts";

/** Scans of an epoch after which it is said what of the replicated image the own driver does not know well. */
const RECONCILE_SCANS: readonly number[] = [10, 30];

/**
 * What the devices bring into a frame.
 *
 * The first frame of a leadership that follows without a break repeats the replicated image: it is fresher than what a standby probes,
 * and nothing moves by it. From then on a value counts as soon as it was read in this leadership, and not before: what was probed earlier may
 * lack the effect of a command of the predecessor, and the command would be given again. After any other start only what this driver
 * has read itself counts; the rest must be read first.
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
  const unknown = RECONCILE_SCANS.includes(scanCount)
    ? devices.image().points.filter(([, , quality]) => quality !== "good")
    : [];
  const points = new Map<string, PointSample>();
  for (const sample of [...unknown, ...changes.points]) {
    const known = replicated.points.get(sample[0]);
    const [id, value, quality] = sample;
    // What is not known well keeps the value that was last believed, whoever read it.
    const next: PointSample = quality === "good" ? sample : [id, known?.[1] ?? value, quality];
    if (known === undefined || known[1] !== next[1] || known[2] !== next[2]) points.set(id, next);
  }
  return { ...changes, points: [...points.values()] };
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
