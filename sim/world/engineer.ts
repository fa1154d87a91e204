import type { SeededRandom } from "../ports/seeded-random.ts";
import type { Fault } from "./faults.ts";

/**
 * The others are off for so long when an engineer forces one. It is refused for five seconds after the record was last seen to move,
 * which may be half a second after it did. What the others had sent has arrived by then.
 */
export const ENGINEER_MS = 6_000;
/** How long one is cut off before the others are switched off: it is out of the record by then, and may not take over by itself. */
const ALONE_MS = { min: 150, max: 900 };
/** The coordinator answers badly somewhere around the force. */
const TROUBLE_FROM_MS = { min: -300, max: 200 };
const TROUBLE_MS = { min: 30, max: 1_200 };

/**
 * An engineer switches all others off and forces one that could not help itself: it was cut off before, so that the record does not name
 * it. Where a leader is left alone in the record it would take over stale some time later; the force comes before that. The coordinator
 * has its troubles meanwhile, so that the outcome of the forced takeover is often unknown.
 */
export function engineerFaults(
  random: SeededRandom,
  nodes: readonly string[],
  atMs: number,
): readonly Fault[] {
  const node = nodes[1 + Math.floor(random.next() * (nodes.length - 1))] ?? "";
  const aloneMs = random.between(ALONE_MS.min, ALONE_MS.max);
  const faults: Fault[] = [
    { atMs: atMs - aloneMs, forMs: aloneMs, kind: "isolate", node, isFromAll: random.next() < 0.3 },
    { atMs, forMs: random.between(20, 2_500), kind: "force", node },
  ];
  const forcedAtMs = atMs + ENGINEER_MS;
  if (random.next() < 0.7) {
    const timed = {
      atMs: forcedAtMs + random.between(TROUBLE_FROM_MS.min, TROUBLE_FROM_MS.max),
      forMs: random.between(TROUBLE_MS.min, TROUBLE_MS.max),
      node,
    };
    const draw = random.next();
    if (draw < 0.5) faults.push({ ...timed, kind: "storeAnswersLost" });
    else if (draw < 0.75) faults.push({ ...timed, kind: "storeCut" });
    else faults.push({ ...timed, kind: "storeLate", delayMs: random.between(50, 600) });
  }
  if (random.next() < 0.3) {
    const crash = { atMs: forcedAtMs + random.between(0, 300), forMs: random.between(20, 800) };
    faults.push({ ...crash, kind: "crash", node, how: random.next() < 0.5 ? "power" : "kill" });
  }
  return faults.toSorted((a, b) => a.atMs - b.atMs);
}
