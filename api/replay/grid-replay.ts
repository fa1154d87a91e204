import type { GridState } from "../../actors/grid/grid-state.ts";
import type { Manifest } from "../../configs/manifest.ts";
import type { GridRecording } from "../../history/incident.ts";
import { nativeHashOf } from "../../history/native-hash.ts";
import type { Canonical } from "../../kernel/canonical.ts";
import type { LevelOutput } from "../../kernel/command.ts";
import type { CoreOutputs } from "../../kernel/core.ts";
import { InvariantError, RemsError } from "../../kernel/errors.ts";
import { decodeFrame, type Frame } from "../../kernel/frame.ts";
import { HASH_NONE } from "../../kernel/hash.ts";
import {
  type FailoverView,
  type GridMemory,
  GridReplica,
  type PlacedTransition,
} from "../grid-replica.ts";
import {
  behaviourText,
  compareBehaviour,
  outputsText,
  type BehaviourDifference,
} from "./behaviour.ts";
import { differencesOf } from "./state-patch.ts";

/** A place of the recording. */
export interface Place {
  /** Frames applied so far. */
  readonly index: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly plantTimeMs: number;
  readonly wallTimeMs: number;
}

/** A frame whose replay is not what was recorded. */
export interface Mismatch {
  readonly grid: string;
  readonly place: Place;
  /** `outputs`: this build decides otherwise. The others: it remembers otherwise. */
  readonly kind: "outputs" | "state" | "stateHash" | "snapshot";
  readonly text: string;
  readonly differences: readonly BehaviourDifference[];
}

export interface ReplayStep {
  readonly place: Place;
  readonly frame: Frame;
  readonly outputs: CoreOutputs;
  readonly transitions: readonly PlacedTransition[];
  readonly failover: FailoverView | null;
  readonly behaviour: string;
}

export interface CheckCounts {
  readonly frameCount: number;
  readonly stateHashCount: number;
  readonly snapshotCount: number;
  readonly behaviourCount: number;
  /** Frames after which the state differed, and frames that put out something else. */
  readonly stateMismatchCount: number;
  readonly outputMismatchCount: number;
}

/** All that a replay knows, as data that may go from one thread to another: see {@link GridReplay.outcome}. */
export interface ReplayOutcome {
  readonly memory: GridMemory;
  readonly checkpoints: ReadonlyMap<number, Checkpoint>;
  readonly checkpointEvery: number;
  readonly index: number;
  readonly checkedTo: number;
  readonly last: ReplayStep | null;
  readonly counts: CheckCounts;
  readonly firstStateMismatch: Mismatch | null;
  readonly firstOutputMismatch: Mismatch | null;
  readonly addedFields: readonly string[];
}

interface Checkpoint {
  readonly memory: GridMemory;
  readonly last: ReplayStep | null;
}

const CHECKPOINT_EVERY = 50;
const CHECKPOINT_COUNT_MAX = 1500;
const DIFFERENCE_COUNT_MAX = 20;
const TAIL = /"sequence":(\d+),"wallTimeMs":(\d+)\}$/;
const TAIL_LENGTH = 80;

/**
 * Re-runs the recording of one grid, forwards and back. Each frame is checked when it is reached for the first time: its hash and its
 * predecessor's, the state's hash and whole states where they were recorded, and what it brought about.
 */
