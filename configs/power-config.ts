/** How a grid decides about power: limits and delays. Percent of capacity or rating, kW, seconds. */
export interface PowerConfig {
  readonly startLimitPct: number;
  readonly startDelayS: number;
  readonly fastStartLimitPct: number;
  readonly fastStartDelayS: number;
  /** Of the capacity that remains after the stop. */
  readonly stopLimitPct: number;
  readonly stopDelayS: number;
  /** Whether start and stop go by percent of active capacity, of the worse of active and apparent, or by free kW. */
  readonly startStopIn: "percent" | "apparent" | "kw";
  readonly startFreeKw: number;
  readonly fastStartFreeKw: number;
  readonly stopFreeKw: number;
  readonly minimumRunS: number;
  readonly isN1Required: boolean;
  readonly spinningReserveKw: number;
  /** Genset ids in order of start. */
  readonly startOrder: readonly string[];
  readonly startSelection: "manual" | "running_hours" | "efficiency";
  readonly hoursDifferenceH: number;
  /** Free capacity that must remain before a heavy consumer is granted, kW. */
  readonly heavyConsumerMarginKw: number;
  /** Part of the capacity that power limits of drives leave free. */
  readonly limitMarginPct: number;
  /** Most change of a source's reference, percent of rating per second. */
  readonly rampPctPerS: number;
  readonly sharing: "equal" | "asymmetric";
  readonly asymmetricPct: number;
  readonly asymmetricMinPct: number;
  readonly asymmetricMaxPct: number;
  /** Time constant of frequency and voltage restoration; 0: none. */
  readonly restorationS: number;
  readonly startTimeoutS: number;
  readonly cooldownS: number;
  readonly shedding: SheddingConfig;
  readonly warnings: WarningConfig;
}

/** When load is shed. Percent of what sources can give now, or of nominal frequency. */
export interface SheddingConfig {
  readonly isEnabled: boolean;
  /** By the table computed beforehand, when a source's breaker opens by itself. */
  readonly isOnSourceLoss: boolean;
  readonly overloadPct: number;
  /** Of stages 1, 2 and 3. */
  readonly stageDelaysS: readonly number[];
  readonly fastOverloadPct: number;
  readonly fastDelayS: number;
  readonly underFrequencyPct: number;
  readonly underFrequencyDelayS: number;
  readonly thrusterFloorPct: number;
  readonly reconnectAfterS: number;
}

/** When values of sources and busbar are alarms. */
export interface WarningConfig {
  readonly overloadPct: number;
  readonly overloadDelayS: number;
  readonly reversePct: number;
  readonly reverseDelayS: number;
  /** Off nominal, either way. */
  readonly frequencyPct: number;
  readonly frequencyDelayS: number;
  readonly voltageLowPct: number;
  readonly voltageHighPct: number;
  readonly voltageDelayS: number;
}

export type BatteryMode =
  | "reserve"
  | "peak_shaving"
  | "strategic_loading"
  | "charging"
  | "zero_emission"
  | "idle";

/** What a battery is for, and within which band. */
export interface BatteryUseConfig {
  readonly mode: BatteryMode;
  readonly peakShavingS: number;
  readonly strategicPct: number;
  readonly chargePct: number;
  readonly socMinPct: number;
  readonly socMaxPct: number;
  readonly zeroEmissionStartSocPct: number;
  readonly zeroEmissionStartPct: number;
}

/** How a heavy consumer asks for power. */
export interface ConsumerConfig {
  /** Higher first. */
  readonly priority: number;
  readonly load: "variable" | "fixed";
  readonly request: "continuous" | "pulse";
  readonly feedbackTimeoutS: number;
  readonly waitAlarmS: number;
}

/** When a bus-tie is opened for the sake of one side. Percent of a source's rating. */
export interface SacrificeConfig {
  readonly isEnabled: boolean;
  readonly overloadPct: number;
  readonly overloadDelayS: number;
  readonly reversePct: number;
  readonly reverseDelayS: number;
}
