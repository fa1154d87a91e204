import { lossTable, type LossEntry } from "../../energy/load-reduction.ts";
import { inWords, reasonOf, sentenceOf, type Reason } from "../../energy/reason.ts";
import { decideShedding, NO_SHEDDING } from "../../energy/shedding.ts";
import { decideSacrifice, NO_SACRIFICE, type SacrificeTimers } from "../../energy/tie-sacrifice.ts";
import { roundTo } from "../../kernel/math.ts";
import { mayCommand } from "./apply-frame.ts";
import { actorOf, positionOf } from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import { busOf } from "./grid-sources.ts";
import type { GridState } from "./grid-state.ts";
import { send, type Work } from "./run-actors.ts";
import { sheddablesOf, sheddablesOfIsland } from "./sheddables.ts";
import { tieStateOf, type Situation } from "./situation.ts";
import type { ShedEntry, SupplyState } from "./supply-state.ts";

/** A shed feeder that is still closed is asked again after so long. */
const SHED_AGAIN_MS = 5000;
const ALL_STAGES: readonly number[] = [1, 2, 3];

/**
 * Protects the supply of this grid: sheds by stages, takes off at once what the table says for a source that was lost, opens a tie that
 * is to be sacrificed. Each grid of an island decides for its own consumers on the same facts. Acts in AUTO and SEMI.
 */
export function protectSupply(work: Work, situation: Situation): void {
  const { plan, state } = work;
  if (state.leadership.origin === "none" || !state.leadership.isRead) return;
  if (!situation.isBusLive) {
    const shed = stillShed(plan, state, -1);
    setSupply(work, { shedding: NO_SHEDDING, table: [], tableAhead: null, shed });
    return;
  }
  const lost = lostSources(state, situation);
  shedByStages(work, situation, lost);
  shedByTable(work, lost);
  sacrificeTies(work, situation);
  nextTable(work, situation, lost.length > 0);
}

/**
 * A loss is felt at once and known later: within a scan the set that is left carries all, and the status of the other grid still shows
 * the set that is gone. So long a table waits until it counts, and an upset meanwhile voids it.
 */
const TABLE_WAITS_MS = 300;

function nextTable(work: Work, situation: Situation, hasLost: boolean): void {
  const { plan, state } = work;
  if (!plan.grid.power.shedding.isOnSourceLoss)
    return setSupply(work, { table: [], tableAhead: null });
  if (isDisturbed(plan, state)) return setSupply(work, { tableAhead: null });
  const { tableAhead, table } = state.supply;
  const { plantTimeMs: atMs } = state;
  const isYoung = tableAhead !== null && atMs - tableAhead.atMs < TABLE_WAITS_MS;
  if (isYoung && !hasLost) return;
  const entries = tableOf(plan, state, situation);
  if (hasLost) setSupply(work, { table: entries, tableAhead: null });
  else setSupply(work, { table: tableAhead?.entries ?? table, tableAhead: { atMs, entries } });
}

/** So far off nominal frequency, percent, something has just happened. */
const DISTURBED_PCT = 2;

/**
 * While frequency is far off, measurements of different moments stand beside each other. The table of the moment before holds until it
 * is carried out, or all is calm again.
 */
function isDisturbed(plan: GridPlan, state: GridState): boolean {
  const { frequencyHz } = busOf(plan, state);
  const { nominalFrequencyHz } = plan.grid;
  const offHz = Math.abs(frequencyHz - nominalFrequencyHz);
  return frequencyHz > 0 && offHz > (nominalFrequencyHz * DISTURBED_PCT) / 100;
}

function setSupply(work: Work, change: Partial<SupplyState>): void {
  work.state = { ...work.state, supply: { ...work.state.supply, ...change } };
}

/** Entries of the last scan's table whose source is gone now. */
function lostSources(state: GridState, situation: Situation): readonly LossEntry[] {
  return state.supply.table.filter(({ lost }) =>
    situation.sources.some(({ device, breaker }) => device === lost && breaker === "open"),
  );
}

function shedByStages(work: Work, situation: Situation, lost: readonly LossEntry[]): void {
  const { plan, state } = work;
  const { power, nominalFrequencyHz } = plan.grid;
  const { frequencyHz } = busOf(plan, state);
  const { timers, because } = decideShedding(
    {
      plantTimeMs: state.plantTimeMs,
      parameters: power.shedding,
      // A utility does not fail because more is imported than was agreed: that is no matter of survival.
      sources: plan.isLand
        ? situation.sources.filter(({ kind }) => kind !== "shore")
        : situation.sources,
      frequencyPct: frequencyHz > 0 ? (100 * frequencyHz) / nominalFrequencyHz : null,
      stages: state.island.length > 1 ? ALL_STAGES : stagesOf(plan, state),
    },
    state.supply.shedding,
  );
  // What the table takes off is an upset of its own: nothing is closed again before it is over.
  const isUpset = lost.some(({ cuts }) => cuts.length > 0);
  const next = isUpset && timers.stage < 0 ? { ...timers, stage: 0, clearSinceMs: null } : timers;
  setSupply(work, { shedding: next, shed: stillShed(plan, work.state, next.stage) });
  if (!mayAct(work)) return;
  for (const device of plan.devices) {
    const { tripStage } = device.config;
    if (device.kind !== "feeder" || tripStage === null || tripStage < 1) continue;
    if (tripStage > next.stage) continue;
    shed(work, device, tripStage, [reasonOf("SHED_STAGE", "", { stage: tripStage }), ...because]);
  }
}

