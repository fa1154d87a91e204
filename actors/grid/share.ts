import { sharePlanOf, type ShareMember } from "../../energy/asymmetric.ts";
import type { Source } from "../../energy/balance.ts";
import { reactiveRoomKvar, reactiveSharePu, type ReactiveMember } from "../../energy/reactive.ts";
import { nextTrimPu, type Trim } from "../../energy/restoration.ts";
import { isResting, nextSharing } from "../../energy/sharing-mode.ts";
import type { Reason } from "../../energy/reason.ts";
import { lastNumberOf } from "../machines/device-image.ts";
import { roundTo } from "../../kernel/math.ts";
import { shoreBaseLoadKw } from "./base-load.ts";
import { imageOf, positionOf, reactiveRatingKva } from "./device-values.ts";
import type { GridPlan } from "./grid-plan.ts";
import { busOf } from "./grid-sources.ts";
import type { GridState } from "./grid-state.ts";
import { isMaster, peerStatus } from "./island.ts";
import { deloadSharePu } from "./deload-share.ts";
import { droopSuspendedBy } from "./sharing-mode.ts";
import { situationOf, type Situation } from "./situation.ts";

/** How the sets of the island share, stated by its master (or by the grid itself where it is alone). */
export interface Share {
  /** Of every sharing set, or of `swingDevice` alone, per unit; null: droop alone shares, references rest. */
  readonly sharePu: number | null;
  readonly fixedPu: number | null;
  readonly swingDevice: string | null;
  /** Reactive: part of rated apparent power, or kvar for each kW where active sharing is asymmetric. */
  readonly reactiveSharePu: number | null;
  readonly reactivePerActive: number | null;
  /** The island's master is silent: references rest, integrators too. */
  readonly isFrozen: boolean;
  /** Operators want droop alone to share active power: references of sets on load rest. */
  readonly isResting: boolean;
  readonly reason: Reason | null;
}

const FROZEN: Share = {
  sharePu: null,
  fixedPu: null,
  swingDevice: null,
  reactiveSharePu: null,
  reactivePerActive: null,
  isFrozen: true,
  isResting: false,
  reason: null,
};

/**
 * The share for this scan. While a tie is being unloaded each side carries its own. Who is alone or master computes it, all members heard; others take the master's while it is valid.
 * Without it (a member is silent, the targets have expired) references rest and droop shares.
 */
export function shareOf(plan: GridPlan, state: GridState, situation: Situation): Share {
  const deloadPu =
    state.island.length > 1 ? deloadSharePu(plan, state, situationOf(plan, state)) : null;
  if (deloadPu !== null) return { ...FROZEN, sharePu: deloadPu, isFrozen: false };
  if (isMaster(plan, state)) {
    const isHeard = state.island.every(
      (grid) => grid === plan.grid.id || peerStatus(state, grid) !== null,
    );
    return isHeard ? shareOfIsland(plan, state, situation) : FROZEN;
  }
  const { targets } = state;
  if (targets === null || targets.expiresAtMs <= state.plantTimeMs) return FROZEN;
  const { body } = targets;
  return {
    sharePu: body.sharePu,
    fixedPu: body.fixedPu ?? null,
    swingDevice: body.swingDevice ?? null,
    reactiveSharePu: body.reactiveSharePu ?? null,
    reactivePerActive: body.reactivePerActive ?? null,
    isFrozen: false,
    isResting: body.isResting ?? false,
    reason: null,
  };
}

interface SharingFacts {
  readonly members: readonly ShareMember[];
  readonly demandKw: number;
  readonly demandKvar: number;
  /** Who shares reactive power: those sets, and batteries whose converters take a set-point. */
  readonly reactive: readonly ReactiveMember[];
  readonly apparentKva: number;
}

