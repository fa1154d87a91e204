import { baseLoadKw } from "../../energy/asymmetric.ts";
import { sharedLoadKw } from "../../energy/balance.ts";
import { reactiveReferenceInForceKvar, referenceInForceKw } from "../../energy/droop.ts";
import { nextReferencesKw, type SharingSet } from "../../energy/sharing.ts";
import { nextShoreReferenceKw } from "../../energy/shore.ts";
import { roundTo } from "../../kernel/math.ts";
import { lastNumberOf, numberOf } from "../machines/device-image.ts";
import { minimumOfSetsKw } from "./base-load.ts";
import {
  actorOf,
  batteryInputOf,
  capabilityKwOf,
  imageOf,
  isPowerKnown,
  positionOf,
  powerKwOf,
  shoreLimitKwOf,
} from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import type { LevelInput, Levels } from "./next-levels.ts";
import type { Share } from "./share.ts";

/** @returns What shore connections are to carry together, kW, or null where none is closed. */
export function shoreLevels(
  plan: GridPlan,
  state: GridState,
  input: LevelInput,
  levels: Levels,
): number | null {
  let sumKw: number | null = null;
  const minimumOthersKw = minimumOfSetsKw(plan, state);
  for (const device of plan.devices) {
    if (device.kind !== "shore") continue;
    const isClosed = positionOf(state, device.id) === "closed";
    const { snapshot } = actorOf(plan, state, device.address);
    const key = device.levelPoint === null ? null : `${device.id}.${device.levelPoint}`;
    const held = key === null ? undefined : state.levels[key];
    if (!isClosed) {
      if (key !== null && positionOf(state, device.id) === "open") levels[key] = 0;
      else if (key !== null && held !== undefined) levels[key] = held;
      continue;
    }
    const beforeKw = held ?? Math.max(0, powerKwOf(state, device.id));
    const isUnloading = snapshot.context["wish"] === "unload";
    // Without the island's master the load of the island is not known either.
    const isResting = input.share.isFrozen && !isUnloading;
    const referenceKw = isResting
      ? beforeKw
      : nextShoreReferenceKw({
          referenceKw: beforeKw,
          limitKw: shoreLimitKwOf(state, device),
          loadKw: input.situation.balance.loadKw,
          minimumOthersKw,
          isUnloading,
          rampPctPerS: plan.grid.power.rampPctPerS,
          elapsedMs: input.elapsedMs,
        });
    if (key !== null) levels[key] = roundTo(referenceKw, 10);
    sumKw = (sumKw ?? 0) + (key === null ? powerKwOf(state, device.id) : referenceKw);
  }
  return sumKw;
}

const SHARING_STATES: ReadonlySet<string> = new Set(["loading", "onLoad"]);

export function gensetLevels(
  plan: GridPlan,
  state: GridState,
  input: LevelInput,
  levels: Levels,
  shoreKw: number | null,
): void {
  const active: { readonly device: PlannedDevice; readonly set: SharingSet }[] = [];
  const loadKw = sharedLoadKw(input.situation.sources);
  let othersKw = shoreKw ?? 0;
  let trimmedKw = 0;
  for (const device of plan.devices) {
    const isClosed = positionOf(state, device.id) === "closed";
    if (isClosed && (device.kind === "battery" || device.kind === "pv")) {
      othersKw += givenKw(plan, state, device);
    }
    if (device.kind !== "genset" || device.levelPoint === null) continue;
    const key = `${device.id}.${device.levelPoint}`;
    const held = state.levels[key];
    const aim = aimOf(plan, state, device, input.share);
    if (aim === "none") continue;
    if (aim === "rest") {
      levels[key] = 0;
      // It joins without load of either kind and ramps from there.
      if (device.reactivePoint !== null) levels[`${device.id}.${device.reactivePoint}`] = 0;
      continue;
    }
    if (held === undefined && !isPowerKnown(state, device.id)) continue;
    const ratedKw = capabilityKwOf(state, device);
    const set: SharingSet = {
      device: device.id,
      ratedKw,
      referenceKw: held ?? referenceNowKw(plan, state, device),
      aim,
      targetKw: aim === "fixed" ? fixedKw(plan, state, device, ratedKw, input) : 0,
    };
    active.push({ device, set });
    if (aim === "share" || aim === "fixed") trimmedKw += ratedKw * state.supply.trim.frequencyPu;
  }
  const next = nextReferencesKw({
    sets: active.map(({ set }) => set),
    demandKw: Math.max(0, loadKw - othersKw + trimmedKw),
    sharePu: input.share.sharePu,
    rampPctPerS: plan.grid.power.rampPctPerS,
    elapsedMs: input.elapsedMs,
  });
  for (const [index, { device }] of active.entries()) {
    levels[`${device.id}.${device.levelPoint}`] = roundTo(next[index] ?? 0, 10);
  }
  reactiveLevels(plan, state, input, levels, active);
}

