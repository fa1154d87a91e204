import { z } from "zod";
import { LoadNoise, seededUniform } from "../plant/noise.ts";

const finite = z.number();
const seconds = z.number().positive();
const pairs = z
  .array(z.tuple([finite, finite]))
  .min(1)
  .max(100_000);

/** The parts that a generated course is summed up from. Times in the unit that each names, counted from the start. */
export const termSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("constant"), value: finite }),
  z.strictObject({
    kind: z.literal("sine"),
    mean: finite.default(0),
    amplitude: finite,
    period_s: seconds,
    phase_deg: finite.default(0),
  }),
  /** Holds each value until the next time; `repeat_h` begins again. */
  z.strictObject({ kind: z.literal("steps"), at_h: pairs, repeat_h: seconds.optional() }),
  /** Straight lines from one value to the next. */
  z.strictObject({ kind: z.literal("ramps"), at_h: pairs, repeat_h: seconds.optional() }),
  /** Deviation up and down with a time constant, from a seed; only within the hours given. */
  z.strictObject({
    kind: z.literal("noise"),
    deviation: z.number().nonnegative(),
    tau_s: seconds,
    seed: z.int().min(0).default(1),
    between_h: z
      .array(z.tuple([finite, finite]))
      .max(1000)
      .optional(),
  }),
  /** 24 values, one per hour, each held or joined by straight lines; day after day. */
  z.strictObject({
    kind: z.literal("day"),
    hours: z.array(finite).length(24),
    smooth: z.boolean().default(true),
  }),
  /** A clear day with passing clouds: half a sine from sunrise to sunset, squared for the low sun. */
  z.strictObject({
    kind: z.literal("sun"),
    peak: z.number().nonnegative(),
    sunrise_h: finite.default(6),
    sunset_h: finite.default(20),
    cloud_pct: z.number().min(0).max(100).default(0),
    cloud_tau_s: seconds.default(120),
    seed: z.int().min(0).default(1),
  }),
]);
export type Term = z.output<typeof termSchema>;

const HOUR_S = 3600;
const DAY_H = 24;
const NOISE_STEP_S = 1;

/** The value of a part `tS` seconds after the start of the day's first hour. */
export type TermValue = (tS: number) => number;

/** @param startH - Hour of the day at which playing begins: daily courses count from midnight. */
export function createTerm(term: Term, startH: number): TermValue {
  switch (term.kind) {
    case "constant":
      return () => term.value;
    case "sine": {
      const phase = (term.phase_deg / 180) * Math.PI;
      const omega = (2 * Math.PI) / term.period_s;
      return (tS) => term.mean + term.amplitude * Math.sin(omega * tS + phase);
    }
    case "steps":
      return (tS) => stepAt(term.at_h, wrap(tS / HOUR_S + startH, term.repeat_h));
    case "ramps":
      return (tS) => rampAt(term.at_h, wrap(tS / HOUR_S + startH, term.repeat_h));
    case "noise": {
      const noise = seededNoise(term.deviation, term.tau_s, term.seed);
      const { between_h: hours } = term;
      return (tS) => {
        const h = tS / HOUR_S + startH;
        const isOn = hours === undefined || hours.some(([from, to]) => h >= from && h < to);
        const value = noise(tS);
        return isOn ? value : 0;
      };
    }
    case "day": {
      const points = [...term.hours, term.hours[0] ?? 0].map((value, h): [number, number] => [
        h,
        value,
      ]);
      const at = term.smooth ? rampAt : stepAt;
      return (tS) => at(points, wrap(tS / HOUR_S + startH, DAY_H));
    }
    case "sun": {
      const cloud = seededNoise(term.cloud_pct / 100, term.cloud_tau_s, term.seed);
      return (tS) => {
        const h = wrap(tS / HOUR_S + startH, DAY_H);
        const shade = Math.max(0, cloud(tS));
        const { sunrise_h: rise, sunset_h: set } = term;
        if (h <= rise || h >= set) return 0;
        const height = Math.sin((Math.PI * (h - rise)) / (set - rise));
        return term.peak * height ** 1.3 * (1 - Math.min(1, shade));
      };
    }
    default:
      return term satisfies never;
  }
}

function wrap(h: number, repeatH: number | undefined): number {
  return repeatH === undefined ? h : ((h % repeatH) + repeatH) % repeatH;
}

function stepAt(pairs: readonly (readonly [number, number])[], h: number): number {
  return (pairs.findLast(([from]) => from <= h) ?? pairs[0])?.[1] ?? 0;
}

function rampAt(pairs: readonly (readonly [number, number])[], h: number): number {
  const i = pairs.findIndex(([at]) => at > h);
  const before = pairs[i < 0 ? pairs.length - 1 : i - 1];
  const after = pairs[i];
  if (before === undefined || i === 0) return pairs[0]?.[1] ?? 0;
  if (after === undefined) return before[1];
  const share = (h - before[0]) / (after[0] - before[0]);
  return before[1] + share * (after[1] - before[1]);
}

/** The same course for a seed, however often it is looked at; going back begins it anew. */
function seededNoise(deviation: number, tauS: number, seed: number): TermValue {
  let noise = new LoadNoise(seededUniform(seed), 1, Math.max(tauS, 2 * NOISE_STEP_S), NOISE_STEP_S);
  let stepCount = 0;
  return (tS) => {
    const wanted = Math.floor(tS / NOISE_STEP_S);
    if (wanted < stepCount) {
      noise = new LoadNoise(seededUniform(seed), 1, Math.max(tauS, 2 * NOISE_STEP_S), NOISE_STEP_S);
      stepCount = 0;
    }
    for (; stepCount < wanted; stepCount++) noise.step();
    // The process is scaled to half its band: twice its value has the deviation that was asked for.
    return noise.valuePu * 2 * deviation;
  };
}
