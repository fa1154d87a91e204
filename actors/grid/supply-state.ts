import type { BatteryMode } from "../../configs/power-config.ts";
import type { LossEntry } from "../../energy/load-reduction.ts";
import { NO_TRIM, type Trim } from "../../energy/restoration.ts";
import { ISOCHRONOUS, type SharingState } from "../../energy/sharing-mode.ts";
import { NO_SHEDDING, type SheddingTimers } from "../../energy/shedding.ts";
import type { SacrificeTimers } from "../../energy/tie-sacrifice.ts";

/** What the decisions about supply remember from scan to scan: replicated, so that a successor goes on in the middle. */
export type SupplyState = {
  readonly shedding: SheddingTimers;
  /** For each source whose loss the others could not carry: what goes at once. It has stood for a moment in which nothing happened. */
  readonly table: readonly LossEntry[];
  /** What follows {@link table} if nothing happens meanwhile; null after an upset. */
  readonly tableAhead: { readonly atMs: number; readonly entries: readonly LossEntry[] } | null;
  /** Feeders that R-EMS opened for the sake of supply, and thrusters that it cut; oldest first. */
  readonly shed: readonly ShedEntry[];
  /** Timers of ties that may be sacrificed, by tie. */
  readonly sacrifice: { readonly [tie: string]: SacrificeTimers };
  readonly trim: Trim;
  readonly isAsymmetric: boolean;
  /** How operators want the sets to share; of the island where this grid is its master. */
  readonly sharing: SharingState;
  /** Order of start of the sets of the island, where it is not the one of the manifest. */
  readonly startOrder: readonly string[];
  /** Load smoothed for batteries that shave peaks, by battery, kW. */
  readonly smoothedKw: { readonly [device: string]: number };
  /** Modes that operators chose for batteries; where absent the manifest's holds. */
  readonly batteryModes: { readonly [device: string]: BatteryMode };
  /** Since when a condition of a warning holds, plant time, by condition. */
  readonly since: { readonly [condition: string]: number };
};

export type ShedEntry = {
  readonly device: string;
  readonly stage: number;
  readonly atMs: number;
  /** A thruster's limit until the cause is over, kW; null for feeders. */
  readonly limitKw: number | null;
  /** Why, as a sentence. */
  readonly cause: string;
};

export const INITIAL_SUPPLY: SupplyState = {
  shedding: NO_SHEDDING,
  table: [],
  tableAhead: null,
  shed: [],
  sacrifice: {},
  trim: NO_TRIM,
  isAsymmetric: false,
  sharing: ISOCHRONOUS,
  startOrder: [],
  smoothedKw: {},
  batteryModes: {},
  since: {},
};

/** After a start without the predecessor's memory of what it measured: timers and ramps begin anew. */
export function coldSupply(supply: SupplyState): SupplyState {
  const { shed, batteryModes, startOrder, sharing } = supply;
  const again = { ...sharing, quietSinceMs: null };
  return { ...INITIAL_SUPPLY, shed, batteryModes, startOrder, sharing: again };
}

/** After a merge or split of islands: what was counted for the old island counts no more. What was shed stays shed. */
export function rekeyedSupply(supply: SupplyState): SupplyState {
  const { shed, batteryModes, since, sharing } = supply;
  const again = { ...sharing, quietSinceMs: null };
  return { ...INITIAL_SUPPLY, shed, batteryModes, since, sharing: again };
}
