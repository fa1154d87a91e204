import { RELEASED_EPOCH_FACT } from "../kernel/core.ts";
import { assert } from "../kernel/assert.ts";
import type { OperatorRequest, RequestReply } from "../kernel/command.ts";
import type { CoreOutputs, GridCore } from "../kernel/core.ts";
import { RemsError } from "../kernel/errors.ts";
import type { EncodedFrame, FactSample, LeadershipOrigin } from "../kernel/frame.ts";
import { decodeFrame, encodeFrame } from "../kernel/frame.ts";
import type { GridMessage } from "../kernel/grid-message.ts";
import { HASH_NONE } from "../kernel/hash.ts";
import type { NodeFact, PeerMessage, SnapshotMessage, StateHash } from "../kernel/peer-message.ts";
import type { Clock, Timer } from "../kernel/ports/clock.ts";
import type { Coordinator } from "../kernel/ports/coordinator.ts";
import type { AuthorityGate, DeviceIo } from "../kernel/ports/device-io.ts";
import type { Journal, RecoveredLog } from "../kernel/ports/journal.ts";
import type { LogPosition, Member } from "../kernel/record.ts";
import type { ControllerOptions, ControllerState } from "../cluster/core/controller.ts";
import { createController, stepController } from "../cluster/core/controller.ts";
import type { ControllerAlarm, ControllerEffect, Role } from "../cluster/core/effects.ts";
import type { ControllerEvent } from "../cluster/core/events.ts";
import {
  authorityUntilMs,
  describe,
  inSyncOf,
  leaderOf,
  mayAcceptCommands,
  mayBuildFrame,
  nextDeadlineMs,
  releasedCommandSequence,
  releasedLevelSequence,
  revisionOf,
  roleOf,
  takeoverTimes,
} from "../cluster/core/queries.ts";
import { createDeadBusPermit } from "./dead-bus-permit.ts";
import { takeDeviceInputs } from "./device-inputs.ts";
import { createFrameLog } from "./frame-log.ts";
import { createInbox } from "./inbox.ts";
import type { LeaderHeader } from "./leader-messages.ts";
import { catchUpMessages, frameMessage, heartbeatMessage } from "./leader-messages.ts";
import { createOutputGate } from "./output-gate.ts";
import { createPlantTime } from "./plant-time.ts";
import { createReplica } from "./replica.ts";
import type { LoopStep } from "./loop-trace.ts";
import { createStateHashes } from "./state-hashes.ts";

const LOG_FRAME_COUNT_MAX = 200;
/** A node's facts are told again so often: messages may be lost, and leaders change. */
const FACTS_EVERY_MS = 1000;
/** Names of facts that another node may tell. */
const NODE_FACT = /^[a-z][A-Za-z]{0,31}\.[a-z][A-Za-z]{0,31}$/;
/** A snapshot goes into the journal every so many frames, so that a restart replays at most a minute. */
const SNAPSHOT_FRAME_COUNT = 600;
/** Facts on which alarms of the core rest; it sees redundancy and the kind of takeover by itself. */
const ALARM_FACTS: Readonly<Partial<Record<ControllerAlarm, string>>> = {
  AUTHORITY_LOST: "authority.isLost",
  CLOCK_JUMPED: "clock.hasJumped",
};

/** What the loop tells whoever watches: views, metrics, rings to the workers. None of it may block or throw. */
export interface LoopObserver {
  frame(encoded: EncodedFrame, outputs: CoreOutputs, isLeading: boolean): void;
  /** The replica was replaced: watchers that keep one of their own take this. */
  snapshot(text: string, position: LogPosition | null): void;
  role(from: Role, to: Role, reason: string): void;
  alarm(code: ControllerAlarm, isActive: boolean, text: string): void;
  reply(reply: RequestReply & { readonly code: string | null }): void;
  /** Scans that came late, by how much, and how many were left out. */
  scan(latenessMs: number, missedCount: number): void;
  restart(reason: string): void;
  /** Steps of failovers, where somebody measures. */
  readonly trace?: ((nowMs: number, step: LoopStep) => void) | undefined;
}

