import type { OperatorRequest } from "../../kernel/command.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";

/** The grid's own actor stands first in its tree, whatever else the manifest holds. */
const GRID_ACTOR = 0;

/**
 * What operators had decided in a state of another structure, as requests of the same: the grid's mode, sets taken out of automatic start and
 * stop, the operating mode, what batteries are for, how sets share. Nothing else of such a state means anything here; of this, losing it would set a plant going that people hold.
 *
 * @param plan - Of the structure that is in force now: what it does not know is left out.
 */
export function decisionsIn(plan: GridPlan, state: GridState): OperatorRequest[] {
  const again = (
    actor: string,
    command: string,
    values: OperatorRequest["arguments"] = {},
  ): OperatorRequest => ({
    requestId: `again:${state.epoch}:${actor.split("/").at(-1) ?? ""}:${command}`,
    role: "engineer",
    user: "before the structure changed",
    actor,
    command,
    arguments: values,
  });
  const isSemi = state.tree.actors[GRID_ACTOR]?.snapshot.state === "semi";
  const sets = plan.devices.filter(
    ({ id, kind }) => kind === "genset" && state.semiSets.includes(id),
  );
  const mode = plan.grid.modes.find(({ id }) => id === state.operatingMode);
  // After the operating mode, which chooses for all batteries at once.
  const batteries = plan.devices.flatMap(({ id, kind, address }) => {
    const chosen = state.supply.batteryModes[id];
    return kind === "battery" && chosen !== undefined
      ? [again(address, "mode", { mode: chosen })]
      : [];
  });
  const isDroop = state.supply.sharing.mode === "droop";
  return [
    ...(isSemi ? [again(plan.address, "semi")] : []),
    ...sets.map(({ address }) => again(address, "semi")),
    ...(mode === undefined ? [] : [again(plan.address, "mode", { mode: mode.id })]),
    ...batteries,
    ...(isDroop ? [again(plan.address, "sharing", { mode: "droop" })] : []),
  ];
}
