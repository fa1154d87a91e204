import { assert } from "../kernel/assert.ts";
import { clamp } from "../kernel/math.ts";
import type { Balance } from "./balance.ts";
import type { BatteryInput, BatteryTarget } from "./battery.ts";
import { reasonOf, type Reason } from "./reason.ts";

/** What a battery is for, and within which band; in the manifest's names. */
export interface BatteryUse {
  readonly mode:
    | "reserve"
    | "peak_shaving"
    | "strategic_loading"
    | "charging"
    | "zero_emission"
    | "idle";
  readonly peakShavingS: number;
  readonly strategicPct: number;
  readonly chargePct: number;
  readonly socMinPct: number;
  readonly socMaxPct: number;
  readonly zeroEmissionStartSocPct: number;
  readonly zeroEmissionStartPct: number;
}

export interface BatteryTargetInput {
  readonly battery: BatteryInput;
  readonly use: BatteryUse;
  readonly balance: Balance;
  readonly startLimitPct: number;
  /** This battery's part of what the batteries of the island do together, by rating, 0…1. */
  readonly part: number;
  /** Its part of the gap, by what each can be relied on for, 0…1. */
  readonly gapPart: number;
  /** Load of the consumers, smoothed for peak shaving, kW; null where there is none yet. */
  readonly smoothedKw: number | null;
  /** The supply is overloaded: nothing is charged (stage 0 of shedding). */
  readonly isChargingCut: boolean;
}

/** Peak shaving brings the state of charge back to the middle of the band with up to this part of rating. */
const TRIM_PCT = 5;

/**
 * Load of the consumers smoothed by a first-order low-pass, kW: what gensets are to carry in peak shaving.
 * @param timeConstantS - > 0.
 */
export function smoothedLoadKw(
  beforeKw: number | null,
  loadKw: number,
  timeConstantS: number,
  elapsedMs: number,
): number {
  assert(timeConstantS > 0, "smoothing needs a time constant");
  if (beforeKw === null) return loadKw;
  const part = Math.min(1, elapsedMs / (timeConstantS * 1000 + elapsedMs));
  return beforeKw + (loadKw - beforeKw) * part;
}

/** What a battery that follows is to give by its mode, kW. Whatever its mode, it covers the gap while the next set comes. */
export function batteryTarget(input: BatteryTargetInput): BatteryTarget {
  const { battery, use } = input;
  const gap = gapTarget(input);
  const wanted = modeTarget(input);
  const isAboveFloor = battery.socPct > use.socMinPct;
  let targetKw = wanted.targetKw;
  let { reason } = wanted;
  if (targetKw > 0 && !isAboveFloor) {
    targetKw = 0;
    reason = reasonOf("SOC_LOW", battery.device, {
      socPct: battery.socPct,
      limitPct: use.socMinPct,
    });
  }
  if (targetKw < 0 && battery.socPct >= use.socMaxPct) {
    targetKw = 0;
    reason = reasonOf("SOC_HIGH", battery.device, {
      socPct: battery.socPct,
      limitPct: use.socMaxPct,
    });
  }
  if (targetKw < 0 && input.isChargingCut) {
    targetKw = 0;
    reason = reasonOf("CHARGING_CUT", battery.device);
  }
  if (gap.targetKw > Math.max(0, targetKw) || wanted.reason.code === gap.reason.code)
    return { ...gap, isFast: wanted.isFast };
  return { targetKw, isFast: wanted.isFast, reason };
}

/** What the load exceeds the limit of start by, as far as the reserve of charge allows. */
function gapTarget({
  battery,
  balance,
  startLimitPct,
  gapPart,
}: BatteryTargetInput): BatteryTarget {
  const capacityKw = balance.capacityWithoutBatteryKw;
  const gapKw =
    capacityKw > 0 ? Math.max(0, balance.loadKw - (capacityKw * startLimitPct) / 100) : 0;
  const { socPct, reserveSocPct, device } = battery;
  if (socPct <= reserveSocPct && gapKw > 0) {
    const reason = reasonOf("RESERVE_FLOOR", device, { socPct, reserveSocPct });
    return { targetKw: 0, isFast: false, reason };
  }
  const values = { limitPct: startLimitPct, capacityKw };
  const targetKw = gapKw * gapPart;
  const reason =
    gapKw > 0
      ? reasonOf("COVERS_GAP", device, { ...values, powerKw: targetKw })
      : reasonOf("NO_GAP", device, values);
  return { targetKw, isFast: false, reason };
}

function modeTarget(input: BatteryTargetInput): BatteryTarget {
  const { battery, use, balance, part } = input;
  const { device, ratedKw } = battery;
  const machineKw = balance.capacityWithoutBatteryKw;
  switch (use.mode) {
    case "reserve":
    case "zero_emission":
      return gapTarget(input);
    case "idle":
      return { targetKw: 0, isFast: false, reason: reasonOf("BATTERY_IDLE", device) };
    case "charging": {
      const roomKw = Math.max(0, (machineKw * input.startLimitPct) / 100 - balance.loadKw);
      const targetKw = -Math.min((ratedKw * use.chargePct) / 100, roomKw * part) + 0;
      const reason = reasonOf("CHARGES", device, { powerKw: -targetKw, roomKw });
      return { targetKw, isFast: false, reason };
    }
    case "strategic_loading": {
      const targetKw =
        machineKw > 0 ? (balance.loadKw - (machineKw * use.strategicPct) / 100) * part : 0;
      const values = { powerKw: targetKw, loadPct: use.strategicPct, capacityKw: machineKw };
      return { targetKw, isFast: false, reason: reasonOf("STRATEGIC_LOADING", device, values) };
    }
    case "peak_shaving": {
      const smoothedKw = input.smoothedKw ?? balance.loadKw;
      const middlePct = (use.socMinPct + use.socMaxPct) / 2;
      const halfPct = Math.max(1, (use.socMaxPct - use.socMinPct) / 2);
      const trimKw =
        (clamp((battery.socPct - middlePct) / halfPct, -1, 1) * ratedKw * TRIM_PCT) / 100;
      const targetKw = (balance.loadKw - smoothedKw) * part + trimKw;
      const values = { powerKw: targetKw, loadKw: balance.loadKw, smoothedKw, trimKw };
      return { targetKw, isFast: true, reason: reasonOf("SHAVES_PEAKS", device, values) };
    }
    default:
      return use.mode satisfies never;
  }
}

