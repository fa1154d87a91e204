import type { Random } from "../../kernel/ports/random.ts";

/** {@link Random} with one more draw that worlds and networks need. */
export interface SeededRandom extends Random {
  /** Uniform in [min, max). */
  between(min: number, max: number): number;
  /** A stream of its own, so that one part's draws do not shift another's. */
  fork(label: string): SeededRandom;
}

/**
 * Reproducible numbers: the same seed gives the same sequence on every machine.
 * Generator: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state, seeded by FNV-1a of the text.
 */
export function createSeededRandom(seed: number | string): SeededRandom {
  const text = String(seed);
  let a = fnv1a(`${text}/a`);
  let b = fnv1a(`${text}/b`);
  let c = fnv1a(`${text}/c`);
  let counter = 1;

  function nextUint32(): number {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + result) | 0;
    return result >>> 0;
  }
  // The first draws still show the seed's structure.
  for (let i = 0; i < 15; i++) nextUint32();

  const hex8 = () => nextUint32().toString(16).padStart(8, "0");
  const next = () => nextUint32() / 4_294_967_296;
  return {
    next,
    hex128: () => hex8() + hex8() + hex8() + hex8(),
    between: (min, max) => min + (max - min) * next(),
    fork: (label) => createSeededRandom(`${text}/${label}`),
  };
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash | 0;
}
