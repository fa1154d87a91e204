import { balanceOf, type Source, type SourceKind } from "../../energy/balance.ts";
import { reasonOf, type Reason } from "../../energy/reason.ts";
import type { StartStopSet } from "../../energy/start-stop.ts";
import type { GridStatus, SourceStatus } from "../../kernel/grid-message.ts";
import { isBusDead, isBusLive } from "./grid-sources.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import { reservedKw, situationOf, tieStateOf, type Consumer, type Situation } from "./situation.ts";

/** Grids joined to this one over closed ties, itself included, in the order of the manifest. */
export function islandOf(plan: GridPlan, state: GridState): readonly string[] {
  const members = new Set([plan.grid.id]);
  for (const tie of plan.ties) {
    if (tieStateOf(state, tie.ownBreaker, tie.otherBreaker) === "closed")
      members.add(tie.otherGrid);
  }
  return plan.gridOrder.filter((grid) => members.has(grid));
}

/** Grids that a tie joins or could join: a tie that is not known to be open counts. */
export function neighboursOf(plan: GridPlan, state: GridState): readonly string[] {
  const grids = plan.ties
    .filter((tie) => tieStateOf(state, tie.ownBreaker, tie.otherBreaker) !== "open")
    .map((tie) => tie.otherGrid);
  return plan.gridOrder.filter((grid) => grids.includes(grid));
}

/** The status of another grid while it is valid. */
export function peerStatus(state: GridState, grid: string): GridStatus | null {
  const peer = state.peers[grid];
  return peer === undefined || peer.expiresAtMs <= state.plantTimeMs ? null : peer.status;
}

export function isMaster(plan: GridPlan, state: GridState): boolean {
  return state.island[0] === plan.grid.id;
}

/**
 * The situation of the whole island: own measurements and the others' statuses. A member that is silent makes it unknown: then
 * nothing stops and nothing is granted.
 */
export function islandSituationOf(plan: GridPlan, state: GridState): Situation {
  const own = situationOf(plan, state);
  if (state.island.length === 1) return own;
  const unknowns: Reason[] = [];
  const sources: Source[] = [];
  const consumers: Consumer[] = [];
  const orders: (readonly StartStopSet[])[] = [];
  for (const grid of state.island) {
    if (grid === plan.grid.id) {
      sources.push(...own.sources);
      consumers.push(...own.consumers);
      orders.push(own.sets);
      continue;
    }
    const status = peerStatus(state, grid);
    if (status === null) {
      unknowns.push(reasonOf("UNKNOWN_INPUT", grid, { what: "the status" }));
      continue;
    }
    if (!status.isSettled) unknowns.push(reasonOf("UNKNOWN_INPUT", grid, { what: "a source" }));
    sources.push(...status.sources.flatMap(sourceOf));
    consumers.push(...status.sources.flatMap(consumerOf));
    orders.push(status.sources.flatMap((source) => setOf(source, status.readySources)));
  }
  const tieUnknowns = own.balance.unknowns.filter((reason) =>
    plan.ties.some((tie) => tie.id === reason.device),
  );
  return {
    sources,
    consumers,
    sets: interleaved(orders),
    balance: balanceOf(sources, reservedKw(consumers), [...tieUnknowns, ...unknowns]),
    isBusLive: isBusLive(sources),
    isBusDead: isBusDead(sources),
  };
}

/** The first of each grid, then the second of each: running sets spread over the grids. */
function interleaved(orders: readonly (readonly StartStopSet[])[]): StartStopSet[] {
  const sets: StartStopSet[] = [];
  const most = Math.max(0, ...orders.map((order) => order.length));
  for (let rank = 0; rank < most; rank++) {
    for (const order of orders) {
      const set = order[rank];
      if (set !== undefined) sets.push(set);
    }
  }
  return sets;
}

const SOURCE_KINDS: readonly string[] = ["genset", "battery", "shore", "pv"];

function sourceOf(status: SourceStatus): Source[] {
  if (!SOURCE_KINDS.includes(status.kind)) return [];
  const isUnknown = status.state === "unknown";
  const { isConnected } = status;
  return [
    {
      device: status.device,
      kind: status.kind as SourceKind,
      breaker: isUnknown ? "unknown" : isConnected ? "closed" : "open",
      ratedKw: status.ratedKw,
      powerKw: status.powerKw,
      isPowerKnown: !isUnknown,
      isForming:
        isConnected &&
        (status.kind === "genset" || status.kind === "shore" || status.state === "forming"),
      isFirm: status.kind !== "battery",
      availableKw: status.availableKw,
    },
  ];
}

function consumerOf(status: SourceStatus): Consumer[] {
  if (status.kind !== "thruster") return [];
  return [
    {
      device: status.device,
      demandKw: status.availableKw,
      powerKw: status.powerKw,
      isWaiting: status.state === "requesting",
      // Each grid has its own plant time: between grids the order of the manifest decides.
      requestedAtMs: 0,
    },
  ];
}

function setOf(status: SourceStatus, readySources: readonly string[]): StartStopSet[] {
  if (status.kind !== "genset") return [];
  const availability = (): StartStopSet["availability"] => {
    if (readySources.includes(status.device)) return "ready";
    switch (status.state) {
      case "starting":
      case "runningOpen":
      case "syncing":
      case "loading":
        return "pending";
      case "onLoad":
        return "running";
      case "unloading":
        return "leaving";
      default:
        return "none";
    }
  };
  return [
    {
      device: status.device,
      state: status.state,
      availability: availability(),
      ratedKw: status.ratedKw,
      runningForMs: status.runningForMs,
    },
  ];
}

/**
 * Share of rating that every sharing set of the island takes so that frequency is nominal, per unit. What batteries, sun and
 * shore give is not theirs.
 */
export function islandSharePu(situation: Situation): number {
  const sharing = new Set(
    situation.sets
      .filter((set) => set.availability === "running" || set.state === "loading")
      .map((set) => set.device),
  );
  let ratedKw = 0;
  let demandKw = 0;
  for (const source of situation.sources) {
    if (source.kind !== "genset" || source.breaker !== "closed") continue;
    // It holds its reference: what it gives is not for the others to give.
    if (!source.isPowerKnown) continue;
    demandKw += source.powerKw;
    if (sharing.has(source.device)) ratedKw += source.ratedKw;
  }
  return ratedKw > 0 ? Math.min(1.1, Math.max(0, demandKw / ratedKw)) : 0;
}
