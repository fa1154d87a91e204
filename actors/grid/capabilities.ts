import { nextCapability, type Capability } from "../../energy/derating.ts";
import { roundTo } from "../../kernel/math.ts";
import { lastNumberOf } from "../machines/device-image.ts";
import { imageOf } from "./device-values.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";

/** Goes on with what derated sets are counted with. A state without any has no such key, as before there were any. */
export function nextCapabilities(plan: GridPlan, state: GridState, elapsedMs: number): GridState {
  const { capabilities, ...rest } = state;
  const next: { [device: string]: Capability } = {};
  let isSame = true;
  for (const { id, kind, ratedKw } of plan.devices) {
    if (kind !== "genset") continue;
    const before = capabilities?.[id] ?? null;
    const statedKw = lastNumberOf(imageOf(state, id), "availablePowerKw");
    const isStated = statedKw !== null && statedKw > 0;
    const after = isStated
      ? nextCapability(before, Math.min(statedKw, ratedKw), ratedKw, elapsedMs)
      : before;
    if (after !== null) next[id] = { ...after, kw: roundTo(after.kw, 1000) };
    isSame = isSame && after?.kw === before?.kw && after?.isRising === before?.isRising;
  }
  if (isSame) return state;
  return Object.keys(next).length === 0 ? rest : { ...rest, capabilities: next };
}