export interface ControlLoopOptions<State> {
  readonly controller: ControllerOptions;
  readonly core: GridCore<State>;
  readonly recovered: RecoveredLog;
  readonly incarnation: string;
  readonly clock: Clock;
  /** How long this computer has slept so far: its monotonic clock stood still. Asked before every event and every write. */
  readonly sleptMs: () => number;
  readonly coordinator: Coordinator;
  /** Sends to one node; messages of this grid only. */
  readonly send: (toNode: string, message: PeerMessage) => boolean;
  /** Sends a message between grids to whoever leads the other one. */
  readonly sendToGrid: (message: GridMessage) => void;
  /** Built with the loop's gate; the loop is its only user. */
  readonly createDevices: (gate: AuthorityGate, plantTimeMs: () => number) => DeviceIo;
  readonly journal: Journal;
  /** Key of the permit to close onto a dead busbar: one for all grids that ties could join. */
  readonly permitKey: string;
  readonly observer: LoopObserver;
  /** Offset of the scans within `scanMs`, so that the grids of a node do not scan at once. */
  readonly phaseMs: number;
}

/** The controller of one grid on one node: scans, replicates, issues outputs. Runs on the control thread, on ports only. */
export interface ControlLoop<State = unknown> {
  start(): void;
  receive(fromNode: string, message: PeerMessage): void;
  /** A request of an operator. Answered through {@link LoopObserver} `reply`, always exactly once. */
  submit(request: OperatorRequest): void;
  transfer(requestId: string, toNode: string, reason: string): void;
  force(requestId: string, reason: string): void;
  setFact(fact: string, value: FactSample[1]): void;
  /** A fact about this node itself: whoever leads takes it into its frames, under the name `fact@node`. */
  setNodeFact(fact: string, isTrue: boolean): void;
  journalSynced(position: LogPosition): void;
  /** Hands over if a standby is in sync; `done` is called when this controller no longer leads, or at once. */
  stop(done: () => void): void;
  close(): Promise<void>;
  view(): LoopView;
  /** The journal has a gap: it needs a snapshot before anything counts as synced again. */
  journalSnapshotNow(): void;
  /** The replica's state now. Not to be changed. */
  coreState(): State;
  /** Text of the replica now, for watchers that start late. */
  snapshot(): { readonly text: string; readonly position: LogPosition | null };
}

export interface LoopView {
  readonly role: Role;
  readonly epoch: number;
  readonly leader: Member | null;
  readonly inSync: readonly Member[];
  readonly hasAuthority: boolean;
  readonly last: LogPosition | null;
  readonly plantTimeMs: number;
  /** Hash of the replica's state at a recent position; equal on all replicas. */
  readonly stateHash: StateHash | null;
  readonly controller: ReturnType<typeof describe>;
}

export function createControlLoop<State>(options: ControlLoopOptions<State>): ControlLoop<State> {
  return new GridControlLoop(options);
}

class GridControlLoop<State> implements ControlLoop<State> {
  readonly #options: ControlLoopOptions<State>;
  readonly #grid: string;
  readonly #replica;
  readonly #log = createFrameLog(LOG_FRAME_COUNT_MAX);
  readonly #outputs = createOutputGate();
  readonly #inbox = createInbox();
  readonly #plantTime = createPlantTime();
  readonly #devices: DeviceIo;
  readonly #permit;

  #controller: ControllerState;
  readonly #events: ControllerEvent[] = [];
  #isDispatching = false;
  #sleptMs: number;
  #deadline: Timer | null = null;
  #deadlineAtMs = Number.POSITIVE_INFINITY;
  #scan: Timer | null = null;
  #nextScanAtMs = 0;
  #isPollDue = false;
  #unwatch: () => void = () => {};

