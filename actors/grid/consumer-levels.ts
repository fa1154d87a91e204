import { nextConsumerLimitKw, yieldsKw } from "../../energy/thruster-limits.ts";
import { roundTo } from "../../kernel/math.ts";
import { numberOf } from "../machines/device-image.ts";
import { actorOf, imageOf } from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import type { LevelInput, Levels } from "./next-levels.ts";
import { limitOf, pvLimitPct } from "./operator-limits.ts";

/** Power limits of drives, and of PV plants. */
export function consumerLevels(
  plan: GridPlan,
  state: GridState,
  input: LevelInput,
  levels: Levels,
): void {
  for (const device of plan.devices) {
    if (device.levelPoint === null) continue;
    const key = `${device.id}.${device.levelPoint}`;
    if (device.kind === "pv") levels[key] = pvLimitPct(plan, state, key, input.elapsedMs);
    if (device.kind !== "thruster") continue;
    const limitKw = thrusterLimitKw(plan, state, device, input, state.levels[key]);
    if (limitKw === null) continue;
    const shedKw = shedLimitKw(plan, state, device);
    levels[key] = roundTo(Math.min(limitKw, limitOf(state, key) ?? limitKw, shedKw), 10);
  }
}

/** What shedding leaves a drive: its floor in stage 3, what the table of losses left it, or everything. */
function shedLimitKw(plan: GridPlan, state: GridState, device: PlannedDevice): number {
  const { shedding, shed } = state.supply;
  const { tripStage } = device.config;
  let limitKw = Number.POSITIVE_INFINITY;
  if (tripStage !== null && tripStage > 0 && shedding.stage >= tripStage) {
    limitKw = (device.ratedKw * plan.grid.power.shedding.thrusterFloorPct) / 100;
  }
  const cut = shed.find((entry) => entry.device === device.id)?.limitKw ?? null;
  return cut === null ? limitKw : Math.min(limitKw, cut);
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
  const actorState = actorOf(plan, state, device.address).snapshot.state;
  let grantedRatedKw = 0;
  const granted = consumers.filter(({ isWaiting }) => !isWaiting);
  for (const consumer of granted) {
    grantedRatedKw += plan.deviceById.get(consumer.device)?.ratedKw ?? consumer.demandKw;
  }
  const freeKw = balance.capacityKw - balance.loadKw;
  const partOfRoom = grantedRatedKw > 0 ? device.ratedKw / grantedRatedKw : 1;
  const rank = granted.findIndex((consumer) => consumer.device === device.id);
  return nextConsumerLimitKw({
    ratedKw: device.ratedKw,
    powerKw,
    limitKw: held ?? powerKw,
    isGranted: actorState === "granted" || actorState === "running",
    freeKw,
    marginKw: (balance.capacityKw * plan.grid.power.limitMarginPct) / 100,
    part: Math.min(1, partOfRoom),
    // One that draws without a grant gives everything that lacks.
    yieldKw: rank < 0 ? Math.max(0, -freeKw) : (yieldsKw(granted, -freeKw)[rank] ?? 0),
    isCapacityKnown: balance.unknowns.length === 0,
    rampPctPerS: plan.grid.power.rampPctPerS,
    elapsedMs: input.elapsedMs,
  });
}
