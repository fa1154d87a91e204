import type { SeededRandom } from "../ports/seeded-random.ts";
import type { Fault } from "./faults.ts";

/** Where nothing but short pauses keeps the leader from handing over, or another from taking over. */
export interface Succession {
  /** After a transfer was accepted another leads within so long. */
  readonly transferMsMax: number;
  /** A leader that stands still for at least so long ... */
  readonly freezeMsMin: number;
  /** ... while another is in sync, is followed within so long. */
  readonly freezeMsMax: number;
}

/** A transfer that is called off is tried again, for five seconds. */
export const BUSY_SUCCESSION: Succession = {
  transferMsMax: 5_500,
  freezeMsMin: 600,
  freezeMsMax: 500,
};

/** A pause that may cost the set `fast` a standby, but no leader its promises. */
const PAUSE_MS = { min: 2, max: 60 };
/** Between two pauses of one node. */
const WELL_MS = { min: 60, max: 700 };
const BUSY_FROM_MS = 700;
/** The machine is quiet again so long after what it disturbed began. */
const BUSY_FOR_MS = 800;
const FREEZE_MS_MAX = 2_000;

/**
 * Every node stands still for moments, again and again: standbys are late, are taken out of the record and come back. In between, at
 * `atMs`, the leader is asked to hand over, or freezes.
 */
export function busyMachineFaults(
  random: SeededRandom,
  nodes: readonly string[],
  atMs: number,
): readonly Fault[] {
  const [leader = "", ...standbys] = nodes;
  const target = standbys[Math.floor(random.next() * standbys.length)] ?? leader;
  const freezeMs = random.between(BUSY_SUCCESSION.freezeMsMin, FREEZE_MS_MAX);
  const fault: Fault =
    random.next() < 0.6
      ? { atMs, forMs: 0, kind: "transfer", node: target }
      : { atMs, forMs: freezeMs, kind: "pause", node: leader };
  return [fault, ...nodes.flatMap((node) => pausesOf(random, node, atMs + BUSY_FOR_MS))].toSorted(
    (a, b) => a.atMs - b.atMs,
  );
}

function pausesOf(random: SeededRandom, node: string, untilMs: number): readonly Fault[] {
  const pauses: Fault[] = [];
  const wellMs = () => random.between(WELL_MS.min, WELL_MS.max);
  for (let atMs = BUSY_FROM_MS + wellMs(); atMs < untilMs; atMs += wellMs()) {
    const forMs = PAUSE_MS.min + random.next() * random.next() * (PAUSE_MS.max - PAUSE_MS.min);
    pauses.push({ atMs, forMs, kind: "pause", node });
  }
  return pauses;
}
