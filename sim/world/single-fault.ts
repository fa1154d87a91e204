import type { Timings } from "../../kernel/timings.ts";
import type { SeededRandom } from "../ports/seeded-random.ts";
import type { Fault } from "./faults.ts";

/** Clock rates lie within 1 ± this; two nodes then differ by less than `clockDivergenceMs` over a grace of 130 ms. */
export const RATE_DEVIATION_MAX = 0.018;

/** Longest delays of a world, true milliseconds. */
export interface Delays {
  /** A message between nodes, one way. */
  readonly messageMs: number;
  /** A call to the coordinator, there and back. */
  readonly storeMs: number;
  /** To a device, one way. */
  readonly fieldMs: number;
  /** A timer fires so late. */
  readonly latenessMs: number;
}

/** Who leads after a single fault: the same, or the first in order of those in sync, or nobody can say beforehand. */
type Successor = "same" | "next" | "next or same";

/** What must hold in a run with one fault, coordinator and all else well. */
export interface SingleFault {
  readonly fault: Fault;
  /** What was wrong before, without any effect so far. */
  readonly before: readonly Fault[];
  readonly successor: Successor;
  /** Longest time between two writes at one device, and how it comes about. */
  readonly gapMsMax: number;
  readonly formula: string;
}

type Bound = Pick<SingleFault, "successor" | "gapMsMax" | "formula">;

/**
 * Bounds of the gap at a device, by what happens. `scan` to `ioLoss` are the timings on a clock that runs slow by the greatest deviation; a
 * scan whose outputs were not acknowledged yet is lost with its leader, hence `scan + 2 message` before every fault.
 */
function boundsOf(timings: Timings, delays: Delays) {
  const slow = 1 - RATE_DEVIATION_MAX;
  const { messageMs, storeMs, fieldMs, latenessMs } = delays;
  const [scan, grace, shrink, ioLoss, write] = [
    timings.scanMs / slow,
    timings.graceMs / slow,
    timings.shrinkMs / slow,
    timings.ioLossMs / slow,
    20 / slow,
  ];
  const late = 4 * latenessMs;
  return {
    nothing: {
      successor: "same",
      gapMsMax: scan + 2 * messageMs + 3 * fieldMs + late,
      formula: "scan + 2 message + 3 field",
    },
    takeover: {
      successor: "next",
      gapMsMax: scan + grace + 3 * messageMs + storeMs + 3 * fieldMs + late,
      formula: "scan + grace + 3 message + store + 3 field",
    },
    pause: {
      successor: "next or same",
      gapMsMax: scan + grace + 3 * messageMs + storeMs + 3 * fieldMs + late,
      formula: "scan + grace + 3 message + store + 3 field",
    },
    removal: {
      successor: "same",
      gapMsMax: scan + shrink + 2 * messageMs + 2 * storeMs + 3 * fieldMs + late,
      formula: "scan + shrink + 2 message + 2 store + 3 field",
    },
    handover: {
      successor: "next",
      gapMsMax: scan + 6 * messageMs + storeMs + 6 * fieldMs + late,
      formula: "scan + 6 message + store + 6 field",
    },
    ioLoss: {
      successor: "next",
      gapMsMax: 4 * scan + write + ioLoss + 6 * messageMs + storeMs + 6 * fieldMs + late,
      formula: "4 scan + write + ioLoss + 6 message + store + 6 field",
    },
  } as const satisfies Record<string, Bound>;
}

/** One fault at `atMs`, when `nodes[0]` leads and everybody is in sync. */
export function drawSingleFault(
  random: SeededRandom,
  nodes: readonly string[],
  atMs: number,
  timings: Timings,
  delays: Delays,
): SingleFault {
  const bounds = boundsOf(timings, delays);
  const forMs = 1_200;
  const timed = { atMs, forMs };
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T;
  const leader = nodes[0] as string;
  const standby = pick(nodes.slice(1));
  const node = leader;
  const options: readonly (readonly [Fault, Bound])[] = [
    [{ ...timed, kind: "crash", node, how: pick(["power", "kill", "disk"]) }, bounds.takeover],
    [{ ...timed, kind: "isolate", node, isFromAll: true }, bounds.takeover],
    [{ ...timed, kind: "pause", node, forMs: random.between(1, 600) }, bounds.pause],
    [{ ...timed, kind: "crash", node: standby, how: "power" }, bounds.removal],
    [{ ...timed, kind: "isolate", node: standby, isFromAll: true }, bounds.removal],
    [{ ...timed, kind: "isolate", node, isFromAll: false }, bounds.removal],
    [{ ...timed, kind: "cut", node, to: standby, isOneWay: random.next() < 0.5 }, bounds.removal],
    [{ ...timed, kind: "cut", node: standby, to: node, isOneWay: true }, bounds.removal],
    [{ ...timed, kind: "pause", node: standby, forMs: random.between(1, 600) }, bounds.removal],
    [{ ...timed, kind: "storeCut", node }, bounds.nothing],
    [{ ...timed, kind: "storeOutage" }, bounds.nothing],
    [{ ...timed, kind: "memberDown", member: Math.floor(random.next() * 3) }, bounds.nothing],
    [{ ...timed, kind: "storeLeaderLost", electionMs: 400 }, bounds.nothing],
    [{ ...timed, kind: "journalFails", node }, bounds.nothing],
    [{ ...timed, kind: "stop", node }, bounds.handover],
    [
      { ...timed, kind: "transfer", node: standby },
      { ...bounds.handover, successor: "next or same" },
    ],
    [{ ...timed, kind: "deviceCut", node, device: "plain" }, bounds.ioLoss],
  ];
  const [fault, bound] = pick(options);
  return { fault, before: [], ...bound };
}

/** After a read that came too early for rule 14 the next comes so much later. */
const READ_RETRY_MS = 100;

/**
 * Rule 14: a leader that has lost the coordinator goes on by its standbys' promises, until one of them dies: then it can neither
 * command nor remove it, and the other standby has to leave it.
 */
export function helplessLeaderFault(
  nodes: readonly string[],
  atMs: number,
  timings: Timings,
  { messageMs, storeMs, fieldMs, latenessMs }: Delays,
): SingleFault {
  const leader = nodes[0] as string;
  const last = nodes.at(-1) as string;
  const forMs = 2_500;
  const earlierMs = 400;
  const { scanMs, leaseMs, heartbeatMs, holdMs, graceMs } = timings;
  const waitMs = scanMs + leaseMs + heartbeatMs + holdMs + READ_RETRY_MS + graceMs;
  return {
    fault: { atMs, forMs, kind: "crash", node: last, how: "power" },
    before: [{ atMs: atMs - earlierMs, forMs: earlierMs + forMs, kind: "storeCut", node: leader }],
    successor: "next",
    gapMsMax:
      waitMs / (1 - RATE_DEVIATION_MAX) +
      4 * messageMs +
      2 * storeMs +
      3 * fieldMs +
      6 * latenessMs,
    formula: "scan + lease + heartbeat + hold + 100 ms + grace + 4 message + 2 store + 3 field",
  };
}
