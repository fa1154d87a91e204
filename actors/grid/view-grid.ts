import { n1Of } from "../../energy/n-minus-one.ts";
import { sentenceOf } from "../../energy/reason.ts";
import { isAlarmStanding, type AlarmEntry } from "../../kernel/alarm.ts";
import type { ConnectionState } from "../../kernel/point.ts";
import { roundTo } from "../../kernel/math.ts";
import { viewTree, type ActorView } from "../runtime/actor-view.ts";
import type { DeviceImage } from "../machines/device-image.ts";
import { batteryUseOf } from "./battery-modes.ts";
import { actorOf, imageOf, isPowerKnown, powerKwOf } from "./device-values.ts";
import type { PlannedGridCore } from "./grid-core.ts";
import { busOf } from "./grid-sources.ts";
import type { GridState } from "./grid-state.ts";
import { islandSituationOf } from "./island.ts";
import { operatingModeOf } from "./operating-mode.ts";
import { why } from "./why.ts";

/** A grid as operators' tools show it. Powers in kW; percent of connected capacity. */
export interface GridView {
  readonly grid: string;
  readonly name: string;
  readonly plantTimeMs: number;
  readonly epoch: number;
  readonly mode: "AUTO" | "SEMI" | "SWBD";
  readonly voltageV: number;
  readonly frequencyHz: number;
  /** Of the island, as are the following. */
  readonly loadKw: number;
  readonly capacityKw: number;
  /** Null: load is drawn and no source that counts is connected. */
  readonly loadPct: number | null;
  readonly freeKw: number;
  readonly reservedKw: number;
  readonly batteryReserveKw: number;
  readonly n1: { readonly isHeld: boolean; readonly statement: string };
  /** Member grids, in the order of the manifest; the first is the master. */
  readonly island: readonly string[];
  readonly why: readonly string[];
  /** Of operators' commands with choices the choice that holds, by command. */
  readonly chosen: { readonly [command: string]: string };
  readonly devices: readonly DeviceStatusView[];
  readonly alarms: readonly AlarmEntry[];
  readonly actors: readonly ActorView[];
}

export interface DeviceStatusView {
  readonly device: string;
  readonly name: string;
  readonly kind: string;
  readonly address: string;
  readonly state: string;
  readonly reason: string;
  readonly sinceMs: number;
  readonly connection: ConnectionState | "unknown";
  readonly powerKw: number;
  readonly isPowerKnown: boolean;
  readonly ratedKw: number;
  /** Set-points that R-EMS holds there, by point. */
  readonly levels: { readonly [point: string]: number };
  /** As of the grid. */
  readonly chosen: { readonly [command: string]: string };
  /** Every point heard, with its quality. */
  readonly points: DeviceImage;
}

const MODES: { readonly [state: string]: GridView["mode"] } = {
  auto: "AUTO",
  semi: "SEMI",
  switchboard: "SWBD",
};

/** What operators' tools show of a grid; computed from the state alone, so that any replica can answer. */
export function viewGrid(core: PlannedGridCore, state: GridState): GridView {
  const plan = core.planOf(state);
  const situation = islandSituationOf(plan, state);
  const { balance } = situation;
  const n1 = n1Of(situation.sources);
  const bus = busOf(plan, state);
  const mode = operatingModeOf(plan, state);
  return {
    grid: plan.grid.id,
    name: plan.grid.name,
    plantTimeMs: state.plantTimeMs,
    epoch: state.epoch,
    mode: MODES[actorOf(plan, state, plan.address).snapshot.state] ?? "SEMI",
    voltageV: roundTo(bus.voltageV, 10),
    frequencyHz: roundTo(bus.frequencyHz, 1000),
    loadKw: roundTo(balance.loadKw, 10),
    capacityKw: roundTo(balance.capacityKw, 10),
    loadPct: balance.loadPct === null ? null : roundTo(balance.loadPct, 10),
    freeKw: roundTo(balance.freeKw, 10),
    reservedKw: roundTo(balance.reservedKw, 10),
    batteryReserveKw: roundTo(balance.batteryReserveKw, 10),
    n1: { isHeld: n1.isHeld, statement: sentenceOf(n1.reason) },
    island: state.island,
    why: why(core, state, plan.address),
    chosen: {
      ...(mode === null ? {} : { mode: mode.id }),
      ...(plan.grid.site === null ? { sharing: state.supply.sharing.mode } : {}),
    },
    devices: plan.devices.map((device) => {
      const { snapshot, lastReason, sinceMs } = actorOf(plan, state, device.address);
      const levels: { [point: string]: number } = {};
      for (const point of [device.levelPoint, device.reactivePoint]) {
        const value = point === null ? undefined : state.levels[`${device.id}.${point}`];
        if (point !== null && value !== undefined) levels[point] = value;
      }
      return {
        device: device.id,
        name: device.config.name,
        kind: device.kind,
        address: device.address,
        state: snapshot.state,
        reason: lastReason,
        sinceMs,
        connection: state.connections[device.id] ?? "unknown",
        powerKw: roundTo(powerKwOf(state, device.id), 10),
        isPowerKnown: isPowerKnown(state, device.id),
        ratedKw: device.ratedKw,
        levels,
        chosen: device.config.battery === null ? {} : { mode: batteryUseOf(state, device).mode },
        points: imageOf(state, device.id),
      };
    }),
    alarms: state.alarmBook.entries.filter(isAlarmStanding),
    actors: viewTree(plan.tree, state.tree),
  };
}