/** A battery that forms the bus, as far as its part of what is left to all of them goes. */
export interface FormingBattery {
  readonly device: string;
  readonly ratedKw: number;
  /** What it can be relied on for: its limit, or less where its energy above the reserve would not last until a set has come, kW ≥ 0. */
  readonly reliedKw: number;
}

/**
 * What each of the batteries that form the bus takes of what is left to them, kW, in their order: in parts of what each can be relied on
 * for, so that the one that runs low hands its load over to the others bit by bit. What is beyond that, and what they take in, goes by
 * what the converters have left.
 * @param leftKw - For all of them together; negative where the others give more than is drawn.
 */
export function formingSharesKw(batteries: readonly FormingBattery[], leftKw: number): number[] {
  let ratedKw = 0;
  let reliedKw = 0;
  for (const battery of batteries) {
    ratedKw += battery.ratedKw;
    reliedKw += battery.reliedKw;
  }
  if (ratedKw <= 0) return batteries.map(() => 0);
  if (leftKw > 0 && leftKw <= reliedKw) {
    return batteries.map((battery) => (leftKw * battery.reliedKw) / reliedKw);
  }
  if (leftKw <= 0 || ratedKw - reliedKw <= 0) {
    return batteries.map((battery) => (leftKw * battery.ratedKw) / ratedKw);
  }
  const beyondKw = leftKw - reliedKw;
  return batteries.map(
    (battery) =>
      battery.reliedKw + (beyondKw * (battery.ratedKw - battery.reliedKw)) / (ratedKw - reliedKw),
  );
}

/** A set-point of a battery that forms within this much of its target rests, percent of rating: noise is no reason to write. */
const FORMING_DEADBAND_PCT = 0.5;

/**
 * Where the set-point (droop reference) of a battery that forms the bus goes. While sets carry the load it gives only what is above
 * their limit of start. Where no set stays (the last is being unloaded, or none is there) it takes what the others leave, so that the
 * references of all add up to the load: the set is unloaded softly, and frequency is nominal before and after.
 * @param setpointKw - Held now.
 * @param shareKw - Its part of the load less what every other source gives or is to give in this scan; null where a set stays.
 */
export function formingTarget(
  input: BatteryTargetInput,
  setpointKw: number,
  shareKw: number | null,
): BatteryTarget {
  const { device, ratedKw } = input.battery;
  if (shareKw === null) {
    const { targetKw } = gapTarget(input);
    return {
      targetKw,
      isFast: false,
      reason: reasonOf("FORMS_BESIDE", device, { powerKw: targetKw }),
    };
  }
  const isNear = Math.abs(shareKw - setpointKw) <= (ratedKw * FORMING_DEADBAND_PCT) / 100;
  const targetKw = isNear ? setpointKw : shareKw;
  return { targetKw, isFast: true, reason: reasonOf("FORMS_ALONE", device, { powerKw: shareKw }) };
}

/** A battery whose mode is zero emission, and which is connected and forms the bus. */
export interface ZeroEmissionBattery {
  readonly device: string;
  readonly powerKw: number;
  readonly dischargeLimitKw: number;
  readonly socPct: number;
  /** A set is called below this charge … */
  readonly startSocPct: number;
  /** … or above this part of the limit. */
  readonly startPct: number;
}

/**
 * Why the batteries of an island that form its bus without machines ask for a genset: what they give together is more than those that
 * still have charge may give before a set is called. One that is empty asks for nothing while the others carry its part, and nobody
 * asks for what a machine that is connected already has room for: it only has to be loaded yet.
 * @param machineRoomKw - What connected machines that stay could give more, kW ≥ 0.
 */
export function zeroEmissionDemands(
  batteries: readonly ZeroEmissionBattery[],
  machineRoomKw: number,
): Reason[] {
  let powerKw = 0;
  let limitKw = 0;
  const empty: ZeroEmissionBattery[] = [];
  for (const battery of batteries) {
    powerKw += battery.powerKw;
    if (battery.socPct < battery.startSocPct) empty.push(battery);
    else limitKw += (battery.dischargeLimitKw * battery.startPct) / 100;
  }
  if (powerKw <= limitKw + machineRoomKw) return [];
  if (empty.length > 0) {
    return empty.map(({ device, socPct, startSocPct }) =>
      reasonOf("ZERO_EMISSION_SOC", device, { socPct, limitPct: startSocPct }),
    );
  }
  const devices = batteries.map(({ device }) => device);
  const values = { powerKw, limitKw, batteries: devices.join(" and ") };
  return [reasonOf("ZERO_EMISSION_POWER", devices.length === 1 ? (devices[0] ?? "") : "", values)];
}
