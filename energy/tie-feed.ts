import { reasonOf, type Reason } from "./reason.ts";

/** A grid that was asked to feed a dark neighbour over a tie, and what it knows. */
export interface TieFeedInput {
  readonly plantTimeMs: number;
  /** Its own breaker of the tie, and the neighbour. */
  readonly breaker: string;
  readonly forGrid: string;
  /** The neighbour says, and says still, that its busbar is dead, that it holds the permit and wants to be fed. */
  readonly isAsked: boolean;
  /** What the neighbour draws first, kW. */
  readonly needKw: number;
  /** Positions as this grid reads them itself: both ends read every tie. */
  readonly own: "open" | "closed" | "unknown";
  readonly far: "open" | "closed" | "unknown";
  /** Why this grid may feed nobody now, or "": its mode, its configuration, a latch of the breaker. */
  readonly forbidden: string;
  readonly isBusLive: boolean;
  readonly unknowns: readonly Reason[];
  /** Of this grid's island, kW. */
  readonly freeKw: number;
}

/** What it remembers: canonical and replicated. */
export type TieFeedState = {
  /** The breaker that was asked to close for a neighbour and is to open again when that asks no more; "" where none. */
  readonly breaker: string;
  readonly forGrid: string;
  readonly askedAtMs: number;
};

export const NO_TIE_FEED: TieFeedState = { breaker: "", forGrid: "", askedAtMs: 0 };

export interface TieFeedDecision {
  readonly state: TieFeedState;
  readonly action: "close" | "open" | "none";
  readonly reason: Reason | null;
}

/** A neighbour that falls silent for less than this is still waited for: its leader may have changed. */
const SILENT_MS = 6000;

/**
 * The live side of feeding a dead section over a tie. It closes its own breaker onto the dead line between the two, never onto a busbar:
 * the neighbour, which proves its own busbar dead and holds the permit, closes the second one. So the far breaker must be open for
 * certain, and there must be room for what the neighbour draws first. Asked no more, and not joined, it opens again.
 */
export function decideTieFeed(input: TieFeedInput, before: TieFeedState): TieFeedDecision {
  const { plantTimeMs, breaker, forGrid, own, far, isAsked, freeKw, needKw } = input;
  const isOurs = before.breaker === breaker;
  const none = (state: TieFeedState, reason: Reason | null = null): TieFeedDecision => ({
    state,
    action: "none",
    reason,
  });
  if (isOurs && own === "closed" && far === "closed") return none(NO_TIE_FEED);
  if (!isAsked) {
    if (!isOurs || plantTimeMs - before.askedAtMs < SILENT_MS) return none(before);
    const reason = reasonOf("FEED_OVER", breaker, { grid: forGrid });
    return { state: NO_TIE_FEED, action: own === "open" ? "none" : "open", reason };
  }
  if (isOurs) return none({ ...before, askedAtMs: plantTimeMs });
  if (before.breaker !== "" || own === "closed") return none(before);
  const what = refusalOf(input);
  if (what !== "") return none(before, reasonOf("FEED_REFUSED", breaker, { grid: forGrid, what }));
  return {
    state: { breaker, forGrid, askedAtMs: plantTimeMs },
    action: "close",
    reason: reasonOf("FEED_CLOSES", breaker, { grid: forGrid, freeKw, needKw }),
  };
}

function refusalOf(input: TieFeedInput): string {
  const { own, far, forbidden, isBusLive, unknowns, freeKw, needKw } = input;
  if (forbidden !== "") return forbidden;
  if (own !== "open" || far !== "open") return "both breakers of the tie must be open for certain";
  if (!isBusLive) return "this busbar has no source that forms it";
  if (unknowns.length > 0) return "what this side could give is not known";
  return freeKw >= needKw ? "" : `${Math.floor(freeKw)} kW are free for ${Math.ceil(needKw)} kW`;
}
