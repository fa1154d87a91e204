import { decideTieFeed, NO_TIE_FEED, type TieFeedInput } from "../../energy/tie-feed.ts";
import { mayCommand } from "./apply-frame.ts";
import { isAuto } from "./decide.ts";
import { positionOf } from "./device-values.ts";
import type { PlannedTie } from "./grid-plan.ts";
import { peerStatus } from "./island.ts";
import { operatingModeOf } from "./operating-mode.ts";
import { send, type Work } from "./run-actors.ts";
import type { Situation } from "./situation.ts";
import { isTieSacrificed } from "./tie-latch.ts";

/** The live side: closes and opens its own breaker of a tie for a dark neighbour that asks. */
export function feedNeighbours(work: Work, situation: Situation): void {
  if (!mayCommand(work.state)) return;
  for (const tie of work.plan.ties) {
    const device = work.plan.deviceById.get(tie.ownBreaker);
    if (device === undefined) continue;
    const input = tieFeedInput(work, tie, situation);
    const decision = decideTieFeed(input, work.state.feeding);
    if (decision.state !== work.state.feeding)
      work.state = { ...work.state, feeding: decision.state };
    if (decision.action === "none" || decision.reason === null) continue;
    const [event, command] =
      decision.action === "close"
        ? (["sync.requested", "syncAndClose"] as const)
        : (["openNow.requested", "open"] as const);
    const isTaken = send(work, device, event, [decision.reason], command);
    // What its machine did not take was not asked of it.
    if (!isTaken && decision.action === "close")
      work.state = { ...work.state, feeding: NO_TIE_FEED };
  }
}

function tieFeedInput(work: Work, tie: PlannedTie, situation: Situation): TieFeedInput {
  const { state } = work;
  const status = peerStatus(state, tie.otherGrid);
  return {
    plantTimeMs: state.plantTimeMs,
    breaker: tie.ownBreaker,
    forGrid: tie.otherGrid,
    isAsked: status?.isDark === true && status.feedTie === tie.id,
    needKw: status?.feedKw ?? 0,
    own: positionOf(state, tie.ownBreaker),
    far: positionOf(state, tie.otherBreaker),
    forbidden: forbiddenBecause(work, tie),
    isBusLive: situation.isBusLive,
    unknowns: situation.balance.unknowns.filter(({ device }) => device !== tie.id),
    freeKw: situation.balance.freeKw,
  };
}

function forbiddenBecause(work: Work, tie: PlannedTie): string {
  const { plan, state } = work;
  const device = plan.deviceById.get(tie.ownBreaker);
  if (device === undefined) return "there is no such breaker";
  if (!plan.grid.blackout.mayCloseTie) return "tie_close is off in the configuration";
  if (!isAuto(work)) return "this grid is not in AUTO";
  if (operatingModeOf(plan, state)?.ties === "open") return "the operating mode wants ties open";
  return isTieSacrificed(state, device) ? "it was sacrificed: its alarm must be reset first" : "";
}
