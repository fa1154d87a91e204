/** The busbar of one grid. Buses of one island share speed, angle and voltage. */
export interface Bus {
  readonly gridId: string;
  readonly nominalHz: number;
  readonly nominalV: number;
  /** Frequency in per unit of nominal. */
  omegaPu: number;
  /** Against a frame that turns with nominal frequency, −π…π. */
  angleRad: number;
  voltagePu: number;
  /** Has voltage: fed by a forming source. */
  isLive: boolean;
  /** A stiff supply is connected. */
  isStiff: boolean;
  /** What synchronisers add to the speed references of the island's forming sources. */
  trimPu: number;
  /** A synchroniser moved the trim in this step; otherwise it fades. */
  isTrimmed: boolean;
  /** Mean power of the island's isochronous sets, per unit of rating. */
  isochronousSharePu: number;
  /** Index of the island, equal for connected buses. */
  island: number;
}

export function createBus(gridId: string, nominalHz: number, nominalV: number): Bus {
  return {
    gridId,
    nominalHz,
    nominalV,
    omegaPu: 1,
    angleRad: 0,
    voltagePu: 0,
    isLive: false,
    isStiff: false,
    trimPu: 0,
    isTrimmed: false,
    isochronousSharePu: 0,
    island: 0,
  };
}

/** An angle brought into −π…π. */
export function wrapRad(angleRad: number): number {
  const turns = Math.round(angleRad / (2 * Math.PI));
  return angleRad - turns * 2 * Math.PI;
}

/** Advance of an angle against the nominal frame over one step. */
export function angleStepRad(omegaPu: number, nominalHz: number, stepS: number): number {
  return 2 * Math.PI * nominalHz * (omegaPu - 1) * stepS;
}