/** What the sharing sets of the island are, and what they give together now. What shore, sun, batteries and base loads give is not theirs. */
function sharingFacts(plan: GridPlan, state: GridState, situation: Situation): SharingFacts {
  const members: ShareMember[] = [];
  let demandKw = 0;
  let demandKvar = 0;
  const sharing: ReactiveMember[] = [];
  const sets = new Map(situation.sets.map((set) => [set.device, set]));
  for (const source of situation.sources) {
    if (source.kind !== "genset" || source.breaker !== "closed") continue;
    // It holds its reference: what it gives is not for the others to give.
    if (!source.isPowerKnown) continue;
    const reactive = reactiveOf(plan, state, source.device);
    if (reactive.isBaseLoad) continue;
    demandKw += source.powerKw;
    demandKvar += reactive.kvar;
    const set = sets.get(source.device);
    if (set === undefined || !(set.availability === "running" || set.state === "loading")) continue;
    members.push({ device: source.device, ratedKw: set.ratedKw });
    if (reactive.apparentKva > 0) {
      sharing.push({ apparentKva: reactive.apparentKva, kvarMax: null });
    }
  }
  for (const source of situation.sources) {
    const battery = reactiveBatteryOf(plan, state, source, members.length > 0);
    if (battery === null) continue;
    demandKvar += battery.kvar;
    sharing.push(battery);
  }
  let apparentKva = 0;
  for (const member of sharing) apparentKva += member.apparentKva;
  const rank = new Map(situation.sets.map(({ device }, index) => [device, index]));
  members.sort((a, b) => (rank.get(a.device) ?? 0) - (rank.get(b.device) ?? 0));
  return { members, demandKw, demandKvar, reactive: sharing, apparentKva };
}

/**
 * A battery that shares reactive power: its converter takes a set-point, and it forms the busbar or stands beside a set. What one that
 * follows gives beside shore alone is nobody's to share.
 */
function reactiveBatteryOf(
  plan: GridPlan,
  state: GridState,
  source: Source,
  isBesideSet: boolean,
): (ReactiveMember & { readonly kvar: number }) | null {
  if (source.kind !== "battery" || source.breaker !== "closed" || !source.isPowerKnown) return null;
  if (plan.isLand || !(source.isForming || isBesideSet)) return null;
  const { kvar, apparentKva } = reactiveOf(plan, state, source.device);
  if (apparentKva <= 0) return null;
  return { kvar, apparentKva, kvarMax: reactiveRoomKvar(apparentKva, source.powerKw) };
}

/** What the sharing sets are to give, kW: what they give now, and what shore gives beyond the base load that it is to give. */
function demandOf(
  plan: GridPlan,
  state: GridState,
  facts: SharingFacts,
  situation: Situation,
): number {
  let { demandKw } = facts;
  for (const { device, kind, breaker, powerKw } of situation.sources) {
    if (kind !== "shore" || breaker !== "closed") continue;
    demandKw += powerKw - (shoreBaseLoadKw(plan, state, device) ?? powerKw);
  }
  return Math.max(0, demandKw);
}

function reactiveOf(plan: GridPlan, state: GridState, device: string) {
  const own = plan.deviceById.get(device);
  if (own !== undefined) {
    return {
      kvar: lastNumberOf(imageOf(state, device), "reactivePowerKvar") ?? 0,
      apparentKva: reactiveRatingKva(own),
      isBaseLoad: own.config.ratings.baseLoadPct > 0,
    };
  }
  for (const grid of state.island) {
    const status = peerStatus(state, grid)?.sources.find((source) => source.device === device);
    if (status === undefined) continue;
    return {
      kvar: status.reactiveKvar ?? 0,
      apparentKva: status.apparentKva ?? 0,
      isBaseLoad: status.isBaseLoad ?? false,
    };
  }
  return { kvar: 0, apparentKva: 0, isBaseLoad: false };
}

function shareOfIsland(plan: GridPlan, state: GridState, situation: Situation): Share {
  const { power } = plan.grid;
  const facts = sharingFacts(plan, state, situation);
  const { members, demandKvar, reactive, apparentKva } = facts;
  const demandKw = demandOf(plan, state, facts, situation);
  let ratedKw = 0;
  for (const member of members) ratedKw += member.ratedKw;
  const { frequencyPu, voltagePu } = state.supply.trim;
  const planned = sharePlanOf({
    members,
    ...power,
    demandKw: demandKw + frequencyPu * ratedKw,
    wasAsymmetric: state.supply.isAsymmetric,
  });
  const kvar = demandKvar + voltagePu * apparentKva;
  const isAsymmetric = planned.swingDevice !== null;
  const round = (value: number) => roundTo(value, 10_000);
  return {
    // Alone, the references of shore and of sets on their way are known as well: the grid computes its share from them.
    sharePu: state.island.length === 1 ? null : round(planned.sharePu),
    fixedPu: planned.fixedPu === null ? null : round(planned.fixedPu),
    swingDevice: planned.swingDevice,
    reactiveSharePu:
      isAsymmetric || apparentKva <= 0 ? null : round(reactiveSharePu(reactive, kvar)),
    reactivePerActive: isAsymmetric && demandKw > 0 ? round(Math.max(0, kvar / demandKw)) : null,
    isFrozen: false,
    isResting: isResting(
      state.supply.sharing,
      state.plantTimeMs,
      droopSuspendedBy(plan, state, situation),
    ),
    reason: planned.reason,
  };
}

