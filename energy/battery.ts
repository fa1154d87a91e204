import { clamp, moveToward } from "../kernel/math.ts";
import { reasonOf, type Reason } from "./reason.ts";

/** What the battery management and the nameplate say. */
export interface BatteryInput {
  readonly device: string;
  readonly ratedKw: number;
  readonly energyKwh: number;
  /** Energy below this state of charge is never used to cover gaps. */
  readonly reserveSocPct: number;
  readonly socPct: number;
  readonly chargeLimitKw: number;
  readonly dischargeLimitKw: number;
  readonly isConnected: boolean;
  readonly isForming: boolean;
  /** Silent for a second, or its values are not good. */
  readonly isBmsStale: boolean;
}

/** Where the set-point of a battery is to go, before limits and ramps. */
export interface BatteryTarget {
  readonly targetKw: number;
  /** Follows at once in both directions, not by the ramp. */
  readonly isFast: boolean;
  readonly reason: Reason;
}

/**
 * What a battery can be relied on for, kW: the smaller of its limit and its energy above the reserve spread over the time
 * that a set needs to start.
 */
export function batteryReserveKw(battery: BatteryInput, startTimeS: number): number {
  if (battery.isBmsStale) return 0;
  const limitKw = Math.max(0, Math.min(battery.dischargeLimitKw, battery.ratedKw));
  const energyKwh = (battery.energyKwh * (battery.socPct - battery.reserveSocPct)) / 100;
  return Math.max(0, Math.min(limitKw, (energyKwh * 3600) / Math.max(1, startTimeS)));
}

export interface BatterySetpointInput {
  readonly battery: BatteryInput;
  /** Set-point held now, kW; discharging is positive. */
  readonly setpointKw: number;
  /** Where its mode wants it, and why. */
  readonly target: BatteryTarget;
  /** Another source forms the bus. */
  readonly isBusFormedByOther: boolean;
  readonly rampPctPerS: number;
  readonly elapsedMs: number;
}

/** Discharge to cover a gap may rise this fast, percent of rating per second: a set takes seconds to start. */
const RISE_PCT_PER_S = 100;

/** Next set-point of a battery, kW, within the limits of its management, with the reason. */
export function nextBatterySetpoint(input: BatterySetpointInput): {
  readonly setpointKw: number;
  readonly reason: Reason;
} {
  const { battery, setpointKw, target, elapsedMs } = input;
  const slowKw = (battery.ratedKw * input.rampPctPerS * elapsedMs) / 100_000;
  const fastKw = (battery.ratedKw * RISE_PCT_PER_S * elapsedMs) / 100_000;
  if (battery.isBmsStale) {
    const next = input.isBusFormedByOther ? moveToward(setpointKw, 0, slowKw) : setpointKw;
    return { setpointKw: next, reason: reasonOf("BMS_STALE", battery.device) };
  }
  const within = (valueKw: number) =>
    clamp(
      valueKw,
      -Math.max(0, Math.min(battery.chargeLimitKw, battery.ratedKw)),
      Math.max(0, Math.min(battery.dischargeLimitKw, battery.ratedKw)),
    ) + 0;
  if (!battery.isConnected) {
    const reason = reasonOf("NOT_CONNECTED", battery.device);
    return { setpointKw: within(moveToward(setpointKw, 0, slowKw)), reason };
  }
  // Whoever helps the plant helps at once: more discharge, less charge.
  const isHelping = target.targetKw > setpointKw && (target.targetKw > 0 || setpointKw < 0);
  const stepKw = isHelping || target.isFast ? fastKw : slowKw;
  return {
    setpointKw: within(moveToward(setpointKw, target.targetKw, stepKw)),
    reason: target.reason,
  };
}
