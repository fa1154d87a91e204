import type { DeviceConfig } from "../../configs/manifest.ts";
import type { OperatorRequest } from "../../kernel/command.ts";
import { moveToward, roundTo } from "../../kernel/math.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";

/**
 * Limits that operators or other systems set for a time: a consumer or a PV plant is held below them, whatever the grid would grant. They
 * only ever narrow, and they end by themselves.
 */
export type OperatorLimit = {
  /** `device.point` of the level. */
  readonly level: string;
  /** In the unit of the level. */
  readonly value: number;
  readonly expiresAtMs: number;
  readonly user: string;
};

export const LIMIT_EXPIRY_S_MAX = 3600;
const LIMITED_KINDS: ReadonlySet<string> = new Set(["pv", "thruster"]);
const PERCENT_MAX = 100;

/** Takes the command `limit` with `value` and `expiryS`. @returns The new state, or why not. */
export function setLimit(
  state: GridState,
  device: PlannedDevice,
  request: OperatorRequest,
): GridState | string {
  if (!LIMITED_KINDS.has(device.kind) || device.levelPoint === null) {
    return `${device.id} has no limit that could be set; a pv and a thruster have`;
  }
  const { value, expiryS } = request.arguments;
  const valueMax = limitMaxOf(device.config);
  if (typeof value !== "number" || value < 0 || value > valueMax) {
    return `the argument value must be a number from 0 to ${valueMax}`;
  }
  if (typeof expiryS !== "number" || expiryS < 1 || expiryS > LIMIT_EXPIRY_S_MAX) {
    return `the argument expiryS must be a number from 1 to ${LIMIT_EXPIRY_S_MAX}`;
  }
  const level = `${device.id}.${device.levelPoint}`;
  const limit: OperatorLimit = {
    level,
    value: roundTo(value, 10),
    expiresAtMs: state.plantTimeMs + expiryS * 1000,
    user: request.user,
  };
  const others = (state.limits ?? []).filter((one) => one.level !== level);
  return { ...state, limits: [...others, limit] };
}

/** Percent of rating for PV, kW for a consumer. */
export function limitMaxOf({ kind, ratings }: DeviceConfig): number {
  return kind === "pv" ? PERCENT_MAX : ratings.loadKw;
}

/** Without those whose time is over. A state without limits has no such key, as before there were any. */
export function expireLimits(state: GridState): GridState {
  const { limits, ...rest } = state;
  if (limits === undefined) return state;
  const left = limits.filter(({ expiresAtMs }) => expiresAtMs > state.plantTimeMs);
  if (left.length === limits.length) return state;
  return left.length === 0 ? rest : { ...rest, limits: left };
}

/** The limit in force for a level, or null. */
export function limitOf(state: GridState, level: string): number | null {
  return state.limits?.find((one) => one.level === level)?.value ?? null;
}

/** A PV plant's level: at the limit at once, and back up by the grid's ramp. Percent of rating. */
export function pvLimitPct(
  plan: GridPlan,
  state: GridState,
  level: string,
  elapsedMs: number,
): number {
  const held = state.levels[level] ?? PERCENT_MAX;
  const wanted = limitOf(state, level) ?? PERCENT_MAX;
  if (wanted <= held) return wanted;
  return roundTo(moveToward(held, wanted, (plan.grid.power.rampPctPerS * elapsedMs) / 1000), 10);
}
