import { balanceOf } from "../../energy/balance.ts";
import { consumersLoadKw } from "./grid-messages.ts";
import type { GridPlan } from "./grid-plan.ts";
import { sourcesOf } from "./grid-sources.ts";
import type { GridState } from "./grid-state.ts";
import { peerStatus } from "./island.ts";
import type { Situation } from "./situation.ts";

/**
 * What the consumers of the island draw together, kW; null while a member is silent. Each grid says what its own draw. The sum of what all
 * sources give would not do for a battery that follows at once: others tell of it half a second late, so that what the battery
 * takes from their sets would still be in it.
 */
export function islandLoadKw(
  plan: GridPlan,
  state: GridState,
  { balance }: Pick<Situation, "balance">,
): number | null {
  if (state.island.length === 1) return balance.loadKw;
  const own = balanceOf(sourcesOf(plan, state), 0, []);
  let sumKw = consumersLoadKw(plan, state, own.loadKw);
  for (const grid of state.island) {
    if (grid === plan.grid.id) continue;
    const status = peerStatus(state, grid);
    if (status === null) return null;
    sumKw += status.loadKw;
  }
  return sumKw;
}
