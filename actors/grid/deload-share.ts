import { actorOf, positionOf, powerKwOf } from "./device-values.ts";
import { consumersLoadKw } from "./grid-messages.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import type { Situation } from "./situation.ts";
import { isDeloading } from "./tie-deload.ts";

/**
 * While a tie is being unloaded the sets of each side carry what their own consumers draw, so that nothing flows through it.
 * @param own - This grid alone.
 * @returns Share of rating, 0…1.1; null where no tie is being unloaded or no set of this grid shares.
 */
export function deloadSharePu(plan: GridPlan, state: GridState, own: Situation): number | null {
  if (!isDeloading(plan, state)) return null;
  let ratedKw = 0;
  let othersKw = 0;
  for (const device of plan.devices) {
    if (positionOf(state, device.id) !== "closed") continue;
    const { snapshot } = actorOf(plan, state, device.address);
    if (device.kind === "genset") {
      const isSharing = snapshot.state === "onLoad" || snapshot.state === "loading";
      if (isSharing) ratedKw += device.ratedKw;
      else othersKw += powerKwOf(state, device.id);
    } else if (device.kind === "battery" || device.kind === "shore" || device.kind === "pv") {
      othersKw += powerKwOf(state, device.id);
    }
  }
  if (ratedKw <= 0) return null;
  const loadKw = consumersLoadKw(plan, state, own.balance.loadKw);
  return Math.min(1.1, Math.max(0, (loadKw - othersKw) / ratedKw));
}
