import { readBattery } from "../machines/battery.ts";
import { readBreaker } from "../machines/breaker.ts";
import type { DeviceView } from "../machines/device-image.ts";
import { readGenset } from "../machines/genset.ts";
import { readMeter } from "../machines/meter.ts";
import { readPv } from "../machines/pv.ts";
import { readShore } from "../machines/shore.ts";
import { readThruster } from "../machines/thruster.ts";
import type { GridReading } from "../machines/grid.ts";
import { isOn, numberOf, switchOf } from "../machines/device-image.ts";
import { imageOf, positionOf, powerKwOf, shoreLimitKwOf } from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import { lockoutOf } from "./lockouts.ts";
import type { GridState } from "./grid-state.ts";

/** A flat record of what an actor decides on. */
export type Reading = { readonly [name: string]: boolean | string | number };

/** What a device's machine reads now. */
export function readDevice(
  plan: GridPlan,
  state: GridState,
  device: PlannedDevice,
  isBusLive: boolean,
): Reading {
  const view: DeviceView = {
    image: imageOf(state, device.id),
    position: positionOf(state, device.id),
  };
  const powerKw = powerKwOf(state, device.id);
  switch (device.kind) {
    case "genset": {
      const isAtOwnShare = isAtShare(plan, state, device);
      const reading = readGenset(view, powerKw, device.ratedKw, isAtOwnShare, isBusLive);
      return isLockedOut(state, device) ? { ...reading, isTripped: true } : reading;
    }
    case "battery": {
      const reading = readBattery(view, isBusLive);
      return isLockedOut(state, device) ? { ...reading, isFault: true } : reading;
    }
    case "shore": {
      const limitKw = shoreLimitKwOf(state, device);
      // A utility takes no reference: it carries what is left at once.
      const isLoaded =
        device.levelPoint === null ||
        powerKw >= limitKw * 0.8 ||
        isAtReference(state, device, powerKw);
      return readShore(view, powerKw, limitKw, isLoaded, isBusLive);
    }
    case "busTie":
      return readBreaker(view, true, isTieUnloaded(plan, state, device));
    case "breaker":
      return readBreaker(view, true, true);
    case "feeder":
      return readBreaker(view, false, true);
    case "thruster":
      return readThruster(view, powerKw, device.ratedKw);
    case "meter":
      return readMeter(view);
    case "pv":
      return readPv(view);
    default:
      return device.kind satisfies never;
  }
}

const isLockedOut = (state: GridState, { id }: PlannedDevice) => lockoutOf(state, id) !== "";

/** A set has its share once its reference is within 5 % of rating of the others' mean, or nothing is left to share. */
function isAtShare(plan: GridPlan, state: GridState, device: PlannedDevice): boolean {
  const own = state.levels[`${device.id}.powerReferenceKw`];
  if (own === undefined) return false;
  let sumPu = 0;
  let count = 0;
  for (const other of plan.devices) {
    if (other.kind !== "genset" || other.id === device.id) continue;
    if (positionOf(state, other.id) !== "closed") continue;
    sumPu += (state.levels[`${other.id}.powerReferenceKw`] ?? 0) / other.ratedKw;
    count += 1;
  }
  return count === 0 || own / device.ratedKw >= sumPu / count - 0.05;
}

/** Power through a tie below which it opens, percent of the grid's connected rating, and the least that counts, kW. */
const TIE_UNLOADED_PCT = 3;
const TIE_UNLOADED_KW = 10;

function isTieUnloaded(plan: GridPlan, state: GridState, device: PlannedDevice): boolean {
  const powerKw = numberOf(imageOf(state, device.id), "activePowerKw");
  if (powerKw === null) return true;
  let ratedKw = 0;
  for (const other of plan.devices) {
    const isSource = other.kind === "genset" || other.kind === "shore" || other.kind === "battery";
    if (isSource && positionOf(state, other.id) === "closed") ratedKw += other.ratedKw;
  }
  return Math.abs(powerKw) <= Math.max(TIE_UNLOADED_KW, (ratedKw * TIE_UNLOADED_PCT) / 100);
}

function isAtReference(state: GridState, device: PlannedDevice, powerKw: number): boolean {
  const referenceKw = state.levels[`${device.id}.powerReferenceKw`];
  return referenceKw !== undefined && Math.abs(powerKw - referenceKw) < device.ratedKw * 0.05;
}

/** Whether sources stand on local, for the grid's mode. */
export function readGrid(plan: GridPlan, state: GridState): GridReading {
  let knownCount = 0;
  let localCount = 0;
  let isAnyConnectedLocal = false;
  for (const { id, kind } of plan.devices) {
    if (kind !== "genset" && kind !== "battery" && kind !== "shore") continue;
    const image = imageOf(state, id);
    if (switchOf(image, "isRemoteSelected") === null) continue;
    knownCount += 1;
    if (isOn(image, "isRemoteSelected")) continue;
    localCount += 1;
    if (positionOf(state, id) === "closed") isAnyConnectedLocal = true;
  }
  return { isAnyConnectedLocal, isAllLocal: knownCount > 0 && localCount === knownCount };
}

/** True if both readings say the same. */
export function isSameReading(a: Reading | null, b: Reading): boolean {
  if (a === null) return false;
  for (const name in b) if (a[name] !== b[name]) return false;
  return true;
}
