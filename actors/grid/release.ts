import { RELEASED_EPOCH_FACT } from "../../kernel/core.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import { command, type Work } from "./run-actors.ts";

/** The leader stops and nobody follows: its devices are given back in this leadership, and nothing is begun any more. */
export function isReleasing(state: GridState): boolean {
  return state.epoch > 0 && state.facts[RELEASED_EPOCH_FACT] === state.epoch;
}

/** Gives the commands of each device's release sequence, in the scan in which the leader says that it stops. */
export function releaseDevices(work: Work, before: GridState): void {
  if (!isReleasing(work.state) || before.facts[RELEASED_EPOCH_FACT] === work.state.epoch) return;
  const reason = "the controller stops and nobody takes over: the device is given back";
  for (const device of work.plan.devices) {
    for (const name of device.config.profile.release) command(work, device, name, reason);
  }
}

/** Set-points without those of devices that were given back: what is not in the image is not held. */
export function withoutReleased(
  plan: GridPlan,
  state: GridState,
  levels: GridState["levels"],
): GridState["levels"] {
  if (!isReleasing(state)) return levels;
  return Object.fromEntries(
    Object.entries(levels).filter(([level]) => {
      const device = plan.deviceById.get(level.slice(0, level.indexOf(".")));
      return device === undefined || device.config.profile.release.length === 0;
    }),
  );
}
