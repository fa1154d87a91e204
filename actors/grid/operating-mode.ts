import type { OperatingModeConfig } from "../../configs/manifest.ts";
import type { GridWants } from "../../kernel/grid-message.ts";
import type { PowerParameters } from "../../energy/parameters.ts";
import { reasonOf, sentenceOf, type Reason } from "../../energy/reason.ts";
import { mayCommand } from "./apply-frame.ts";
import { actorOf, positionOf } from "./device-values.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";

/** The mode that operators chose, or the manifest's first; null where the manifest has none. */
export function operatingModeOf(plan: GridPlan, state: GridState): OperatingModeConfig | null {
  const { modes } = plan.grid;
  return modes.find(({ id }) => id === state.operatingMode) ?? modes[0] ?? null;
}

/** What start and stop are decided by now: the manifest's `power`, over it the operating mode, over it what shore carries. */
export function parametersOf(plan: GridPlan, state: GridState): PowerParameters {
  const { power } = plan.grid;
  const mode = operatingModeOf(plan, state);
  const isN1Required = mode?.isN1Required ?? power.isN1Required;
  return {
    ...power,
    startLimitPct: mode?.startLimitPct ?? power.startLimitPct,
    stopLimitPct: mode?.stopLimitPct ?? power.stopLimitPct,
    spinningReserveKw: Math.max(power.spinningReserveKw, mode?.reserveKw ?? 0),
    isN1Required: isN1Required && state.transfer.carrier === "",
  };
}

/** Genset ids in the order of start that holds in this mode. */
export function startOrderOf(plan: GridPlan, state: GridState): readonly string[] {
  const listed = operatingModeOf(plan, state)?.startOrder ?? null;
  if (listed === null) return plan.startOrder;
  return [...listed, ...plan.startOrder.filter((id) => !listed.includes(id))];
}

/** What this grid's mode wants of the island that it is part of. */
export function wantsOf(plan: GridPlan, state: GridState): GridWants {
  const mode = operatingModeOf(plan, state);
  const { spinningReserveKw, isN1Required } = parametersOf(plan, state);
  return {
    mode: mode?.name ?? "",
    setCountMin: mode?.setCountMin ?? 0,
    reserveKw: spinningReserveKw,
    isN1Required,
    isOnShore: state.transfer.carrier !== "",
  };
}

/** What the batteries are for once a mode was chosen: what it states, or what the manifest says of each. */
export function batteryModesFor(
  plan: GridPlan,
  state: GridState,
  mode: OperatingModeConfig,
): GridState["supply"]["batteryModes"] {
  const batteryModes = { ...state.supply.batteryModes };
  for (const { id, kind, config } of plan.devices) {
    if (kind !== "battery" || config.battery === null) continue;
    batteryModes[id] = mode.batteryMode ?? config.battery.mode;
  }
  return batteryModes;
}

/** A bus-tie that the mode wants open is asked to open; the caller judges whether each side can carry its load. */
export function tiesToOpen(plan: GridPlan, state: GridState): readonly string[] {
  if (operatingModeOf(plan, state)?.ties !== "open" || !mayCommand(state)) return [];
  if (actorOf(plan, state, plan.address).snapshot.state !== "auto") return [];
  return plan.ties
    .filter(({ ownBreaker, otherBreaker }) => {
      const device = plan.deviceById.get(ownBreaker);
      const isClosed =
        positionOf(state, ownBreaker) === "closed" && positionOf(state, otherBreaker) === "closed";
      if (device === undefined || !isClosed) return false;
      return actorOf(plan, state, device.address).snapshot.state === "closed";
    })
    .map(({ ownBreaker }) => ownBreaker);
}

/** Ties that do not stand as the mode wants, as a sentence; null where all do. */
export function tieFault(plan: GridPlan, state: GridState): string | null {
  const mode = operatingModeOf(plan, state);
  if (mode === null || mode.ties === "any") return null;
  const wrong = plan.ties.filter(({ ownBreaker, otherBreaker }) => {
    const isClosed =
      positionOf(state, ownBreaker) === "closed" && positionOf(state, otherBreaker) === "closed";
    return isClosed !== (mode.ties === "closed");
  });
  if (wrong.length === 0) return null;
  const ids = wrong.map(({ id }) => id).join(", ");
  return sentenceOf(reasonOf("MODE_TIES", ids, { mode: mode.name, ties: mode.ties }));
}

/** Why the parameters are not those of the manifest's `power`. */
export function whyParameters(plan: GridPlan, state: GridState): readonly Reason[] {
  const found: Reason[] = [];
  const mode = operatingModeOf(plan, state);
  if (mode !== null) found.push(reasonOf("OPERATING_MODE", "", { mode: mode.name }));
  const { carrier } = state.transfer;
  if (carrier !== "") found.push(reasonOf("N1_SHORE", carrier));
  return found;
}
