import { sentenceOf } from "../../energy/reason.ts";
import type { StartStopDecision } from "../../energy/start-stop.ts";
import type { ZeroEmissionBattery } from "../../energy/battery-modes.ts";
import type {
  GridMessage,
  GridStatus,
  SourceStatus,
  ZeroEmissionStatus,
} from "../../kernel/grid-message.ts";
import { roundTo } from "../../kernel/math.ts";
import { lastNumberOf, numberOf } from "../machines/device-image.ts";
import { leastLoadKw, ownBaseLoadKw } from "./base-load.ts";
import { actorOf, imageOf, positionOf, reactiveRatingKva } from "./device-values.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { Recovery } from "./blackout.ts";
import { busOf } from "./grid-sources.ts";
import type { GridState } from "./grid-state.ts";
import { wantsOf } from "./operating-mode.ts";
import { isMaster, joinedGrids, neighboursOf } from "./island.ts";
import { sheddablesOf } from "./sheddables.ts";
import type { Share } from "./share.ts";
import type { Situation } from "./situation.ts";
import { deloadStatuses } from "./tie-deload.ts";

/** Statuses and targets go out every so many scans while a tie could join. */
const SEND_SCAN_COUNT = 5;
const VALID_FOR_MS = 2000;
/** Longest validity that is believed. */
const VALID_FOR_MS_MAX = 10_000;
/** For a set that already ran when R-EMS first saw it: its minimum run is over. */
const RAN_LONG_MS = 1_000_000_000;

/** Takes what other leaders say. A lower epoch, an older sequence, or targets from anyone but the master are refused. */
export function applyMessages(
  plan: GridPlan,
  state: GridState,
  messages: readonly GridMessage[],
): GridState {
  let next = state;
  for (const message of messages) {
    const { fromGrid, epoch, sequence, body } = message;
    if (message.toGrid !== plan.grid.id || fromGrid === plan.grid.id) continue;
    if (!plan.gridOrder.includes(fromGrid)) continue;
    const validForMs = Math.min(Math.max(0, message.validForMs), VALID_FOR_MS_MAX);
    const expiresAtMs = state.plantTimeMs + validForMs;
    const last = body.kind === "gridStatus" ? next.peers[fromGrid] : next.targets;
    const isSameSender = body.kind === "gridStatus" || next.targets?.fromGrid === fromGrid;
    const heardEpoch = Math.max(
      next.peers[fromGrid]?.epoch ?? 0,
      isSameSender ? (last?.epoch ?? 0) : 0,
    );
    const isOld =
      epoch < heardEpoch ||
      (isSameSender && last !== null && last?.epoch === epoch && sequence <= last.sequence);
    if (isOld) continue;
    if (body.kind === "gridStatus") {
      const heard = { epoch, sequence, heardAtMs: state.plantTimeMs, expiresAtMs, status: body };
      const peers = { ...next.peers, [fromGrid]: heard };
      next = { ...next, peers };
    } else if (fromGrid === state.island[0]) {
      next = { ...next, targets: { fromGrid, epoch, sequence, expiresAtMs, body } };
    }
  }
  return next;
}

/** A source of this grid was on the busbar in the scan before and is off it for certain. */
export function hasLostSource(plan: GridPlan, before: GridState, state: GridState): boolean {
  return plan.devices.some(
    ({ id, kind }) =>
      (kind === "genset" || kind === "battery" || kind === "shore") &&
      positionOf(before, id) === "closed" &&
      positionOf(state, id) === "open",
  );
}

export function isSendingScan(state: GridState): boolean {
  return state.sequence % SEND_SCAN_COUNT === 0;
}

