import type { Source } from "./balance.ts";
import { lossesOf } from "./n-minus-one.ts";
import { reasonOf, type Reason } from "./reason.ts";

/** Load that may be taken off at once. */
export interface Sheddable {
  readonly device: string;
  /** It goes as a whole, also where only a part is needed: a feeder. */
  readonly isWhole: boolean;
  readonly stage: number;
  /** Within a stage: lower goes first. */
  readonly priority: number;
  /** Of this grid; others of the island take off theirs. */
  readonly isOwn: boolean;
  /** What it keeps when it is shed, kW. */
  readonly floorKw: number;
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

export type LossCut = {
  readonly device: string;
  readonly powerKw: number;
  /** What it may go on drawing, kW; null where it goes as a whole. */
  readonly limitKw: number | null;
};

/** A stage, then the one that matters least, then the order given: grids in the order of the manifest. */
export function inOrderOfShedding(sheddables: readonly Sheddable[]): Sheddable[] {
  return sheddables.toSorted((a, b) => a.stage - b.stage || a.priority - b.priority);
}

/**
 * For each connected source: what its loss would leave uncarried, and what of this grid's load goes for it. One order over the whole
 * island, whichever grid a consumer belongs to, and no more than is needed; each grid takes off its own. A whole feeder goes where only
 * a part of it is needed.
 *
 * @param sheddables - Of the island: every grid computes the same order from the same list.
 */
export function lossTable(
  sources: readonly Source[],
  sheddables: readonly Sheddable[],
): LossEntry[] {
  const table: LossEntry[] = [];
  const order = inOrderOfShedding(sheddables);
  for (const loss of lossesOf(sources)) {
    const missingKw = Math.max(0, -loss.marginKw);
    if (missingKw <= 0) continue;
    let leftKw = missingKw;
    const cuts: LossCut[] = [];
    for (const one of order) {
      if (one.powerKw <= 0 || leftKw <= 0) continue;
      const powerKw = one.isWhole ? one.powerKw : Math.min(one.powerKw, leftKw);
      const limitKw = one.isWhole ? null : one.floorKw + one.powerKw - powerKw;
      if (one.isOwn) cuts.push({ device: one.device, powerKw, limitKw });
      leftKw -= powerKw;
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
