/** `good`: read within `staleMs`; `uncertain`: last value, not fresh; `bad`: the device says that it is wrong, or never read. */
export type Quality = "good" | "uncertain" | "bad";

/** Numbers in the unit of the point's name, switches, or the label of an enumeration. */
export type PointValue = number | boolean | string;

/** Device and point, as `dg1.activePowerKw`. */
export type PointId = string;

/** One value that changed (value or quality). A point that was never read has no sample. */
export type PointSample = readonly [point: PointId, value: PointValue, quality: Quality];

/**
 * State of the connection to a device, as the leader's driver sees it. `degraded`: it answers, but not in everything. `faulted`: it
 * answers and cannot be used (another device, or nothing of it can be read). `maintenance`: taken out on purpose, nothing is sent.
 */
export type ConnectionState = (typeof CONNECTION_STATES)[number];

export const CONNECTION_STATES = [
  "offline",
  "connecting",
  "online",
  "degraded",
  "faulted",
  "maintenance",
] as const;

export type ConnectionSample = readonly [device: string, state: ConnectionState];

export function pointId(device: string, point: string): PointId {
  return `${device}.${point}`;
}
