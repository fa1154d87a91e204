import { countedPowerKw, isConnected, type Source } from "../../energy/balance.ts";
import { reasonOfLoss } from "../../energy/load-reduction.ts";
import { sentenceOf } from "../../energy/reason.ts";
import { roundTo } from "../../kernel/math.ts";
import type { AlarmCode } from "../alarms/catalogue.ts";
import { isZeroEmission } from "./battery-modes.ts";
import { actorOf } from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import { busOf } from "./grid-sources.ts";
import type { GridState } from "./grid-state.ts";
import type { Situation } from "./situation.ts";

type Note = (actor: string, code: AlarmCode, text: string) => void;

/** Conditions of warnings that hold in this scan: key, how long they must hold, and what they say. */
interface Warning {
  readonly actor: string;
  readonly code: AlarmCode;
  readonly delayS: number;
  readonly text: string;
}

/**
 * Brings up to date since when each warning's condition holds. Their delays stand in the manifest, so that they cannot be those of the
 * catalogue.
 */
export function nextWarnings(plan: GridPlan, state: GridState, own: readonly Source[]): GridState {
  const since: { [condition: string]: number } = {};
  for (const { actor, code } of warningsOf(plan, state, own)) {
    const key = `${code}|${actor}`;
    since[key] = state.supply.since[key] ?? state.plantTimeMs;
  }
  const before = state.supply.since;
  const keys = Object.keys(since);
  const isSame =
    keys.length === Object.keys(before).length && keys.every((key) => before[key] === since[key]);
  return isSame ? state : { ...state, supply: { ...state.supply, since } };
}

/** Everything about supply that people must know of. */
export function noteSupply(
  plan: GridPlan,
  state: GridState,
  own: readonly Source[],
  situation: Situation,
  note: Note,
): void {
  for (const { actor, code, delayS, text } of warningsOf(plan, state, own)) {
    const sinceMs = state.supply.since[`${code}|${actor}`];
    if (sinceMs !== undefined && state.plantTimeMs - sinceMs >= delayS * 1000) {
      note(actor, code, text);
    }
  }
  noteShedding(plan, state, situation, note);
  const { spinningReserveKw } = plan.grid.power;
  const { spinningKw } = situation.balance;
  if (spinningKw < spinningReserveKw && situation.isBusLive) {
    const text = `${roundTo(spinningKw, 1)} kW of reserve, ${spinningReserveKw} kW wanted`;
    note(plan.address, "RESERVE_LOW", text);
  }
  for (const device of plan.devices) {
    if (device.kind === "thruster") noteConsumer(plan, state, device, note);
  }
}

function noteShedding(plan: GridPlan, state: GridState, situation: Situation, note: Note): void {
  const { shed, table } = state.supply;
  for (const { device, cause } of shed) {
    const planned = plan.deviceById.get(device);
    if (planned === undefined) continue;
    if (planned.kind === "busTie") note(planned.address, "TIE_SACRIFICED", `${device}: ${cause}`);
    else note(planned.address, "LOAD_SHED", `${device}: ${cause}`);
  }
  const uncovered = table.find((entry) => entry.uncoveredKw > 0);
  const isWatched = plan.grid.power.isN1Required && !isZeroEmission(situation);
  if (isWatched && uncovered !== undefined) {
    note(plan.address, "LOSS_UNCOVERED", sentenceOf(reasonOfLoss(uncovered)));
  }
}

function noteConsumer(plan: GridPlan, state: GridState, device: PlannedDevice, note: Note): void {
  const { snapshot, sinceMs } = actorOf(plan, state, device.address);
  const { consumer } = device.config;
  if (snapshot.state === "timedOut") {
    note(device.address, "CONSUMER_NO_FEEDBACK", `${device.id} was granted and does not run`);
  }
  const waitedS = (state.plantTimeMs - sinceMs) / 1000;
  if (snapshot.state === "requesting" && consumer !== null && waitedS >= consumer.waitAlarmS) {
    const text = `${device.id} has waited for power for more than ${consumer.waitAlarmS} s`;
    note(device.address, "CONSUMER_WAITS", text);
  }
}

function warningsOf(plan: GridPlan, state: GridState, own: readonly Source[]): Warning[] {
  const { warnings } = plan.grid.power;
  const found: Warning[] = [];
  for (const source of own) {
    const device = plan.deviceById.get(source.device);
    if (device === undefined || !isConnected(source) || source.ratedKw <= 0) continue;
    const mostKw = source.kind === "battery" ? source.ratedKw : source.availableKw;
    const powerKw = countedPowerKw(source);
    const { address: actor, id } = device;
    if (mostKw > 0 && (100 * powerKw) / mostKw > warnings.overloadPct) {
      const text = `${id} gives more than ${warnings.overloadPct} % of ${roundTo(mostKw, 1)} kW`;
      found.push({ actor, code: "SOURCE_OVERLOADED", delayS: warnings.overloadDelayS, text });
    }
    const isMachine = source.kind === "genset";
    if (isMachine && (-100 * powerKw) / source.ratedKw > warnings.reversePct) {
      const text = `${id} takes more than ${warnings.reversePct} % of its rating`;
      found.push({ actor, code: "REVERSE_POWER", delayS: warnings.reverseDelayS, text });
    }
  }
  return [...found, ...busWarnings(plan, state)];
}

function busWarnings(plan: GridPlan, state: GridState): Warning[] {
  const { address: actor, grid } = plan;
  const { warnings } = grid.power;
  const { frequencyHz, voltageV } = busOf(plan, state);
  if (frequencyHz <= 0 || voltageV <= 0) return [];
  const found: Warning[] = [];
  const offPct = (100 * (frequencyHz - grid.nominalFrequencyHz)) / grid.nominalFrequencyHz;
  if (Math.abs(offPct) > warnings.frequencyPct) {
    const text = `frequency is ${offPct < 0 ? "below" : "above"} nominal by more than ${warnings.frequencyPct} %`;
    found.push({ actor, code: "FREQUENCY_OFF", delayS: warnings.frequencyDelayS, text });
  }
  const voltagePct = (100 * (voltageV - grid.nominalVoltageV)) / grid.nominalVoltageV;
  const isLow = voltagePct < -warnings.voltageLowPct;
  if (isLow || voltagePct > warnings.voltageHighPct) {
    const limitPct = isLow ? warnings.voltageLowPct : warnings.voltageHighPct;
    const text = `voltage is ${isLow ? "below" : "above"} nominal by more than ${limitPct} %`;
    found.push({ actor, code: "VOLTAGE_OFF", delayS: warnings.voltageDelayS, text });
  }
  return found;
}
