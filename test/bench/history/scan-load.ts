import { encodeFrame, type EncodedFrame } from "../../../kernel/frame.ts";
import { HASH_NONE } from "../../../kernel/hash.ts";
import type { PointSample } from "../../../kernel/point.ts";

export const DEVICE_COUNT = 200;
const POINTS_PER_DEVICE = 50;
/** Share of the points that differ from one scan to the next; the rest stands, as on a plant whose meters have steps. */
const CHANGED_SHARE = 0.2;

export const POINT_NAMES: readonly string[] = Array.from(
  { length: DEVICE_COUNT * POINTS_PER_DEVICE },
  (_, i) => `dev${Math.floor(i / POINTS_PER_DEVICE)}.value${i % POINTS_PER_DEVICE}Kw`,
);

/** Frames of a grid of 200 devices with 50 points each: the first complete, then what changed. The same for the same seed. */
export function createScanLoad(seed: number): () => EncodedFrame {
  let state = seed >>> 0 || 1;
  // Marsaglia's xorshift (2003): cheap, so that the load is the frame and not its making.
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const values = POINT_NAMES.map(() => Math.round(next() * 10_000) / 10);
  const originMs = Date.now();
  let last: EncodedFrame | null = null;
  return () => {
    const sequence = (last?.position.sequence ?? 0) + 1;
    const points: PointSample[] = [];
    POINT_NAMES.forEach((name, i) => {
      if (last !== null && next() > CHANGED_SHARE) return;
      const value = Math.round(((values[i] ?? 0) + (next() - 0.5) * 4) * 10) / 10 + 0;
      values[i] = value;
      points.push([name, value === 0 ? 0 : value, "good"]);
    });
    last = encodeFrame({
      grid: "site",
      epoch: 1,
      sequence,
      previousHash: last?.position.hash ?? HASH_NONE,
      plantTimeMs: sequence * 100,
      wallTimeMs: originMs + sequence * 100,
      isFirstOfEpoch: sequence === 1,
      points,
      connections: [],
      fates: [],
      requests: [],
      messages: [],
      facts: [],
      leadership: null,
    });
    return last;
  };
}