const FREQUENCY_DEADBAND_PU = 0.0005;
const VOLTAGE_DEADBAND_PU = 0.005;
/** Limited authority: the trim takes out what droop and metering are off by, no more. */
const FREQUENCY_AUTHORITY_PU = 0.05;
const VOLTAGE_AUTHORITY_PU = 0.1;
/** What regulators droop by from no to full reactive load, where the manifest says nothing of it. */
const VOLTAGE_DROOP_PU = 0.03;

/** Secondary control: only where this grid states the share, its bus is measured, and nothing stiff (shore) holds frequency. */
function nextTrim(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
  share: Share,
  elapsedMs: number,
): Trim {
  const { trim } = state.supply;
  if (!isMaster(plan, state)) return { frequencyPu: 0, voltagePu: 0 };
  const { members, apparentKva } = sharingFacts(plan, state, situation);
  const isStiff = situation.sources.some(
    ({ kind, breaker }) => kind === "shore" && breaker !== "open",
  );
  if (share.isFrozen || isStiff || (members.length === 0 && apparentKva <= 0)) return trim;
  const bus = busOf(plan, state);
  const { nominalFrequencyHz, nominalVoltageV, power } = plan.grid;
  const common = { timeConstantS: power.restorationS, elapsedMs };
  const isKnown = bus.frequencyHz > 0 && !share.isResting && members.length > 0;
  const frequencyPu = nextTrimPu({
    trimPu: trim.frequencyPu,
    ...common,
    measuredPu: isKnown ? bus.frequencyHz / nominalFrequencyHz : null,
    droopPu: droopPuOf(plan, state),
    deadbandPu: FREQUENCY_DEADBAND_PU,
    authorityPu: FREQUENCY_AUTHORITY_PU,
  });
  const voltagePu = nextTrimPu({
    trimPu: trim.voltagePu,
    ...common,
    measuredPu: bus.voltageV > 0 ? bus.voltageV / nominalVoltageV : null,
    droopPu: VOLTAGE_DROOP_PU,
    deadbandPu: VOLTAGE_DEADBAND_PU,
    authorityPu: VOLTAGE_AUTHORITY_PU,
  });
  return { frequencyPu: roundTo(frequencyPu, 1e6), voltagePu: roundTo(voltagePu, 1e6) };
}

/** Droop of the stiffest set of this grid that is connected: with it the trim is slowest. */
function droopPuOf(plan: GridPlan, state: GridState): number {
  let droopPct = 0;
  for (const { id, kind, config } of plan.devices) {
    if (kind !== "genset" || positionOf(state, id) !== "closed") continue;
    droopPct = Math.max(droopPct, config.ratings.droopPct);
  }
  return droopPct > 0 ? droopPct / 100 : 0.04;
}

/** Keeps what the next scan goes on from: the trim, whether sharing is asymmetric, and since when references could rest. */
export function rememberShare(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
  share: Share,
  elapsedMs: number,
): GridState {
  const trim = nextTrim(plan, state, situation, share, elapsedMs);
  const isAsymmetric = share.swingDevice !== null;
  const { supply } = state;
  const suspendedBy = droopSuspendedBy(plan, state, situation);
  const sharing = nextSharing(supply.sharing, state.plantTimeMs, suspendedBy);
  const isSame =
    sharing === supply.sharing &&
    trim.frequencyPu === supply.trim.frequencyPu &&
    trim.voltagePu === supply.trim.voltagePu &&
    isAsymmetric === supply.isAsymmetric;
  return isSame ? state : { ...state, supply: { ...supply, trim, isAsymmetric, sharing } };
}
