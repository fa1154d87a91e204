/** The physics of a plant as data. Ratings (nameplates) come from the manifest. */

/** Breakers and everything that has one. */
export interface BreakerTimes {
  /** Mechanical travel. */
  readonly closeMs: number;
  readonly openMs: number;
  /** At start. */
  readonly isClosed: boolean;
}

/** Physics of a genset with its own controller. Ratings come from the manifest. */
export interface GensetSpec extends BreakerTimes {
  readonly inertiaS: number;
  readonly droopPct: number;
  /** `isochronous`: holds nominal frequency and shares over a line with the other sets that do. */
  readonly governor: "droop" | "isochronous";
  readonly actuatorLagMs: number;
  readonly deadTimeMs: number;
  /** Load that the turbo-charged engine takes in one step; the rest comes within `turboRestS`. */
  readonly firstStepPct: number;
  readonly turboRestS: number;
  readonly powerPctMax: number;
  /** What the engine takes from the busbar without fuel: friction and compression. */
  readonly dragPct: number;
  readonly voltageDroopPct: number;
  readonly avrLagMs: number;
  readonly transientReactancePct: number;
  /** After standing still it gives at most `coldLoadPct` until it has fired for so long. */
  readonly warmUpS: number;
  readonly coldLoadPct: number;
  readonly startToReadyS: number;
  readonly syncSMin: number;
  readonly syncTimeoutS: number;
  readonly rampPctPerS: number;
  readonly openBelowPct: number;
  readonly unloadTimeoutS: number;
  readonly cooldownS: number;
  readonly fuelGPerKwh: number;
  readonly idleFuelKgPerH: number;
  readonly runningHoursH: number;
  /** Runs at start, with this reference. */
  readonly isRunning: boolean;
  readonly referenceKw: number;
}

export interface BatterySpec extends BreakerTimes {
  readonly socPct: number;
  readonly sohPct: number;
  readonly ocvVMin: number;
  readonly ocvVMax: number;
  readonly resistanceOhm: number;
  readonly efficiencyPct: number;
  readonly followingLagMs: number;
  readonly formingLagMs: number;
  readonly formingDroopPct: number;
  readonly voltageDroopPct: number;
  readonly overloadPct: number;
  readonly overloadS: number;
  readonly rampPctPerS: number;
  /** Fallback: the set-point goes to zero at this rate. */
  readonly fallbackRampPctPerS: number;
  /** A following battery helps beyond this deviation of frequency, fully one forming droop later. */
  readonly supportDeadbandPct: number;
  readonly prechargeS: number;
  readonly isForming: boolean;
}

/** What the interface protection shows as its settings; what it does beyond them is not modelled. */
export interface TripSettings {
  readonly overVoltageTripPct: number;
  readonly underVoltageTripPct: number;
  readonly overFrequencyTripHz: number;
  readonly underFrequencyTripHz: number;
}

export interface ShoreSpec extends BreakerTimes, TripSettings {
  /** `converter`: droop and limit of its own; `utility`: stiff. */
  readonly supply: "converter" | "utility";
  readonly isAvailable: boolean;
  readonly isPhaseRotationGood: boolean;
  readonly droopPct: number;
  readonly lagMs: number;
  readonly importLimitKw?: number | undefined;
  readonly voltageDroopPct: number;
  readonly syncSMin: number;
  readonly syncTimeoutS: number;
  readonly rampPctPerS: number;
  readonly referenceKw: number;
  /** The interface relay opens so long after the supply is gone. */
  readonly relayMs: number;
}

export interface PvSpec extends BreakerTimes, TripSettings {
  readonly isClosed: boolean;
  readonly peakKw?: number | undefined;
  /** What the sun gives at start, percent of the peak power at 25 °C. */
  readonly sunPct: number;
  readonly cellTemperatureC: number;
  readonly rampPctPerS: number;
  /** Islanded: full power up to the first deviation of frequency, none from the second. */
  readonly droopFromPct: number;
  readonly droopToPct: number;
}

export interface FeederSpec extends BreakerTimes {
  readonly isClosed: boolean;
  readonly loadKw?: number | undefined;
  readonly powerFactor: number;
  readonly noisePct: number;
  readonly noiseTauS: number;
  /** Its undervoltage release opens after so long below `undervoltagePct`; without one it stays closed. */
  readonly undervoltageS?: number | undefined;
  readonly undervoltagePct: number;
  /** A transformer behind it is magnetised for so long before its breaker closes. */
  readonly premagnetiseS: number;
  /** A motor that starts direct on line draws so many times its power, at that power factor, for so long. */
  readonly motorStartTimes: number;
  readonly motorStartPowerFactor: number;
  readonly motorStartS: number;
  /** Where the feeder takes a limit: what it falls back to. */
  readonly fallbackLimitKw?: number | undefined;
}

export interface ThrusterSpec {
  readonly powerFactor: number;
  readonly rampPctPerS: number;
  /** The drive's own phase-back: full power at the first frequency, none at the second. */
  readonly phaseBackFromPu: number;
  readonly phaseBackToPu: number;
}

export interface BreakerSpec extends BreakerTimes {
  readonly syncSMin: number;
  readonly syncTimeoutS: number;
}

export interface MeterSpec {
  /** The device whose power it shows; without one, the sum that the busbar's sources feed. */
  readonly measures?: string | undefined;
}

/** Parameters by kind of device. */
export interface SpecOfKind {
  readonly genset: GensetSpec;
  readonly battery: BatterySpec;
  readonly shore: ShoreSpec;
  readonly pv: PvSpec;
  readonly feeder: FeederSpec;
  readonly thruster: ThrusterSpec;
  readonly breaker: BreakerSpec;
  readonly busTie: BreakerSpec;
  readonly meter: MeterSpec;
}

/** The parameters of one device. */
export type DeviceSpec = {
  [K in keyof SpecOfKind]: { readonly kind: K; readonly spec: SpecOfKind[K] };
}[keyof SpecOfKind];

/** By device id: every device of the plant. */
export type PlantSpecs = ReadonlyMap<string, DeviceSpec>;
