/** One line of the load-dependent start table: so many sets, and the loads at which one more starts or one stops. */
export interface StartLine {
  readonly sets: readonly string[];
  readonly capacityKw: number;
  /** Null for the last: there is no further set. */
  readonly startAboveKw: number | null;
  readonly fastStartAboveKw: number | null;
  /** Null for the first: it stays. */
  readonly stopBelowKw: number | null;
}

export interface StartLimits {
  readonly startLimitPct: number;
  readonly fastStartLimitPct: number;
  readonly stopLimitPct: number;
}

export interface StartSet {
  readonly name: string;
  readonly ratedKw: number;
}

/**
 * The table by load alone; N-1, heavy consumers and batteries may start a set earlier and keep one longer. Pure.
 * @param sets - In order of start.
 */
export function planStarts(sets: readonly StartSet[], limits: StartLimits): StartLine[] {
  let capacityKw = 0;
  return sets.map((set, index) => {
    const withoutKw = capacityKw;
    capacityKw += set.ratedKw;
    const isLast = index === sets.length - 1;
    const of = (pct: number): number => (pct / 100) * capacityKw;
    return {
      sets: sets.slice(0, index + 1).map(({ name }) => name),
      capacityKw,
      startAboveKw: isLast ? null : of(limits.startLimitPct),
      fastStartAboveKw: isLast ? null : of(limits.fastStartLimitPct),
      stopBelowKw: index === 0 ? null : (limits.stopLimitPct / 100) * withoutKw,
    };
  });
}
