import { clamp, moveToward } from "../kernel/math.ts";
import type { Balance } from "./balance.ts";
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
  readonly balance: Balance;
  readonly startLimitPct: number;
  /** This battery's part of the gap, 0…1. */
  readonly partOfGap: number;
  /** Another source forms the bus. */
  readonly isBusFormedByOther: boolean;
  readonly rampPctPerS: number;
  readonly elapsedMs: number;
}

/** Discharge to cover a gap may rise this fast, percent of rating per second: a set takes seconds to start. */
const RISE_PCT_PER_S = 100;

/**
 * Next set-point of a battery, kW, within the limits of its management, with the reason.
 *
 * It takes what load exceeds the limit of start while the next set comes, and ramps back to 0 afterwards.
 */
export function nextBatterySetpoint(input: BatterySetpointInput): {
  readonly setpointKw: number;
  readonly reason: Reason;
} {
  const { battery, setpointKw, balance, elapsedMs } = input;
  const fallKw = (battery.ratedKw * input.rampPctPerS * elapsedMs) / 100_000;
  const riseKw = (battery.ratedKw * RISE_PCT_PER_S * elapsedMs) / 100_000;
  if (battery.isBmsStale) {
    const next = input.isBusFormedByOther ? moveToward(setpointKw, 0, fallKw) : setpointKw;
    return { setpointKw: next, reason: reasonOf("BMS_STALE", battery.device) };
  }
  const within = (valueKw: number) =>
    clamp(
      valueKw,
      -Math.max(0, Math.min(battery.chargeLimitKw, battery.ratedKw)),
      Math.max(0, Math.min(battery.dischargeLimitKw, battery.ratedKw)),
    ) + 0;
  if (!battery.isConnected || battery.isForming) {
    const reason = battery.isForming
      ? reasonOf("FORMS_BUS", battery.device)
      : reasonOf("NO_GAP", battery.device, { limitPct: input.startLimitPct });
    return { setpointKw: within(moveToward(setpointKw, 0, fallKw)), reason };
  }
  const limitPct = input.startLimitPct;
  const capacityKw = balance.capacityWithoutBatteryKw;
  const gapKw = Math.max(0, balance.loadKw - (capacityKw * limitPct) / 100);
  const hasEnergy = battery.socPct > battery.reserveSocPct;
  const targetKw = hasEnergy && capacityKw > 0 ? gapKw * input.partOfGap : 0;
  const isRising = targetKw > setpointKw;
  const nextKw = within(moveToward(setpointKw, targetKw, isRising ? riseKw : fallKw));
  return { setpointKw: nextKw, reason: setpointReason(input, gapKw, hasEnergy, nextKw) };
}

function setpointReason(
  input: BatterySetpointInput,
  gapKw: number,
  hasEnergy: boolean,
  nextKw: number,
): Reason {
  const { battery, balance, startLimitPct } = input;
  if (!hasEnergy && gapKw > 0) {
    const { socPct, reserveSocPct } = battery;
    return reasonOf("RESERVE_FLOOR", battery.device, { socPct, reserveSocPct });
  }
  const values = { limitPct: startLimitPct, capacityKw: balance.capacityWithoutBatteryKw };
  return gapKw > 0
    ? reasonOf("COVERS_GAP", battery.device, { ...values, powerKw: nextKw })
    : reasonOf("NO_GAP", battery.device, values);
}