/** What this grid tells the others in this scan. */
export function messagesOf(told: {
  readonly plan: GridPlan;
  readonly state: GridState;
  /** Of this grid alone. */
  readonly own: Situation;
  readonly decision: StartStopDecision | null;
  readonly grant: string | null;
  readonly share: Share;
  /** A source of this grid has just left the busbar: the others hear of it at once. */
  readonly isSourceLost: boolean;
  readonly recovery: Recovery;
}): GridMessage[] {
  const { plan, state, own, decision, grant, share, isSourceLost, recovery } = told;
  if (!isSendingScan(state) && !isSourceLost) return [];
  const neighbours = neighboursOf(plan, state);
  if (neighbours.length === 0) return [];
  const common = {
    fromGrid: plan.grid.id,
    epoch: state.epoch,
    sequence: state.sequence,
    validForMs: VALID_FOR_MS,
  };
  const status = { ...statusOf(plan, state, own), ...darknessOf(state, recovery) };
  const messages: GridMessage[] = neighbours.map((toGrid) => ({ toGrid, ...common, body: status }));
  if (!isMaster(plan, state) || share.isFrozen || !isSendingScan(state)) return messages;
  for (const toGrid of state.island) {
    if (toGrid === plan.grid.id) continue;
    const devices = new Set(state.peers[toGrid]?.status.sources.map((source) => source.device));
    const mine = (device: string | null | undefined) =>
      device !== null && device !== undefined && devices.has(device) ? device : null;
    const startDevice = mine(decision?.start?.device) ?? mine(grant);
    const stopDevice = mine(decision?.stop?.device);
    const reasons =
      startDevice !== null && startDevice === decision?.start?.device
        ? decision.start.reasons
        : stopDevice === null
          ? []
          : (decision?.stop?.reasons ?? []);
    const reason = reasons.map(sentenceOf).join("; ");
    messages.push({
      toGrid,
      ...common,
      body: {
        kind: "islandTargets",
        sharePu: share.sharePu ?? 0,
        startDevice,
        stopDevice,
        reason,
        fixedPu: share.fixedPu,
        swingDevice: share.swingDevice,
        reactiveSharePu: share.reactiveSharePu,
        reactivePerActive: share.reactivePerActive,
        isResting: share.isResting,
      },
    });
  }
  return messages;
}

/** What a grid that is being brought back says of itself. */
function darknessOf(
  { blackout }: GridState,
  { feedTie, feedKw }: Recovery,
): Pick<GridStatus, "isDark" | "feedTie" | "feedKw"> {
  const isDark = blackout.phase === "clearing" || blackout.phase === "energising";
  return isDark ? { isDark, feedTie, feedKw: roundTo(feedKw, 10) } : {};
}

