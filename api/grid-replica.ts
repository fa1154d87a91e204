import { createGridCore } from "../actors/grid/grid-core.ts";
import type { GridState } from "../actors/grid/grid-state.ts";
import { islandSituationOf } from "../actors/grid/island.ts";
import type { Situation } from "../actors/grid/situation.ts";
import { viewGrid, type GridView } from "../actors/grid/view-grid.ts";
import { why, whyLines } from "../actors/grid/why.ts";
import type { WhyLine } from "../actors/grid/why-line.ts";
import { viewTree, type ActorView } from "../actors/runtime/actor-view.ts";
import type { Manifest } from "../configs/manifest.ts";
import { nativeHashOf } from "../history/native-hash.ts";
import type { OperatorRequest, RequestReply } from "../kernel/command.ts";
import type { AlarmEntry } from "../kernel/alarm.ts";
import { NO_OUTPUTS, type ActorTransition, type CoreOutputs } from "../kernel/core.ts";
import { decodeFrame, type EncodedFrame, type Frame } from "../kernel/frame.ts";
import {
  pointId,
  type ConnectionState,
  type PointSample,
  type PointValue,
} from "../kernel/point.ts";
import { HASH_NONE } from "../kernel/hash.ts";
import type { LogPosition } from "../kernel/record.ts";
import { PointChanges } from "./watch/point-changes.ts";
import { createReplica, type Image, type ReplicaMemory } from "../scan/replica.ts";

/** A transition and its place in the log. */
export interface PlacedTransition extends ActorTransition {
  readonly epoch: number;
  readonly sequence: number;
  readonly atMs: number;
}

export interface FailoverView {
  readonly from: string;
  readonly to: string;
  readonly epoch: number;
  readonly origin: string;
  readonly wallTimeMs: number;
  readonly gapMs: number;
}

/** What one frame changed, for whoever watches. */
export interface Applied {
  readonly transitions: readonly PlacedTransition[];
  readonly failover: FailoverView | null;
  readonly outputs: CoreOutputs;
}

const NOTHING: Applied = { transitions: [], failover: null, outputs: NO_OUTPUTS };
const TRANSITION_COUNT_MAX = 32;
const FAILOVER_COUNT_MAX = 16;
/** Frames from one comparable state to the next: about five seconds. */
const CHECKPOINT_EVERY = 50;

/** The state after a frame that every node of the grid hashes alike. */
export interface Checkpoint {
  readonly epoch: number;
  readonly sequence: number;
  readonly stateHash: string;
}

/** See {@link GridReplica.save}. */
export interface GridMemory {
  readonly replica: ReplicaMemory<GridState>;
  readonly position: LogPosition | null;
  readonly last: Frame | null;
  readonly failovers: readonly FailoverView[];
  readonly checkpoint: Checkpoint | null;
  readonly transitions: ReadonlyMap<string, readonly PlacedTransition[]>;
  readonly notGoodSinceMs: ReadonlyMap<string, number>;
}

/** The API worker's own replica of a grid's core: what inspection is answered from. */
export class GridReplica {
  readonly grid: string;
  readonly core;
  readonly #replica;
  #position: LogPosition | null = null;
  /** Not until the first frame or snapshot was taken. */
  #isCurrent = false;
  #last: Frame | null = null;
  /** Newest first. */
  #failovers: readonly FailoverView[] = [];
  #checkpoint: Checkpoint | null = null;
  readonly #transitions = new Map<string, PlacedTransition[]>();
  /** Plant time since when a point is not good; a point that is good, or was never read, is not in it. */
  readonly #notGoodSinceMs = new Map<string, number>();
  readonly #changes = new PointChanges();
  /** Viewed once per frame, whoever watches. */
  #views: ActorView[] | null = null;
  /** This thread's clock, at the last frame. */
  #appliedAtMs = performance.now();

  constructor(manifest: Manifest, grid: string) {
    this.grid = grid;
    this.core = createGridCore(manifest, grid);
    this.#replica = createReplica(this.core, nativeHashOf);
  }

  /** False while frames are missing: a snapshot is needed. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  get position(): LogPosition | null {
    return this.#position;
  }

  get lastFailover(): FailoverView | null {
    return this.#failovers[0] ?? null;
  }

  /** The last changes of leader, newest first. */
  get failovers(): readonly FailoverView[] {
    return this.#failovers;
  }