/** Stages of this grid that still have something to shed. */
function stagesOf(plan: GridPlan, state: GridState): number[] {
  const found = new Set<number>();
  for (const one of sheddablesOf(plan, state)) if (one.stage > 0) found.add(one.stage);
  return [...found].sort((a, b) => a - b);
}

/** Protection acts in AUTO and SEMI; from the switchboard nobody else commands. */
function mayAct(work: Work): boolean {
  const mode = actorOf(work.plan, work.state, work.plan.address).snapshot.state;
  return mode !== "switchboard" && mayCommand(work.state);
}

function isShed(state: GridState, device: string): boolean {
  const entry = state.supply.shed.find((one) => one.device === device);
  return entry !== undefined && state.plantTimeMs - entry.atMs < SHED_AGAIN_MS;
}

/** Opens a feeder for the sake of supply, and remembers it. */
function shed(
  work: Work,
  device: PlannedDevice,
  stage: number,
  [first, ...more]: readonly [Reason, ...Reason[]],
): void {
  if (positionOf(work.state, device.id) !== "closed" || isShed(work.state, device.id)) return;
  send(work, device, "openNow.requested", [first, ...more], "open");
  const cause = inWords([first, ...more]);
  remember(work, { device: device.id, stage, atMs: work.state.plantTimeMs, limitKw: null, cause });
}

function remember(work: Work, entry: ShedEntry): void {
  const others = work.state.supply.shed.filter(({ device }) => device !== entry.device);
  setSupply(work, { shed: [...others, entry] });
}

/** A sacrificed tie is listed so long; then its latched alarm stands for it. */
const TIE_LISTED_MS = 2000;

/** A feeder stays listed while it is open, a cut drive while the upset lasts. */
function stillShed(plan: GridPlan, state: GridState, stage: number): readonly ShedEntry[] {
  const { shed: before } = state.supply;
  const left = before.filter(({ device, limitKw, atMs }) => {
    if (plan.deviceById.get(device)?.kind === "busTie") {
      return state.plantTimeMs - atMs < TIE_LISTED_MS;
    }
    return stage >= 0 || (limitKw === null && positionOf(state, device) !== "closed");
  });
  return left.length === before.length ? before : left;
}

function shedByTable(work: Work, lost: readonly LossEntry[]): void {
  const { plan } = work;
  if (!mayAct(work)) return;
  for (const entry of lost) {
    for (const cut of entry.cuts) {
      const device = plan.deviceById.get(cut.device);
      if (device === undefined) continue;
      const { missingKw } = entry;
      const values = { lost: entry.lost, powerKw: cut.powerKw, missingKw };
      const reason = reasonOf("SHED_BY_TABLE", device.id, values);
      const cause = sentenceOf(reason);
      const stage = device.config.tripStage ?? 0;
      if (device.kind === "feeder") shed(work, device, stage, [reason]);
      const { limitKw } = cut;
      if (device.kind !== "thruster" || limitKw === null) continue;
      remember(work, { device: device.id, stage, atMs: work.state.plantTimeMs, limitKw, cause });
    }
  }
}

/** The table for the next scan, kW in whole numbers: it is read by people, and its state is replicated. */
function tableOf(plan: GridPlan, state: GridState, situation: Situation): readonly LossEntry[] {
  const table = lossTable(situation.sources, sheddablesOfIsland(plan, state));
  return table.map(({ lost, missingKw, cuts, uncoveredKw }) => ({
    lost,
    missingKw: roundTo(missingKw, 1),
    cuts: cuts.map(({ device, powerKw, limitKw }) => ({
      device,
      powerKw: roundTo(powerKw, 1),
      limitKw: limitKw === null ? null : roundTo(limitKw, 1),
    })),
    uncoveredKw: roundTo(uncoveredKw, 1),
  }));
}

/** By so much one side of a tie waits for the other to open it. */
const SACRIFICE_BEHIND_MS = 1000;

/**
 * Opens this grid's breaker of a tie that is to be sacrificed. Nothing is opened while anything is unknown. The side that owns the sick
 * source goes first; the other follows where the tie is closed all the same, of two that both do not own it the later in the manifest
 * later still.
 */
function sacrificeTies(work: Work, situation: Situation): void {
  const { plan, state } = work;
  const sacrifice: { [tie: string]: SacrificeTimers } = {};
  for (const tie of plan.ties) {
    const isClosed = tieStateOf(state, tie.ownBreaker, tie.otherBreaker) === "closed";
    if (!tie.sacrifice.isEnabled || !isClosed) continue;
    const before = state.supply.sacrifice[tie.id] ?? NO_SACRIFICE;
    const isFirst = plan.gridOrder.indexOf(plan.grid.id) < plan.gridOrder.indexOf(tie.otherGrid);
    const { timers, because } = decideSacrifice(
      situation.sources,
      tie.sacrifice,
      state.plantTimeMs,
      before,
      (source) => (plan.deviceById.has(source) ? 0 : SACRIFICE_BEHIND_MS * (isFirst ? 1 : 2)),
    );
    sacrifice[tie.id] = timers;
    const device = plan.deviceById.get(tie.ownBreaker);
    if (because === null || device === undefined || !mayAct(work)) continue;
    if (situation.balance.unknowns.length > 0) continue;
    const cause = sentenceOf(because);
    if (send(work, device, "openNow.requested", [because], "open")) {
      remember(work, {
        device: device.id,
        stage: 0,
        atMs: state.plantTimeMs,
        limitKw: null,
        cause,
      });
    }
  }
  const hasTies = Object.keys(sacrifice).length + Object.keys(state.supply.sacrifice).length > 0;
  if (hasTies) setSupply(work, { sacrifice });
}
