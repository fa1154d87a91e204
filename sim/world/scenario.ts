import type { Timings } from "../../kernel/timings.ts";
import { TIMING_SETS } from "../../kernel/timings.ts";
import type { SeededRandom } from "../ports/seeded-random.ts";
import { createSeededRandom } from "../ports/seeded-random.ts";
import { BUSY_SUCCESSION, busyMachineFaults } from "./busy-machine.ts";
import type { Succession } from "./busy-machine.ts";
import { ENGINEER_MS, engineerFaults } from "./engineer.ts";
import type { Fault } from "./faults.ts";
import { drawFaults } from "./faults.ts";
import { loneLeaderFaults } from "./lone-leader.ts";
import type { SingleFault } from "./single-fault.ts";
import { RATE_DEVIATION_MAX, drawSingleFault, helplessLeaderFault } from "./single-fault.ts";
import { TIMER_LATENESS_MS_MAX } from "./node-clock.ts";

export type WorldKind = "counter" | "vessel";

/** Everything that the seed decides about a run before it begins. */
export interface Scenario {
  readonly seed: number;
  readonly kind: WorldKind;
  readonly nodes: readonly string[];
  readonly timings: Timings;
  readonly failback: "manual" | "automatic";
  /** Local milliseconds per true millisecond, by node. */
  readonly rates: readonly number[];
  readonly bootsAtMs: readonly number[];
  readonly network: {
    readonly delayMsMin: number;
    readonly delayMsMax: number;
    readonly breakProbability: number;
  };
  readonly store: { readonly latencyMsMin: number; readonly latencyMsMax: number };
  /** One way between a node and a device. */
  readonly field: { readonly delayMsMin: number; readonly delayMsMax: number };
  readonly hasOneMaster: boolean;
  readonly faults: readonly Fault[];
  /** What must hold where there is only this fault; null where there are many. */
  readonly single: SingleFault | null;
  /** Nothing but short pauses may keep the leader from handing over, or another from taking over; null where more may. */
  readonly succession: Succession | null;
  readonly healAtMs: number;
  /** After healing, the grid is led and everybody in sync within so long. */
  readonly recoveryMsMax: number;
}

const DEVICES = ["checked", "plain"] as const;
const FAULTS_FROM_MS = 700;
const FAULTS_UNTIL_MS = 2_500;
/** Every so many seeds one has a single fault, and nothing else that is not well. */
const SINGLE_EVERY = 6;
/** Of so many seeds one has a lone leader and its troubles with the coordinator; none of these has a single fault. */
const LONE_LEADER = { every: 24, at: 13 };
/** And one a handover whose target stands still in the middle of it. */
const STALLED_HANDOVER = { every: 24, at: 19 };
/** And one a machine too busy for its timings, on which a leader hands over or stands still. */
const BUSY = { every: 24, at: 7 };
/** And one an engineer, who forces a controller with the others off. */
const ENGINEER = { every: 24, at: 1 };
/** Everybody is in sync by then. */
const SINGLE_FROM_MS = 1_500;
/** Of a field without faults; elsewhere some devices take nearly as long as a write may. */
const FIELD_DELAY_MS = { min: 0.2, max: 2 };
const FIELD_DELAY_MS_MAX = 9;

export function counterScenario(seed: number): Scenario {
  const random = createSeededRandom(`counter/${seed}`);
  const nodes = ["n1", "n2", "n3"].slice(0, random.next() < 0.3 ? 2 : 3);
  const common = {
    seed,
    kind: "counter" as const,
    nodes,
    timings: drawTimings(random, seed % SINGLE_EVERY !== 0),
    rates: nodes.map(() => 1 + random.between(-1, 1) * RATE_DEVIATION_MAX),
  };
  if (seed % SINGLE_EVERY === 0) return singleScenario(common, random);
  if (seed % STALLED_HANDOVER.every === STALLED_HANDOVER.at)
    return stalledHandoverScenario(common, random);
  if (seed % ENGINEER.every === ENGINEER.at) return engineerScenario(common, random);
  if (seed % BUSY.every === BUSY.at) return busyScenario(common, random);
  return seed % LONE_LEADER.every === LONE_LEADER.at
    ? loneLeaderScenario(common, random)
    : manyScenario(common, random);
}

type Common = Pick<Scenario, "seed" | "kind" | "nodes" | "timings" | "rates">;

