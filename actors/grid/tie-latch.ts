import type { PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";

/** A sacrificed tie is latched by its alarm, at either end. */
export function isTieSacrificed(state: GridState, device: PlannedDevice): boolean {
  return state.alarmBook.entries.some(
    ({ code, actor }) => code === "TIE_SACRIFICED" && actor === device.address,
  );
}
