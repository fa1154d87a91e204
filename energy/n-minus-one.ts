import { countedPowerKw, isConnected, type Source } from "./balance.ts";
import { reasonOf, type Reason } from "./reason.ts";

/** What remains after the worst single loss of a source. */
export interface N1Statement {
  readonly isHeld: boolean;
  /** The source whose loss is worst, or "" where none is connected. */
  readonly lost: string;
  /** What the others can give within a second, kW. */
  readonly remainingKw: number;
  readonly loadKw: number;
  /** What the worst loss throws on the others at once, and what of it they take in one step, kW. */
  readonly thrownKw: number;
  readonly stepKw: number;
  /** What is missing for the loss to be carried, kW; 0 where it is held. */
  readonly missingKw: number;
  readonly reason: Reason;
}

/** The loss of one source, and what the others make of it. */
export interface Loss {
  readonly lost: string;
  readonly remainingKw: number;
  readonly thrownKw: number;
  readonly stepKw: number;
  /** What remains less what is needed, the smaller of both tests, kW. */
  readonly marginKw: number;
}

/**
 * Loses each connected source in turn and asks two things of the others: can they carry the load within a second (ratings, battery
 * reserve), and can they take what the lost one gave in one step (engines take only a part at once, batteries everything)? An
 * unknown breaker counts as open for what is left; what its source gives still counts as load.
 */
export function n1Of(sources: readonly Source[]): N1Statement {
  const loadKw = loadOf(sources);
  let worst: Loss | null = null;
  for (const loss of lossesOf(sources)) {
    if (worst === null || loss.marginKw < worst.marginKw) worst = loss;
  }
  if (worst === null) {
    return {
      isHeld: false,
      lost: "",
      remainingKw: 0,
      loadKw,
      thrownKw: 0,
      stepKw: 0,
      missingKw: loadKw,
      reason: reasonOf("N1_NO_SOURCE", ""),
    };
  }
  const { lost, remainingKw, thrownKw, stepKw, marginKw } = worst;
  const missingKw = Math.max(0, -marginKw);
  const isHeld = missingKw === 0;
  const isStep = !isHeld && stepKw - thrownKw < remainingKw - loadKw;
  const code = isHeld ? "N1_HELD" : isStep ? "N1_STEP" : "N1_NOT_HELD";
  const values = { lost, remainingKw, loadKw, ...(isHeld ? {} : { missingKw }) };
  const reason = reasonOf(code, "", isStep ? { ...values, thrownKw, stepKw } : values);
  return { isHeld, lost, remainingKw, loadKw, thrownKw, stepKw, missingKw, reason };
}

/** The loss of each connected source in turn. */
export function lossesOf(sources: readonly Source[]): Loss[] {
  const loadKw = loadOf(sources);
  const connected = sources.filter(isConnected);
  return connected.map((source) => lossOf(source, connected, loadKw));
}

function loadOf(sources: readonly Source[]): number {
  let loadKw = 0;
  for (const source of sources) loadKw += countedPowerKw(source);
  return loadKw;
}

function lossOf(lost: Source, connected: readonly Source[], loadKw: number): Loss {
  let remainingKw = 0;
  let stepKw = 0;
  for (const source of connected) {
    if (source === lost) continue;
    const reliedKw = reliedOnKw(source);
    remainingKw += reliedKw;
    const roomKw = Math.max(0, reliedKw - countedPowerKw(source));
    stepKw += source.stepKw === null ? roomKw : Math.min(source.stepKw, roomKw);
  }
  const thrownKw = Math.max(0, countedPowerKw(lost));
  const marginKw = Math.min(remainingKw - loadKw, stepKw - thrownKw);
  return { lost: lost.device, remainingKw, thrownKw, stepKw, marginKw };
}

/** The sun is never relied on: a photovoltaic source counts with nothing. */
function reliedOnKw(source: Source): number {
  return source.kind === "pv" ? 0 : source.availableKw;
}