function manyScenario(common: Common, random: SeededRandom): Scenario {
  const { nodes, timings } = common;
  const delayMsMin = random.between(0.1, 1);
  const latencyMsMin = random.between(0.5, 3);
  const faults = drawFaults(random, {
    nodes,
    devices: DEVICES,
    fromMs: FAULTS_FROM_MS,
    untilMs: FAULTS_UNTIL_MS,
    everyMs: random.between(40, 350),
    plantShare: 0,
  });
  return {
    ...common,
    failback: random.next() < 0.3 ? "automatic" : "manual",
    bootsAtMs: nodes.map(() => random.between(0, random.next() < 0.8 ? 50 : 400)),
    network: {
      delayMsMin,
      delayMsMax: delayMsMin + random.next() * random.next() * 12,
      breakProbability: random.next() < 0.5 ? 0 : random.next() * 0.01,
    },
    store: { latencyMsMin, latencyMsMax: latencyMsMin + random.next() * random.next() * 60 },
    field: drawField(random),
    hasOneMaster: random.next() < 0.2,
    faults,
    single: null,
    succession: null,
    healAtMs: Math.max(FAULTS_UNTIL_MS, ...faults.map(({ atMs }) => atMs)) + 50,
    recoveryMsMax: recoveryMsMax(timings),
  };
}

/**
 * The target stands still between sending its takeover and hearing of it, for longer than the others' promises last: when it goes on,
 * the answer makes it a leader whom another has followed already.
 */
function stalledHandoverScenario(common: Common, random: SeededRandom): Scenario {
  const many = manyScenario(common, random);
  const { nodes, timings } = common;
  const target = nodes[1 + Math.floor(random.next() * (nodes.length - 1))] as string;
  const atMs = SINGLE_FROM_MS + random.between(0, 300);
  const longest = 2 * (timings.graceMs + timings.staggerMs + timings.heartbeatMs);
  const pause = { atMs: atMs + random.between(0, 2 * timings.scanMs), kind: "pause" as const };
  const latencyMsMin = random.between(2, 20);
  return {
    ...many,
    bootsAtMs: nodes.map(() => random.between(0, 50)),
    network: { ...many.network, breakProbability: 0 },
    store: { latencyMsMin, latencyMsMax: latencyMsMin + random.between(0, 60) },
    faults: [
      { atMs, forMs: 0, kind: "transfer", node: target },
      { ...pause, node: target, forMs: timings.graceMs + random.next() * longest },
    ],
    healAtMs: atMs + 2_500,
  };
}

function engineerScenario(common: Common, random: SeededRandom): Scenario {
  const many = manyScenario(common, random);
  const atMs = SINGLE_FROM_MS + random.between(0, 300);
  return {
    ...many,
    bootsAtMs: common.nodes.map(() => random.between(0, 50)),
    network: { ...many.network, breakProbability: 0 },
    faults: engineerFaults(random, common.nodes, atMs),
    healAtMs: atMs + ENGINEER_MS + 2_000,
  };
}

/** A machine that others load as well, and the set `fast`, which is not for that. */
function busyScenario(common: Common, random: SeededRandom): Scenario {
  const many = manyScenario({ ...common, timings: TIMING_SETS.fast }, random);
  const { nodes } = common;
  const atMs = SINGLE_FROM_MS + random.between(0, 300);
  const latencyMsMin = random.between(0.5, 3);
  const { delayMsMin } = many.network;
  return {
    ...many,
    failback: "manual",
    bootsAtMs: nodes.map(() => random.between(0, 50)),
    network: { delayMsMin, delayMsMax: delayMsMin + random.next() * 5, breakProbability: 0 },
    store: { latencyMsMin, latencyMsMax: latencyMsMin + random.next() * 30 },
    hasOneMaster: false,
    faults: busyMachineFaults(random, nodes, atMs),
    succession: BUSY_SUCCESSION,
    healAtMs: atMs + BUSY_SUCCESSION.transferMsMax + 50,
  };
}

/** The times of a lone leader are short, so that a run sees several of its leases. */
function loneLeaderScenario(common: Common, random: SeededRandom): Scenario {
  const many = manyScenario({ ...common, timings: SHORT_SOLO }, random);
  const faults = loneLeaderFaults(random, common.nodes);
  const endsAtMs = Math.max(...faults.map(({ atMs, forMs }) => atMs + forMs));
  return {
    ...many,
    // The first in order leads from the start.
    bootsAtMs: common.nodes.map(() => random.between(0, 50)),
    network: { ...many.network, breakProbability: 0 },
    faults,
    healAtMs: endsAtMs + 50,
  };
}

/** One fault, and etcd's reply within `staggerMs`. */
function singleScenario(common: Common, random: SeededRandom): Scenario {
  const { nodes, timings } = common;
  const delayMsMin = random.between(0.1, 1);
  const network = { delayMsMin, delayMsMax: delayMsMin + random.next() * 4, breakProbability: 0 };
  const latencyMsMin = random.between(0.5, 3);
  const store = { latencyMsMin, latencyMsMax: random.between(latencyMsMin, timings.staggerMs) };
  const atMs = SINGLE_FROM_MS + random.between(0, 300);
  const delays = {
    messageMs: network.delayMsMax,
    storeMs: store.latencyMsMax,
    fieldMs: FIELD_DELAY_MS.max,
    latenessMs: TIMER_LATENESS_MS_MAX,
  };
  const drawn = drawSingleFault(random, nodes, atMs, timings, delays);
  const isHelpless =
    nodes.length > 2 && createSeededRandom(`helpless/${common.seed}`).next() < 0.15;
  const single = isHelpless ? helplessLeaderFault(nodes, atMs, timings, delays) : drawn;
  return {
    ...common,
    failback: "manual",
    bootsAtMs: nodes.map(() => random.between(0, 50)),
    network,
    store,
    field: { delayMsMin: FIELD_DELAY_MS.min, delayMsMax: FIELD_DELAY_MS.max },
    hasOneMaster: false,
    faults: [...single.before, single.fault],
    single,
    succession: null,
    healAtMs: atMs + single.fault.forMs,
    recoveryMsMax: recoveryMsMax(timings),
  };
}