  /** Frames accepted in this turn, applied after their acknowledgements went out. */
  #unapplied: EncodedFrame[] = [];
  #received: EncodedFrame | null = null;
  #leading: {
    readonly epoch: number;
    readonly origin: LeadershipOrigin;
    scanCount: number;
  } | null = null;
  #plantTimeMsMin = 0;
  #isLeadershipNews = false;
  readonly #stateHashes = createStateHashes();
  readonly #nodeFacts = new Map<string, boolean>();
  #factsDueAtMs = 0;
  #framesSinceSnapshotCount = SNAPSHOT_FRAME_COUNT;
  #onStopped: (() => void) | null = null;
  /** The devices are being given back, in this frame once it is built. */
  #release: { sequence: number | null; isSettling: boolean } | null = null;
  #isClosed = false;

  constructor(options: ControlLoopOptions<State>) {
    this.#options = options;
    this.#grid = options.controller.grid;
    this.#replica = createReplica(options.core);
    this.#controller = createController(options.controller);
    this.#sleptMs = options.sleptMs();
    const gate: AuthorityGate = {
      epochForWrite: (_grid, _device, writeMs) => this.#epochForWrite(writeMs),
    };
    this.#devices = options.createDevices(gate, () =>
      this.#plantTime.at(options.clock.monotonicMs()),
    );
    this.#permit = createDeadBusPermit({
      key: options.permitKey,
      grid: this.#grid,
      self: { node: options.controller.self, incarnation: options.incarnation },
      clock: options.clock,
      coordinator: options.coordinator,
      callMs: options.controller.timings.coordinatorMs,
      clockDivergenceMs: options.controller.timings.clockDivergenceMs,
      tell: (untilMs, text) => this.#tellPermit(untilMs, text),
    });
    this.#recover(options.recovered);
  }

  // --- life ---

  start(): void {
    const { clock, coordinator, recovered, incarnation } = this.#options;
    this.#unwatch = coordinator.watch(this.#grid, () =>
      this.#dispatch({ type: "record.hinted", nowMs: clock.monotonicMs() }),
    );
    this.#nextScanAtMs = clock.monotonicMs() + this.#options.phaseMs;
    this.#armScan();
    this.#dispatch({
      type: "started",
      nowMs: clock.monotonicMs(),
      incarnation,
      last: this.#log.last(),
      plantTimeMs: recovered.plantTimeMs,
      epochMax: recovered.epochMax,
    });
  }

  stop(done: () => void): void {
    this.#onStopped = done;
    this.#dispatch({ type: "stop.requested", nowMs: this.#nowMs() });
    // One that is fenced already changes no role.
    this.#finishStop();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#deadline?.cancel();
    this.#scan?.cancel();
    this.#unwatch();
    this.#devices.abandonWrites();
    await this.#devices.close();
  }

  /** Goes on from the journal, unless another version wrote it: its state means nothing here, its time and epochs do. */
  #recover(recovered: RecoveredLog): void {
    this.#plantTime.observe(recovered.plantTimeMs, this.#nowMs());
    const { core } = this.#options;
    const { snapshot } = recovered;
    const isForeign =
      snapshot !== null &&
      (snapshot.coreVersion !== core.coreVersion || snapshot.manifestHash !== core.manifestHash);
    if (isForeign) return;
    if (recovered.snapshot !== null) {
      this.#replica.restore(recovered.snapshot.state);
      this.#log.reset(recovered.snapshot.position);
    }
    for (const encoded of recovered.frames) {
      this.#log.append(encoded);
      this.#replica.apply(encoded.frame);
    }
  }

  // --- inputs ---

  receive(fromNode: string, message: PeerMessage): void {
    if (this.#isClosed) return;
    if (message.type === "facts") {
      if (message.from.node === fromNode) this.#takeFacts(fromNode, message.facts);
      return;
    }
    if (message.type === "betweenGrids") {
      if (this.#leading !== null) this.#inbox.addMessage(message.message);
      return;
    }
    const nowMs = this.#nowMs();
    if (message.type === "heartbeat") this.#compareStateHash(message.stateHash);
    if (message.type !== "frame") {
      this.#dispatch({ type: "message.received", nowMs, from: fromNode, message });
      return;
    }
    const encoded = decodeFrame(message.text);
    if (encoded.frame.grid !== this.#grid || encoded.frame.epoch > message.epoch) {
      throw new RemsError(
        "REMS_MESSAGE_INVALID",
        `a frame message of grid ${this.#grid} holds a frame of ${encoded.frame.grid}, epoch ${encoded.frame.epoch}`,
      );
    }
    this.#received = encoded;
    const { position, frame } = encoded;
    this.#dispatch({
      type: "message.received",
      nowMs,
      from: fromNode,
      message,
      frame: { position, previousHash: frame.previousHash, plantTimeMs: frame.plantTimeMs },
    });
  }

  submit(request: OperatorRequest): void {
    const refuse = (code: string, reason: string) =>
      this.#options.observer.reply({
        requestId: request.requestId,
        isAccepted: false,
        reason,
        code,
      });
    if (this.#leading === null || !mayAcceptCommands(this.#controller)) {
      const leader = leaderOf(this.#controller);
      refuse(
        "REMS_NOT_LEADER",
        leader === null
          ? `grid ${this.#grid} has no leader now`
          : `grid ${this.#grid} is led by ${leader.leader.node}`,
      );
      return;
    }
    if (!this.#inbox.addRequest(request))
      refuse("REMS_REQUEST_REFUSED", "too many requests wait; try again");
  }

  transfer(requestId: string, toNode: string, reason: string): void {
    this.#dispatch({ type: "transfer.requested", nowMs: this.#nowMs(), requestId, toNode, reason });
  }

  force(requestId: string, reason: string): void {
    this.#dispatch({ type: "force.requested", nowMs: this.#nowMs(), requestId, reason });
  }

  setFact(fact: string, value: FactSample[1]): void {
    this.#inbox.setFact(fact, value);
  }

  setNodeFact(fact: string, isTrue: boolean): void {
    if (this.#nodeFacts.get(fact) === isTrue) return;
    this.#nodeFacts.set(fact, isTrue);
    this.#tellFacts();
  }

  journalSynced(position: LogPosition): void {
    this.#dispatch({ type: "journal.synced", nowMs: this.#nowMs(), position });
  }

  coreState(): State {
    return this.#replica.state();
  }

  view(): LoopView {
    const nowMs = this.#nowMs();
    const leader = leaderOf(this.#controller);
    return {
      role: roleOf(this.#controller),
      epoch: leader?.epoch ?? 0,
      leader: leader?.leader ?? null,
      inSync: inSyncOf(this.#controller),
      hasAuthority: this.#hasAuthority(nowMs),
      last: this.#log.last(),
      plantTimeMs: this.#plantTime.at(nowMs),
      stateHash: this.#stateHashes.newest(),
      controller: describe(this.#controller, nowMs),
    };
  }

  journalSnapshotNow(): void {
    const position = this.#log.last();
    if (position !== null)
      this.#journalSnapshot(position, this.#plantTime.at(this.#nowMs()), this.#replica.snapshot());
  }

  snapshot(): { readonly text: string; readonly position: LogPosition | null } {
    return { text: this.#replica.snapshot(), position: this.#log.last() };
  }

  // --- the reducer ---

  /** Runs events one after the other, each with all its effects; an event that an effect causes waits its turn. */
  #dispatch(event: ControllerEvent): void {
    if (this.#isClosed) return;
    if (!this.#isDispatching) this.#noticeSleep();
    this.#events.push(event);
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        const { state, effects } = stepController(this.#controller, next, this.#options.controller);
        this.#controller = state;
        for (const effect of effects) this.#perform(effect);
        this.#applyAccepted();
      }
    } finally {
      this.#isDispatching = false;
    }
    this.#releaseOutputs();
    this.#endRelease();
    if (this.#isPollDue) this.#poll();
    this.#armDeadline();
  }

  /** The promises of this incarnation are void after a sleep: that is dealt with before whatever woke the process. */
  #noticeSleep(): void {
    const sleptMs = this.#options.sleptMs();
    if (sleptMs === this.#sleptMs) return;
    const reason = `the computer slept ${Math.round(sleptMs - this.#sleptMs)} ms`;
    this.#sleptMs = sleptMs;
    this.#dispatch({ type: "clock.jumped", nowMs: this.#nowMs(), reason });
  }

  #perform(effect: ControllerEffect): void {
    const { observer } = this.#options;
    switch (effect.type) {
      case "send":
        this.#options.send(effect.to, effect.message);
        return;
      case "sendFrame":
        this.#sendFrame(effect.to, effect.sequence);
        return;
      case "sendHeartbeat":
        this.#sendHeartbeat(effect.to);
        return;
      case "sendCatchUp":
        this.#sendCatchUp(effect.to, effect.last);
        return;
      case "read":
        this.#options.coordinator.read(
          this.#grid,
          this.#options.controller.timings.coordinatorMs,
          (outcome) =>
            this.#dispatch({ type: "record.read", nowMs: this.#nowMs(), id: effect.id, outcome }),
        );
        return;
      case "transact": {
        const { id, expectedRevision, expectedNonce, record } = effect;
        const isTakeover = this.#leading === null;
        if (isTakeover) this.#trace({ step: "takeoverSent", ...takeoverTimes(this.#controller) });
        this.#options.coordinator.transact(
          { grid: this.#grid, expectedRevision, expectedNonce, record },
          this.#options.controller.timings.coordinatorMs,
          (outcome) => {
            if (isTakeover) this.#trace({ step: "takeoverAnswered", outcome: outcome.type });
            this.#dispatch({ type: "transaction.answered", nowMs: this.#nowMs(), id, outcome });
          },
        );
        return;
      }
      case "acceptFrame":
        this.#acceptFrame(effect.sequence);
        return;
      case "installSnapshot":
        this.#installSnapshot(effect.message);
        return;
      case "startLeading":
        this.#startLeading(effect.epoch, effect.origin, effect.plantTimeMsMin);
        return;
      case "stopLeading":
        this.#stopLeading(effect.reason);
        return;
      case "settleWrites":
        this.#devices.settleWrites(() =>
          this.#dispatch({ type: "writes.settled", nowMs: this.#nowMs() }),
        );
        return;
      case "releaseDevices":
        this.#beginRelease();
        return;
      case "inSyncChanged":
        this.#isLeadershipNews = true;
        return;
      case "alarm":
        this.#noteAlarm(effect.code, effect.isActive);
        observer.alarm(effect.code, effect.isActive, effect.text);
        return;
      case "roleChanged":
        observer.role(effect.from, effect.to, effect.reason);
        this.#finishStop();
        return;
      case "reply":
        observer.reply(effect);
        return;
      case "restart":
        observer.restart(effect.reason);
        return;
      default:
        effect satisfies never;
    }
  }

  #noteAlarm(code: ControllerAlarm, isActive: boolean): void {
    const fact = ALARM_FACTS[code];
    if (fact !== undefined) this.#inbox.setFact(fact, isActive);
  }

  #finishStop(): void {
    const role = roleOf(this.#controller);
    if (
      this.#onStopped === null ||
      role === "leading" ||
      role === "handing-over" ||
      role === "taking-over"
    )
      return;
    const done = this.#onStopped;
    this.#onStopped = null;
    done();
  }

  // --- leading ---

  #startLeading(epoch: number, origin: LeadershipOrigin, plantTimeMsMin: number): void {
    assert(this.#leading === null, "a controller starts to lead once");
    this.#leading = { epoch, origin, scanCount: 0 };
    this.#trace({ step: "led", epoch, origin });
    this.#plantTimeMsMin = plantTimeMsMin;
    this.#isLeadershipNews = true;
    this.#outputs.clear();
    this.#inbox.forgetFacts((fact) => fact.includes("@"));
    this.#tellFacts();
    this.#inbox.resendFacts();
    this.#devices.reassertLevels();
    this.#nextScanAtMs = this.#nowMs() + this.#options.controller.timings.scanMs;
    this.#runScan();
    this.#armScan();
  }

  #stopLeading(reason: string): void {
    if (this.#leading === null) return;
    this.#leading = null;
    this.#outputs.clear();
    this.#permit.forget();
    this.#devices.abandonWrites();
    for (const request of this.#inbox.clearRequests()) {
      this.#options.observer.reply({
        requestId: request.requestId,
        isAccepted: false,
        reason: `the leader changed: ${reason}`,
        code: "REMS_NOT_LEADER",
      });
    }
  }

  #armScan(): void {
    this.#scan?.cancel();
    if (this.#isClosed) return;
    this.#scan = this.#options.clock.at(this.#nextScanAtMs, () => this.#onScanDue());
  }

  #onScanDue(): void {
    this.#noticeSleep();
    if (this.#isClosed) return;
    const { scanMs } = this.#options.controller.timings;
    const nowMs = this.#nowMs();
    const latenessMs = Math.max(0, nowMs - this.#nextScanAtMs);
    this.#runScan();
    const missedCount = Math.floor(latenessMs / scanMs);
    this.#nextScanAtMs += (missedCount + 1) * scanMs;
    this.#options.observer.scan(latenessMs, missedCount);
    this.#armScan();
  }

  /** To whoever leads, itself included. */
  #tellFacts(): void {
    if (this.#nodeFacts.size === 0) return;
    const { controller, incarnation } = this.#options;
    const from: Member = { node: controller.self, incarnation };
    const facts = [...this.#nodeFacts];
    const leader = leaderOf(this.#controller)?.leader.node;
    if (this.#leading !== null) this.#takeFacts(from.node, facts);
    else if (leader !== undefined && leader !== from.node) {
      this.#options.send(leader, { type: "facts", grid: this.#grid, from, facts });
    }
  }

  #takeFacts(node: string, facts: readonly NodeFact[]): void {
    if (this.#leading === null || !this.#options.controller.order.includes(node)) return;
    for (const [fact, isTrue] of facts) {
      if (NODE_FACT.test(fact)) this.#inbox.setFact(`${fact}@${node}`, isTrue);
    }
  }

  /** Leader: one frame. Standby: keeps the connections to the devices warm. */
  #runScan(): void {
    const { reachedCount, criticalCount } = this.#devices.reach();
    const leading = this.#leading;
    if (this.#nowMs() >= this.#factsDueAtMs) {
      this.#factsDueAtMs = this.#nowMs() + FACTS_EVERY_MS;
      this.#tellFacts();
    }
    if (leading !== null && mayBuildFrame(this.#controller)) this.#buildFrame(leading);
    // The first outputs of a leadership are not to wait for reads that go over the same connections.
    if (this.#isDispatching) this.#isPollDue = true;
    else this.#poll();
    this.#dispatch({
      type: "reach.measured",
      nowMs: this.#nowMs(),
      reach: { reachedCount, criticalCount },
    });
  }

  #poll(): void {
    this.#isPollDue = false;
    this.#devices.poll(this.#leading === null ? "probe" : "full");
  }

  #buildFrame(leading: {
    readonly epoch: number;
    readonly origin: LeadershipOrigin;
    scanCount: number;
  }): void {
    const { clock, journal, observer } = this.#options;
    const nowMs = clock.monotonicMs();
    leading.scanCount++;
    const last = this.#log.last();
    const changes = takeDeviceInputs(
      this.#devices,
      this.#replica.image(),
      leading.origin,
      leading.scanCount,
    );
    const inputs = this.#inbox.take();
    const encoded = encodeFrame({
      grid: this.#grid,
      epoch: leading.epoch,
      sequence: (last?.sequence ?? 0) + 1,
      previousHash: last?.hash ?? HASH_NONE,
      plantTimeMs: this.#plantTime.at(nowMs, this.#plantTimeMsMin),
      wallTimeMs: Math.floor(clock.wallMs()),
      isFirstOfEpoch: leading.scanCount === 1,
      ...changes,
      ...inputs,
      requests: [...this.#openingRequests(leading), ...inputs.requests],
      leadership: this.#takeLeadership(leading.origin),
    });
    this.#plantTime.observe(encoded.frame.plantTimeMs, nowMs);
    this.#log.append(encoded);
    journal.appendFrame(encoded);
    const outputs = this.#replica.apply(encoded.frame);
    this.#afterFrame(encoded);
    this.#outputs.add(encoded.position.sequence, outputs);
    observer.frame(encoded, outputs, true);
    if (leading.scanCount === 1) this.#trace({ step: "firstFrame", ...encoded.position });
    if (this.#release !== null) this.#release.sequence ??= encoded.position.sequence;
    this.#dispatch({
      type: "frame.built",
      nowMs,
      position: encoded.position,
      plantTimeMs: encoded.frame.plantTimeMs,
    });
  }

  #openingRequests(leading: {
    readonly epoch: number;
    readonly origin: LeadershipOrigin;
    readonly scanCount: number;
  }): readonly OperatorRequest[] {
    if (leading.scanCount > 1) return [];
    const { core } = this.#options;
    return core.opening?.(this.#replica.state(), leading.epoch, leading.origin) ?? [];
  }

  #takeLeadership(origin: LeadershipOrigin) {
    if (!this.#isLeadershipNews) return null;
    this.#isLeadershipNews = false;
    const self: Member = {
      node: this.#options.controller.self,
      incarnation: this.#options.incarnation,
    };
    return { leader: self, inSync: inSyncOf(this.#controller), origin };
  }

  // --- outputs ---

  #hasAuthority(nowMs: number): boolean {
    return (
      this.#leading !== null && authorityUntilMs(this.#controller, this.#options.controller) > nowMs
    );
  }

  #epochForWrite(writeMs: number): number | null {
    if (this.#leading === null || this.#options.sleptMs() !== this.#sleptMs) return null;
    const untilMs = authorityUntilMs(this.#controller, this.#options.controller);
    return untilMs > this.#nowMs() + writeMs ? this.#leading.epoch : null;
  }

  #releaseOutputs(): void {
    if (this.#leading === null || this.#outputs.isEmpty()) return;
    if (!this.#hasAuthority(this.#nowMs())) return;
    const released = this.#outputs.release(
      releasedLevelSequence(this.#controller),
      releasedCommandSequence(this.#controller),
    );
    if (released.levels !== null) {
      const position = this.#log.at(released.levels.sequence)?.position;
      if (position !== undefined) this.#trace({ step: "released", ...position });
      this.#devices.writeLevels(released.levels.levels, released.levels.sequence);
    }
    if (released.isDeadBusPermitWanted !== null) this.#permit.want(released.isDeadBusPermitWanted);
    for (const command of released.commands) this.#devices.execute(command);
    for (const message of released.messages) this.#options.sendToGrid(message);
    for (const reply of released.replies)
      this.#options.observer.reply({
        ...reply,
        code: reply.isAccepted ? null : "REMS_REQUEST_REFUSED",
      });
  }

  /** The core decides by plant time; the permit counts by this node's clock. */
  #tellPermit(untilMs: number, text: string): void {
    const nowMs = this.#nowMs();
    const lastsMs = Math.max(0, Math.floor(untilMs - nowMs));
    const until = untilMs === 0 ? 0 : this.#plantTime.at(nowMs) + lastsMs;
    this.#inbox.setFact("deadBusPermit.untilMs", until);
    this.#inbox.setFact("deadBusPermit.text", text);
  }

  /** This controller stops and nobody follows: the next frame says so, and the core gives the devices back in it. */
  #beginRelease(): void {
    if (this.#leading === null) return;
    this.#inbox.setFact(RELEASED_EPOCH_FACT, this.#leading.epoch);
    this.#release = { sequence: null, isSettling: false };
  }

  /** Once what gives the devices back has gone to them and was answered, its fate goes into one more frame. */
  #endRelease(): void {
    const release = this.#release;
    if (release === null || release.sequence === null || release.isSettling) return;
    if (this.#leading === null || releasedCommandSequence(this.#controller) < release.sequence)
      return;
    release.isSettling = true;
    this.#devices.settleWrites(() => {
      if (this.#leading !== null && mayBuildFrame(this.#controller))
        this.#buildFrame(this.#leading);
      this.#dispatch({ type: "devices.released", nowMs: this.#nowMs() });
    });
  }

  // --- sending ---

  #fromLeader(): LeaderHeader {
    const nowMs = this.#nowMs();
    const leading = this.#leading;
    return {
      grid: this.#grid,
      epoch: leading?.epoch ?? leaderOf(this.#controller)?.epoch ?? 0,
      leader: { node: this.#options.controller.self, incarnation: this.#options.incarnation },
      sentAtMs: nowMs,
      hasAuthority: this.#hasAuthority(nowMs),
      reach: this.#devices.reach(),
      revision: revisionOf(this.#controller),
    };
  }

  #sendFrame(to: readonly string[], sequence: number): void {
    const encoded = this.#log.at(sequence);
    if (encoded !== null) this.#sendTo(to, frameMessage(this.#fromLeader(), encoded));
  }

  #sendHeartbeat(to: readonly string[]): void {
    this.#sendTo(
      to,
      heartbeatMessage(this.#fromLeader(), this.#log.last(), this.#stateHashes.newest()),
    );
  }

  #sendCatchUp(to: Member, last: LogPosition | null): void {
    const { coreVersion, manifestHash } = this.#options.core;
    const plantTimeMs = this.#plantTime.at(this.#nowMs());
    const source = {
      coreVersion,
      manifestHash,
      plantTimeMs,
      state: () => this.#replica.snapshot(),
    };
    for (const message of catchUpMessages(this.#fromLeader(), this.#log, last, source))
      this.#sendTo([to.node], message);
  }

  #sendTo(nodes: readonly string[], message: PeerMessage): void {
    for (const node of nodes) this.#options.send(node, message);
  }

  // --- standing by ---

  #acceptFrame(sequence: number): void {
    const encoded = this.#received;
    assert(
      encoded !== null && encoded.position.sequence === sequence,
      "the accepted frame is the one just received",
    );
    this.#log.append(encoded);
    this.#options.journal.appendFrame(encoded);
    this.#plantTime.observe(encoded.frame.plantTimeMs, this.#nowMs());
    this.#unapplied.push(encoded);
  }

  #applyAccepted(): void {
    if (this.#unapplied.length === 0) return;
    const accepted = this.#unapplied;
    this.#unapplied = [];
    for (const encoded of accepted) {
      const outputs = this.#replica.apply(encoded.frame);
      this.#afterFrame(encoded);
      this.#options.observer.frame(encoded, outputs, false);
    }
  }

  #installSnapshot(message: SnapshotMessage): void {
    this.#replica.restore(message.state);
    const last = this.#log.last();
    // What was held beyond is void: the new leader did not continue it.
    if (last !== null) this.#options.journal.markVoid(this.#grid, message.position);
    this.#log.reset(message.position);
    this.#stateHashes.clear();
    this.#plantTime.observe(message.plantTimeMs, this.#nowMs());
    this.#journalSnapshot(message.position, message.plantTimeMs, message.state);
    this.#options.observer.snapshot(message.state, message.position);
    this.#dispatch({
      type: "snapshot.installed",
      nowMs: this.#nowMs(),
      position: message.position,
      plantTimeMs: message.plantTimeMs,
    });
  }

  // --- the log ---

  #afterFrame(encoded: EncodedFrame): void {
    const noted = this.#stateHashes.note(encoded.position, () => this.#replica.hash());
    if (noted !== null) this.#journalStateHash(noted, encoded.frame.plantTimeMs);
    this.#framesSinceSnapshotCount++;
    if (this.#framesSinceSnapshotCount >= SNAPSHOT_FRAME_COUNT) {
      this.#journalSnapshot(encoded.position, encoded.frame.plantTimeMs, this.#replica.snapshot());
    }
  }

  /** A replay of the journal is checked against it. */
  #journalStateHash({ epoch, sequence, hash }: StateHash, plantTimeMs: number): void {
    const text = `${epoch}:${sequence}:${hash}`;
    this.#options.journal.note({ grid: this.#grid, plantTimeMs, kind: "stateHash", text });
  }

  #journalSnapshot(position: LogPosition, plantTimeMs: number, state: string): void {
    this.#framesSinceSnapshotCount = 0;
    const { coreVersion, manifestHash } = this.#options.core;
    this.#options.journal.appendSnapshot({
      grid: this.#grid,
      position,
      plantTimeMs,
      coreVersion,
      manifestHash,
      state,
    });
  }

  #compareStateHash(theirs: StateHash | null): void {
    const reason = this.#stateHashes.difference(theirs);
    if (reason !== null) this.#dispatch({ type: "replica.diverged", nowMs: this.#nowMs(), reason });
  }

  // --- time ---

  #trace(step: LoopStep): void {
    this.#options.observer.trace?.(this.#nowMs(), step);
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  /** A timer that stands already and fires no later is kept: deadlines mostly move on, with every message. */
  #armDeadline(): void {
    const atMs = this.#isClosed
      ? Number.POSITIVE_INFINITY
      : Math.max(nextDeadlineMs(this.#controller), this.#nowMs());
    if (this.#deadline !== null && this.#deadlineAtMs <= atMs) return;
    this.#deadline?.cancel();
    this.#deadline = null;
    if (!Number.isFinite(atMs)) return;
    this.#deadlineAtMs = atMs;
    this.#deadline = this.#options.clock.at(atMs, () => {
      this.#deadline = null;
      const nowMs = this.#nowMs();
      if (nowMs >= nextDeadlineMs(this.#controller)) this.#dispatch({ type: "ticked", nowMs });
      else this.#armDeadline();
    });
  }
}
