import type { Sheddable } from "../../energy/load-reduction.ts";
import { positionOf, powerKwOf } from "./device-values.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import { peerStatus } from "./island.ts";

/** Of what has no priority of its own. */
const PRIORITY = 50;

/** What of this grid's load may be taken off, in the order of the manifest. */
export function sheddablesOf(plan: GridPlan, state: GridState): Sheddable[] {
  const found: Sheddable[] = [];
  for (const device of plan.devices) {
    const { tripStage: stage, consumer } = device.config;
    if (stage === null) continue;
    const powerKw = powerKwOf(state, device.id);
    const one = {
      device: device.id,
      stage,
      priority: consumer?.priority ?? PRIORITY,
      isOwn: true,
      isWhole: device.kind === "feeder",
      floorKw: 0,
    };
    if (device.kind === "battery" && powerKw < 0) {
      found.push({ powerKw: -powerKw, ...one });
    } else if (device.kind === "feeder" && positionOf(state, device.id) === "closed") {
      found.push({ powerKw, ...one });
    } else if (device.kind === "thruster") {
      const floorKw = (device.ratedKw * plan.grid.power.shedding.thrusterFloorPct) / 100;
      if (powerKw > floorKw) found.push({ powerKw: powerKw - floorKw, ...one, floorKw });
    }
  }
  return found;
}

/** The same of the whole island, grids in the order of the manifest; a member that is silent sheds nothing. */
export function sheddablesOfIsland(plan: GridPlan, state: GridState): Sheddable[] {
  return state.island.flatMap((grid) =>
    grid === plan.grid.id
      ? sheddablesOf(plan, state)
      : (peerStatus(state, grid)?.sheddables ?? []).map((one) => ({
          isOwn: false,
          ...one,
          floorKw: 0,
        })),
  );
}
