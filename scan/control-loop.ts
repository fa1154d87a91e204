import type { OperatorRequest } from "../kernel/command.ts";
import type { FactSample, LeadershipOrigin } from "../kernel/frame.ts";
import type { NodeFact, PeerMessage, SnapshotMessage, StateHash } from "../kernel/peer-message.ts";
import type { DeviceIo } from "../kernel/ports/device-io.ts";
import type { LogPosition, Member } from "../kernel/record.ts";
import type { ControllerState } from "../cluster/core/controller.ts";
import { createController, stepController } from "../cluster/core/controller.ts";
import type { ControllerAlarm, ControllerEffect, Role } from "../cluster/core/effects.ts";
import type { ControllerEvent } from "../cluster/core/events.ts";
import {
  authorityUntilMs,
  describe,
  inSyncOf,
  leaderOf,
  mayAcceptCommands,
  nextDeadlineMs,
  revisionOf,
  roleOf,
  takeoverTimes,
} from "../cluster/core/queries.ts";
import type { Following } from "./following.ts";
import { createFollowing } from "./following.ts";
import { createInbox } from "./inbox.ts";
import type { LeaderHeader } from "./leader-messages.ts";
import type { LeaderSender } from "./leader-sender.ts";
import { createLeaderSender } from "./leader-sender.ts";
import type { Leadership } from "./leadership.ts";
import { createLeadership } from "./leadership.ts";
import type { ControlLoopOptions } from "./loop-options.ts";
import { createDeadlineTimer, createScanTimer } from "./loop-timers.ts";
import type { LoopStep } from "./loop-trace.ts";
import { createNodeFacts, isNodeFact, namedAfter } from "./node-facts.ts";
import type { ReplicatedLog } from "./replicated-log.ts";
import { createReplicatedLog } from "./replicated-log.ts";

/** Facts on which alarms of the core rest; it sees redundancy and the kind of takeover by itself. */
const ALARM_FACTS: Readonly<Partial<Record<ControllerAlarm, string>>> = {
  AUTHORITY_LOST: "authority.isLost",
  CLOCK_JUMPED: "clock.hasJumped",
};

type TransactEffect = Extract<ControllerEffect, { readonly type: "transact" }>;

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

/** Hands events to the failover rules one by one, and performs what they answer through its parts. */
class GridControlLoop<State> implements ControlLoop<State> {
  readonly #options: ControlLoopOptions<State>;
  readonly #grid: string;
  readonly #inbox = createInbox();
  readonly #facts = createNodeFacts();
  readonly #log: ReplicatedLog<State>;
  readonly #devices: DeviceIo;
  readonly #leadership: Leadership;
  readonly #following: Following;
  readonly #sender: LeaderSender;
  readonly #deadline;
  readonly #scans;

  #controller: ControllerState;
  /** Until when it may write, and the state that this was computed of. */
  #untilMs = Number.NEGATIVE_INFINITY;
  #authorityOf: ControllerState | null = null;
  readonly #events: ControllerEvent[] = [];
  #isDispatching = false;
  #sleptMs: number;
  #isPollDue = false;
  #unwatch: () => void = () => {};
  #onStopped: (() => void) | null = null;
  #isClosed = false;

