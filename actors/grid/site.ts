import { codeDifferences, GRID_CODES } from "../../energy/grid-codes.ts";
import {
  beginIslanding,
  CONNECTED,
  decideIslanding,
  refusalOfIslanding,
  type Bond,
  type IslandingAction,
  type IslandingDecision,
  type IslandingInput,
} from "../../energy/islanding.ts";
import { reasonOf, sentenceOf, type Reason } from "../../energy/reason.ts";
import {
  decideSite,
  nextQuarter,
  NO_QUARTER,
  quarterRoomKw,
  type SiteBattery,
  type SiteDecision,
} from "../../energy/site.ts";
import type { SiteConfig } from "../../configs/manifest.ts";
import { clamp, moveToward, roundTo } from "../../kernel/math.ts";
import { numberOf } from "../machines/device-image.ts";
import { mayCommand } from "./apply-frame.ts";
import {
  actorOf,
  batteryInputOf,
  imageOf,
  isPowerKnown,
  positionOf,
  powerKwOf,
} from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState, SiteState } from "./grid-state.ts";
import { limitOf } from "./operator-limits.ts";
import { send, type Work } from "./run-actors.ts";
import type { Situation } from "./situation.ts";

export const NO_SITE: SiteState = { islanding: CONNECTED, quarter: NO_QUARTER, wallTimeMs: 0 };

/** The site's table of the manifest and its point of interconnection; null where the grid is no such site. */
function siteOf(
  plan: GridPlan,
): { readonly site: SiteConfig; readonly point: PlannedDevice } | null {
  const { site } = plan.grid;
  const point = plan.devices.find(({ kind }) => kind === "shore");
  return site === null || point === undefined ? null : { site, point };
}

/** Goes on with islanding and reconnection, and counts the quarter of an hour. */
export function runSite(
  work: Work,
  situation: Situation,
  wallTimeMs: number,
  elapsedMs: number,
  mayBegin: boolean,
): void {
  const { plan, state } = work;
  const place = siteOf(plan);
  if (place === null || state.leadership.origin === "none" || !state.leadership.isRead) return;
  const { id } = place.point;
  // What was not measured counts later as if the target had been drawn.
  const measuredMs = isPowerKnown(state, id) ? elapsedMs : 0;
  const importKw = powerKwOf(state, id);
  const quarter = nextQuarter(state.site.quarter, wallTimeMs, measuredMs, importKw);
  const rounded = { ...quarter, importKwh: roundTo(quarter.importKwh, 10_000) };
  work.state = { ...state, site: { ...state.site, quarter: rounded, wallTimeMs } };
  if (!mayBegin || !mayCommand(state)) return;
  const decision = decideIslanding(
    islandingInputOf(plan, state, situation, place),
    state.site.islanding,
  );
  work.state = {
    ...work.state,
    site: { ...work.state.site, islanding: decision.state },
  };
  for (const action of decision.actions) perform(work, action);
}

/** Takes the grid's commands `island` and `reconnect`. @returns Why not, or null. */
export function requestIslanding(work: Work, command: string, situation: Situation): string | null {
  const { plan, state } = work;
  const place = siteOf(plan);
  if (place === null) return "the manifest states no site for this grid";
  const { islanding } = state.site;
  if (command === "reconnect") {
    if (islanding.phase !== "islanded") return `the site is ${islanding.phase}`;
    const next = { ...islanding, isPlanned: false, attempt: 0, ended: "" };
    work.state = { ...state, site: { ...state.site, islanding: next } };
    return null;
  }
  if (islanding.phase !== "connected") return `the site is ${islanding.phase}`;
  const refusal = refusalOfIslanding(islandingInputOf(plan, state, situation, place));
  if (refusal !== null) return sentenceOf(refusal);
  const next = beginIslanding(islanding, state.plantTimeMs);
  work.state = { ...state, site: { ...state.site, islanding: next } };
  return null;
}

const EVENTS: Readonly<Record<IslandingAction["what"], readonly [event: string, command: string]>> =
  {
    open: ["open.requested", "open"],
    close: ["close.requested", "close"],
    sync: ["sync.requested", "syncAndClose"],
    keep: ["sync.requested", "syncAndClose"],
    form: ["setForming.requested", "setForming"],
    follow: ["setFollowing.requested", "setFollowing"],
    openAll: ["open.requested", "open"],
  };

function perform(work: Work, { device: id, what, reason }: IslandingAction): void {
  const device = work.plan.deviceById.get(id);
  if (device === undefined) return;
  const [event, command] = EVENTS[what];
  const isSetStopped = what === "openAll" && device.kind === "genset";
  send(work, device, isSetStopped ? "openNow.requested" : event, [reason], command);
}

