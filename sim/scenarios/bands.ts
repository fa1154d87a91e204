import type { Manifest } from "../../configs/manifest.ts";
import type { Finding } from "./finding.ts";
import { SAMPLE_MS, type Recording } from "./recording.ts";

/** A band that a busbar's frequency or voltage leaves for no longer than so. Percent of nominal. */
interface Band {
  readonly name: string;
  readonly quantity: "frequency" | "voltage";
  readonly minPct: number;
  readonly maxPct: number;
  readonly forMsMax: number;
}

/** IACS UR E5: without a failure of a source. */
const SUPPLY_BANDS: readonly Band[] = [
  { name: "steady frequency", quantity: "frequency", minPct: 95, maxPct: 105, forMsMax: 5000 },
  { name: "transient frequency", quantity: "frequency", minPct: 90, maxPct: 110, forMsMax: 0 },
  { name: "steady voltage", quantity: "voltage", minPct: 90, maxPct: 106, forMsMax: 1500 },
  { name: "transient voltage", quantity: "voltage", minPct: 80, maxPct: 120, forMsMax: 0 },
];

/** After the loss of the largest source, where the plant was loaded so that the others can carry on. */
const SURVIVAL_BANDS: readonly Band[] = [
  { name: "surviving frequency", quantity: "frequency", minPct: 90, maxPct: 200, forMsMax: 1500 },
  { name: "surviving voltage", quantity: "voltage", minPct: 80, maxPct: 200, forMsMax: 1500 },
];

/** A busbar that was dark comes up; its voltage counts once it has been live for so long. */
const COMES_UP_MS = 2000;

/** Holds every live busbar against the bands that apply: all of a section's while no source has failed, then those of survival. */
export function judgeBands(
  manifest: Manifest,
  recording: Recording,
  isBeyondN1: boolean,
): Finding[] {
  const failedAtMs = sourceFailureMs(manifest, recording);
  const findings: Finding[] = [];
  for (const grid of manifest.grids) {
    const samples = recording.samples.get(grid.id);
    if (samples === undefined) continue;
    const bands = (atMs: number) =>
      atMs < failedAtMs ? SUPPLY_BANDS : isBeyondN1 ? [] : SURVIVAL_BANDS;
    const outsideMs = new Map<Band, number>();
    let liveMs = samples.isLive[0] === false ? 0 : Number.POSITIVE_INFINITY;
    for (const [index, isLive] of samples.isLive.entries()) {
      const atMs = index * SAMPLE_MS;
      const isDarkened = !isLive && liveMs > 0;
      liveMs = isLive ? liveMs + SAMPLE_MS : 0;
      if (isDarkened && !isBeyondN1) {
        const text = `${grid.id} goes dark, though no more was lost than the others can carry`;
        findings.push({ check: "surviving supply", atMs, text });
      }
      if (liveMs < COMES_UP_MS) {
        outsideMs.clear();
        continue;
      }
      const pct = {
        frequency: (100 * (samples.frequencyHz[index] ?? 0)) / grid.nominalFrequencyHz,
        voltage: samples.voltagePct[index] ?? 0,
      };
      for (const band of bands(atMs)) {
        const value = pct[band.quantity];
        if (value >= band.minPct && value <= band.maxPct) {
          outsideMs.delete(band);
          continue;
        }
        const forMs = (outsideMs.get(band) ?? 0) + SAMPLE_MS;
        outsideMs.set(band, forMs);
        if (forMs <= band.forMsMax || forMs > band.forMsMax + SAMPLE_MS) continue;
        const text = `${grid.id}: ${value.toFixed(1)} % for ${forMs} ms; ${band.minPct} to ${band.maxPct} % may be left for ${band.forMsMax} ms`;
        findings.push({ check: band.name, atMs, text });
      }
    }
  }
  return findings;
}

/** When the first source failed by itself: a trip, or a supply that was lost. */
function sourceFailureMs(manifest: Manifest, recording: Recording): number {
  const sources = new Set(
    manifest.grids.flatMap(({ devices }) =>
      devices.filter(({ kind }) => SOURCES.has(kind)).map(({ id }) => id),
    ),
  );
  const failure = recording.events.find(
    ({ kind, device, plantMs }) =>
      plantMs >= 0 && (kind === "tripped" || kind === "supplyLost") && sources.has(device),
  );
  return failure?.plantMs ?? Number.POSITIVE_INFINITY;
}

const SOURCES: ReadonlySet<string> = new Set(["genset", "battery", "shore", "pv"]);
