import type { DeadBandOf } from "./series-registry.ts";

/** By the unit that a point's name ends with. What is not here (switches, labels, counts) is kept with every change. */
const BY_UNIT: readonly (readonly [unit: RegExp, band: number])[] = [
  [/(?:Kw|Kvar|V|A|K|KgPerH)$/, 0.1],
  [/Hz$/, 0.001],
  [/(?:Pct|H)$/, 0.01],
];
/** Counters of energy, kWh. */
const COUNTER_BAND = 0.1;

/** Dead bands of the manifest, and those by unit for every other point. */
export function deadBands(
  own: readonly { readonly point: string; readonly band: number }[],
): DeadBandOf {
  const byName = new Map(own.map(({ point, band }) => [point, band]));
  return (point, isCounter) => {
    const name = point.slice(point.lastIndexOf(".") + 1);
    const given = byName.get(point) ?? byName.get(name);
    if (given !== undefined) return given;
    if (isCounter) return COUNTER_BAND;
    return BY_UNIT.find(([unit]) => unit.test(name))?.[1] ?? 0;
  };
}
