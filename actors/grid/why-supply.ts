import { reasonOfLoss } from "../../energy/load-reduction.ts";
import { reasonOf, type Reason } from "../../energy/reason.ts";
import { whySharingMode } from "../../energy/sharing-mode.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import { isMaster } from "./island.ts";
import type { Share } from "./share.ts";
import { droopSuspendedBy } from "./sharing-mode.ts";
import type { Situation } from "./situation.ts";
import { plainly, said, type WhyLine } from "./why-line.ts";

/** Reserve, sharing, and what would go if a source were lost. */
export function whySupply(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
  share: Share,
): Reason[] {
  const reasons: Reason[] = [];
  const { spinningReserveKw: needKw, sharing } = plan.grid.power;
  const { spinningKw } = situation.balance;
  if (needKw > 0 && spinningKw >= needKw) {
    reasons.push(reasonOf("RESERVE_HELD", "", { spinningKw, needKw }));
  }
  if (share.isFrozen) reasons.push(reasonOf("SHARES_BY_DROOP", ""));
  else if (share.reason !== null && sharing === "asymmetric") reasons.push(share.reason);
  const bySharing = isMaster(plan, state)
    ? whySharingMode(
        state.supply.sharing,
        state.plantTimeMs,
        droopSuspendedBy(plan, state, situation),
      )
    : share.isResting
      ? reasonOf("SHARES_DROOP", "")
      : null;
  if (bySharing !== null) reasons.push(bySharing);
  const { frequencyPu, voltagePu } = state.supply.trim;
  const values = { frequencyPct: frequencyPu * 100, voltagePct: voltagePu * 100 };
  // In tenths, as the sentence says it: what rounds to nothing is not said.
  if (Math.abs(values.frequencyPct) >= 0.05 || Math.abs(values.voltagePct) >= 0.05) {
    reasons.push(reasonOf("TRIMMED", "", values));
  }
  const { stage } = state.supply.shedding;
  if (stage >= 0) reasons.push(reasonOf("SHEDDING", "", { stage }));
  return [...reasons, ...state.supply.table.map(reasonOfLoss)];
}

/** When a feeder would be shed, or why it was. */
export function whyFeeder(plan: GridPlan, state: GridState, device: PlannedDevice): WhyLine[] {
  const entry = state.supply.shed.find((one) => one.device === device.id);
  if (entry !== undefined) return [plainly(`shed: ${entry.cause}`)];
  const { tripStage } = device.config;
  if (tripStage === null) return [plainly("it is never shed")];
  const { stageDelaysS, overloadPct } = plan.grid.power.shedding;
  const values = {
    stage: tripStage,
    limitPct: overloadPct,
    delayS: stageDelaysS[tripStage - 1] ?? 0,
  };
  const reasons = [reasonOf("WOULD_BE_SHED", device.id, values)];
  for (const loss of state.supply.table) {
    if (loss.cuts.some((cut) => cut.device === device.id)) reasons.push(reasonOfLoss(loss));
  }
  return said(reasons);
}
