import type { SeededRandom } from "../ports/seeded-random.ts";
import type { Fault } from "./faults.ts";

/** When the leader is left alone; everybody is in sync by then. */
const ALONE_FROM_MS = 900;
/** How long it stays so: several leases and graces of a lone leader, where those are short. */
const ALONE_MS = { min: 1_500, max: 2_500 };
/** Until the record names it alone. */
const SHRINK_MS = { min: 100, max: 400 };
/** Between two troubles the coordinator is well: long enough for an answer or two, or too short for one. */
const WELL_MS = { min: 5, max: 200 };
const TROUBLE_MS = { min: 50, max: 800 };

/**
 * The leader, `nodes[0]`, loses its standbys, and then has one trouble with the coordinator after the other, with moments between in
 * which it is answered. It lives by its record alone, and the others, who may take over once that stands still, watch it: what is
 * wrong with the lease of a lone leader shows here, and hardly ever among faults drawn at large.
 */
export function loneLeaderFaults(random: SeededRandom, nodes: readonly string[]): readonly Fault[] {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T;
  const [leader = "", ...others] = nodes;
  const aloneAtMs = ALONE_FROM_MS + random.between(0, 200);
  const forMs = random.between(ALONE_MS.min, ALONE_MS.max);
  const timed = { atMs: aloneAtMs, forMs };
  const untilMs = aloneAtMs + forMs;
  const faults: Fault[] =
    random.next() < 0.8
      ? [{ ...timed, kind: "isolate", node: leader, isFromAll: false }]
      : others.map((node) => ({
          atMs: aloneAtMs,
          forMs: random.between(SHRINK_MS.max, forMs),
          kind: "crash",
          node,
          how: pick(["power", "kill"]),
        }));
  let atMs = aloneAtMs + random.between(SHRINK_MS.min, SHRINK_MS.max);
  while (atMs < untilMs) {
    const lastsMs = random.between(TROUBLE_MS.min, TROUBLE_MS.max);
    faults.push(trouble(random, leader, { atMs, forMs: lastsMs }));
    atMs += lastsMs + random.between(WELL_MS.min, WELL_MS.max);
  }
  if (random.next() < 0.2) {
    const crash = { atMs: random.between(aloneAtMs, untilMs), forMs: random.between(20, 1_500) };
    faults.push({ ...crash, kind: "crash", node: leader, how: pick(["power", "kill"]) });
  }
  return faults.toSorted((a, b) => a.atMs - b.atMs);
}

function trouble(
  random: SeededRandom,
  node: string,
  timed: { readonly atMs: number; readonly forMs: number },
): Fault {
  const draw = random.next();
  if (draw < 0.4) return { ...timed, kind: "storeAnswersLost", node };
  if (draw < 0.75) return { ...timed, kind: "storeCut", node };
  if (draw < 0.9) return { ...timed, kind: "storeLate", node, delayMs: random.between(50, 600) };
  return { ...timed, kind: "pause", node, forMs: Math.min(timed.forMs, 400) };
}