function statusOf(plan: GridPlan, state: GridState, own: Situation): GridStatus {
  const { balance } = own;
  const order = new Map(plan.startOrder.map((id, rank) => [id, rank]));
  const zeroEmission = new Map(
    own.zeroEmission.map((one) => [one.device, zeroEmissionStatus(one)]),
  );
  const rankOf = (device: string) => order.get(device) ?? plan.startOrder.length;
  const sources = own.sources
    .toSorted((a, b) => rankOf(a.device) - rankOf(b.device))
    .map((source): SourceStatus => {
      const device = plan.deviceById.get(source.device);
      const set = own.sets.find((entry) => entry.device === source.device);
      const isUnknown = source.breaker === "unknown" || !source.isPowerKnown;
      const isFailed = set?.state === "runningOpen" && set.availability === "none";
      const machine =
        device === undefined ? "" : actorOf(plan, state, device.address).snapshot.state;
      return {
        device: source.device,
        kind: source.kind,
        state: isUnknown ? "unknown" : isFailed ? "startFailed" : machine,
        isConnected: source.breaker === "closed",
        ratedKw: source.ratedKw,
        powerKw: roundTo(source.powerKw, 10),
        availableKw: roundTo(source.availableKw, 10),
        runningForMs: set?.runningForMs ?? RAN_LONG_MS,
        stepKw: source.stepKw,
        runningHoursH: set?.runningHoursH ?? 0,
        fuelGPerKwh: set?.fuelGPerKwh ?? 0,
        reactiveKvar: roundTo(kvarOf(state, source.device), 10),
        apparentKva: device === undefined ? 0 : reactiveRatingKva(device),
        isBaseLoad: (device?.config.ratings.baseLoadPct ?? 0) > 0,
        priority: 0,
        isRunning: false,
        isForming: source.isForming,
        zeroEmission: zeroEmission.get(source.device) ?? null,
        minimumKw: device === undefined ? 0 : roundTo(leastLoadKw(plan, state, device), 10),
        referenceKw: device === undefined ? null : ownBaseLoadKw(state, device),
      };
    });
  const consumers = own.consumers.map((consumer): SourceStatus => ({
    device: consumer.device,
    kind: "thruster",
    state: consumer.isWaiting ? "requesting" : "granted",
    isConnected: true,
    ratedKw: plan.deviceById.get(consumer.device)?.ratedKw ?? 0,
    powerKw: roundTo(consumer.powerKw, 10),
    // What a fixed one has not drawn once it runs it will not draw either.
    availableKw: roundTo(
      consumer.load === "fixed" && consumer.isRunning ? consumer.powerKw : consumer.demandKw,
      10,
    ),
    runningForMs: Math.max(0, state.plantTimeMs - consumer.requestedAtMs),
    stepKw: null,
    runningHoursH: 0,
    fuelGPerKwh: 0,
    reactiveKvar: 0,
    apparentKva: 0,
    isBaseLoad: false,
    priority: consumer.priority,
    isRunning: consumer.isRunning,
  }));
  return {
    kind: "gridStatus",
    capacityKw: roundTo(balance.capacityKw, 10),
    generationKw: roundTo(balance.loadKw, 10),
    loadKw: roundTo(consumersLoadKw(plan, state, balance.loadKw), 10),
    frequencyHz: roundTo(busOf(plan, state).frequencyHz, 1000),
    readySources: own.sets.filter((set) => set.availability === "ready").map((set) => set.device),
    isSettled: balance.unknowns.length === 0,
    sources: [...sources, ...consumers, ...deloadStatuses(plan, state)],
    joinedGrids: joinedGrids(plan, state),
    wants: wantsOf(plan, state),
    sheddableKw: sheddableKw(plan, state),
    sheddables: sheddablesOf(plan, state).map(({ device, stage, priority, powerKw, isWhole }) => ({
      device,
      stage,
      priority,
      powerKw: roundTo(powerKw, 10),
      isWhole,
    })),
  };
}

function zeroEmissionStatus(battery: ZeroEmissionBattery): ZeroEmissionStatus {
  const { dischargeLimitKw, socPct, startSocPct, startPct } = battery;
  return { dischargeLimitKw, socPct, startSocPct, startPct };
}

/** What this grid could shed by stage, kW. */
function sheddableKw(plan: GridPlan, state: GridState): number[] {
  const byStage = [0, 0, 0, 0];
  for (const { stage, powerKw } of sheddablesOf(plan, state)) {
    byStage[stage] = (byStage[stage] ?? 0) + powerKw;
  }
  return byStage.map((kw) => roundTo(kw, 10));
}

function kvarOf(state: GridState, device: string): number {
  return lastNumberOf(imageOf(state, device), "reactivePowerKvar") ?? 0;
}

/**
 * What this grid's own consumers draw, kW: what its sources give less what leaves through closed ties; where a tie does not
 * measure, the sum of feeders and heavy consumers.
 */
export function consumersLoadKw(plan: GridPlan, state: GridState, generationKw: number): number {
  let outKw = 0;
  let isMeasured = true;
  for (const tie of plan.ties) {
    const powerKw = numberOf(imageOf(state, tie.ownBreaker), "activePowerKw");
    if (powerKw === null) isMeasured = isMeasured && !state.island.includes(tie.otherGrid);
    else outKw += powerKw;
  }
  if (isMeasured) return generationKw - outKw;
  let sumKw = 0;
  for (const { id, kind } of plan.devices) {
    if (kind !== "feeder" && kind !== "thruster") continue;
    sumKw += lastNumberOf(imageOf(state, id), "activePowerKw") ?? 0;
  }
  return sumKw;
}