/** The neutral-earth bond of the site, whatever its state; null where the manifest names none. */
function bondOf(plan: GridPlan, state: GridState, site: SiteConfig): Bond | null {
  const device = plan.deviceById.get(site.neutralEarth ?? "");
  if (device === undefined) return null;
  const { snapshot, sinceMs } = actorOf(plan, state, device.address);
  const { isUncertain, isAskedAgain } = snapshot.context;
  return {
    device: device.id,
    breaker: positionOf(state, device.id),
    state: snapshot.state,
    sinceMs,
    isInDoubt: snapshot.state === "closing" && (isUncertain === true || isAskedAgain === true),
  };
}

/** Why the dark busbar of an islanded site is not energised, or null: its neutral-earth bond comes first. */
export function bondHindrance(plan: GridPlan, state: GridState): Reason | null {
  const place = siteOf(plan);
  if (place === null || positionOf(state, place.point.id) !== "open") return null;
  const bond = bondOf(plan, state, place.site);
  if (bond === null || bond.breaker === "closed") return null;
  return reasonOf("BOND_AWAITED", bond.device, { state: bond.state });
}

function islandingInputOf(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
  { site, point }: { readonly site: SiteConfig; readonly point: PlannedDevice },
): IslandingInput {
  const image = imageOf(state, point.id);
  return {
    plantTimeMs: state.plantTimeMs,
    code: GRID_CODES[site.gridCode],
    reconnectWaitS: site.reconnectWaitS,
    point: {
      device: point.id,
      breaker: positionOf(state, point.id),
      state: actorOf(plan, state, point.address).snapshot.state,
      voltagePu: (numberOf(image, "voltageV") ?? 0) / plan.grid.nominalVoltageV,
      frequencyHz: numberOf(image, "frequencyHz") ?? 0,
    },
    batteries: plan.devices
      .filter(({ kind }) => kind === "battery")
      .map((device) => {
        const battery = batteryInputOf(state, device);
        return {
          device: device.id,
          isConnected: battery.isConnected,
          isForming: battery.isForming,
          dischargeKw: battery.isBmsStale ? 0 : Math.min(battery.dischargeLimitKw, device.ratedKw),
          socPct: battery.socPct,
          reserveSocPct: battery.reserveSocPct,
        };
      }),
    feeders: plan.devices
      .filter(({ kind, commands }) => kind === "feeder" && commands.has("open"))
      .map((device) => ({
        device: device.id,
        breaker: positionOf(state, device.id),
        tripStage: device.config.tripStage,
        loadKw: device.config.ratings.loadKw,
      })),
    loadKw: situation.balance.loadKw,
    freeKw: situation.balance.freeKw,
    connectedSets: plan.devices
      .filter(({ id, kind }) => kind === "genset" && positionOf(state, id) === "closed")
      .map(({ id }) => id),
    bond: bondOf(plan, state, site),
    isBusLive: situation.isBusLive,
  };
}

/** The batteries' set-points of a site that is connected, or may be, and what the sun is held below; null where the site says nothing now. */
function siteDecision(plan: GridPlan, state: GridState, elapsedMs: number): SiteDecision | null {
  const place = siteOf(plan);
  if (place === null || !state.leadership.isRead) return null;
  const { site, point } = place;
  const { islanding, quarter, wallTimeMs } = state.site;
  const isConnected = islanding.phase === "connected" || islanding.phase === "islanding";
  const position = positionOf(state, point.id);
  if (!isConnected || position === "open") return null;
  const isMeasured = position === "closed" && isPowerKnown(state, point.id);
  const targetKw = site.peakTargetKw;
  return decideSite({
    parameters: {
      importLimitKw: site.importLimitKw ?? point.ratedKw,
      exportLimitKw: site.exportLimitKw,
      peakTargetKw: targetKw,
      isSelfConsuming: site.isSelfConsuming,
      socMaxPct: site.socMaxPct,
      socChargePct: site.socChargePct,
    },
    importKw: isMeasured ? powerKwOf(state, point.id) : null,
    quarterRoomKw: targetKw === null ? null : quarterRoomKw(quarter, targetKw, wallTimeMs),
    batteries: plan.devices
      .filter(({ kind, levelPoint }) => kind === "battery" && levelPoint !== null)
      .map((device) => siteBattery(plan, state, device)),
    isBringingToZero: islanding.phase === "islanding",
    rampPctPerS: plan.grid.power.rampPctPerS,
    elapsedMs,
  });
}

function siteBattery(plan: GridPlan, state: GridState, device: PlannedDevice): SiteBattery {
  const battery = batteryInputOf(state, device);
  const { snapshot } = actorOf(plan, state, device.address);
  const isWell = ["following", "forming", "limited"].includes(snapshot.state);
  const powerKw = powerKwOf(state, device.id);
  return {
    device: device.id,
    ratedKw: device.ratedKw,
    socPct: battery.socPct,
    reserveSocPct: battery.reserveSocPct,
    chargeLimitKw: battery.chargeLimitKw,
    dischargeLimitKw: battery.dischargeLimitKw,
    isUsable:
      isWell && battery.isConnected && !battery.isBmsStale && isPowerKnown(state, device.id),
    setpointKw: state.levels[`${device.id}.${device.levelPoint}`] ?? powerKw,
    powerKw,
  };
}

