import type { Source } from "../../energy/balance.ts";
import { countedPowerKw } from "../../energy/balance.ts";
import { batteryTarget, formingSharesKw, formingTarget } from "../../energy/battery-modes.ts";
import { nextBatterySetpoint, type BatteryTarget } from "../../energy/battery.ts";
import { reactiveReferenceInForceKvar } from "../../energy/droop.ts";
import { withinRoomKvar } from "../../energy/reactive.ts";
import { reasonOf } from "../../energy/reason.ts";
import { moveToward, roundTo } from "../../kernel/math.ts";
import { lastNumberOf } from "../machines/device-image.ts";
import { batteryUseOf } from "./battery-modes.ts";
import { batteryInputOf, imageOf, isPowerKnown, powerKwOf } from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import type { LevelInput, Levels } from "./next-levels.ts";
import { consumersLoadKw } from "./grid-messages.ts";
import { busOf } from "./grid-sources.ts";
import { islandLoadKw } from "./island-load.ts";
import { situationOf, type Situation } from "./situation.ts";
import { isDeloading } from "./tie-deload.ts";

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
    reactiveLevel(plan, state, input, levels, device);
  }
}

/** A set-point within this much of its target rests, percent of rated apparent power: noise is no reason to write. */
const REACTIVE_DEADBAND_PCT = 0.5;

/**
 * The reactive set-point of a battery: its part of rated apparent power like every set's, within what its active power leaves. It gives
 * none where sharing is asymmetric, or where it follows and no set is there.
 */
function reactiveLevel(
  plan: GridPlan,
  state: GridState,
  { share, situation, elapsedMs }: LevelInput,
  levels: Levels,
  device: PlannedDevice,
): void {
  const point = device.reactivePoint;
  const { apparentKva } = device.config.ratings;
  if (point === null || plan.isLand || apparentKva <= 0) return;
  const { isForming, isConnected } = batteryInputOf(state, device);
  const heldKvar =
    state.levels[`${device.id}.${point}`] ?? reactiveNowKvar(plan, state, device, isForming);
  const isBesideSet = situation.sources.some(
    ({ kind, breaker }) => kind === "genset" && breaker === "closed",
  );
  const isTaking = isConnected && (isForming || isBesideSet);
  const isUnstated = share.reactiveSharePu === null && share.reactivePerActive === null;
  const targetKvar = !isTaking
    ? 0
    : share.isFrozen || isUnstated
      ? heldKvar
      : (share.reactiveSharePu ?? 0) * apparentKva;
  const isNear = Math.abs(targetKvar - heldKvar) <= (apparentKva * REACTIVE_DEADBAND_PCT) / 100;
  const stepKvar = (apparentKva * plan.grid.power.rampPctPerS * elapsedMs) / 100_000;
  const nextKvar = isNear && isTaking ? heldKvar : moveToward(heldKvar, targetKvar, stepKvar);
  const setpointKw = Math.abs(levels[`${device.id}.${device.levelPoint}`] ?? 0);
  const powerKw = Math.max(setpointKw, Math.abs(powerKwOf(state, device.id)));
  levels[`${device.id}.${point}`] = roundTo(withinRoomKvar(nextKvar, apparentKva, powerKw), 10);
}

/** What the set-point must be, judged by what the battery gives: of one that forms, at the voltage that its droop gives it at. */
function reactiveNowKvar(
  plan: GridPlan,
  state: GridState,
  { id, config }: PlannedDevice,
  isForming: boolean,
): number {
  const kvar = lastNumberOf(imageOf(state, id), "reactivePowerKvar") ?? 0;
  if (!isForming) return kvar;
  const { voltageV } = busOf(plan, state);
  return reactiveReferenceInForceKvar(config.ratings, kvar, voltageV, plan.grid.nominalVoltageV);
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
  const loadKw = islandLoadKw(plan, state, situation) ?? situation.balance.loadKw;
  const input = {
    battery,
    use: batteryUseOf(state, device),
    balance: { ...situation.balance, loadKw },
    startLimitPct: plan.grid.power.startLimitPct,
    part: partOf(situation, device.id, (source) => source.ratedKw),
    gapPart: partOf(situation, device.id, (source) => Math.max(0, source.availableKw)),
    smoothedKw: state.supply.smoothedKw[device.id] ?? null,
    isChargingCut: tripStage !== null && state.supply.shedding.stage >= tripStage,
  };
  if (!battery.isForming) return batteryTarget(input);
  if (plan.isLand) return { targetKw: 0, isFast: false, reason: reasonOf("FORMS_BUS", device.id) };
  const setpointKw = state.levels[`${device.id}.${device.levelPoint}`] ?? 0;
  return formingTarget(input, setpointKw, shareOfLeftKw(plan, state, device, situation, levels));
}

/**
 * This battery's part of what is left to those that form the bus, kW; null where a set or shore stays, which carries the load itself. While
 * a tie is being unloaded each side carries what its own consumers draw.
 */
function shareOfLeftKw(
  plan: GridPlan,
  state: GridState,
  device: PlannedDevice,
  situation: Situation,
  levels: GridState["levels"],
): number | null {
  const isAlone = state.island.length > 1 && isDeloading(plan, state);
  const side = isAlone ? situationOf(plan, state) : situation;
  const loadKw = isAlone
    ? consumersLoadKw(plan, state, side.balance.loadKw)
    : situation.balance.loadKw;
  const leftKw = leftToBatteriesKw(plan, side, loadKw, levels);
  if (leftKw === null) return null;
  const forming = side.sources
    .filter(({ kind, breaker, isForming }) => kind === "battery" && breaker !== "open" && isForming)
    .map((source) => ({
      device: source.device,
      ratedKw: source.ratedKw,
      reliedKw: Math.min(Math.max(0, source.availableKw), source.ratedKw),
    }));
  const own = forming.findIndex((battery) => battery.device === device.id);
  return formingSharesKw(forming, leftKw)[own] ?? 0;
}

/**
 * The load less what everything but the batteries that form the bus gives, kW; a set of this grid that is being unloaded counts with its
 * reference. Null where a set or shore stays.
 */
function leftToBatteriesKw(
  plan: GridPlan,
  situation: Situation,
  loadKw: number,
  levels: GridState["levels"],
): number | null {
  const states = new Map(situation.sets.map(({ device, state }) => [device, state]));
  let leftKw = loadKw;
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

/** This battery's part of what the batteries of the island that follow do together. */
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
