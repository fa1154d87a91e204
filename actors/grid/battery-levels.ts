import type { Source } from "../../energy/balance.ts";
import { countedPowerKw } from "../../energy/balance.ts";
import { batteryTarget, formingTarget } from "../../energy/battery-modes.ts";
import { nextBatterySetpoint, type BatteryTarget } from "../../energy/battery.ts";
import { reasonOf } from "../../energy/reason.ts";
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
      target: targetOf(plan, state, device, situation, levels),
      isBusFormedByOther: situation.sources.some(
        (source) => source.device !== device.id && source.breaker === "closed" && source.isForming,
      ),
      rampPctPerS: plan.grid.power.rampPctPerS,
      elapsedMs: input.elapsedMs,
    });
    levels[key] = roundTo(next.setpointKw, 10);
  }
}

/**
 * Where a battery's mode wants its set-point, and why.
 * @param levels - Set-points of this grid's other sources, in this scan.
 */
export function targetOf(
  plan: GridPlan,
  state: GridState,
  device: PlannedDevice,
  situation: Situation,
  levels: GridState["levels"],
): BatteryTarget {
  const { tripStage } = device.config;
  const battery = batteryInputOf(state, device);
  const input = {
    battery,
    use: batteryUseOf(state, device),
    balance: situation.balance,
    startLimitPct: plan.grid.power.startLimitPct,
    part: partOf(situation, device.id, (source) => source.ratedKw),
    gapPart: partOf(situation, device.id, (source) => Math.max(0, source.availableKw)),
    formingPart: partOf(situation, device.id, (source) => source.ratedKw, true),
    smoothedKw: state.supply.smoothedKw[device.id] ?? null,
    isChargingCut: tripStage !== null && state.supply.shedding.stage >= tripStage,
  };
  if (!battery.isForming) return batteryTarget(input);
  if (plan.isLand) return { targetKw: 0, isFast: false, reason: reasonOf("FORMS_BUS", device.id) };
  const setpointKw = state.levels[`${device.id}.${device.levelPoint}`] ?? 0;
  return formingTarget(input, setpointKw, leftToBatteriesKw(plan, situation, levels));
}

/**
 * What is left to the batteries that form the bus, kW: the load less what everything else gives, a set of this grid that is being
 * unloaded with its reference. Null where a set or shore stays, which carries the load itself.
 */
function leftToBatteriesKw(
  plan: GridPlan,
  situation: Situation,
  levels: GridState["levels"],
): number | null {
  const states = new Map(situation.sets.map(({ device, state }) => [device, state]));
  let leftKw = situation.balance.loadKw;
  for (const source of situation.sources) {
    if (source.breaker === "open") continue;
    if (source.kind === "battery" && source.isForming) continue;
    const isLeaving = source.kind === "genset" && states.get(source.device) === "unloading";
    if ((source.kind === "genset" && !isLeaving) || source.kind === "shore") return null;
    const held = levels[`${source.device}.${plan.deviceById.get(source.device)?.levelPoint}`];
    leftKw -= isLeaving && held !== undefined ? held : countedPowerKw(source);
  }
  return leftKw;
}

/** This battery's part of what the batteries of the island that follow, or that form, do together. */
function partOf(
  situation: Situation,
  device: string,
  weightOf: (source: Source) => number,
  isForming = false,
): number {
  let sumKw = 0;
  let ownKw = 0;
  for (const source of situation.sources) {
    if (source.kind !== "battery" || source.breaker !== "closed") continue;
    if (source.isForming !== isForming) continue;
    sumKw += weightOf(source);
    if (source.device === device) ownKw = weightOf(source);
  }
  return sumKw > 0 ? ownKw / sumKw : 0;
}