/** What the vessel's scenario needs to know of its manifest. */
export interface VesselOutline {
  readonly nodes: readonly string[];
  readonly grids: readonly string[];
  readonly devices: readonly string[];
}

const VESSEL_FAULTS_FROM_MS = 1_500;
const VESSEL_FAULTS_UNTIL_MS = 6_000;

/** Of so many seeds of the vessel one sees a blackout, after the ten seconds in which a cold start gives no command. */
const BLACKOUT = { every: 4, at: 2, fromMs: 10_500, untilMs: 20_000 };

/** The whole vessel: a third of what happens, happens in the plant. */
export function vesselScenario(seed: number, { nodes, grids, devices }: VesselOutline): Scenario {
  const random = createSeededRandom(`vessel/${seed}`);
  const timings = drawTimings(random, false);
  const delayMsMin = random.between(0.1, 1);
  const latencyMsMin = random.between(0.5, 3);
  const isBlackout = seed % BLACKOUT.every === BLACKOUT.at;
  const untilMs = isBlackout ? BLACKOUT.untilMs : VESSEL_FAULTS_UNTIL_MS;
  const drawn = drawFaults(random, {
    nodes,
    devices,
    fromMs: isBlackout ? BLACKOUT.fromMs : VESSEL_FAULTS_FROM_MS,
    untilMs,
    everyMs: random.between(100, 700) * (isBlackout ? 3 : 1),
    plantShare: isBlackout ? 0.1 : 0.33,
  });
  const faults = isBlackout ? [...blackouts(random, grids), ...drawn] : drawn;
  return {
    seed,
    kind: "vessel",
    nodes,
    timings,
    failback: random.next() < 0.3 ? "automatic" : "manual",
    rates: nodes.map(() => 1 + random.between(-1, 1) * RATE_DEVIATION_MAX),
    bootsAtMs: nodes.map(() => random.between(0, 50)),
    network: {
      delayMsMin,
      delayMsMax: delayMsMin + random.next() * random.next() * 12,
      breakProbability: random.next() < 0.5 ? 0 : random.next() * 0.01,
    },
    store: { latencyMsMin, latencyMsMax: latencyMsMin + random.next() * random.next() * 60 },
    field: drawField(random),
    hasOneMaster: false,
    faults,
    single: null,
    succession: null,
    healAtMs: untilMs + 50,
    recoveryMsMax: recoveryMsMax(timings),
  };
}

/** Mostly all grids go dark, one within a second after the other, so that each wants the permit. */
function blackouts(random: SeededRandom, grids: readonly string[]): readonly Fault[] {
  return grids
    .filter((_grid, index) => index === 0 || random.next() < 0.8)
    .map((grid) => ({
      atMs: BLACKOUT.fromMs + random.between(0, 1_000),
      forMs: 0,
      kind: "blackout",
      grid,
    }));
}

function drawField(random: SeededRandom): Scenario["field"] {
  const delayMsMax = random.between(FIELD_DELAY_MS.max, FIELD_DELAY_MS_MAX);
  return {
    delayMsMin: FIELD_DELAY_MS.min,
    delayMsMax: random.next() < 0.5 ? FIELD_DELAY_MS.max : delayMsMax,
  };
}

/** With the usual times of a lone leader a run is over before anybody could take over stale. */
const SHORT_SOLO: Timings = {
  ...TIMING_SETS.default,
  soloLeaseMs: 300,
  soloRenewMs: 100,
  soloGraceMs: 350,
  coldStartMs: 360,
};

function drawTimings(random: SeededRandom, mayBeShortSolo: boolean): Timings {
  const draw = random.next();
  if (draw < 0.15) return TIMING_SETS.fast;
  if (draw < 0.3) return TIMING_SETS.relaxed;
  return mayBeShortSolo && draw < 0.55 ? SHORT_SOLO : TIMING_SETS.default;
}

/** The longest wait of rule 7 before one is added again. */
const BACKOFF_MS_MAX = 30_000;

/**
 * Bound of liveness: rule 11 waits `soloGraceMs`, `coldStartMs` for silent ones and twice that for one further ahead; rule 7 up to
 * 30 s before a node is added again; a planned failback and its margin come on top.
 */
export function recoveryMsMax(timings: Timings): number {
  return timings.soloGraceMs + 3 * timings.coldStartMs + BACKOFF_MS_MAX + 4 * timings.rejoinMs;
}
