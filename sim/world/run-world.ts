import { createSeededRandom } from "../ports/seeded-random.ts";
import { counterSetting } from "./counter-setting.ts";
import type { Fault } from "./faults.ts";
import type { Violation } from "./referee.ts";
import type { Scenario, WorldKind } from "./scenario.ts";
import { counterScenario, vesselScenario } from "./scenario.ts";
import { sealed } from "./seal.ts";
import { vesselFiles, vesselOutline, vesselSetting } from "./vessel-setting.ts";
import { World } from "./world.ts";

export interface WorldRun {
  readonly seed: number;
  readonly kind: WorldKind;
  /** Instead of those that the seed draws: for shrinking. */
  readonly faults?: readonly Fault[];
  readonly isTraced?: boolean;
  /** Each replica computes every step for itself, which must change nothing but the time that a run takes. */
  readonly isUnshared?: boolean;
}

export interface WorldResult {
  readonly scenario: Scenario;
  /** The first thing found wrong, or null. */
  readonly violation: Violation | null;
  readonly virtualMs: number;
  readonly eventCount: number;
  /** The same for the same run, whenever and wherever. */
  readonly traceHash: string;
  /** Empty unless traced. */
  readonly trace: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  /** Of a single fault: the longest time between two writes at one device, and its bound. */
  readonly gap: Gap | null;
}

export interface Gap {
  readonly gapMs: number;
  readonly boundMs: number;
  readonly formula: string;
}

/** Runs one seed: its faults, then healing, then the wait until everything is whole. Synchronous, and the same every time. */
export function runWorld(run: WorldRun): WorldResult {
  if (run.kind === "vessel") vesselFiles();
  return sealed(() => runOne(run));
}

function runOne({
  seed,
  kind,
  faults,
  isTraced = false,
  isUnshared = false,
}: WorldRun): WorldResult {
  const drawn = kind === "counter" ? counterScenario(seed) : vesselScenario(seed, vesselOutline());
  const scenario = faults === undefined ? drawn : { ...drawn, faults };
  const random = createSeededRandom(`field/${seed}`);
  const setting =
    kind === "counter" ? counterSetting(scenario, random) : vesselSetting(scenario, random);
  const world = new World(scenario, setting, isTraced, !isUnshared);
  world.run(scenario.healAtMs);
  if (world.violation === null) {
    for (const referee of world.referees) referee.singleEnds();
    world.heal();
    waitUntilWhole(world);
  }
  const { trace, referees } = world;
  const permits = [...world.permits.values()];
  const sum = (count: (referee: (typeof referees)[number]) => number) =>
    referees.reduce((total, referee) => total + count(referee), 0);
  return {
    scenario,
    violation: world.violation,
    virtualMs: world.clock.monotonicMs(),
    eventCount: world.eventCount,
    traceHash: trace.hash(),
    trace: trace.lines,
    gap: gapOf(world),
    counts: {
      cold: sum(({ takeovers }) => takeovers.cold),
      hot: sum(({ takeovers }) => takeovers.hot),
      stale: sum(({ takeovers }) => takeovers.stale),
      forced: sum(({ takeovers }) => takeovers.forced),
      permits: permits.reduce((total, { heldCount }) => total + heldCount, 0),
      deadCloses: permits.reduce((total, { deadCloseCount }) => total + deadCloseCount, 0),
      lateWrites: sum(({ lateWriteCount }) => lateWriteCount),
      fencedWrites: sum(({ fencedWriteCount }) => fencedWriteCount),
      lostFrames: sum(({ lostFrameCount }) => lostFrameCount),
      issued: sum(({ issuedCount }) => issuedCount),
    },
  };
}

function gapOf({ scenario: { single }, referees }: World): Gap | null {
  if (single === null) return null;
  const gapMs = Math.max(...referees.map((referee) => referee.gapMs));
  return { gapMs, boundMs: single.gapMsMax, formula: single.formula };
}

const LOOK_MS = 50;

function waitUntilWhole(world: World): void {
  const { scenario, clock } = world;
  const deadlineMs = clock.monotonicMs() + scenario.recoveryMsMax;
  let isWhole = false;
  while (!isWhole && world.violation === null && clock.monotonicMs() < deadlineMs) {
    // A process that ended in an orderly way, or with its clock, is started again by its service manager.
    world.run(clock.monotonicMs() + LOOK_MS);
    world.bootAll();
    isWhole = world.isWhole();
  }
  if (isWhole || world.violation !== null) return;
  const referee = world.referees[0];
  referee?.fail(
    "liveness",
    `${scenario.recoveryMsMax} ms after healing, not all is led and in sync`,
  );
}
