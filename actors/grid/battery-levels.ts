import type { Source } from "../../energy/balance.ts";
import { batteryTarget, type BatteryTarget } from "../../energy/battery-modes.ts";
import { nextBatterySetpoint } from "../../energy/battery.ts";
import { roundTo } from "../../kernel/math.ts";
import { batteryUseOf } from "./battery-modes.ts";
import { batteryInputOf, isPowerKnown, powerKwOf } from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import type { LevelInput, Levels } from "./next-levels.ts";
import type { Situation } from "./situation.ts";

/** Set-points of batteries, by their modes. */
export function batteryLevels(
  plan: GridPlan,
  state: GridState,
  input: LevelInput,
  levels: Levels,
): void {
  const { situation } = input;
  for (const device of plan.devices) {
    if (device.kind !== "battery" || device.levelPoint === null) continue;
    const key = `${device.id}.${device.levelPoint}`;
    const held = state.levels[key];
    const setpointKw =
      held ?? (isPowerKnown(state, device.id) ? powerKwOf(state, device.id) : null);
    if (setpointKw === null) continue;
    const next = nextBatterySetpoint({
      battery: batteryInputOf(state, device),
      setpointKw,
      target: targetOf(plan, state, device, situation),
      isBusFormedByOther: situation.sources.some(
        (source) => source.device !== device.id && source.breaker === "closed" && source.isForming,
      ),
      rampPctPerS: plan.grid.power.rampPctPerS,
      elapsedMs: input.elapsedMs,
    });
    levels[key] = roundTo(next.setpointKw, 10);
  }
}

/** Where a battery's mode wants its set-point, and why. */
export function targetOf(
  plan: GridPlan,
  state: GridState,
  device: PlannedDevice,
  situation: Situation,
): BatteryTarget {
  const { tripStage } = device.config;
  return batteryTarget({
    battery: batteryInputOf(state, device),
    use: batteryUseOf(state, device),
    balance: situation.balance,
    startLimitPct: plan.grid.power.startLimitPct,
    part: partOf(situation, device.id, (source) => source.ratedKw),
    gapPart: partOf(situation, device.id, (source) => Math.max(0, source.availableKw)),
    smoothedKw: state.supply.smoothedKw[device.id] ?? null,
    isChargingCut: tripStage !== null && state.supply.shedding.stage >= tripStage,
  });
}

/** This battery's part of what the following batteries of the island do together. */
function partOf(
  situation: Situation,
  device: string,
  weightOf: (source: Source) => number,
): number {
  let sumKw = 0;
  let ownKw = 0;
  for (const source of situation.sources) {
    if (source.kind !== "battery" || source.breaker !== "closed" || source.isForming) continue;
    sumKw += weightOf(source);
    if (source.device === device) ownKw = weightOf(source);
  }
  return sumKw > 0 ? ownKw / sumKw : 0;
}
