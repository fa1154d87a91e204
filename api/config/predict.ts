import type { PlannedGridCore } from "../../actors/grid/grid-core.ts";
import type { GridState } from "../../actors/grid/grid-state.ts";
import type { Frame } from "../../kernel/frame.ts";
import type { GridMessage } from "../../kernel/grid-message.ts";
import type { PointSample } from "../../kernel/point.ts";

/** A grid as it is now: what a prediction begins with. */
export interface PresentGrid {
  readonly grid: string;
  readonly core: PlannedGridCore;
  readonly state: GridState;
  readonly scanMs: number;
  readonly wallTimeMs: number;
}

/** A command that a core would give. */
export interface PredictedCommand {
  readonly grid: string;
  readonly device: string;
  readonly command: string;
  /** From now, ms. */
  readonly afterMs: number;
  readonly reason: string;
  /** False where the grid or the device is not in control: it would be explained and journalled, and not written. */
  readonly isWritten: boolean;
}

export interface Prediction {
  readonly horizonMs: number;
  /** What the new parameters would bring that the present ones would not. */
  readonly added: readonly PredictedCommand[];
  /** What the present parameters would bring that the new ones would not. */
  readonly removed: readonly PredictedCommand[];
}

export const PREDICT_MS = 60_000;
const STEPS_PER_TURN = 10;
/** No ramp is cut short by it (the core moves by two scans at the most in one frame), and it takes half the time. */
const SCANS_PER_STEP = 2;

/**
 * What the grids would command within a minute as they would be, and as they are, on the present measurements held as they are. Of each
 * device only the first command counts: what follows depends on how it answers. The grids of an island are run together, with the messages
 * that they would send each other.
 *
 * @param pause - Lets others run between two stretches of work.
 */
export async function predict(
  present: readonly PresentGrid[],
  changed: readonly PresentGrid[],
  pause: () => Promise<unknown>,
): Promise<Prediction> {
  const before = await run(present, pause);
  const after = await run(changed, pause);
  const key = ({ grid, device, command, isWritten }: PredictedCommand): string =>
    `${grid} ${device} ${command} ${isWritten}`;
  const [old, next] = [new Set(before.map(key)), new Set(after.map(key))];
  return {
    horizonMs: PREDICT_MS,
    added: after.filter((one) => !old.has(key(one))),
    removed: before.filter((one) => !next.has(key(one))),
  };
}

async function run(
  grids: readonly PresentGrid[],
  pause: () => Promise<unknown>,
): Promise<PredictedCommand[]> {
  const found: PredictedCommand[] = [];
  const seen = new Set<string>();
  let states = grids.map(({ state }) => state);
  let messages: readonly GridMessage[] = [];
  const stepMs = SCANS_PER_STEP * Math.min(...grids.map((one) => one.scanMs));
  const stepCount = Math.ceil(PREDICT_MS / stepMs);
  for (let step = 1; step <= stepCount; step++) {
    const sent: GridMessage[] = [];
    states = grids.map((one, index) => {
      const state = states[index] ?? one.state;
      const frame = frameOf(one, state, step * stepMs, messages);
      const next = one.core.step(state, frame);
      sent.push(...next.outputs.messages);
      const plan = one.core.planOf(next.state);
      for (const { device, command, reason } of next.outputs.commands) {
        if (seen.has(device)) continue;
        seen.add(device);
        const own = plan.deviceById.get(device)?.config.control ?? "control";
        const isWritten = plan.grid.control === "control" && own === "control";
        found.push({ grid: one.grid, device, command, afterMs: step * stepMs, reason, isWritten });
      }
      return next.state;
    });
    messages = sent;
    if (step % STEPS_PER_TURN === 0) await pause();
  }
  return found;
}

/** The next frame in which nothing new was measured. */
function frameOf(
  { grid, core, state: begin, wallTimeMs, scanMs }: PresentGrid,
  state: GridState,
  afterMs: number,
  messages: readonly GridMessage[],
): Frame {
  return {
    grid,
    epoch: state.epoch,
    sequence: state.sequence + 1,
    previousHash: "0",
    plantTimeMs: begin.plantTimeMs + afterMs,
    wallTimeMs: wallTimeMs + afterMs,
    isFirstOfEpoch: false,
    points: heartbeats(core, begin, afterMs, scanMs),
    connections: [],
    fates: [],
    requests: [],
    messages: messages.filter(({ toGrid }) => toGrid === grid),
    facts: [],
    leadership: null,
  };
}

const COUNT_MODULUS = 65_536;
/** Longer than any battery's heartbeat stands still. */
const FRESH_MS = 1000;

/** Batteries that live go on living: a counter that stood still would take them out of the reserve. */
function heartbeats(
  core: PlannedGridCore,
  begin: GridState,
  afterMs: number,
  scanMs: number,
): PointSample[] {
  return core.plan.devices.flatMap(({ id, kind }): PointSample[] => {
    const last = begin.bms[id];
    const isFresh = last !== undefined && begin.plantTimeMs - last.sinceMs < FRESH_MS;
    if (kind !== "battery" || !isFresh) return [];
    const count = (last.count + Math.round(afterMs / scanMs)) % COUNT_MODULUS;
    return [[`${id}.bmsHeartbeatCount`, count, "good"]];
  });
}
