import { clamp } from "../../kernel/math.ts";
import { type Bus, angleStepRad, wrapRad } from "./bus.ts";
import { type PlantDevice, type SourceDevice, VOLTAGE_LAG_S } from "./plant-device.ts";

/** A stiff supply pulls the island's speed to its own within about this time, s: stands for line and machine reactances. */
const STIFF_LAG_S = 0.1;
/** Voltage of a busbar without a source is gone in about this time, s. */
const VOLTAGE_FALL_S = 0.1;
/** A synchroniser's trim fades with this time constant once nobody moves it, s: the set-points take over slowly. */
const TRIM_FADE_S = 4;
const OMEGA_PU_MIN = 0.5;
const OMEGA_PU_MAX = 1.3;
/** Loads change less than this between steps without a dip of voltage, pu of the forming rating. */
const DIP_STEP_PU_MIN = 0.02;

/** The buses, sources and loads that conducting ties join. Found anew at each change of a breaker. */
export interface Island {
  readonly buses: readonly Bus[];
  /** Closed sources only. */
  readonly sources: readonly SourceDevice[];
  readonly loads: readonly PlantDevice[];
  loadKw: number;
  loadKvar: number;
}

/**
 * One semi-implicit step of an island: 2·H·S·dω/dt = ΣPm − ΣPload with the sources' driving power already of this step, and
 * the droop of sources without lag taken implicitly. Electrical power follows from the common speed: Pe = Pm − 2·H·S·dω/dt.
 */
export function solveIsland(island: Island, stepS: number): void {
  const bus = island.buses[0];
  if (bus === undefined) return;
  let loadKw = 0;
  let loadKvar = 0;
  for (const load of island.loads) {
    loadKw += load.loadKw;
    loadKvar += load.loadKvar;
  }
  let drivingKw = 0;
  let inertiaKws = 0;
  let stiffnessKwPerPu = 0;
  let stiff: SourceDevice | null = null;
  for (const source of island.sources) {
    drivingKw += source.mechanicalKw;
    inertiaKws += source.inertiaKws;
    stiffnessKwPerPu += source.stiffnessKwPerPu;
    if (source.isStiff) stiff = source;
  }
  let ratePuPerS = 0;
  if (stiff !== null) ratePuPerS = (1 - bus.omegaPu) / STIFF_LAG_S;
  else if (inertiaKws > 0) {
    ratePuPerS = (drivingKw - loadKw) / (inertiaKws + stiffnessKwPerPu * stepS);
  }
  let omegaPu = bus.omegaPu;
  if (bus.isLive) omegaPu = clamp(omegaPu + ratePuPerS * stepS, OMEGA_PU_MIN, OMEGA_PU_MAX);
  else omegaPu = 1;
  let suppliedKw = 0;
  for (const source of island.sources) {
    if (source === stiff) continue;
    if (source.inertiaKws > 0) {
      // Power of this step: the driving power at the new speed, less what went into the turning masses.
      const shareKws = source.inertiaKws + source.stiffnessKwPerPu * stepS;
      source.electricalKw = source.mechanicalKw - shareKws * ratePuPerS;
    }
    suppliedKw += source.electricalKw;
  }
  if (stiff !== null) stiff.electricalKw = loadKw - suppliedKw;
  const isochronousSharePu = sharePuOf(island.sources);
  const voltagePu = voltageStep(island, bus, loadKw, loadKvar, stepS);
  const angleRad = bus.isLive
    ? wrapRad(bus.angleRad + angleStepRad(omegaPu, bus.nominalHz, stepS))
    : 0;
  let trimPu = bus.trimPu;
  let isTrimmed = false;
  for (const member of island.buses) {
    if (member.isTrimmed) {
      trimPu = member.trimPu;
      isTrimmed = true;
    }
  }
  if (!isTrimmed) trimPu -= (trimPu * stepS) / TRIM_FADE_S;
  for (const member of island.buses) {
    member.omegaPu = omegaPu;
    member.voltagePu = voltagePu;
    member.angleRad = angleRad;
    member.trimPu = trimPu;
    member.isTrimmed = false;
    member.isochronousSharePu = isochronousSharePu;
  }
  island.loadKw = loadKw;
  island.loadKvar = loadKvar;
}

/** What the isochronous sets of an island tell each other over their sharing line: power in per unit of rating. */
function sharePuOf(sources: readonly SourceDevice[]): number {
  let powerKw = 0;
  let ratedKw = 0;
  for (const source of sources) {
    if (!source.isIsochronous) continue;
    powerKw += source.electricalKw;
    ratedKw += source.ratedKw;
  }
  return ratedKw > 0 ? powerKw / ratedKw : 0;
}

/** Droop of voltage over all forming sources, with a dip when reactive or active load comes at once. */
function voltageStep(
  island: Island,
  bus: Bus,
  loadKw: number,
  loadKvar: number,
  stepS: number,
): number {
  if (!bus.isLive) {
    for (const source of island.sources) source.reactiveKvar = 0;
    return bus.voltagePu - (bus.voltagePu * stepS) / VOLTAGE_FALL_S;
  }
  let stiffnessKvar = 0;
  let referenceKvar = 0;
  let ratedKw = 0;
  let lagKvarS = 0;
  let reactanceKw = 0;
  for (const source of island.sources) {
    stiffnessKvar += source.reactiveStiffnessKvar;
    lagKvarS += source.voltageLagS * source.reactiveStiffnessKvar;
    referenceKvar += source.reactiveReferenceKvar;
    if (!source.isForming) continue;
    ratedKw += source.ratedKw;
    reactanceKw += source.transientReactancePu * source.ratedKw;
  }
  const lagS = stiffnessKvar > 0 ? lagKvarS / stiffnessKvar : VOLTAGE_LAG_S;
  const fallPu = stiffnessKvar > 0 ? (loadKvar - referenceKvar) / stiffnessKvar : 0;
  for (const source of island.sources) {
    source.reactiveKvar = source.reactiveReferenceKvar + fallPu * source.reactiveStiffnessKvar;
  }
  let voltagePu = bus.voltagePu + ((1 - fallPu - bus.voltagePu) * stepS) / lagS;
  if (!bus.isStiff && ratedKw > 0) {
    const addedPu = Math.hypot(loadKw - island.loadKw, loadKvar - island.loadKvar) / ratedKw;
    const isAdded = loadKw > island.loadKw && addedPu > DIP_STEP_PU_MIN;
    // ΔV = X'd / (X'd + 1/s) of a sudden load s on the transient reactance.
    const reactancePu = reactanceKw / ratedKw;
    if (isAdded) voltagePu -= reactancePu / (reactancePu + 1 / addedPu);
  }
  return clamp(voltagePu, 0, 1.2);
}