/** A limit of the sun that is not needed any more is lifted only where so much would still be free, kW. */
const SUN_MARGIN_KW = 15;

/** Lays what a connected site wants over the set-points of the grid. */
export function withSite(
  plan: GridPlan,
  state: GridState,
  levels: GridState["levels"],
  elapsedMs: number,
): GridState["levels"] {
  const decision = siteDecision(plan, state, elapsedMs);
  if (decision === null) return levels;
  const next: { [level: string]: number } = { ...levels };
  for (const [device, kw] of decision.setpointsKw) {
    const point = plan.deviceById.get(device)?.levelPoint;
    next[`${device}.${point}`] = roundTo(kw, 10) + 0;
  }
  for (const device of plan.devices) {
    const key = `${device.id}.${device.levelPoint}`;
    const level = next[key];
    if (device.kind !== "pv" || device.levelPoint === null || level === undefined) continue;
    const held = state.levels[key] ?? 100;
    const capPct = sunCapPct(state, device, decision.excessKw, held);
    const risePct = (plan.grid.power.rampPctPerS * elapsedMs) / 1000;
    const cap = capPct > held ? moveToward(held, capPct, risePct) : capPct;
    next[key] = roundTo(Math.min(level, cap), 10);
  }
  return next;
}

function sunCapPct(
  state: GridState,
  device: PlannedDevice,
  excessKw: number | null,
  heldPct: number,
): number {
  if (excessKw === null) return heldPct;
  if (excessKw > 0.5) {
    const powerKw = powerKwOf(state, device.id);
    return clamp((100 * (powerKw - excessKw)) / device.ratedKw, 0, heldPct);
  }
  return excessKw > -SUN_MARGIN_KW ? heldPct : 100;
}

export function whySite(plan: GridPlan, state: GridState, situation: Situation): readonly Reason[] {
  const decision = islandingNow(plan, state, situation);
  if (decision === null) return [];
  return [
    ...decision.because,
    ...(siteDecision(plan, state, 0)?.because ?? []),
    ...heldSun(plan, state),
    ...codeDifferencesOf(plan, state),
  ];
}

/** The sun is held back for the export limit, not by an operator. */
function heldSun(plan: GridPlan, state: GridState): Reason[] {
  const limitKw = plan.grid.site?.exportLimitKw ?? 0;
  return plan.devices.flatMap(({ id, kind, levelPoint }) => {
    const key = `${id}.${levelPoint}`;
    const pct = state.levels[key] ?? 100;
    if (kind !== "pv" || pct >= 100 || limitOf(state, key) === pct) return [];
    return [reasonOf("SITE_SUN_HELD", id, { pct, limitKw })];
  });
}

/** Whether the neutral-earth bond is missing, and limits that cannot be held: for alarms. */
export function siteFaults(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
): {
  readonly isBondMissing: boolean;
  /** Devices whose protection is not set as the grid code says. */
  readonly codeDifferences: readonly Reason[];
  readonly givenUp: Reason | null;
  readonly isIslanded: boolean;
} {
  const decision = islandingNow(plan, state, situation);
  const because = decision === null ? [] : (siteDecision(plan, state, 0)?.because ?? []);
  return {
    isBondMissing: decision?.isBondMissing ?? false,
    codeDifferences: codeDifferencesOf(plan, state),
    isIslanded: decision !== null && decision.state.phase === "islanded",
    givenUp:
      because.find(
        ({ code }) => code === "SITE_IMPORT_GIVEN_UP" || code === "SITE_PEAK_GIVEN_UP",
      ) ?? null,
  };
}

/** What devices show of their interface protection, against the grid code of the site. */
function codeDifferencesOf(plan: GridPlan, state: GridState): Reason[] {
  const place = siteOf(plan);
  if (place === null) return [];
  const code = GRID_CODES[place.site.gridCode];
  return plan.devices.flatMap(({ id, kind }) => {
    if (kind !== "pv" && kind !== "shore") return [];
    const image = imageOf(state, id);
    const perUnit = (point: string) => {
      const pct = numberOf(image, point);
      return pct === null ? null : pct / 100;
    };
    return codeDifferences(code, {
      device: id,
      overVoltage: perUnit("overVoltageTripPct"),
      underVoltage: perUnit("underVoltageTripPct"),
      overFrequency: numberOf(image, "overFrequencyTripHz"),
      underFrequency: numberOf(image, "underFrequencyTripHz"),
    });
  });
}

function islandingNow(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
): IslandingDecision | null {
  const place = siteOf(plan);
  if (place === null) return null;
  return decideIslanding(islandingInputOf(plan, state, situation, place), state.site.islanding);
}
