import type { DeviceStatus } from "../data/messages.ts";
import { topology } from "../data/store.ts";
import { wordsOf } from "../parts/format.ts";

/** How a state is drawn. Everything that is as it should be is quiet. */
export type Look = "on" | "changing" | "off" | "fault" | "unknown";

const CHANGING = new Set([
  "starting",
  "syncing",
  "loading",
  "unloading",
  "cooldown",
  "stopping",
  "precharge",
  "transferring",
  "opening",
  "closing",
  "waiting",
]);
const FAULT = new Set([
  "tripped",
  "startFailed",
  "fault",
  "isolated",
  "phaseRotationBad",
  "blocked",
  "lockedOut",
  "failed",
]);
const OFF = new Set([
  "ready",
  "notReady",
  "off",
  "open",
  "absent",
  "connectedDead",
  "standby",
  "idle",
  "stopped",
]);

/** A state that this page does not know is drawn by its breaker: newer machines need no newer page. */
export function lookOf(device: DeviceStatus): Look {
  const state = device.state.split(".").at(-1) ?? "";
  if (state === "unknown" || state === "" || device.connection === "offline") return "unknown";
  if (FAULT.has(state)) return "fault";
  if (CHANGING.has(state)) return "changing";
  if (OFF.has(state)) return "off";
  return device.isClosed === false ? "off" : "on";
}

export type BreakerLook = "closed" | "open" | "unknown";

export function breakerOf(device: DeviceStatus): BreakerLook {
  if (device.isClosed === undefined || device.isClosed === null) return "unknown";
  return device.isClosed ? "closed" : "open";
}

/** Drives have no breaker of their own in the diagram. */
export const hasBreaker = (kind: string): boolean => kind !== "thruster" && kind !== "meter";

const KIND_NAMES: Readonly<Record<string, string>> = {
  genset: "genset",
  battery: "battery",
  shore: "shore connection",
  pv: "PV inverter",
  thruster: "thruster",
  feeder: "feeder",
  busTie: "bus-tie breaker",
  breaker: "breaker",
  meter: "meter",
};

export function kindName(kind: string): string {
  if (kind === "shore" && topology.value?.isLand === true) return "connection to the utility";
  return KIND_NAMES[kind] ?? wordsOf(kind);
}

/** What a screen reader says of a device: everything that the drawing shows. */
export function spokenState(device: DeviceStatus): string {
  const parts = [`${device.name}, ${kindName(device.kind)}: ${wordsOf(device.state)}`];
  if (hasBreaker(device.kind)) {
    const breaker = breakerOf(device);
    parts.push(breaker === "unknown" ? "breaker position unknown" : `breaker ${breaker}`);
  }
  if (isNumber(device.activePowerKw)) {
    const rated = device.ratingKw > 0 ? ` of ${Math.round(device.ratingKw)}` : "";
    parts.push(`${Math.round(device.activePowerKw)}${rated} kilowatts`);
  }
  if (isNumber(device.socPct)) parts.push(`charge ${Math.round(device.socPct)} percent`);
  if (device.connection !== "online") parts.push(`connection ${device.connection}`);
  return parts.join(", ");
}

export const isNumber = (value: number | null | undefined): value is number =>
  typeof value === "number" && Number.isFinite(value);
