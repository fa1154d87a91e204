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
  readonly reason: Reason;
}

/**
 * Loses each connected source in turn and compares what is left within a second (ratings, battery reserve) with the load of
 * the consumers. An unknown breaker counts as open for what is left; what its source gives still counts as load.
 */
export function n1Of(sources: readonly Source[]): N1Statement {
  let availableKw = 0;
  let loadKw = 0;
  for (const source of sources) {
    const powerKw = countedPowerKw(source);
    loadKw += powerKw;
    if (isConnected(source)) availableKw += reliedOnKw(source);
  }
  let lost = "";
  let remainingKw = availableKw;
  for (const source of sources) {
    if (!isConnected(source)) continue;
    const leftKw = availableKw - reliedOnKw(source);
    if (lost === "" || leftKw < remainingKw) {
      lost = source.device;
      remainingKw = leftKw;
    }
  }
  const isHeld = lost !== "" && remainingKw >= loadKw;
  const code = isHeld ? "N1_HELD" : "N1_NOT_HELD";
  return {
    isHeld,
    lost,
    remainingKw,
    loadKw,
    reason: reasonOf(code, "", { lost: lost === "" ? "-" : lost, remainingKw, loadKw }),
  };
}

/** The sun is never relied on: a photovoltaic source counts with nothing. */
function reliedOnKw(source: Source): number {
  return source.kind === "pv" ? 0 : source.availableKw;
}
