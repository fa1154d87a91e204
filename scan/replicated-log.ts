import type { OperatorRequest } from "../kernel/command.ts";
import type { CoreOutputs, GridCore } from "../kernel/core.ts";
import type { EncodedFrame } from "../kernel/frame.ts";
import type { SnapshotMessage, StateHash } from "../kernel/peer-message.ts";
import type { Journal, RecoveredLog } from "../kernel/ports/journal.ts";
import type { LogPosition } from "../kernel/record.ts";
import type { FrameLog } from "./frame-log.ts";
import { createFrameLog } from "./frame-log.ts";
import { createPlantTime } from "./plant-time.ts";
import type { Replica } from "./replica.ts";
import { createReplica, stateIn } from "./replica.ts";
import type { StateHashes } from "./state-hashes.ts";
import { createStateHashes } from "./state-hashes.ts";

const LOG_FRAME_COUNT_MAX = 200;
/** A snapshot goes into the journal every so many frames, so that a restart replays at most a minute. */
const SNAPSHOT_FRAME_COUNT = 600;

export interface ReplicatedLogOptions<State> {
  readonly grid: string;
  readonly core: GridCore<State>;
  readonly journal: Journal;
  readonly nowMs: () => number;
  readonly hash: ((text: string) => string) | undefined;
}

/** What a controller holds in common with the others of its grid: the newest frames, the state that they made, plant time. It writes them to the journal. */
export interface ReplicatedLog<State> {
  readonly frames: Pick<FrameLog, "last" | "at" | "after">;
  readonly replica: Pick<Replica<State>, "state" | "image" | "snapshot">;
  readonly stateHashes: Pick<StateHashes, "newest" | "difference">;
  /**
   * Goes on from the journal, unless another version or structure wrote it: its state means nothing here then. Its time and epochs do, and of
   * another structure what operators had decided.
   */
  recover(recovered: RecoveredLog): void;
  /** What operators had decided before the structure changed, to be asked for again by whoever leads without anybody's state. Once. */
  takeDecisions(): readonly OperatorRequest[];
  /** Plant time at `nowMs` of the monotonic clock (now, if left out), at least `minimumMs`. */
  plantTimeMs(nowMs?: number, minimumMs?: number): number;
  /** Takes a frame that was built or received at `nowMs` into log and journal. It is {@link apply} that advances the state. */
  append(encoded: EncodedFrame, nowMs: number): void;
  apply(encoded: EncodedFrame): CoreOutputs;
  /** Replaces everything by what the leader holds. */
  install(snapshot: SnapshotMessage): void;
  /** The journal has a gap: it needs a snapshot before anything counts as synced again. */
  journalSnapshotNow(): void;
}

export function createReplicatedLog<State>(
  options: ReplicatedLogOptions<State>,
): ReplicatedLog<State> {
  return new GridLog(options);
}

class GridLog<State> implements ReplicatedLog<State> {
  readonly frames = createFrameLog(LOG_FRAME_COUNT_MAX);
  readonly stateHashes = createStateHashes();
  readonly replica;
  readonly #options: ReplicatedLogOptions<State>;
  readonly #plantTime = createPlantTime();
  #framesSinceSnapshotCount = SNAPSHOT_FRAME_COUNT;
  #decisions: readonly OperatorRequest[] = [];

  constructor(options: ReplicatedLogOptions<State>) {
    this.#options = options;
    this.replica = createReplica(options.core, options.hash);
  }

  recover(recovered: RecoveredLog): void {
    const { core, nowMs } = this.#options;
    this.#plantTime.observe(recovered.plantTimeMs, nowMs());
    const { snapshot } = recovered;
    const isForeign =
      snapshot !== null &&
      (snapshot.coreVersion !== core.coreVersion || snapshot.manifestHash !== core.manifestHash);
    if (isForeign) {
      if (snapshot.coreVersion === core.coreVersion)
        this.#decisions = core.decisions?.(stateIn(snapshot.state) as State) ?? [];
      return;
    }
    if (snapshot !== null) {
      this.replica.restore(snapshot.state);
      this.frames.reset(snapshot.position);
    }
    for (const encoded of recovered.frames) {
      this.frames.append(encoded);
      this.replica.apply(encoded.frame);
    }
  }

  takeDecisions(): readonly OperatorRequest[] {
    const decisions = this.#decisions;
    this.#decisions = [];
    return decisions;
  }

  plantTimeMs(nowMs = this.#options.nowMs(), minimumMs = 0): number {
    return this.#plantTime.at(nowMs, minimumMs);
  }

  append(encoded: EncodedFrame, nowMs: number): void {
    this.frames.append(encoded);
    this.#options.journal.appendFrame(encoded);
    this.#plantTime.observe(encoded.frame.plantTimeMs, nowMs);
  }

  apply({ frame, position }: EncodedFrame): CoreOutputs {
    const outputs = this.replica.apply(frame);
    const noted = this.stateHashes.note(position, () => this.replica.hash());
    if (noted !== null) this.#journalStateHash(noted, frame.plantTimeMs);
    this.#framesSinceSnapshotCount++;
    if (this.#framesSinceSnapshotCount >= SNAPSHOT_FRAME_COUNT)
      this.#journalSnapshot(position, frame.plantTimeMs, this.replica.snapshot());
    return outputs;
  }

  install({ state, position, plantTimeMs }: SnapshotMessage): void {
    const { grid, journal, nowMs } = this.#options;
    this.replica.restore(state);
    this.#decisions = [];
    // What was held beyond is void: the new leader did not continue it.
    if (this.frames.last() !== null) journal.markVoid(grid, position);
    this.frames.reset(position);
    this.stateHashes.clear();
    this.#plantTime.observe(plantTimeMs, nowMs());
    this.#journalSnapshot(position, plantTimeMs, state);
  }

  journalSnapshotNow(): void {
    const position = this.frames.last();
    if (position !== null)
      this.#journalSnapshot(position, this.plantTimeMs(), this.replica.snapshot());
  }

  /** A replay of the journal is checked against it. */
  #journalStateHash({ epoch, sequence, hash }: StateHash, plantTimeMs: number): void {
    const { grid, journal } = this.#options;
    const text = `${epoch}:${sequence}:${hash}`;
    journal.note({ grid, plantTimeMs, kind: "stateHash", text });
  }

  #journalSnapshot(position: LogPosition, plantTimeMs: number, state: string): void {
    this.#framesSinceSnapshotCount = 0;
    const { grid, journal, core } = this.#options;
    const { coreVersion, manifestHash } = core;
    journal.appendSnapshot({ grid, position, plantTimeMs, coreVersion, manifestHash, state });
  }
}
