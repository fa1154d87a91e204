import type { BatteryUseConfig } from "../../configs/power-config.ts";
import { countedPowerKw, isConnected, type Source } from "../../energy/balance.ts";
import {
  smoothedLoadKw,
  zeroEmissionDemands,
  type ZeroEmissionBattery,
} from "../../energy/battery-modes.ts";
import type { Reason } from "../../energy/reason.ts";
import { assert } from "../../kernel/assert.ts";
import type { OperatorRequest } from "../../kernel/command.ts";
import { roundTo } from "../../kernel/math.ts";
import { batteryInputOf, powerKwOf } from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import type { Situation } from "./situation.ts";

export const BATTERY_MODES: readonly string[] = [
  "reserve",
  "peak_shaving",
  "strategic_loading",
  "charging",
  "zero_emission",
  "idle",
] satisfies BatteryUseConfig["mode"][];

/** What a battery is for at this time: the manifest's table with the mode that was chosen last. */
export function batteryUseOf(state: GridState, device: PlannedDevice): BatteryUseConfig {
  const { battery } = device.config;
  assert(battery !== null, "a battery has the table of its use");
  const mode = state.supply.batteryModes[device.id];
  return mode === undefined ? battery : { ...battery, mode };
}

/** Takes an operator's command `mode` with the argument `mode`. @returns The new state, or why not. */
export function setBatteryMode(
  state: GridState,
  device: PlannedDevice,
  request: OperatorRequest,
): GridState | string {
  if (device.kind !== "battery") return `${device.id} is no battery and has no mode`;
  const { mode } = request.arguments;
  if (typeof mode !== "string" || !BATTERY_MODES.includes(mode)) {
    return `the argument mode must be one of ${BATTERY_MODES.join(", ")}`;
  }
  const batteryModes = {
    ...state.supply.batteryModes,
    [device.id]: mode as BatteryUseConfig["mode"],
  };
  return { ...state, supply: { ...state.supply, batteryModes } };
}

/**
 * Goes on smoothing the load for batteries that shave peaks; the others forget.
 * @param loadKw - Of the consumers of the island; null while it is not known: then it is forgotten too, for the load that is heard of
 *   next would look like a peak.
 */
export function smoothLoads(
  plan: GridPlan,
  state: GridState,
  loadKw: number | null,
  elapsedMs: number,
): GridState {
  const smoothedKw: { [device: string]: number } = {};
  for (const device of plan.devices) {
    if (device.kind !== "battery") continue;
    const use = batteryUseOf(state, device);
    if (loadKw === null || use.mode !== "peak_shaving" || use.peakShavingS <= 0) continue;
    const before = state.supply.smoothedKw[device.id] ?? null;
    const next = smoothedLoadKw(before, loadKw, use.peakShavingS, elapsedMs);
    smoothedKw[device.id] = roundTo(next, 1000);
  }
  const isNone =
    Object.keys(smoothedKw).length === 0 && Object.keys(state.supply.smoothedKw).length === 0;
  return isNone ? state : { ...state, supply: { ...state.supply, smoothedKw } };
}

/** Batteries of this grid that run the plant without machines, on purpose. */
export function zeroEmissionBatteries(plan: GridPlan, state: GridState): ZeroEmissionBattery[] {
  return plan.devices.flatMap((device) => {
    if (device.kind !== "battery") return [];
    const use = batteryUseOf(state, device);
    const { isForming, isConnected, dischargeLimitKw, socPct } = batteryInputOf(state, device);
    if (use.mode !== "zero_emission" || !isForming || !isConnected) return [];
    return [
      {
        device: device.id,
        powerKw: powerKwOf(state, device.id),
        dischargeLimitKw,
        socPct,
        startSocPct: use.zeroEmissionStartSocPct,
        startPct: use.zeroEmissionStartPct,
      },
    ];
  });
}

/** Whether the island runs without machines on purpose: every battery on its busbars is there for that. */
export function isZeroEmission(situation: Pick<Situation, "sources" | "zeroEmission">): boolean {
  const { sources, zeroEmission } = situation;
  const devices = new Set(zeroEmission.map(({ device }) => device));
  return (
    devices.size > 0 &&
    sources.every(
      ({ device, kind, breaker }) =>
        kind !== "battery" || breaker === "open" || devices.has(device),
    )
  );
}

/** What the batteries that form the bus without machines ask for. */
export function zeroEmissionDemandsOf(
  sources: readonly Source[],
  batteries: readonly ZeroEmissionBattery[],
): Reason[] {
  let machineRoomKw = 0;
  for (const source of sources) {
    if (source.kind !== "genset" && source.kind !== "shore") continue;
    if (!isConnected(source) || !source.isFirm) continue;
    machineRoomKw += Math.max(0, source.availableKw - countedPowerKw(source));
  }
  return zeroEmissionDemands(batteries, machineRoomKw);
}
