import { actorOf, positionOf } from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import { peerStatus } from "./island.ts";

/** The least that a set of this grid is to keep, kW; 0 where it shares no load: a base load, one that is taken off, one that is not on. */
export function leastLoadKw(plan: GridPlan, state: GridState, device: PlannedDevice): number {
  const { baseLoadPct, minimumLoadPct } = device.config.ratings;
  if (device.kind !== "genset" || baseLoadPct > 0) return 0;
  if (positionOf(state, device.id) !== "closed") return 0;
  // A set that is being taken off is to give everything to the others.
  if (actorOf(plan, state, device.address).snapshot.state === "unloading") return 0;
  return (device.ratedKw * minimumLoadPct) / 100;
}

/** What the sharing sets of the whole island are to keep together, kW: base loads, that of shore too, give way to it. */
export function minimumOfSetsKw(plan: GridPlan, state: GridState): number {
  let sumKw = 0;
  for (const device of plan.devices) sumKw += leastLoadKw(plan, state, device);
  for (const grid of state.island) {
    for (const { minimumKw } of peerStatus(state, grid)?.sources ?? []) sumKw += minimumKw ?? 0;
  }
  return sumKw;
}

/** The base load that a shore connection of this grid is to give, as held; null where R-EMS holds none, kW. */
export function ownBaseLoadKw(state: GridState, device: PlannedDevice): number | null {
  if (device.kind !== "shore") return null;
  return state.levels[`${device.id}.${device.levelPoint}`] ?? null;
}

/** The same for any of the island: that of another grid as its leader told it. */
export function shoreBaseLoadKw(plan: GridPlan, state: GridState, id: string): number | null {
  const own = plan.deviceById.get(id);
  if (own !== undefined) return ownBaseLoadKw(state, own);
  for (const grid of state.island) {
    const status = peerStatus(state, grid)?.sources.find(({ device }) => device === id);
    if (status !== undefined) return status.referenceKw ?? null;
  }
  return null;
}
