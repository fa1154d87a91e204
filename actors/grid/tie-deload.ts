import type { SourceStatus } from "../../kernel/grid-message.ts";
import { numberOf } from "../machines/device-image.ts";
import { actorOf, imageOf } from "./device-values.ts";
import type { GridPlan, PlannedTie } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import { peerStatus } from "./island.ts";

/** Ties whose own breaker waits for its power to come down before it opens. */
function ownDeloading(plan: GridPlan, state: GridState): readonly PlannedTie[] {
  return plan.ties.filter(({ ownBreaker }) => {
    const device = plan.deviceById.get(ownBreaker);
    if (device === undefined) return false;
    return actorOf(plan, state, device.address).snapshot.state === "deloading";
  });
}

/** A tie is being unloaded from this side or, as its leader says, from the other one. */
export function isDeloading(plan: GridPlan, state: GridState): boolean {
  if (ownDeloading(plan, state).length > 0) return true;
  return plan.ties.some(({ otherGrid, otherBreaker }) =>
    peerStatus(state, otherGrid)?.sources.some(
      ({ device, kind, state: name }) =>
        kind === "busTie" && device === otherBreaker && name === "deloading",
    ),
  );
}

/** What the other side is told, so that it carries its own load as well. */
export function deloadStatuses(plan: GridPlan, state: GridState): SourceStatus[] {
  return ownDeloading(plan, state).map(({ ownBreaker }) => ({
    device: ownBreaker,
    kind: "busTie",
    state: "deloading",
    isConnected: true,
    ratedKw: 0,
    powerKw: Math.round(numberOf(imageOf(state, ownBreaker), "activePowerKw") ?? 0),
    availableKw: 0,
    runningForMs: 0,
  }));
}
