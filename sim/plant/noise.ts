import { clamp } from "../../kernel/math.ts";

/** Uniform in [0, 1). */
export type Uniform = () => number;

/** A small seeded generator (32 bits of state, Weyl sequence with a multiplicative mix): one seed, one plant. */
export function seededUniform(seed: number): Uniform {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Load noise: a first-order (Ornstein-Uhlenbeck) process with time constant `tauS`, whose standard deviation is half of
 * `bandPu` and which is cut at ±`bandPu`. Uniform increments: after a few time constants their sum is as good as Gaussian.
 */
export class LoadNoise {
  valuePu = 0;
  readonly #uniform: Uniform;
  readonly #bandPu: number;
  readonly #decay: number;
  readonly #kick: number;

  constructor(uniform: Uniform, bandPu: number, tauS: number, stepS: number) {
    this.#uniform = uniform;
    this.#bandPu = bandPu;
    this.#decay = 1 - stepS / tauS;
    // A uniform in ±1 has variance 1/3; the process has variance (band / 2)² = kick² / 3 / (1 − decay²).
    this.#kick = (bandPu / 2) * Math.sqrt(3 * (1 - this.#decay * this.#decay));
  }

  step(): number {
    const next = this.valuePu * this.#decay + this.#kick * (this.#uniform() * 2 - 1);
    this.valuePu = clamp(next, -this.#bandPu, this.#bandPu);
    return this.valuePu;
  }
}
