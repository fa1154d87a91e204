import { balanceOf, isConnected, type Source, type SourceKind } from "../../energy/balance.ts";
import type { ZeroEmissionBattery } from "../../energy/battery-modes.ts";
import { inOrderOfGrant, reservedKw, type HeavyConsumer } from "../../energy/heavy-consumers.ts";
import { reasonOf, type Reason } from "../../energy/reason.ts";
import type { StartStopSet } from "../../energy/start-stop.ts";
import type { GridStatus, SourceStatus } from "../../kernel/grid-message.ts";
import { zeroEmissionDemandsOf } from "./battery-modes.ts";
import { isBusDead, isBusLive } from "./grid-sources.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import { situationOf, tieStateOf, type MemberWants, type Situation } from "./situation.ts";
import { inStartOrder } from "./start-order.ts";

/**
 * Grids joined to this one over closed ties, itself included, in the order of the manifest. Own ties are read; which grids hang
 * behind a neighbour only that one knows, and says so in its status. A neighbour that is silent joins nobody further.
 */
export function islandOf(plan: GridPlan, state: GridState): readonly string[] {
  const members = new Set([plan.grid.id]);
  const open: string[] = [];
  for (const tie of plan.ties) {
    if (tieStateOf(state, tie.ownBreaker, tie.otherBreaker) !== "closed") continue;
    if (!members.has(tie.otherGrid)) open.push(tie.otherGrid);
    members.add(tie.otherGrid);
  }
  for (let grid = open.pop(); grid !== undefined; grid = open.pop()) {
    for (const further of peerStatus(state, grid)?.joinedGrids ?? []) {
      if (members.has(further) || !plan.gridOrder.includes(further)) continue;
      // The tie between this grid and that one is read here: what another says of it does not count.
      if (further === plan.grid.id) continue;
      members.add(further);
      open.push(further);
    }
  }
  return plan.gridOrder.filter((grid) => members.has(grid));
}

/** Grids that closed ties of this one join to it, for its status. */
export function joinedGrids(plan: GridPlan, state: GridState): readonly string[] {
  const joined = new Set<string>();
  for (const tie of plan.ties) {
    if (tieStateOf(state, tie.ownBreaker, tie.otherBreaker) === "closed") joined.add(tie.otherGrid);
  }
  return plan.gridOrder.filter((grid) => joined.has(grid));
}

/** Grids that hear of this one: those of its island, and those that a tie not known to be open could join. */
export function neighboursOf(plan: GridPlan, state: GridState): readonly string[] {
  const grids = new Set(state.island);
  for (const tie of plan.ties) {
    if (tieStateOf(state, tie.ownBreaker, tie.otherBreaker) !== "open") grids.add(tie.otherGrid);
  }
  for (const grid of darkNeighbours(plan, state)) grids.add(grid);
  grids.delete(plan.grid.id);
  return plan.gridOrder.filter((grid) => grids.has(grid));
}