  /** The frame that was applied last; null after a snapshot. */
  get lastFrame(): Frame | null {
    return this.#last;
  }

  /** Which points changed when. */
  get changes(): PointChanges {
    return this.#changes;
  }

  get checkpoint(): Checkpoint | null {
    return this.#checkpoint;
  }

  get state(): GridState {
    return this.#replica.state();
  }

  /** Of the last frame; 0 before there was one. Data only. */
  get lastWallTimeMs(): number {
    return this.#last?.wallTimeMs ?? 0;
  }

  restore(text: string, position: LogPosition | null): void {
    this.#replica.restore(text);
    this.#replaced();
    this.#position = position;
    this.#isCurrent = true;
    this.#last = null;
    this.#appliedAtMs = performance.now();
    this.#notGoodSinceMs.clear();
    this.#noteQualities([...this.#replica.image().points.values()], this.state.plantTimeMs);
  }

  /** Takes a frame that continues what is held; another one makes the replica stop until a snapshot comes. */
  apply(text: string): Applied {
    return this.applyDecoded(decodeFrame(text, nativeHashOf));
  }

  applyDecoded({ frame, position }: EncodedFrame): Applied {
    if (position.hash === this.#position?.hash) return NOTHING;
    if (frame.previousHash !== (this.#position?.hash ?? HASH_NONE)) {
      this.#isCurrent = false;
      return NOTHING;
    }
    const before = this.state;
    const outputs = this.#replica.apply(frame);
    this.#views = null;
    this.#changes.note(frame.points, before.levels, this.state.levels);
    this.#position = position;
    this.#isCurrent = true;
    this.#last = frame;
    this.#appliedAtMs = performance.now();
    this.#noteQualities(frame.points, frame.plantTimeMs);
    if (frame.sequence % CHECKPOINT_EVERY === 0) {
      const { epoch, sequence } = frame;
      this.#checkpoint = { epoch, sequence, stateHash: this.#replica.hash() };
    }
    const transitions = outputs.transitions.map((transition) => this.#place(transition, frame));
    return { transitions, failover: this.#failover(frame, before), outputs };
  }

  /** Everything that it knows now, for {@link recall}: replay goes back by it. */
  save(): GridMemory {
    const transitions = new Map<string, readonly PlacedTransition[]>();
    for (const [actor, list] of this.#transitions) transitions.set(actor, [...list]);
    return {
      replica: this.#replica.save(),
      position: this.#position,
      last: this.#last,
      failovers: this.#failovers,
      checkpoint: this.#checkpoint,
      transitions,
      notGoodSinceMs: new Map(this.#notGoodSinceMs),
    };
  }

  recall(memory: GridMemory): void {
    this.#replica.recall(memory.replica);
    this.#position = memory.position;
    this.#last = memory.last;
    this.#failovers = memory.failovers;
    this.#replaced();
    this.#checkpoint = memory.checkpoint;
    this.#transitions.clear();
    for (const [actor, list] of memory.transitions) this.#transitions.set(actor, [...list]);
    this.#notGoodSinceMs.clear();
    for (const [point, sinceMs] of memory.notGoodSinceMs) this.#notGoodSinceMs.set(point, sinceMs);
    this.#appliedAtMs = performance.now();
    this.#isCurrent = true;
  }

  /** Canonical text of the replica, whose hash is the state's hash. */
  text(): string {
    return this.#replica.snapshot();
  }

  /** The measured points and connections as the frames have built them up. */
  image(): Image {
    return this.#replica.image();
  }

  views(): readonly ActorView[] {
    this.#views ??= viewTree(this.core.plan.tree, this.state.tree);
    return this.#views;
  }

  /** Last good or uncertain value of a measured point, else null. */
  valueOf(device: string, point: string): PointValue | null {
    const sample = this.#replica.image().points.get(pointId(device, point));
    return sample === undefined || sample[2] === "bad" ? null : sample[1];
  }

  /** The last value of a point with its quality, whatever it is; null where it was never read. */
  sampleOf(device: string, point: string): PointSample | null {
    return this.#replica.image().points.get(pointId(device, point)) ?? null;
  }

  /** Time since the point was last known to be good: for a good one, since the last frame. Null where it was never read. */
  ageMsOf(device: string, point: string): number | null {
    const sample = this.sampleOf(device, point);
    if (sample === null) return null;
    const sinceFrameMs = performance.now() - this.#appliedAtMs;
    const notGoodSinceMs = this.#notGoodSinceMs.get(sample[0]);
    if (notGoodSinceMs === undefined) return sinceFrameMs;
    return Math.max(0, this.state.plantTimeMs - notGoodSinceMs) + sinceFrameMs;
  }

  /** Set-point that R-EMS holds, or null. */
  heldLevelOf(device: string, point: string): number | null {
    return this.state.levels[pointId(device, point)] ?? null;
  }

  /** Time since the last frame, ms. */
  get frameAgeMs(): number {
    return performance.now() - this.#appliedAtMs;
  }

  /** State of the connection to a device, as the leader's driver sees it. */
  connectionOf(device: string): ConnectionState {
    return this.#replica.image().connections.get(device)?.[1] ?? "offline";
  }

  #replaced(): void {
    this.#views = null;
    this.#changes.noteAll();
  }

  #noteQualities(samples: readonly PointSample[], plantTimeMs: number): void {
    for (const [id, , quality] of samples) {
      if (quality === "good") this.#notGoodSinceMs.delete(id);
      else if (!this.#notGoodSinceMs.has(id)) this.#notGoodSinceMs.set(id, plantTimeMs);
    }
  }

  /** Figures, devices and reasons, as the core's own view has them. */
  view(): GridView {
    return viewGrid(this.core, this.state);
  }

  /** Sentences, the most important first; none for an address that is not of this grid. */
  why(address: string): string[] {
    return why(this.core, this.state, address);
  }

  /** The same, with the reasons that they are made of. */
  whyLines(address: string): readonly WhyLine[] {
    return whyLines(this.core, this.state, address);
  }

  /** Of the whole island: a busbar may live by what stands behind a tie. */
  situation(): Situation {
    return islandSituationOf(this.core.planOf(this.state), this.state);
  }

  /** All that stand, wait to be acknowledged or are hidden, oldest first. */
  alarms(): readonly AlarmEntry[] {
    return this.state.alarmBook.entries;
  }

  /** The last transitions of an actor, newest last. */
  transitionsOf(address: string): readonly PlacedTransition[] {
    return this.#transitions.get(address) ?? [];
  }

  /** What the core would answer to a request now, decided on a copy of the state. */
  tryRequest(request: OperatorRequest): RequestReply | null {
    const { plantTimeMs, epoch, sequence } = this.state;
    const { outputs } = this.core.step(this.state, {
      grid: this.grid,
      epoch,
      sequence: sequence + 1,
      previousHash: this.#position?.hash ?? HASH_NONE,
      plantTimeMs,
      wallTimeMs: this.#last?.wallTimeMs ?? 0,
      isFirstOfEpoch: false,
      points: [],
      connections: [],
      fates: [],
      requests: [request],
      messages: [],
      facts: [],
      leadership: null,
    });
    return outputs.replies.find((reply) => reply.requestId === request.requestId) ?? null;
  }

  #place(transition: ActorTransition, frame: Frame): PlacedTransition {
    const { epoch, sequence, plantTimeMs } = frame;
    const placed = { ...transition, epoch, sequence, atMs: plantTimeMs };
    const list = this.#transitions.get(transition.actor) ?? [];
    list.push(placed);
    if (list.length > TRANSITION_COUNT_MAX) list.shift();
    this.#transitions.set(transition.actor, list);
    return placed;
  }

  /** The first frame of an epoch after another leader's: who led before is in the state. */
  #failover(frame: Frame, before: GridState): FailoverView | null {
    const from = before.leadership.leader;
    if (!frame.isFirstOfEpoch || frame.leadership === null || from === "") return null;
    const failover = {
      from,
      to: frame.leadership.leader.node,
      epoch: frame.epoch,
      origin: frame.leadership.origin,
      wallTimeMs: frame.wallTimeMs,
      gapMs: frame.plantTimeMs - before.plantTimeMs,
    };
    this.#failovers = [failover, ...this.#failovers].slice(0, FAILOVER_COUNT_MAX);
    return failover;
  }
}
