import type { DeviceConfig, GridConfig } from "../../configs/manifest.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import { hashOf } from "../../kernel/hash.ts";
import type { PointValue } from "../../kernel/point.ts";

/**
 * What may change while a grid runs, as flat names with one value each, so that a change travels, is recorded and is read as what it is:
 * `control`, `power.stopLimitPct`, `devices.dg1.ratings.powerKw`. A value that may be absent is "" where it is; a list is JSON text.
 */
export type ParameterSet = { readonly [name: string]: PointValue };

/** Parts of a device that change at any time, and those that need it out of the plant. */
const FREE_KEYS = ["control", "battery", "consumer"] as const;
const GUARDED_KEYS = ["ratings", "tripStage"] as const;
const GUARDED = /^devices\.([^.]+)\.(?:ratings\b|tripStage$)/;
/** Values that may be absent. */
const NULLABLE = /\.(?:control|tripStage)$/;

/** All parameters of a grid as a configuration states them. */
export function parametersOf(grid: GridConfig): ParameterSet {
  const set: Record<string, PointValue> = { control: grid.control };
  flatten(set, "power", grid.power);
  for (const device of grid.devices) {
    for (const key of [...FREE_KEYS, ...GUARDED_KEYS]) {
      flatten(set, `devices.${device.id}.${key}`, valueOf(device, key));
    }
  }
  return set;
}

/** The grid with the values of a set in place of its own; what the set does not name stays. */
export function gridWith(grid: GridConfig, set: ParameterSet): GridConfig {
  const devices = grid.devices.map((device) => {
    const changed: Record<string, unknown> = { ...device };
    for (const key of [...FREE_KEYS, ...GUARDED_KEYS]) {
      const before = valueOf(device, key);
      if (before !== undefined) changed[key] = rebuilt(set, `devices.${device.id}.${key}`, before);
    }
    return changed as unknown as DeviceConfig;
  });
  const control = rebuilt(set, "control", grid.control) as GridConfig["control"];
  const power = rebuilt(set, "power", grid.power) as GridConfig["power"];
  return { ...grid, control, power, devices };
}

/** The same for the same values, on every node. */
export function parametersHash(set: ParameterSet): string {
  return hashOf(encodeCanonical(set));
}

/** The device that must be out of the plant for this parameter to change; null where it may at any time. */
export function guardedDeviceOf(name: string): string | null {
  return GUARDED.exec(name)?.[1] ?? null;
}

/** Whether a value may take the place of another: of the same type, finite, and absent only where that means something. */
export function isFitting(name: string, before: PointValue, after: PointValue): boolean {
  if (typeof after === "number" && !Number.isFinite(after)) return false;
  if (typeof before === typeof after) return after !== "" || before === "" || NULLABLE.test(name);
  return NULLABLE.test(name) && (before === "" || after === "");
}

/** A build that knows no such part of a device has none. */
function valueOf(device: DeviceConfig, key: string): unknown {
  return (device as unknown as Readonly<Record<string, unknown>>)[key];
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function flatten(set: Record<string, PointValue>, name: string, value: unknown): void {
  if (value === undefined) return;
  if (value === null) set[name] = "";
  else if (isTable(value)) {
    for (const key of Object.keys(value)) flatten(set, `${name}.${key}`, value[key]);
  } else if (Array.isArray(value)) set[name] = encodeCanonical(value);
  else set[name] = value as PointValue;
}

function rebuilt(set: ParameterSet, name: string, before: unknown): unknown {
  if (isTable(before)) {
    const entries = Object.keys(before).map((key) => [
      key,
      rebuilt(set, `${name}.${key}`, before[key]),
    ]);
    return Object.fromEntries(entries) as unknown;
  }
  const value = set[name];
  if (value === undefined) return before;
  if (value === "") return null;
  if (!Array.isArray(before)) return value;
  try {
    const list: unknown = JSON.parse(String(value));
    return Array.isArray(list) ? list : before;
  } catch {
    return before;
  }
}
