import { loadPctOf, type Balance, type Source } from "./balance.ts";
import type { PowerParameters } from "./parameters.ts";

/** Load and capacity as start and stop look at them: in kW, or in kVA where reactive power is what loads the alternators. */
export interface Loading {
  readonly unit: "kW" | "kVA";
  readonly load: number;
  /** Load and what is reserved for granted consumers. */
  readonly needed: number;
  readonly capacity: number;
  /** What one set adds to the capacity. */
  readonly sizeOf: (set: { readonly device: string; readonly ratedKw: number }) => number;
}

/** By active power, and with `startStopIn` `apparent` by apparent power as well: the worse of them decides. */
export function loadingsOf(
  parameters: Pick<PowerParameters, "startStopIn">,
  balance: Balance,
  sources: readonly Source[],
): readonly Loading[] {
  const { loadKw, loadKvar, reservedKw } = balance;
  const active: Loading = {
    unit: "kW",
    load: loadKw,
    needed: loadKw + reservedKw,
    capacity: balance.capacityKw,
    sizeOf: ({ ratedKw }) => ratedKw,
  };
  if (parameters.startStopIn !== "apparent") return [active];
  const apparent: Loading = {
    unit: "kVA",
    load: apparentOf(loadKw, loadKvar),
    needed: apparentOf(loadKw + reservedKw, loadKvar),
    capacity: balance.capacityKva,
    sizeOf: ({ device, ratedKw }) => {
      const source = sources.find((one) => one.device === device);
      return source === undefined || source.apparentKva <= 0 ? ratedKw : source.apparentKva;
    },
  };
  return [active, apparent];
}

/** √(P² + Q²), kVA. */
export function apparentOf(powerKw: number, reactiveKvar: number): number {
  return Math.sqrt(powerKw * powerKw + reactiveKvar * reactiveKvar);
}

/** The one whose percentage is the highest; the first of equals. */
export function worstLoading(
  loadings: readonly Loading[],
  pctOf: (loading: Loading) => number | null,
): { readonly loading: Loading | undefined; readonly pct: number | null } {
  let worst: Loading | undefined;
  let worstPct: number | null = 0;
  for (const loading of loadings) {
    const pct = pctOf(loading);
    const isWorse = worst === undefined || (worstPct !== null && (pct === null || pct > worstPct));
    if (isWorse) {
      worst = loading;
      worstPct = pct;
    }
  }
  return { loading: worst, pct: worstPct };
}

/** Load in percent of capacity. */
export const loadedPct = ({ load, capacity }: Loading): number | null => loadPctOf(load, capacity);
