/** What the decisions of one grid are tuned by: the power part of a manifest's grid, in the manifest's own names. */
export interface PowerParameters {
  /** Start the next set where load stays above this, percent of connected capacity. */
  readonly startLimitPct: number;
  readonly startDelayS: number;
  /** The hard limit with its short delay. */
  readonly fastStartLimitPct: number;
  readonly fastStartDelayS: number;
  /** Stop a set where load stays below this, percent of the capacity that remains after the stop. */
  readonly stopLimitPct: number;
  readonly stopDelayS: number;
  /** Whether start and stop go by percent of active capacity, of the worse of active and apparent, or by free kW. */
  readonly startStopIn: "percent" | "apparent" | "kw";
  readonly startFreeKw: number;
  readonly fastStartFreeKw: number;
  /** Free after the stop, kW; more than `startFreeKw`. */
  readonly stopFreeKw: number;
  readonly minimumRunS: number;
  readonly isN1Required: boolean;
  /** What must be free at any time, batteries included, kW. */
  readonly spinningReserveKw: number;
  /** Free capacity that must remain before a heavy consumer is granted, kW. */
  readonly heavyConsumerMarginKw: number;
  /** Most change of a source's reference, percent of rating per second. */
  readonly rampPctPerS: number;
  readonly startTimeoutS: number;
}