/**
 * What a battery or the sun is to give, kW. A battery that forms the bus counts with its reference: what its droop gives beyond that
 * the sets are to take back.
 */
function givenKw(plan: GridPlan, state: GridState, device: PlannedDevice): number {
  const held = state.levels[`${device.id}.${device.levelPoint}`];
  const isReference =
    device.kind === "battery" && !plan.isLand && batteryInputOf(state, device).isForming;
  return isReference && held !== undefined ? held : powerKwOf(state, device.id);
}

function referenceNowKw(plan: GridPlan, state: GridState, device: PlannedDevice): number {
  return referenceInForceKw(
    { ratedKw: device.ratedKw, droopPct: device.config.ratings.droopPct },
    powerKwOf(state, device.id),
    numberOf(imageOf(state, device.id), "frequencyHz") ?? 0,
    plan.grid.nominalFrequencyHz,
  );
}

function reactiveNowKvar(
  plan: GridPlan,
  state: GridState,
  { id, config }: PlannedDevice,
  powerKvar: number,
): number {
  return reactiveReferenceInForceKvar(
    config.ratings,
    powerKvar,
    numberOf(imageOf(state, id), "voltageV") ?? 0,
    plan.grid.nominalVoltageV,
  );
}

/** What a set that does not share is to give, kW: its base load, or the set point of asymmetric sharing. */
function fixedKw(
  plan: GridPlan,
  state: GridState,
  device: PlannedDevice,
  ratedKw: number,
  input: LevelInput,
): number {
  const { baseLoadPct } = device.config.ratings;
  if (baseLoadPct <= 0) return ratedKw * (input.share.fixedPu ?? 0);
  const minimumKw = minimumOfSetsKw(plan, state);
  return baseLoadKw(ratedKw, baseLoadPct, input.situation.balance.loadKw, minimumKw);
}

/**
 * Reactive references: equal parts of rated apparent power of what the sets of the island give together; where active sharing is
 * asymmetric the same power factor at every set, for equal kvar would leave the one that varies with a bad one.
 */
function reactiveLevels(
  plan: GridPlan,
  state: GridState,
  input: LevelInput,
  levels: Levels,
  active: readonly { readonly device: PlannedDevice; readonly set: SharingSet }[],
): void {
  const { reactiveSharePu, reactivePerActive, isFrozen } = input.share;
  const isStated = !isFrozen && (reactiveSharePu !== null || reactivePerActive !== null);
  const sets: SharingSet[] = [];
  for (const { device, set } of active) {
    const point = device.reactivePoint;
    const powerKvar = lastNumberOf(imageOf(state, device.id), "reactivePowerKvar");
    if (point === null || powerKvar === null) continue;
    const isTaking = set.aim === "share" || set.aim === "fixed";
    const isBase = device.config.ratings.baseLoadPct > 0;
    sets.push({
      device: device.id,
      ratedKw: device.config.ratings.apparentKva,
      referenceKw:
        state.levels[`${device.id}.${point}`] ?? reactiveNowKvar(plan, state, device, powerKvar),
      aim: !isTaking ? set.aim : isStated && !isBase ? "fixed" : "hold",
      targetKw:
        reactivePerActive === null
          ? (reactiveSharePu ?? 0) * device.config.ratings.apparentKva
          : reactivePerActive * Math.max(0, powerKwOf(state, device.id)),
    });
  }
  const next = nextReferencesKw({
    sets,
    demandKw: 0,
    sharePu: null,
    rampPctPerS: plan.grid.power.rampPctPerS,
    elapsedMs: input.elapsedMs,
  });
  for (const [index, { device }] of sets.entries()) {
    const point = plan.deviceById.get(device)?.reactivePoint;
    levels[`${device}.${point}`] = roundTo(next[index] ?? 0, 10);
  }
}

function aimOf(
  plan: GridPlan,
  state: GridState,
  device: PlannedDevice,
  share: Share,
): SharingSet["aim"] | "rest" | "none" {
  const { snapshot, status } = actorOf(plan, state, device.address);
  const position = positionOf(state, device.id);
  if (snapshot.state === "local") return "none";
  if (status !== "running" || position === "unknown" || snapshot.state === "unknown") return "hold";
  if (position === "open") return "rest";
  if (snapshot.state === "unloading") return "unload";
  if (!SHARING_STATES.has(snapshot.state)) return "hold";
  if (device.config.ratings.baseLoadPct > 0) return "fixed";
  if (share.isFrozen || share.isResting) return "hold";
  return share.fixedPu !== null && share.swingDevice !== device.id ? "fixed" : "share";
}
