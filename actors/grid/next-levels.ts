import { sharedLoadKw } from "../../energy/balance.ts";
import { nextBatterySetpoint } from "../../energy/battery.ts";
import { referenceInForceKw } from "../../energy/droop.ts";
import { nextReferencesKw, type SharingSet } from "../../energy/sharing.ts";
import { nextShoreReferenceKw } from "../../energy/shore.ts";
import { nextConsumerLimitKw } from "../../energy/thruster-limits.ts";
import type { LevelOutput } from "../../kernel/command.ts";
import { roundTo } from "../../kernel/math.ts";
import { lastNumberOf, numberOf } from "../machines/device-image.ts";
import {
  actorOf,
  batteryInputOf,
  imageOf,
  isPowerKnown,
  positionOf,
  powerKwOf,
  shoreLimitKwOf,
} from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import { limitOf, pvLimitPct } from "./operator-limits.ts";
import type { Situation } from "./situation.ts";

/** What the set-points of one scan rest on beyond the state. */
export interface LevelInput {
  readonly situation: Situation;
  /** Time since the last step, limited to two scans, ms. */
  readonly elapsedMs: number;
  /** Share of rating for the sets, where the island's master states it; null where this grid computes its own. */
  readonly sharePu: number | null;
  /** The island's master is silent: references rest and droop shares. */
  readonly isFrozen: boolean;
}

type Levels = { [level: string]: number };

/** Next set-points by `device.point`. A device that is not known keeps what it has; one that was never known gets none. */
export function nextLevels(plan: GridPlan, state: GridState, input: LevelInput): Levels {
  const levels: Levels = {};
  const { rampPctPerS } = plan.grid.power;
  const gapParts = gapPartsOf(input.situation);
  const shoreKw = shoreLevels(plan, state, input, levels);
  gensetLevels(plan, state, input, levels, shoreKw);
  for (const device of plan.devices) {
    if (device.levelPoint === null) continue;
    const key = `${device.id}.${device.levelPoint}`;
    const held = state.levels[key];
    if (device.kind === "battery") {
      const startKw = held ?? (isPowerKnown(state, device.id) ? powerKwOf(state, device.id) : null);
      if (startKw === null) continue;
      const isBusFormedByOther = input.situation.sources.some(
        (source) => source.device !== device.id && source.breaker === "closed" && source.isForming,
      );
      const next = nextBatterySetpoint({
        battery: batteryInputOf(state, device),
        setpointKw: startKw,
        balance: input.situation.balance,
        startLimitPct: plan.grid.power.startLimitPct,
        partOfGap: gapParts.get(device.id) ?? 0,
        isBusFormedByOther,
        rampPctPerS,
        elapsedMs: input.elapsedMs,
      });
      levels[key] = roundTo(next.setpointKw, 10);
    } else if (device.kind === "thruster") {
      const limitKw = thrusterLimitKw(plan, state, device, input, held);
      if (limitKw === null) continue;
      levels[key] = roundTo(Math.min(limitKw, limitOf(state, key) ?? limitKw), 10);
    } else if (device.kind === "pv") {
      levels[key] = pvLimitPct(plan, state, key, input.elapsedMs);
    }
  }
  return levels;
}

/** Batteries of the island that follow share the gap by what they may give. */
function gapPartsOf(situation: Situation): ReadonlyMap<string, number> {
  const limits = situation.sources
    .filter((source) => source.kind === "battery" && source.breaker === "closed")
    .map((source): [string, number] => [
      source.device,
      source.isForming ? 0 : Math.max(0, source.availableKw),
    ]);
  let sumKw = 0;
  for (const [, limitKw] of limits) sumKw += limitKw;
  return new Map(limits.map(([id, limitKw]) => [id, sumKw > 0 ? limitKw / sumKw : 0]));
}

/** @returns What shore connections are to carry together, kW, or null where none is closed. */
function shoreLevels(
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
    const referenceKw = nextShoreReferenceKw({
      referenceKw: held ?? Math.max(0, powerKwOf(state, device.id)),
      limitKw: shoreLimitKwOf(state, device),
      loadKw: input.situation.balance.loadKw,
      minimumOthersKw,
      isUnloading: snapshot.context["wish"] === "unload",
      rampPctPerS: plan.grid.power.rampPctPerS,
      elapsedMs: input.elapsedMs,
    });
    if (key !== null) levels[key] = roundTo(referenceKw, 10);
    sumKw = (sumKw ?? 0) + (key === null ? powerKwOf(state, device.id) : referenceKw);
  }
  return sumKw;
}

function minimumOfSetsKw(plan: GridPlan, state: GridState): number {
  let sumKw = 0;
  for (const { id, kind, address, ratedKw, config } of plan.devices) {
    if (kind !== "genset" || positionOf(state, id) !== "closed") continue;
    // A set that is being taken off is to give everything to shore.
    if (actorOf(plan, state, address).snapshot.state === "unloading") continue;
    sumKw += (ratedKw * config.ratings.minimumLoadPct) / 100;
  }
  return sumKw;
}

const SHARING_STATES: ReadonlySet<string> = new Set(["loading", "onLoad"]);

