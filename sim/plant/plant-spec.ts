import { z } from "zod";

const positive = z.number().positive();
const notNegative = z.number().nonnegative();
const pct = z.number().min(0).max(100);

const breakerTimes = {
  /** Mechanical travel. */
  closeMs: positive.default(60),
  openMs: positive.default(40),
  isClosed: z.boolean().default(false),
};

/** Physics of a genset with its own controller. Ratings come from the manifest. */
export const gensetSpec = z.strictObject({
  ...breakerTimes,
  inertiaS: positive.default(0.8),
  droopPct: positive.default(4),
  actuatorLagMs: positive.default(100),
  deadTimeMs: notNegative.default(14),
  /** Load that the turbo-charged engine takes in one step; the rest comes within `turboRestS`. */
  firstStepPct: pct.default(40),
  turboRestS: positive.default(7),
  powerPctMax: positive.default(110),
  /** What the engine takes from the busbar without fuel: friction and compression. */
  dragPct: notNegative.default(10),
  transientReactancePu: positive.default(0.25),
  avrLagS: positive.default(0.3),
  voltageDroopPct: positive.default(3),
  startToReadyS: positive.default(9),
  syncSMin: positive.default(3),
  syncTimeoutS: positive.default(60),
  rampPctPerS: positive.default(10),
  openBelowPct: positive.default(5),
  unloadTimeoutS: positive.default(60),
  cooldownS: notNegative.default(20),
  fuelGPerKwh: positive.default(195),
  idleFuelKgPerH: notNegative.default(10),
  runningHoursH: notNegative.default(1000),
  /** Runs at start, with this reference. */
  isRunning: z.boolean().default(false),
  referenceKw: z.number().default(0),
});

export const batterySpec = z.strictObject({
  ...breakerTimes,
  socPct: pct.default(60),
  sohPct: pct.default(100),
  ocvVMin: positive.default(800),
  ocvVMax: positive.default(900),
  resistanceOhm: positive.default(0.025),
  efficiencyPct: positive.default(97.5),
  followingLagMs: positive.default(40),
  formingLagMs: positive.default(20),
  formingDroopPct: positive.default(2),
  voltageDroopPct: positive.default(3),
  overloadPct: positive.default(120),
  overloadS: positive.default(10),
  rampPctPerS: positive.default(100),
  /** Fallback: the set-point goes to zero at this rate. */
  fallbackRampPctPerS: positive.default(10),
  /** A following battery helps beyond this deviation of frequency, fully one forming droop later. */
  supportDeadbandPct: positive.default(2),
  prechargeS: positive.default(2),
  isForming: z.boolean().default(false),
});

export const shoreSpec = z.strictObject({
  ...breakerTimes,
  /** `converter`: droop and limit of its own; `utility`: stiff. */
  supply: z.enum(["converter", "utility"]).default("converter"),
  isAvailable: z.boolean().default(true),
  isPhaseRotationGood: z.boolean().default(true),
  droopPct: positive.default(2),
  lagMs: positive.default(50),
  importLimitKw: positive.optional(),
  voltageDroopPct: positive.default(3),
  syncSMin: positive.default(2),
  syncTimeoutS: positive.default(60),
  rampPctPerS: positive.default(10),
  referenceKw: z.number().default(0),
  /** The interface relay opens so long after the supply is gone. */
  relayMs: positive.default(100),
});

export const pvSpec = z.strictObject({
  ...breakerTimes,
  isClosed: z.boolean().default(true),
  peakKw: positive.optional(),
  /** What the sun gives at start, percent of the rating. */
  sunPct: pct.default(50),
  rampPctPerS: positive.default(15),
  /** Islanded: full power up to the first deviation of frequency, none from the second. */
  droopFromPct: positive.default(0.4),
  droopToPct: positive.default(3),
});

export const feederSpec = z.strictObject({
  ...breakerTimes,
  isClosed: z.boolean().default(true),
  loadKw: notNegative.optional(),
  powerFactor: positive.max(1).default(0.85),
  noisePct: notNegative.max(50).default(3),
  noiseTauS: positive.default(20),
  /** Where the feeder takes a limit: what it falls back to. */
  fallbackLimitKw: notNegative.optional(),
});

export const thrusterSpec = z.strictObject({
  powerFactor: positive.max(1).default(0.95),
  rampPctPerS: positive.default(10),
  /** The drive's own phase-back: full power at the first frequency, none at the second. */
  phaseBackFromPu: positive.default(0.97),
  phaseBackToPu: positive.default(0.95),
});

export const breakerSpec = z.strictObject({
  ...breakerTimes,
  syncSMin: positive.default(3),
  syncTimeoutS: positive.default(60),
});

export const meterSpec = z.strictObject({
  /** The device whose power it shows; without one, the sum that the busbar's sources feed. */
  measures: z.string().optional(),
});

export type GensetSpec = z.infer<typeof gensetSpec>;
export type BatterySpec = z.infer<typeof batterySpec>;
export type ShoreSpec = z.infer<typeof shoreSpec>;
export type PvSpec = z.infer<typeof pvSpec>;
export type FeederSpec = z.infer<typeof feederSpec>;
export type ThrusterSpec = z.infer<typeof thrusterSpec>;
export type BreakerSpec = z.infer<typeof breakerSpec>;
export type MeterSpec = z.infer<typeof meterSpec>;

export const SPEC_OF_KIND = {
  genset: gensetSpec,
  battery: batterySpec,
  shore: shoreSpec,
  pv: pvSpec,
  feeder: feederSpec,
  thruster: thrusterSpec,
  breaker: breakerSpec,
  busTie: breakerSpec,
  meter: meterSpec,
} as const;

/** The file beside an example: parameters by device id; what is not said has the default of its kind. */
export const plantFile = z.strictObject({
  devices: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});
export type PlantFile = z.infer<typeof plantFile>;
