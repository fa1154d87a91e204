import type { Manifest } from "../../configs/manifest.ts";
import { SAMPLE_MS, type Recording } from "./recording.ts";

/** How long a busbar's blackout lasted. */
export interface RecoveryTime {
  readonly grid: string;
  /** When its voltage went, ms of the scenario. */
  readonly atMs: number;
  /** From loss of voltage (below 10 % of nominal) to the last essential feeder closed with the busbar in its steady band; null: never. */
  readonly forMs: number | null;
}

const DEAD_PCT = 10;
const BAND_VOLTAGE_PCT = [90, 106] as const;
const BAND_FREQUENCY_PCT = 5;

/** Blackouts of a run and how long each lasted, by what the plant shows: independent of what the controllers think. */
export function recoveryTimes(manifest: Manifest, recording: Recording): RecoveryTime[] {
  const found: RecoveryTime[] = [];
  for (const { id, nominalFrequencyHz, devices } of manifest.grids) {
    const samples = recording.samples.get(id);
    if (samples === undefined) continue;
    const essential = devices.filter(
      ({ kind, tripStage }) => kind === "feeder" && tripStage === null,
    );
    let darkAtMs: number | null = null;
    for (const [index, isLive] of samples.isLive.entries()) {
      const atMs = index * SAMPLE_MS;
      const voltagePct = samples.voltagePct[index] ?? 0;
      if (darkAtMs === null) {
        if (!isLive && voltagePct < DEAD_PCT) darkAtMs = atMs;
        continue;
      }
      const offPct = 100 * Math.abs((samples.frequencyHz[index] ?? 0) / nominalFrequencyHz - 1);
      const isInBand =
        isLive &&
        offPct <= BAND_FREQUENCY_PCT &&
        voltagePct >= BAND_VOLTAGE_PCT[0] &&
        voltagePct <= BAND_VOLTAGE_PCT[1];
      if (!isInBand || !essential.every((feeder) => isClosedAt(recording, feeder.id, atMs)))
        continue;
      found.push({ grid: id, atMs: darkAtMs, forMs: atMs - darkAtMs });
      darkAtMs = null;
    }
    if (darkAtMs !== null) found.push({ grid: id, atMs: darkAtMs, forMs: null });
  }
  return found;
}

/** By its last movement; who never moved is as at the start, and feeders begin closed. */
function isClosedAt({ operations }: Recording, device: string, atMs: number): boolean {
  const last = operations.findLast(
    (one) =>
      one.device === device && one.atMs <= atMs && (one.kind === "closes" || one.kind === "opens"),
  );
  return last === undefined || last.kind === "closes";
}