function gensetLevels(
  plan: GridPlan,
  state: GridState,
  input: LevelInput,
  levels: Levels,
  shoreKw: number | null,
): void {
  const active: { readonly device: PlannedDevice; readonly set: SharingSet }[] = [];
  const loadKw = sharedLoadKw(input.situation.sources);
  let othersKw = shoreKw ?? 0;
  for (const device of plan.devices) {
    const isClosed = positionOf(state, device.id) === "closed";
    if (isClosed && (device.kind === "battery" || device.kind === "pv")) {
      othersKw += powerKwOf(state, device.id);
    }
    if (device.kind !== "genset" || device.levelPoint === null) continue;
    const key = `${device.id}.${device.levelPoint}`;
    const held = state.levels[key];
    const aim = aimOf(plan, state, device, input.isFrozen);
    if (aim === "none") continue;
    if (aim === "rest") {
      levels[key] = 0;
      continue;
    }
    if (held === undefined && !isPowerKnown(state, device.id)) continue;
    const set: SharingSet = {
      device: device.id,
      ratedKw: device.ratedKw,
      referenceKw: held ?? referenceNowKw(plan, state, device),
      aim,
    };
    active.push({ device, set });
  }
  const next = nextReferencesKw({
    sets: active.map(({ set }) => set),
    demandKw: Math.max(0, loadKw - othersKw),
    sharePu: input.sharePu,
    rampPctPerS: plan.grid.power.rampPctPerS,
    elapsedMs: input.elapsedMs,
  });
  for (const [index, { device }] of active.entries()) {
    levels[`${device.id}.${device.levelPoint}`] = roundTo(next[index] ?? 0, 10);
  }
  reactiveLevels(plan, state, input, levels, active);
}

function referenceNowKw(plan: GridPlan, state: GridState, device: PlannedDevice): number {
  return referenceInForceKw(
    { ratedKw: device.ratedKw, droopPct: device.config.ratings.droopPct },
    powerKwOf(state, device.id),
    numberOf(imageOf(state, device.id), "frequencyHz") ?? 0,
    plan.grid.nominalFrequencyHz,
  );
}

/** Equal parts of rated apparent power of what the sets give together: the same law as for active power. */
function reactiveLevels(
  plan: GridPlan,
  state: GridState,
  input: LevelInput,
  levels: Levels,
  active: readonly { readonly device: PlannedDevice; readonly set: SharingSet }[],
): void {
  let demandKvar = 0;
  const sets: SharingSet[] = [];
  for (const { device, set } of active) {
    const point = device.reactivePoint;
    const powerKvar = lastNumberOf(imageOf(state, device.id), "reactivePowerKvar");
    if (point === null || powerKvar === null) continue;
    demandKvar += powerKvar;
    sets.push({
      ...set,
      ratedKw: device.config.ratings.apparentKva,
      referenceKw: state.levels[`${device.id}.${point}`] ?? Math.max(0, powerKvar),
    });
  }
  const next = nextReferencesKw({
    sets,
    demandKw: Math.max(0, demandKvar),
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
  isFrozen: boolean,
): SharingSet["aim"] | "rest" | "none" {
  const { snapshot, status } = actorOf(plan, state, device.address);
  const position = positionOf(state, device.id);
  if (snapshot.state === "local") return "none";
  if (status !== "running" || position === "unknown" || snapshot.state === "unknown") return "hold";
  if (position === "open") return "rest";
  if (snapshot.state === "unloading") return "unload";
  if (!SHARING_STATES.has(snapshot.state)) return "hold";
  return isFrozen ? "hold" : "share";
}

function thrusterLimitKw(
  plan: GridPlan,
  state: GridState,
  device: PlannedDevice,
  input: LevelInput,
  held: number | undefined,
): number | null {
  const powerKw = numberOf(imageOf(state, device.id), "activePowerKw");
  if (powerKw === null && held === undefined) return null;
  if (powerKw === null) return held ?? null;
  const { balance, consumers } = input.situation;
  const isGranted = actorOf(plan, state, device.address).snapshot.state === "granted";
  let drawnKw = 0;
  let grantedRatedKw = 0;
  for (const consumer of consumers) {
    if (consumer.isWaiting) continue;
    drawnKw += Math.max(0, consumer.powerKw);
    grantedRatedKw += plan.deviceById.get(consumer.device)?.ratedKw ?? 0;
  }
  const freeKw = balance.capacityKw - balance.loadKw;
  const partOfRoom = grantedRatedKw > 0 ? device.ratedKw / grantedRatedKw : 1;
  const partOfLack = drawnKw > 0 ? Math.max(0, powerKw) / drawnKw : 1;
  return nextConsumerLimitKw({
    ratedKw: device.ratedKw,
    powerKw,
    limitKw: held ?? powerKw,
    isGranted,
    freeKw,
    marginKw: 0,
    part: freeKw < 0 ? Math.min(1, partOfLack) : Math.min(1, partOfRoom),
    isCapacityKnown: balance.unknowns.length === 0,
    rampPctPerS: plan.grid.power.rampPctPerS,
    elapsedMs: input.elapsedMs,
  });
}

/** The levels as outputs, in the order of the manifest. */
export function levelOutputs(plan: GridPlan, levels: GridState["levels"]): LevelOutput[] {
  const outputs: LevelOutput[] = [];
  for (const device of plan.devices) {
    for (const point of [device.levelPoint, device.reactivePoint]) {
      const value = point === null ? undefined : levels[`${device.id}.${point}`];
      if (point !== null && value !== undefined) outputs.push({ device: device.id, point, value });
    }
  }
  return outputs;
}