export class GridReplay {
  readonly grid: string;
  readonly replica: GridReplica;
  readonly recording: GridRecording;
  readonly sequences: readonly number[];
  readonly wallTimesMs: readonly number[];
  readonly #stateHashes = new Map<string, string>();
  readonly #snapshots = new Map<string, string>();
  readonly #start: GridMemory;
  /** By index; the distance doubles when there are too many. */
  #checkpoints = new Map<number, Checkpoint>();
  #checkpointEvery = CHECKPOINT_EVERY;
  #index = 0;
  #checkedTo = 0;
  #last: ReplayStep | null = null;
  #firstStateMismatch: Mismatch | null = null;
  #firstOutputMismatch: Mismatch | null = null;
  #counts = {
    frameCount: 0,
    stateHashCount: 0,
    snapshotCount: 0,
    behaviourCount: 0,
    stateMismatchCount: 0,
    outputMismatchCount: 0,
  };
  /** Fields of the state that the recording does not have: they begin as in a new grid. */
  readonly addedFields: string[] = [];

  /** @throws {@link RemsError} `REMS_INCIDENT_INVALID` where the recorded state does not fit this build. */
  constructor(manifest: Manifest, recording: GridRecording) {
    this.grid = recording.grid;
    this.recording = recording;
    this.replica = new GridReplica(manifest, recording.grid);
    const tails = recording.frames.map((text) => TAIL.exec(text.slice(-TAIL_LENGTH)));
    this.sequences = tails.map((tail) => Number(tail?.[1] ?? Number.NaN));
    this.wallTimesMs = tails.map((tail) => Number(tail?.[2] ?? Number.NaN));
    for (const { epoch, sequence, hash } of recording.stateHashes) {
      this.#stateHashes.set(`${epoch}:${sequence}`, hash);
    }
    for (const { position, state } of recording.snapshots)
      this.#snapshots.set(position.hash, state);
    this.#start = this.replica.save();
    this.seek(0);
  }

  get count(): number {
    return this.recording.frames.length;
  }

  get index(): number {
    return this.#index;
  }

  /** The frame that was applied last; null before the first. */
  get last(): ReplayStep | null {
    return this.#last;
  }

  get counts(): CheckCounts {
    return { ...this.#counts };
  }

  /** The first frame that put out something else than was recorded. */
  get firstOutputMismatch(): Mismatch | null {
    return this.#firstOutputMismatch;
  }

  /** The first frame after which the state was another. */
  get firstStateMismatch(): Mismatch | null {
    return this.#firstStateMismatch;
  }

  /** True if everything was as recorded, as far as it was re-run. */
  get isEqual(): boolean {
    return this.#firstStateMismatch === null && this.#firstOutputMismatch === null;
  }

  /** Wall time of the present place: of the last frame applied, or of the first one to come. */
  get wallTimeMs(): number {
    return this.wallTimesMs[Math.max(0, this.#index - 1)] ?? 0;
  }

  /** Applies the next frame; null at the end. */
  step(): ReplayStep | null {
    const text = this.recording.frames[this.#index];
    if (text === undefined) return null;
    this.#takeBase(this.#index);
    const isNew = this.#index >= this.#checkedTo;
    const before = this.replica.state;
    const levels = this.#last?.outputs.levels ?? [];
    const step = this.#apply(text, before, levels);
    this.#index++;
    this.#last = step;
    if (isNew) {
      this.#checkedTo = this.#index;
      this.#check(step, before);
      if (this.#index % this.#checkpointEvery === 0) this.#keepCheckpoint();
    }
    return step;
  }

  /** Goes to the place after `index` frames, from the nearest checkpoint before it. */
  seek(index: number): void {
    const to = Math.max(0, Math.min(index, this.count));
    if (to < this.#index || to === 0) this.#goBack(to);
    while (this.#index < to) if (this.step() === null) return;
  }

  /** For a replay of the same recording in another thread, which then stands where this one does: {@link adopt}. */
  outcome(): ReplayOutcome {
    return {
      memory: this.replica.save(),
      checkpoints: this.#checkpoints,
      checkpointEvery: this.#checkpointEvery,
      index: this.#index,
      checkedTo: this.#checkedTo,
      last: this.#last,
      counts: this.counts,
      firstStateMismatch: this.#firstStateMismatch,
      firstOutputMismatch: this.#firstOutputMismatch,
      addedFields: this.addedFields,
    };
  }

  adopt(outcome: ReplayOutcome): void {
    this.replica.recall(outcome.memory);
    this.#checkpoints = new Map(outcome.checkpoints);
    this.#checkpointEvery = outcome.checkpointEvery;
    this.#index = outcome.index;
    this.#checkedTo = outcome.checkedTo;
    this.#last = outcome.last;
    this.#counts = { ...outcome.counts };
    this.#firstStateMismatch = outcome.firstStateMismatch;
    this.#firstOutputMismatch = outcome.firstOutputMismatch;
    this.addedFields.splice(0, Infinity, ...outcome.addedFields);
  }

  /** Index of the first place at or after a wall time. */
  indexAt(wallTimeMs: number): number {
    const found = this.wallTimesMs.findIndex((atMs) => atMs >= wallTimeMs);
    return found < 0 ? this.count : found + 1;
  }

  /** Index of the place `durationMs` of wall time before the present one. */
  indexBack(durationMs: number): number {
    if (this.#last === null) return 0;
    const targetMs = this.wallTimeMs - durationMs;
    let to = this.#index;
    while (to > 1 && (this.wallTimesMs[to - 1] ?? 0) > targetMs) to--;
    return to;
  }

  #goBack(to: number): void {
    let from = 0;
    for (const index of this.#checkpoints.keys()) if (index <= to && index > from) from = index;
    const checkpoint = this.#checkpoints.get(from);
    this.replica.recall(checkpoint?.memory ?? this.#start);
    this.#index = from;
    this.#last = checkpoint?.last ?? null;
    if (from === 0) this.#takeBase(0);
  }

  #keepCheckpoint(): void {
    this.#checkpoints.set(this.#index, { memory: this.replica.save(), last: this.#last });
    if (this.#checkpoints.size <= CHECKPOINT_COUNT_MAX) return;
    this.#checkpointEvery *= 2;
    for (const index of this.#checkpoints.keys()) {
      if (index % this.#checkpointEvery !== 0) this.#checkpoints.delete(index);
    }
  }

  /** Where the record begins anew its state comes from a snapshot, or from nothing. */
  #takeBase(index: number): void {
    const base = this.recording.bases.get(index);
    if (base !== undefined) {
      if (this.replica.position?.hash === base.position.hash) return;
      this.replica.restore(this.#fitted(base.state), base.position);
      this.#last = null;
      return;
    }
    if (this.replica.position === null) return;
    const isBeginning = this.recording.frames[index]?.includes(`"previousHash":"${HASH_NONE}"`);
    if (isBeginning === true) this.replica.recall(this.#start);
  }

  /** A state of an older build gets the fields that it lacks. */
  #fitted(text: string): string {
    const content = JSON.parse(text) as { core: Record<string, unknown> };
    const initial = this.replica.core.initial() as unknown as Record<string, unknown>;
    const missing = Object.keys(initial).filter((key) => !(key in content.core));
    if (missing.length === 0) return text;
    for (const key of missing) if (!this.addedFields.includes(key)) this.addedFields.push(key);
    return JSON.stringify({ ...content, core: { ...initial, ...content.core } });
  }

  #apply(text: string, before: GridState, levels: readonly LevelOutput[]): ReplayStep {
    const encoded = decodeFrame(text, nativeHashOf);
    const { frame } = encoded;
    const expected = this.replica.position?.hash ?? HASH_NONE;
    if (frame.previousHash !== expected) {
      throw new RemsError(
        "REMS_INCIDENT_INVALID",
        `frame ${frame.epoch}:${frame.sequence} of ${this.grid} does not continue the one before: the recording is damaged`,
      );
    }
    let applied;
    try {
      applied = this.replica.applyDecoded(encoded);
    } catch (cause) {
      if (cause instanceof InvariantError || cause instanceof RemsError) throw cause;
      throw new RemsError(
        "REMS_INCIDENT_INVALID",
        `the recorded state of ${this.grid} does not fit this build at frame ${frame.epoch}:${frame.sequence} (${cause instanceof Error ? cause.message : String(cause)}); the build that recorded it replays it`,
        { cause },
      );
    }
    const { epoch, sequence, plantTimeMs, wallTimeMs } = frame;
    const { outputs, transitions, failover } = applied;
    return {
      place: { index: this.#index + 1, epoch, sequence, plantTimeMs, wallTimeMs },
      frame,
      outputs,
      transitions,
      failover,
      behaviour: behaviourText({ state: before, levels }, { state: this.replica.state, outputs }),
    };
  }

  #check(step: ReplayStep, before: GridState): void {
    const { place } = step;
    this.#counts.frameCount++;
    const recorded = this.recording.behaviour[place.index - 1];
    if (recorded !== undefined) this.#counts.behaviourCount++;
    const isSame = recorded === undefined || recorded === step.behaviour;
    if (!isSame) this.#checkOutputs(step, before, recorded);
    const changed = isSame ? null : this.#stateChangeMismatch(step, before, recorded);
    const mismatch = this.#checkState(place) ?? changed;
    if (mismatch === null) return;
    this.#counts.stateMismatchCount++;
    // What the frame changed names the fields more exactly than a hash does.
    this.#firstStateMismatch ??= changed ?? mismatch;
  }

  #checkOutputs(step: ReplayStep, before: GridState, recorded: string): void {
    const there = outputsText(recorded);
    const here = outputsText(step.behaviour);
    if (there === here) return;
    this.#counts.outputMismatchCount++;
    if (this.#firstOutputMismatch !== null) return;
    const { grid } = this;
    const { place } = step;
    const differences = compareBehaviour(before, there, here, DIFFERENCE_COUNT_MAX);
    const text = "what the frame put out is not what was recorded";
    this.#firstOutputMismatch = { grid, place, kind: "outputs", text, differences };
  }

  /** Only until the states have parted: then changes from one to the next mean nothing. */
  #stateChangeMismatch(step: ReplayStep, before: GridState, recorded: string): Mismatch | null {
    if (this.#firstStateMismatch !== null) return null;
    const all = compareBehaviour(before, recorded, step.behaviour, DIFFERENCE_COUNT_MAX * 2);
    const differences = all.filter(({ kind }) => kind === "state").slice(0, DIFFERENCE_COUNT_MAX);
    if (differences.length === 0) return null;
    const text = "the state after the frame is not the one that was recorded";
    return { grid: this.grid, place: step.place, kind: "state", text, differences };
  }

  #checkState(place: Place): Mismatch | null {
    const hash = this.#stateHashes.get(`${place.epoch}:${place.sequence}`);
    const snapshot = this.#snapshots.get(this.replica.position?.hash ?? "");
    if (hash === undefined && snapshot === undefined) return null;
    const text = this.replica.text();
    if (hash !== undefined) this.#counts.stateHashCount++;
    if (snapshot !== undefined) {
      this.#counts.snapshotCount++;
      if (snapshot !== text) return this.#snapshotMismatch(place, snapshot, text);
    }
    const replayed = nativeHashOf(text);
    if (hash === undefined || hash === replayed) return null;
    return {
      grid: this.grid,
      place,
      kind: "stateHash",
      text: `the state has hash ${replayed}, recorded is ${hash}`,
      differences: [],
    };
  }

  #snapshotMismatch(place: Place, recorded: string, replayed: string): Mismatch {
    const parse = (text: string) => JSON.parse(text) as Canonical;
    const differences =
      this.#firstStateMismatch === null
        ? differencesOf(parse(recorded), parse(replayed), DIFFERENCE_COUNT_MAX)
        : [];
    return {
      grid: this.grid,
      place,
      kind: "snapshot",
      text: "the state is not the one that was recorded",
      differences: differences.map((difference) => ({ kind: "state", ...difference })),
    };
  }
}
