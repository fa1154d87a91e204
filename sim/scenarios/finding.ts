/** Something that was found wrong in a run. */
export interface Finding {
  /** Name of the check: an invariant, a band, `expected`, or one of the world's. */
  readonly check: string;
  /** Milliseconds of the scenario. */
  readonly atMs: number;
  readonly text: string;
}
