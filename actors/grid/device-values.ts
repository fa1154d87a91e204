import type { BatteryInput } from "../../energy/battery.ts";
import { isOn, lastNumberOf, numberOf, type DeviceImage } from "../machines/device-image.ts";
import type { Position } from "../machines/device-event.ts";
import { actorAt, type ReplicatedActorState } from "../runtime/replicated-tree.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";

const NO_IMAGE: DeviceImage = {};
/** A battery management counts at least so often: once a second where it follows SunSpec (model 802, Hb). */
const BMS_COUNTS_MS = 1000;
/** And is silent once its count is overdue by so much; a count that was read a scan later than the one before is not. */
const BMS_STALE_MS = 1000;

export function imageOf(state: GridState, device: string): DeviceImage {
  return state.images[device] ?? NO_IMAGE;
}

export function positionOf(state: GridState, device: string): Position {
  return state.positions[device]?.position ?? "unknown";
}

export function actorOf(plan: GridPlan, state: GridState, address: string): ReplicatedActorState {
  return actorAt(plan.tree, state.tree, address);
}

/** Last power heard, kW; 0 where there was none. */
export function powerKwOf(state: GridState, device: string): number {
  return lastNumberOf(imageOf(state, device), "activePowerKw") ?? 0;
}

export function isPowerKnown(state: GridState, device: string): boolean {
  return numberOf(imageOf(state, device), "activePowerKw") !== null;
}

/** What a heavy consumer asks for, kW: its lever, or its rating where that is not known or zero. */
export function demandKwOf(state: GridState, device: PlannedDevice): number {
  const demandKw = numberOf(imageOf(state, device.id), "demandKw");
  if (demandKw === null || demandKw < 1) return device.ratedKw;
  return Math.min(demandKw, device.ratedKw);
}

/** What a genset is counted with, kW: its rating, or less where it says that it is derated, or did a moment ago. */
export function capabilityKwOf(state: GridState, device: PlannedDevice): number {
  const availableKw = lastNumberOf(imageOf(state, device.id), "availablePowerKw");
  const countedKw = state.capabilities?.[device.id]?.kw ?? device.ratedKw;
  if (availableKw === null || availableKw <= 0) return countedKw;
  return Math.min(availableKw, countedKw);
}

/** What shore may give, kW. */
export function shoreLimitKwOf(state: GridState, device: PlannedDevice): number {
  const limitKw = lastNumberOf(imageOf(state, device.id), "importLimitKw");
  return limitKw === null || limitKw <= 0 ? device.ratedKw : Math.min(limitKw, device.ratedKw);
}

/** Rated apparent power as far as the device takes part in sharing reactive power, kVA; 0 for a battery that takes no set-point of it. */
export function reactiveRatingKva({ kind, reactivePoint, config }: PlannedDevice): number {
  return kind === "battery" && reactivePoint === null ? 0 : config.ratings.apparentKva;
}

export function batteryInputOf(state: GridState, device: PlannedDevice): BatteryInput {
  const image = imageOf(state, device.id);
  const { ratings } = device.config;
  const heartbeat = state.bms[device.id];
  const values = ["socPct", "chargeLimitKw", "dischargeLimitKw"] as const;
  return {
    device: device.id,
    ratedKw: device.ratedKw,
    energyKwh: ratings.energyKwh,
    reserveSocPct: ratings.reserveSocPct,
    socPct: lastNumberOf(image, "socPct") ?? 0,
    chargeLimitKw: lastNumberOf(image, "chargeLimitKw") ?? 0,
    dischargeLimitKw: lastNumberOf(image, "dischargeLimitKw") ?? 0,
    isConnected: positionOf(state, device.id) === "closed",
    isForming: isOn(image, "isGridForming"),
    isBmsStale:
      heartbeat === undefined ||
      state.plantTimeMs - heartbeat.sinceMs > BMS_COUNTS_MS + BMS_STALE_MS ||
      values.some((point) => numberOf(image, point) === null),
  };
}