/** Grids that are dark and could be fed, or have been asked: they hear of this one although every tie is open. */
function darkNeighbours(plan: GridPlan, state: GridState): readonly string[] {
  if (!plan.grid.blackout.mayCloseTie) return [];
  const isDark = state.blackout.phase !== "live" && state.blackout.phase !== "restoring";
  return plan.ties.flatMap(({ otherGrid }) =>
    isDark || peerStatus(state, otherGrid)?.isDark === true ? [otherGrid] : [],
  );
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
  if (state.island.length === 1) return inStartOrder(plan, state, own);
  const unknowns: Reason[] = [];
  const known: Source[] = [];
  const consumers: HeavyConsumer[] = [];
  const orders: (readonly StartStopSet[])[] = [];
  const zeroEmission: ZeroEmissionBattery[] = [];
  const wants: MemberWants[] = [];
  for (const grid of state.island) {
    if (grid === plan.grid.id) {
      known.push(...own.sources);
      consumers.push(...own.consumers);
      orders.push(own.sets);
      zeroEmission.push(...own.zeroEmission);
      wants.push(...own.wants);
      continue;
    }
    const status = peerStatus(state, grid);
    if (status === null) {
      unknowns.push(reasonOf("UNKNOWN_INPUT", grid, { what: "the status" }));
      continue;
    }
    if (!status.isSettled) unknowns.push(reasonOf("UNKNOWN_INPUT", grid, { what: "a source" }));
    known.push(...status.sources.flatMap(sourceOf));
    const heardAtMs = state.peers[grid]?.heardAtMs ?? state.plantTimeMs;
    consumers.push(...status.sources.flatMap((source) => consumerOf(source, heardAtMs)));
    const sets = status.sources.flatMap((source) => setOf(source, status.readySources));
    orders.push(sets);
    if (status.wants !== undefined) {
      wants.push({ devices: sets.map(({ device }) => device), ...status.wants });
    }
    zeroEmission.push(...status.sources.flatMap(zeroEmissionOf));
  }
  const sources = withFirmBatteries(plan, known, zeroEmission);
  const tieUnknowns = own.balance.unknowns.filter((reason) =>
    plan.ties.some((tie) => tie.id === reason.device),
  );
  const inOrder = inOrderOfGrant(consumers);
  return inStartOrder(plan, state, {
    sources,
    consumers: inOrder,
    sets: interleaved(orders),
    demands: zeroEmissionDemandsOf(sources, zeroEmission),
    zeroEmission,
    wants,
    balance: balanceOf(sources, reservedKw(consumers), [...tieUnknowns, ...unknowns]),
    isBusLive: isBusLive(sources),
    isBusDead: isBusDead(sources),
  });
}

/**
 * A battery's capacity counts towards start and stop where it forms the bus and is there to run it without machines, or where the island has
 * no machine: whose switchboard a machine stands at does not matter then.
 */
function withFirmBatteries(
  plan: GridPlan,
  sources: readonly Source[],
  zeroEmission: readonly ZeroEmissionBattery[],
): Source[] {
  const onPurpose = new Set(zeroEmission.map(({ device }) => device));
  const isMachineOn = sources.some(
    (source) => (source.kind === "genset" || source.kind === "shore") && isConnected(source),
  );
  return sources.map((source) => {
    if (source.kind !== "battery") return source;
    const isFirm =
      plan.isLand || (source.isForming && (onPurpose.has(source.device) || !isMachineOn));
    return isFirm === source.isFirm ? source : { ...source, isFirm };
  });
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

/** For builds that do not tell. */
const DEFAULT_FUEL_G_PER_KWH = 195;
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
      isForming: formsBus(status),
      // A battery's is known once the whole island is.
      isFirm: status.kind !== "battery",
      availableKw: status.availableKw,
      reactiveKvar: status.reactiveKvar ?? 0,
      apparentKva: status.apparentKva ?? 0,
      stepKw: status.stepKw ?? null,
    },
  ];
}

/** Whether a source of another grid is connected and forms the busbar. */
export function formsBus({ kind, state, isConnected, isForming }: SourceStatus): boolean {
  return (
    isConnected && (isForming ?? (kind === "genset" || kind === "shore" || state === "forming"))
  );
}

function zeroEmissionOf({ device, powerKw, zeroEmission }: SourceStatus): ZeroEmissionBattery[] {
  return zeroEmission ? [{ device, powerKw, ...zeroEmission }] : [];
}

/** @param heardAtMs - When the status came, plant time of this grid: how long a request stands is told as a duration. */
function consumerOf(status: SourceStatus, heardAtMs: number): HeavyConsumer[] {
  if (status.kind !== "thruster") return [];
  return [
    {
      device: status.device,
      demandKw: status.availableKw,
      powerKw: status.powerKw,
      priority: status.priority ?? 0,
      // What another grid reserves for a fixed consumer it has reserved in its demand.
      load: "variable",
      isWaiting: status.state === "requesting",
      isRunning: status.isRunning ?? true,
      requestedAtMs: heardAtMs - status.runningForMs,
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
      ratedKw: status.availableKw > 0 ? status.availableKw : status.ratedKw,
      runningHoursH: status.runningHoursH ?? null,
      fuelGPerKwh: status.fuelGPerKwh ?? DEFAULT_FUEL_G_PER_KWH,
      runningForMs: status.runningForMs,
    },
  ];
}
