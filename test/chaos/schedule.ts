import type { Action } from "../../apps/launcher/schedule.ts";
import { assert, present } from "../../kernel/assert.ts";
import { createSeededRandom } from "../../sim/ports/seeded-random.ts";

/** A fault, before it is known who leads: whom it strikes is decided when its turn comes. */
export interface PlannedFault {
  readonly kind: FaultKind;
  readonly grid: string;
  readonly isAtLeader: boolean;
  readonly durationMs: number;
  readonly delayMs: number;
  /** Kept between the settling before and the fault, so that it meets any phase of a scan. */
  readonly waitMs: number;
  /** A further fault so long after this one, without waiting for anything; null where it stays alone. */
  readonly onTop: { readonly afterMs: number; readonly fault: PlannedFault } | null;
}

export const FAULT_KINDS = [
  "kill",
  "power-cut",
  "freeze",
  "kill-etcd",
  "kill-etcd-leader",
  "kill-with-etcd",
  "cut-node",
  "cut-peers",
  "cut-coordinator",
  "cut-one-way",
  "delay",
  "cut-plant",
  "fill-disk",
  "step-clock",
  "transfer",
  "kill-all",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** How often a kind is drawn once each has had its turn. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  kill: 5,
  "power-cut": 5,
  freeze: 5,
  "kill-etcd": 2,
  "kill-etcd-leader": 2,
  "kill-with-etcd": 3,
  "cut-node": 4,
  "cut-peers": 3,
  "cut-coordinator": 2,
  "cut-one-way": 3,
  delay: 2,
  "cut-plant": 2,
  "fill-disk": 2,
  "step-clock": 1,
  transfer: 2,
  "kill-all": 0.5,
};

/** Kinds that may come on top of another. */
const ON_TOP: readonly FaultKind[] = [
  "kill",
  "freeze",
  "kill-etcd",
  "cut-peers",
  "cut-coordinator",
];
const ON_TOP_SHARE = 0.15;
const AT_LEADER_SHARE = 0.7;
const WAIT_MS_MAX = 1500;

/** Shortest and longest time that a fault lasts, ms. */
function durationOf(kind: FaultKind): readonly [number, number] {
  if (kind === "freeze") return [150, 4000];
  if (kind === "kill-all") return [3000, 6000];
  if (kind === "cut-plant") return [3000, 6000];
  if (kind === "fill-disk") return [2000, 5000];
  return [300, 4000];
}

/**
 * Endless faults from a seed: first every kind once in an order of its own, then by weight.
 *
 * @param kinds - What this system allows, of {@link FAULT_KINDS}.
 */
export function* planFaults(
  seed: number,
  grids: readonly string[],
  kinds: readonly FaultKind[],
): Generator<PlannedFault, never> {
  assert(grids.length > 0 && kinds.length > 0, "chaos needs a grid and a fault");
  const random = createSeededRandom(seed);
  const pick = <T>(list: readonly T[]): T =>
    present(list[Math.floor(random.next() * list.length)], "an index within the list");
  const drawKind = (): FaultKind => {
    const total = kinds.reduce((sum, kind) => sum + WEIGHTS[kind], 0);
    let left = random.next() * total;
    return kinds.find((kind) => (left -= WEIGHTS[kind]) < 0) ?? pick(kinds);
  };
  const plan = (kind: FaultKind, mayHaveNext: boolean): PlannedFault => {
    const [min, max] = durationOf(kind);
    const first = {
      kind,
      grid: pick(grids),
      isAtLeader: random.next() < AT_LEADER_SHARE,
      durationMs: Math.round(random.between(min, max)),
      delayMs: Math.round(random.between(5, 60)),
      waitMs: Math.round(random.between(0, WAIT_MS_MAX)),
    };
    const others = ON_TOP.filter((one) => kinds.includes(one) && one !== kind);
    const isAlone = !mayHaveNext || kind === "kill-all" || others.length === 0;
    if (isAlone || random.next() >= ON_TOP_SHARE) return { ...first, onTop: null };
    const afterMs = Math.round(random.between(0, 600));
    return { ...first, onTop: { afterMs, fault: plan(pick(others), false) } };
  };
  const shuffled = kinds
    .map((kind) => ({ kind, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ kind }) => kind);
  for (const kind of shuffled) yield plan(kind, false);
  for (;;) yield plan(drawKind(), true);
}

/** Who is who at the moment of a fault. */
export interface Cast {
  readonly leader: string;
  /** The others that run, those in sync first. */
  readonly standbys: readonly string[];
  readonly etcdMemberCount: number;
}

/** The action that carries a fault out now; null where there is nobody whom it could strike. */
export function actionOf(fault: PlannedFault, cast: Cast): Action | null {
  const { kind, grid, durationMs, delayMs } = fault;
  const [standby] = cast.standbys;
  const node = fault.isAtLeader || standby === undefined ? cast.leader : standby;
  switch (kind) {
    case "kill":
      return fault.isAtLeader ? { type: "kill-leader", grid } : { type: "kill-node", node };
    case "power-cut":
      return { type: "power-cut", grid };
    case "freeze":
      return { type: "pause-leader", grid, durationMs };
    case "kill-etcd":
      return {
        type: "kill-etcd",
        // Any member, and the same one for the same seed.
        member: 1 + (fault.delayMs % cast.etcdMemberCount),
        durationMs,
      };
    case "kill-etcd-leader":
      return { type: "kill-etcd", member: "leader", durationMs };
    case "kill-with-etcd":
      return { type: "kill-with-etcd", grid, durationMs };
    case "cut-node":
    case "cut-peers":
    case "cut-coordinator":
    case "cut-one-way":
      return { type: kind, node, durationMs };
    case "delay":
      return { type: kind, node, delayMs, durationMs };
    case "cut-plant":
      return { type: kind, grid, durationMs };
    case "fill-disk":
      return { type: kind, node, durationMs };
    case "step-clock":
      // An hour ahead and back again.
      return { type: kind, node, stepMs: fault.isAtLeader ? 3_600_000 : -3_600_000 };
    case "transfer":
      return standby === undefined ? null : { type: kind, grid, node: standby };
    case "kill-all":
      return { type: kind, durationMs };
    default:
      return kind satisfies never;
  }
}
