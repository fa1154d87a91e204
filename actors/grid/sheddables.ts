import type { Sheddable } from "../../energy/load-reduction.ts";
import { positionOf, powerKwOf } from "./device-values.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";

/** What of this grid's load may be taken off, in the order of the manifest. */
export function sheddablesOf(plan: GridPlan, state: GridState): Sheddable[] {
  const found: Sheddable[] = [];
  for (const device of plan.devices) {
    const { tripStage: stage } = device.config;
    if (stage === null) continue;
    const powerKw = powerKwOf(state, device.id);
    if (device.kind === "battery" && powerKw < 0) {
      found.push({ device: device.id, kind: "battery", stage, powerKw: -powerKw });
    } else if (device.kind === "feeder" && positionOf(state, device.id) === "closed") {
      found.push({ device: device.id, kind: "feeder", stage, powerKw });
    } else if (device.kind === "thruster") {
      const floorKw = (device.ratedKw * plan.grid.power.shedding.thrusterFloorPct) / 100;
      if (powerKw > floorKw) {
        found.push({ device: device.id, kind: "thruster", stage, powerKw: powerKw - floorKw });
      }
    }
  }
  return found;
}