  constructor(options: ControlLoopOptions<State>) {
    const { controller, core, journal, clock, send } = options;
    this.#options = options;
    this.#grid = controller.grid;
    this.#controller = createController(controller);
    this.#sleptMs = options.sleptMs();
    this.#log = createReplicatedLog({
      grid: this.#grid,
      core,
      journal,
      nowMs: () => clock.monotonicMs(),
      hash: options.hash,
    });
    this.#devices = options.createDevices(
      { epochForWrite: (_grid, _device, writeMs) => this.#epochForWrite(writeMs) },
      () => this.#log.plantTimeMs(),
    );
    this.#leadership = this.#createLeadership();
    this.#following = createFollowing({
      grid: this.#grid,
      log: this.#log,
      observer: options.observer,
      nowMs: () => clock.monotonicMs(),
      hash: options.hash,
    });
    this.#sender = createLeaderSender({
      core,
      log: this.#log,
      send,
      header: () => this.#header(),
    });
    this.#deadline = createDeadlineTimer(
      clock,
      () => nextDeadlineMs(this.#controller),
      (nowMs) => this.#dispatch({ type: "ticked", nowMs }),
    );
    this.#scans = createScanTimer(clock, controller.timings.scanMs, () => this.#onScanDue());
    this.#log.recover(options.recovered);
  }

  #createLeadership(): Leadership {
    return createLeadership({
      options: this.#options,
      log: this.#log,
      inbox: this.#inbox,
      devices: this.#devices,
      controller: () => this.#controller,
      hasAuthority: () => this.#hasAuthority(this.#nowMs()),
      trace: (step) => this.#trace(step),
      onFrameBuilt: ({ position, frame }, nowMs) =>
        this.#dispatch({
          type: "frame.built",
          nowMs,
          position,
          plantTimeMs: frame.plantTimeMs,
        }),
      onReleased: () => this.#dispatch({ type: "devices.released", nowMs: this.#nowMs() }),
    });
  }

  // --- life ---

  start(): void {
    const { clock, coordinator, recovered, incarnation } = this.#options;
    this.#unwatch = coordinator.watch(this.#grid, () =>
      this.#dispatch({ type: "record.hinted", nowMs: clock.monotonicMs() }),
    );
    this.#scans.start(clock.monotonicMs() + this.#options.phaseMs);
    this.#dispatch({
      type: "started",
      nowMs: clock.monotonicMs(),
      incarnation,
      last: this.#log.frames.last(),
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

  #finishStop(): void {
    const role = roleOf(this.#controller);
    const isBusy = role === "leading" || role === "handing-over" || role === "taking-over";
    if (this.#onStopped === null || isBusy) return;
    const done = this.#onStopped;
    this.#onStopped = null;
    done();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#deadline.close();
    this.#scans.close();
    this.#unwatch();
    this.#devices.abandonWrites();
    await this.#devices.close();
  }

  // --- inputs ---

  receive(fromNode: string, message: PeerMessage): void {
    if (this.#isClosed) return;
    if (message.type === "facts") {
      if (message.from.node === fromNode) this.#takeFacts(fromNode, message.facts);
      return;
    }
    if (message.type === "betweenGrids") {
      if (this.#isLeading()) this.#inbox.addMessage(message.message);
      return;
    }
    const nowMs = this.#nowMs();
    if (message.type === "heartbeat") this.#compareStateHash(message.stateHash);
    if (message.type !== "frame") {
      this.#dispatch({ type: "message.received", nowMs, from: fromNode, message });
      return;
    }
    const { position, frame } = this.#following.decode(message);
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
    if (!this.#isLeading() || !mayAcceptCommands(this.#controller)) {
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
    if (this.#facts.set(fact, isTrue)) this.#tellFacts();
  }

  journalSynced(position: LogPosition): void {
    this.#dispatch({ type: "journal.synced", nowMs: this.#nowMs(), position });
  }

  coreState(): State {
    return this.#log.replica.state();
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
      last: this.#log.frames.last(),
      plantTimeMs: this.#log.plantTimeMs(nowMs),
      stateHash: this.#log.stateHashes.newest(),
      controller: describe(this.#controller, nowMs),
    };
  }

  journalSnapshotNow(): void {
    this.#log.journalSnapshotNow();
  }

  snapshot(): { readonly text: string; readonly position: LogPosition | null } {
    return { text: this.#log.replica.snapshot(), position: this.#log.frames.last() };
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
        this.#following.applyAccepted();
      }
    } finally {
      this.#isDispatching = false;
    }
    this.#leadership.releaseOutputs();
    this.#leadership.endRelease();
    if (this.#isPollDue) this.#poll();
    this.#deadline.arm();
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
        this.#sender.frame(effect.to, effect.sequence);
        return;
      case "sendHeartbeat":
        this.#sender.heartbeat(effect.to);
        return;
      case "sendCatchUp":
        this.#sender.catchUp(effect.to, effect.last);
        return;
      case "read":
        this.#readRecord(effect.id);
        return;
      case "transact":
        this.#transact(effect);
        return;
      case "acceptFrame":
        this.#following.accept(effect.sequence);
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
        this.#leadership.beginRelease();
        return;
      case "inSyncChanged":
        this.#leadership.announceMembers();
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

  #readRecord(id: number): void {
    const { coordinator, controller } = this.#options;
    coordinator.read(this.#grid, controller.timings.coordinatorMs, (outcome) =>
      this.#dispatch({ type: "record.read", nowMs: this.#nowMs(), id, outcome }),
    );
  }

  #transact({ id, expectedRevision, expectedNonce, record }: TransactEffect): void {
    const { coordinator, controller } = this.#options;
    const isTakeover = !this.#isLeading();
    if (isTakeover) this.#trace({ step: "takeoverSent", ...takeoverTimes(this.#controller) });
    coordinator.transact(
      { grid: this.#grid, expectedRevision, expectedNonce, record },
      controller.timings.coordinatorMs,
      (outcome) => {
        if (isTakeover) this.#trace({ step: "takeoverAnswered", outcome: outcome.type });
        this.#dispatch({ type: "transaction.answered", nowMs: this.#nowMs(), id, outcome });
      },
    );
  }

  #noteAlarm(code: ControllerAlarm, isActive: boolean): void {
    const fact = ALARM_FACTS[code];
    if (fact !== undefined) this.#inbox.setFact(fact, isActive);
  }

  // --- leading and standing by ---

  #isLeading(): boolean {
    return this.#leadership.epoch() !== null;
  }

  #startLeading(epoch: number, origin: LeadershipOrigin, plantTimeMsMin: number): void {
    this.#leadership.begin(epoch, origin, plantTimeMsMin);
    this.#trace({ step: "led", epoch, origin });
    this.#inbox.forgetFacts(isNodeFact);
    this.#facts.listen(this.#nowMs());
    this.#tellFacts();
    this.#inbox.resendFacts();
    this.#devices.beginLeadership();
    const nextScanAtMs = this.#nowMs() + this.#options.controller.timings.scanMs;
    this.#runScan();
    this.#scans.start(nextScanAtMs);
  }

  #stopLeading(reason: string): void {
    if (!this.#isLeading()) return;
    this.#leadership.end();
    this.#devices.abandonWrites();
    for (const { requestId } of this.#inbox.clearRequests()) {
      this.#options.observer.reply({
        requestId,
        isAccepted: false,
        reason: `the leader changed: ${reason}`,
        code: "REMS_NOT_LEADER",
      });
    }
  }

  #installSnapshot(message: SnapshotMessage): void {
    this.#following.install(message);
    const { position, plantTimeMs } = message;
    this.#dispatch({ type: "snapshot.installed", nowMs: this.#nowMs(), position, plantTimeMs });
  }

  #compareStateHash(theirs: StateHash | null): void {
    const reason = this.#log.stateHashes.difference(theirs);
    if (reason !== null) this.#dispatch({ type: "replica.diverged", nowMs: this.#nowMs(), reason });
  }

  /** To whoever leads, itself included. */
  #tellFacts(): void {
    const facts = this.#facts.own();
    if (facts.length === 0) return;
    const { controller, incarnation, send } = this.#options;
    const from: Member = { node: controller.self, incarnation };
    const leader = leaderOf(this.#controller)?.leader.node;
    if (this.#isLeading()) this.#takeFacts(from.node, facts);
    else if (leader !== undefined && leader !== from.node)
      send(leader, { type: "facts", grid: this.#grid, from, facts });
  }

  #takeFacts(node: string, facts: readonly NodeFact[]): void {
    if (!this.#isLeading() || !this.#options.controller.order.includes(node)) return;
    this.#facts.heard(node, this.#nowMs());
    for (const [fact, isTrue] of namedAfter(node, facts)) this.#inbox.setFact(fact, isTrue);
  }

  #forgetSilentNodes(): void {
    if (!this.#isLeading()) return;
    const { self, order } = this.#options.controller;
    const others = order.filter((node) => node !== self);
    for (const [fact, isTrue] of this.#facts.lapsed(others, this.#nowMs()))
      this.#inbox.setFact(fact, isTrue);
  }

  /** What every message of a leader says. */
  #header(): LeaderHeader {
    const nowMs = this.#nowMs();
    return {
      grid: this.#grid,
      epoch: this.#leadership.epoch() ?? leaderOf(this.#controller)?.epoch ?? 0,
      leader: { node: this.#options.controller.self, incarnation: this.#options.incarnation },
      sentAtMs: nowMs,
      hasAuthority: this.#hasAuthority(nowMs),
      reach: this.#devices.reach(),
      revision: revisionOf(this.#controller),
    };
  }

  // --- scans ---

  #onScanDue(): void {
    this.#noticeSleep();
    if (this.#isClosed) return;
    const { latenessMs, missedCount } = this.#scans.run(() => this.#runScan());
    this.#options.observer.scan(latenessMs, missedCount);
    this.#scans.goOn();
  }

  /** Leader: one frame. Standby: keeps the connections to the devices warm. */
  #runScan(): void {
    const { reachedCount, criticalCount } = this.#devices.reach();
    if (this.#facts.isDue(this.#nowMs())) {
      this.#tellFacts();
      this.#forgetSilentNodes();
    }
    this.#leadership.buildFrame();
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
    this.#devices.poll(this.#isLeading() ? "full" : "probe");
  }

  // --- authority and time ---

  #hasAuthority(nowMs: number): boolean {
    return this.#isLeading() && this.#authorityUntilMs() > nowMs;
  }

  #epochForWrite(writeMs: number): number | null {
    const epoch = this.#leadership.epoch();
    if (epoch === null || this.#options.sleptMs() !== this.#sleptMs) return null;
    const untilMs = this.#authorityUntilMs();
    return untilMs > this.#nowMs() + writeMs ? epoch : null;
  }

  /** Every write asks for it, and only a step of the controller changes it. */
  #authorityUntilMs(): number {
    if (this.#authorityOf !== this.#controller) {
      this.#authorityOf = this.#controller;
      this.#untilMs = authorityUntilMs(this.#controller, this.#options.controller);
    }
    return this.#untilMs;
  }

  #trace(step: LoopStep): void {
    this.#options.observer.trace?.(this.#nowMs(), step);
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }
}
