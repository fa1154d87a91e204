import type { LevelOutput } from "../../kernel/command.ts";
import { batteryLevels } from "./battery-levels.ts";
import { consumerLevels } from "./consumer-levels.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import type { Share } from "./share.ts";
import type { Situation } from "./situation.ts";
import { gensetLevels, shoreLevels } from "./source-levels.ts";

/** What the set-points of one scan rest on beyond the state. */
export interface LevelInput {
  readonly situation: Situation;
  /** Time since the last step, limited to two scans, ms. */
  readonly elapsedMs: number;
  readonly share: Share;
}

/** Set-points by `device.point`. */
export type Levels = { [level: string]: number };

/** Next set-points by `device.point`. A device that is not known keeps what it has; one that was never known gets none. */
export function nextLevels(plan: GridPlan, state: GridState, input: LevelInput): Levels {
  const levels: Levels = {};
  const shoreKw = shoreLevels(plan, state, input, levels);
  gensetLevels(plan, state, input, levels, shoreKw);
  batteryLevels(plan, state, input, levels);
  consumerLevels(plan, state, input, levels);
  return levels;
}

/** The levels as outputs, in the order of the manifest. */
export function levelOutputs(plan: GridPlan, levels: GridState["levels"]): LevelOutput[] {
  const outputs: LevelOutput[] = [];
  for (const device of plan.devices) {
    for (const point of [device.levelPoint, device.reactivePoint]) {
      const value = point === null ? undefined : levels[`${device.id}.${point}`];
      if (point !== null && value !== undefined) outputs.push({ device: device.id, point, value });
    }
  }
  return outputs;
}
