import { z } from "zod";
import { RemsError } from "../../kernel/errors.ts";
import type { PlantLayout } from "../plant/plant-layout.ts";
import type {
  BatterySpec,
  BreakerSpec,
  DeviceSpec,
  FeederSpec,
  GensetSpec,
  MeterSpec,
  PlantSpecs,
  PvSpec,
  ShoreSpec,
  SpecOfKind,
  ThrusterSpec,
} from "../plant/plant-spec.ts";

const positive = z.number().positive();
const notNegative = z.number().nonnegative();
const pct = z.number().min(0).max(100);

const breakerTimes = {
  closeMs: positive.default(60),
  openMs: positive.default(40),
  isClosed: z.boolean().default(false),
};

const gensetSpec = z.strictObject({
  ...breakerTimes,
  inertiaS: positive.default(0.8),
  droopPct: positive.default(4),
  governor: z.enum(["droop", "isochronous"]).default("droop"),
  actuatorLagMs: positive.default(100),
  deadTimeMs: notNegative.default(14),
  firstStepPct: pct.default(40),
  turboRestS: positive.default(7),
  powerPctMax: positive.default(110),
  dragPct: notNegative.default(10),
  voltageDroopPct: positive.default(3),
  avrLagMs: positive.default(300),
  transientReactancePct: positive.default(25),
  warmUpS: notNegative.default(0),
  coldLoadPct: positive.default(110),
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
  isRunning: z.boolean().default(false),
  referenceKw: z.number().default(0),
}) satisfies z.ZodType<GensetSpec>;

const batterySpec = z.strictObject({
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
  fallbackRampPctPerS: positive.default(10),
  supportDeadbandPct: positive.default(2),
  prechargeS: positive.default(2),
  isForming: z.boolean().default(false),
}) satisfies z.ZodType<BatterySpec>;

/** EN 50549-1. */
const tripSettings = {
  overVoltageTripPct: positive.default(110),
  underVoltageTripPct: positive.default(85),
  overFrequencyTripHz: positive.default(51.5),
  underFrequencyTripHz: positive.default(47.5),
};

const shoreSpec = z.strictObject({
  ...breakerTimes,
  ...tripSettings,
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
  relayMs: positive.default(100),
}) satisfies z.ZodType<ShoreSpec>;

const pvSpec = z.strictObject({
  ...breakerTimes,
  ...tripSettings,
  isClosed: z.boolean().default(true),
  peakKw: positive.optional(),
  sunPct: pct.default(50),
  cellTemperatureC: z.number().min(-40).max(90).default(25),
  rampPctPerS: positive.default(15),
  droopFromPct: positive.default(0.4),
  droopToPct: positive.default(3),
}) satisfies z.ZodType<PvSpec>;

const feederSpec = z.strictObject({
  ...breakerTimes,
  isClosed: z.boolean().default(true),
  loadKw: notNegative.optional(),
  powerFactor: positive.max(1).default(0.85),
  noisePct: notNegative.max(50).default(3),
  noiseTauS: positive.default(20),
  undervoltageS: positive.optional(),
  undervoltagePct: pct.default(60),
  premagnetiseS: notNegative.default(0),
  motorStartTimes: positive.default(6),
  motorStartPowerFactor: positive.max(1).default(0.3),
  motorStartS: positive.default(5),
  fallbackLimitKw: notNegative.optional(),
}) satisfies z.ZodType<FeederSpec>;

const thrusterSpec = z.strictObject({
  powerFactor: positive.max(1).default(0.95),
  rampPctPerS: positive.default(10),
  phaseBackFromPu: positive.default(0.97),
  phaseBackToPu: positive.default(0.95),
}) satisfies z.ZodType<ThrusterSpec>;

const breakerSpec = z.strictObject({
  ...breakerTimes,
  syncSMin: positive.default(3),
  syncTimeoutS: positive.default(60),
}) satisfies z.ZodType<BreakerSpec>;

const meterSpec = z.strictObject({
  measures: z.string().optional(),
}) satisfies z.ZodType<MeterSpec>;

/** Range and default of each parameter, by kind of device. Their meaning: sim/plant/plant-spec.ts. */
export const DEVICE_SCHEMAS = {
  genset: gensetSpec,
  battery: batterySpec,
  shore: shoreSpec,
  pv: pvSpec,
  feeder: feederSpec,
  thruster: thrusterSpec,
  breaker: breakerSpec,
  busTie: breakerSpec,
  meter: meterSpec,
} satisfies { readonly [K in keyof SpecOfKind]: z.ZodType<SpecOfKind[K]> };

/** The file beside an example: parameters by device id; what is not said has the default of its kind. */
const plantFile = z.strictObject({
  devices: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});

/**
 * Checks the parameters of a plant against its layout.
 *
 * @param file - As read: `{ devices: { <id>: { <parameter>: … } } }`.
 * @throws {@link RemsError} REMS_CONFIG_INVALID, naming every wrong parameter and every device that the layout does not have.
 */
export function parsePlant(file: unknown, layout: Pick<PlantLayout, "grids">): PlantSpecs {
  const checked = plantFile.safeParse(file);
  if (!checked.success) throw invalid(issuesOf("", checked.error));
  const { devices } = checked.data;
  const known = layout.grids.flatMap((grid) => grid.devices);
  const specs = new Map<string, DeviceSpec>();
  const problems: string[] = [];
  for (const { id, kind } of known) {
    const parsed = DEVICE_SCHEMAS[kind].safeParse(devices[id] ?? {});
    if (parsed.success) specs.set(id, { kind, spec: parsed.data } as DeviceSpec);
    else problems.push(...issuesOf(`devices.${id} (${kind}): `, parsed.error));
  }
  for (const id of Object.keys(devices)) {
    if (specs.has(id) || known.some((device) => device.id === id)) continue;
    const ids = known.map((device) => device.id).join(", ");
    problems.push(`devices.${id}: the manifest has no such device; it has ${ids}`);
  }
  if (problems.length > 0) throw invalid(problems);
  return specs;
}

function issuesOf(place: string, error: z.ZodError): string[] {
  return error.issues.map((issue) => `${place}${issue.path.join(".")} ${issue.message}`);
}

function invalid(problems: readonly string[]): RemsError {
  return new RemsError("REMS_CONFIG_INVALID", problems.join("; "));
}
