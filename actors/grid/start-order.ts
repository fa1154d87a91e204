import { orderByFuel, orderByHours } from "../../energy/start-order.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import type { Situation } from "./situation.ts";

/** The order of start for this scan: as in the manifest, by running hours, or by the fuel that the load would cost. */
export function nextStartOrder(plan: GridPlan, state: GridState, situation: Situation): GridState {
  const { startSelection, hoursDifferenceH } = plan.grid.power;
  if (startSelection === "manual") return state;
  const before = state.supply.startOrder;
  const closed = new Set(
    situation.sources.filter(({ breaker }) => breaker === "closed").map(({ device }) => device),
  );
  const sets = situation.sets.map((set) => ({ ...set, isConnected: closed.has(set.device) }));
  const startOrder =
    startSelection === "running_hours"
      ? orderByHours(before, sets, hoursDifferenceH)
      : orderByFuel(defaultOrder(plan, sets), sets, situation.balance.loadKw).order;
  const isSame =
    startOrder.length === before.length && startOrder.every((id, i) => id === before[i]);
  return isSame ? state : { ...state, supply: { ...state.supply, startOrder } };
}

/** Equal fuel keeps the order of the manifest: that of this grid first. */
function defaultOrder(plan: GridPlan, sets: readonly { readonly device: string }[]): string[] {
  const own = plan.startOrder;
  const others = sets.map(({ device }) => device).filter((id) => !own.includes(id));
  return [...own, ...others];
}

/** The situation with its sets in the order that holds now. */
export function inStartOrder(plan: GridPlan, state: GridState, situation: Situation): Situation {
  const { startOrder } = state.supply;
  if (plan.grid.power.startSelection === "manual" || startOrder.length === 0) return situation;
  const rank = (device: string) => {
    const index = startOrder.indexOf(device);
    return index < 0 ? startOrder.length : index;
  };
  return {
    ...situation,
    sets: situation.sets.toSorted((a, b) => rank(a.device) - rank(b.device)),
  };
}
