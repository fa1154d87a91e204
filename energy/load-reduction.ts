import type { Source } from "./balance.ts";
import { lossesOf } from "./n-minus-one.ts";
import { reasonOf, type Reason } from "./reason.ts";

/** Load that may be taken off at once. */
export interface Sheddable {
  readonly device: string;
  readonly kind: "battery" | "feeder" | "thruster";
  readonly stage: number;
  /** What goes when it is shed, kW > 0: the feeder's power, the thruster's above its floor, the charging of a battery. */
  readonly powerKw: number;
}

/** What is taken off when one source is lost: computed while all is well, done at once when it happens. */
export type LossEntry = {
  readonly lost: string;
  /** What the others could not carry, kW. */
  readonly missingKw: number;
  /** In order of shedding. */
  readonly cuts: readonly LossCut[];
  /** What is still missing when all of it is gone, kW. */
  readonly uncoveredKw: number;
};

export type LossCut = { readonly device: string; readonly powerKw: number };

/** What the other grids of an island could shed by stage, kW; before this grid in order, and behind it. */
export interface OthersSheddable {
  readonly beforeKw: readonly number[];
  readonly behindKw: readonly number[];
}

export const NO_OTHERS: OthersSheddable = { beforeKw: [], behindKw: [] };

/**
 * For each connected source: what its loss would leave uncarried, and what of this grid's load goes for it. Stage by stage; within a
 * stage the grids in the order of the manifest, within a grid in the order given, and no more than is needed. A whole feeder goes where
 * only a part of it is needed.
 *
 * @param sheddable - Of this grid.
 */
export function lossTable(
  sources: readonly Source[],
  sheddable: readonly Sheddable[],
  others: OthersSheddable,
): LossEntry[] {
  const table: LossEntry[] = [];
  for (const loss of lossesOf(sources)) {
    const missingKw = Math.max(0, -loss.marginKw);
    if (missingKw <= 0) continue;
    let leftKw = missingKw;
    const cuts: LossCut[] = [];
    for (let stage = 0; stage <= 3; stage++) {
      leftKw -= others.beforeKw[stage] ?? 0;
      for (const one of sheddable) {
        if (one.stage !== stage || one.powerKw <= 0 || leftKw <= 0) continue;
        const powerKw = one.kind === "feeder" ? one.powerKw : Math.min(one.powerKw, leftKw);
        cuts.push({ device: one.device, powerKw });
        leftKw -= powerKw;
      }
      leftKw -= others.behindKw[stage] ?? 0;
    }
    table.push({ lost: loss.lost, missingKw, cuts, uncoveredKw: Math.max(0, leftKw) });
  }
  return table;
}

/** One line of the table for people. */
export function reasonOfLoss(entry: LossEntry): Reason {
  const { lost, missingKw, cuts, uncoveredKw } = entry;
  const list = cuts.map((cut) => `${cut.device} (${Math.round(cut.powerKw)} kW)`).join(", ");
  const values = { lost, missingKw, uncoveredKw, cuts: list === "" ? "nothing" : list };
  return reasonOf(uncoveredKw > 0 ? "LOSS_UNCOVERED" : "LOSS_COVERED", lost, values);
}
