import { isOn, type DeviceImage } from "../machines/device-image.ts";
import { imageOf } from "./device-values.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";

/** What locks a source out until somebody resets it, whether its own controller latches or not: who pressed it may be at the machine. */
const CAUSES = [
  ["isEmergencyStop", "an emergency stop"],
  ["isGasOrFire", "gas or fire"],
] as const;

function causeIn(image: DeviceImage): string {
  return CAUSES.find(([point]) => isOn(image, point))?.[1] ?? "";
}

/** Gensets and batteries whose emergency stop was pressed, or that reported gas or fire, since they were last reset. */
export function nextLockouts(plan: GridPlan, state: GridState): GridState {
  let lockouts = state.lockouts;
  for (const { id, kind } of plan.devices) {
    if (kind !== "genset" && kind !== "battery") continue;
    const cause = causeIn(imageOf(state, id));
    if (cause !== "" && lockouts?.[id] !== cause) lockouts = { ...lockouts, [id]: cause };
  }
  return lockouts === undefined || lockouts === state.lockouts ? state : { ...state, lockouts };
}

/** What a source is locked out after, or "". */
export function lockoutOf(state: GridState, device: string): string {
  return state.lockouts?.[device] ?? "";
}

/** An operator's reset of a source that is locked out. @returns The new state, or why not. */
export function liftLockout(state: GridState, device: string): GridState | string {
  const cause = causeIn(imageOf(state, device));
  if (cause !== "") return `${device} still reports ${cause}`;
  const { lockouts = {}, ...rest } = state;
  const left = Object.entries(lockouts).filter(([id]) => id !== device);
  return left.length === 0 ? rest : { ...rest, lockouts: Object.fromEntries(left) };
}
