import { assert, present } from "../../kernel/assert.ts";
import { TIMING_SETS } from "../../kernel/timings.ts";
import type { PeerMessage, SnapshotMessage } from "../../kernel/peer-message.ts";
import type { LeadershipRecord, LogPosition, Member } from "../../kernel/record.ts";
import type { ControllerOptions, ControllerState } from "./controller.ts";
import { createController, stepController } from "./controller.ts";
import type { ControllerEffect } from "./effects.ts";
import type { ControllerEvent } from "./events.ts";
import {
  authorityUntilMs,
  mayBuildFrame,
  nextDeadlineMs,
  releasedLevelSequence,
  revisionOf,
  roleOf,
} from "./queries.ts";

/** A frame of the small world: all that matters is where it stands and what it continues. */
interface WorldFrame extends LogPosition {
  readonly previousHash: string;
  readonly builtAtMs: number;
}

/** Devices that every controller should reach. */
const CRITICAL_COUNT = 2;

interface WorldNode {
  readonly name: string;
  readonly options: ControllerOptions;
  /** Local time is `offsetMs + rate × true time`. */
  readonly offsetMs: number;
  readonly rate: number;
  state: ControllerState;
  log: readonly WorldFrame[];
  isUp: boolean;
  lifeCount: number;
  pausedUntilMs: number;
  tickAtMs: number;
  received: WorldFrame | null;
  reachedCount: number;
  leadingEpoch: number;
  epochMax: number;
}

export interface Faults {
  /** Of a message, of a call to the coordinator, of its answer: 0 to 1. */
  readonly loss: number;
  /** Clock rates lie within 1 ± this. */
  readonly rateDeviation: number;
  readonly failback?: ControllerOptions["failback"];
}

export type Origin = Extract<ControllerEffect, { type: "startLeading" }>["origin"];

/** Deterministic world of some controllers, their links and a store that compares and sets; one seed, one history. */
export class SmallWorld {
  readonly nodes: readonly WorldNode[];
  readonly started: {
    readonly node: string;
    readonly epoch: number;
    readonly origin: Origin;
    readonly atMs: number;
  }[] = [];
  readonly issued = new Map<number, string>();
  readonly trace: string[] = [];
  nowMs = 0;
  #queue: { readonly atMs: number; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;
  #random: number;
  readonly #cutLinks = new Set<string>();
  readonly #lastArrival = new Map<string, number>();
  #faults: Faults;
  #isHealed = false;
  record: LeadershipRecord | null = null;
  revision = 0;

  constructor(seed: number, nodeCount: number, faults: Faults) {
    this.#random = seed >>> 0;
    this.#faults = faults;
    const order = ["n1", "n2", "n3"].slice(0, nodeCount);
    this.nodes = order.map((name) => {
      const options: ControllerOptions = {
        grid: "port",
        self: name,
        order,
        timings: TIMING_SETS.default,
        allowStaleTakeover: true,
        failback: faults.failback ?? "manual",
        failbackDelayMs: 1000,
        coreVersion: "1",
        manifestHash: "m",
      };
      return {
        name,
        options,
        offsetMs: Math.floor(this.random() * 100_000),
        rate: 1 + (this.random() * 2 - 1) * faults.rateDeviation,
        state: createController(options),
        log: [],
        isUp: false,
        lifeCount: 0,
        pausedUntilMs: 0,
        tickAtMs: Number.POSITIVE_INFINITY,
        received: null,
        reachedCount: CRITICAL_COUNT,
        leadingEpoch: 0,
        epochMax: 0,
      };
    });
  }

  /** Mulberry32: small, and the same everywhere. */
  random(): number {
    this.#random = (this.#random + 0x6d2b79f5) >>> 0;
    let t = this.#random;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  node(name: string): WorldNode {
    return present(
      this.nodes.find((node) => node.name === name),
      `a node ${name}`,
    );
  }

  leaders(): readonly WorldNode[] {
    return this.nodes.filter((node) => node.isUp && this.#hasAuthority(node));
  }

  // --- faults ---

  boot(name: string): void {
    const node = this.node(name);
    if (node.isUp) return;
    node.isUp = true;
    node.lifeCount++;
    node.pausedUntilMs = 0;
    node.leadingEpoch = 0;
    node.state = createController(node.options);
    this.#feed(node, {
      type: "started",
      incarnation: `${name}#${node.lifeCount}`,
      last: node.log.at(-1) ?? null,
      plantTimeMs: 0,
      epochMax: node.epochMax,
    });
    this.#measureReach(node);
    this.#scan(node, node.lifeCount);
  }

  /** An orderly stop: the process ends when its controller has. */
  stop(name: string): void {
    this.#feedIfUp(this.node(name), { type: "stop.requested" });
  }

  /** Break-glass of an engineer who has made sure that all others are off. */
  force(name: string): void {
    for (const other of this.nodes) if (other.name !== name) this.crash(other.name);
    this.#feedIfUp(this.node(name), { type: "force.requested", requestId: "f", reason: "test" });
  }

  /** How many of the critical devices the node reaches from now on. */
  setReach(name: string, reachedCount: number): void {
    const node = this.node(name);
    node.reachedCount = Math.min(reachedCount, CRITICAL_COUNT);
    this.#measureReach(node);
  }

  #measureReach(node: WorldNode): void {
    const reach = { reachedCount: node.reachedCount, criticalCount: CRITICAL_COUNT };
    this.#feedIfUp(node, { type: "reach.measured", reach });
  }

  #feedIfUp(node: WorldNode, event: DistributiveOmit<ControllerEvent, "nowMs">): void {
    if (node.isUp) this.#feed(node, event);
  }

  /** The process ends; what the disk did not have yet is gone. */
  crash(name: string): void {
    const node = this.node(name);
    node.isUp = false;
    node.tickAtMs = Number.POSITIVE_INFINITY;
    node.log = node.log.filter((frame) => frame.builtAtMs < this.nowMs - 20);
  }

  pause(name: string, forMs: number): void {
    this.node(name).pausedUntilMs = this.nowMs + forMs;
  }

  /** `b` may be `"store"`. */
  cut(a: string, b: string, isCut: boolean): void {
    const key = a < b ? `${a}|${b}` : `${b}|${a}`;
    if (isCut) this.#cutLinks.add(key);
    else this.#cutLinks.delete(key);
  }

  heal(): void {
    this.#cutLinks.clear();
    this.#faults = { ...this.#faults, loss: 0 };
    this.#isHealed = true;
    for (const node of this.nodes) {
      this.boot(node.name);
      this.setReach(node.name, CRITICAL_COUNT);
    }
  }

  transfer(from: string, to: string): void {
    const requestId = "t";
    this.#feedIfUp(this.node(from), {
      type: "transfer.requested",
      requestId,
      toNode: to,
      reason: "test",
    });
  }

  diverge(name: string): void {
    this.#feedIfUp(this.node(name), { type: "replica.diverged", reason: "test" });
  }

  at(atMs: number, run: () => void): void {
    const entry = { atMs, order: this.#order++, run };
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = present(this.#queue[middle], "within the queue");
      if (other.atMs > atMs || (other.atMs === atMs && other.order > entry.order)) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, entry);
  }

  runUntil(untilMs: number, isDone: () => boolean = () => false): void {
    for (;;) {
      const next = this.#queue.at(-1);
      if (next === undefined || next.atMs > untilMs) break;
      this.#queue.pop();
      this.nowMs = next.atMs;
      next.run();
      this.#check();
      if (isDone()) return;
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  // --- invariants ---

  #check(): void {
    const holders = this.leaders();
    assert(
      holders.length <= 1,
      `two controllers have authority at ${this.nowMs}: ${holders.map((n) => n.name).join()}`,
    );
    const newestEpoch = this.started.at(-1)?.epoch ?? 0;
    for (const node of holders) {
      assert(
        node.leadingEpoch >= newestEpoch,
        `${node.name} has authority in epoch ${node.leadingEpoch}, but ${newestEpoch} has begun`,
      );
      this.#issue(node);
    }
  }

  #issue(node: WorldNode): void {
    const released = releasedLevelSequence(node.state);
    for (let at = node.log.length - 1; at >= 0; at--) {
      const frame = present(node.log[at], "within the log");
      if (frame.sequence > released) continue;
      if (frame.epoch !== node.leadingEpoch || this.issued.get(frame.sequence) === frame.hash)
        return;
      this.issued.set(frame.sequence, frame.hash);
    }
  }

  #onStart(node: WorldNode, epoch: number, origin: Origin): void {
    const lastEpoch = this.started.at(-1)?.epoch ?? 0;
    assert(epoch !== lastEpoch, `epoch ${epoch} of ${node.name} has begun before`);
    // Paused before it learned that its takeover was applied, and overtaken: it must never get authority (checked with every step).
    if (epoch < lastEpoch) return;
    this.started.push({ node: node.name, epoch, origin, atMs: this.nowMs });
    const held = new Map(node.log.map((frame) => [frame.sequence, frame.hash]));
    for (const [sequence, hash] of this.issued) {
      if (held.get(sequence) === hash) continue;
      const isAllowed = origin === "stale" || origin === "restart" || origin === "cold";
      assert(
        isAllowed,
        `${node.name} took over (${origin}) at epoch ${epoch} without frame ${sequence}, which was issued`,
      );
      this.issued.delete(sequence);
    }
  }

  // --- a node ---

  localMs(node: WorldNode): number {
    return node.offsetMs + node.rate * this.nowMs;
  }

  #hasAuthority(node: WorldNode): boolean {
    return node.leadingEpoch > 0 && authorityUntilMs(node.state, node.options) > this.localMs(node);
  }

  #whenAwake(node: WorldNode, lifeCount: number, run: () => void): void {
    if (!node.isUp || node.lifeCount !== lifeCount) return;
    if (this.nowMs < node.pausedUntilMs) {
      this.at(node.pausedUntilMs, () => this.#whenAwake(node, lifeCount, run));
    } else run();
  }

  #feed(node: WorldNode, event: DistributiveOmit<ControllerEvent, "nowMs">): void {
    const nowMs = this.localMs(node);
    const timed = { ...event, nowMs } as ControllerEvent;
    const { state, effects } = stepController(node.state, timed, node.options);
    node.state = state;
    const dueMs = nextDeadlineMs(state);
    assert(dueMs > nowMs, `${node.name} left something undone at ${nowMs}: ${event.type} ${dueMs}`);
    for (const effect of effects) this.#perform(node, effect);
    if (!node.isUp) return;
    if (state.isEnded) this.#end(node);
    else this.#arm(node);
  }

  /** The end of an orderly stop: everything is on disk. */
  #end(node: WorldNode): void {
    node.isUp = false;
    node.leadingEpoch = 0;
    node.tickAtMs = Number.POSITIVE_INFINITY;
    if (this.#isHealed) this.at(this.nowMs + 50, () => this.boot(node.name));
  }

  #arm(node: WorldNode): void {
    const localMs = nextDeadlineMs(node.state);
    const trueMs = (localMs - node.offsetMs) / node.rate + 0.001;
    if (!Number.isFinite(trueMs) || trueMs === node.tickAtMs) return;
    node.tickAtMs = trueMs;
    const { lifeCount } = node;
    this.at(Math.max(trueMs, this.nowMs), () => {
      if (node.tickAtMs !== trueMs) return;
      this.#whenAwake(node, lifeCount, () => {
        if (node.tickAtMs === trueMs) node.tickAtMs = Number.POSITIVE_INFINITY;
        this.#feed(node, { type: "ticked" });
      });
    });
  }

  #scan(node: WorldNode, lifeCount: number): void {
    this.at(this.nowMs + 100, () =>
      this.#whenAwake(node, lifeCount, () => {
        if (node.leadingEpoch > 0 && mayBuildFrame(node.state)) this.#build(node);
        this.#scan(node, lifeCount);
      }),
    );
  }

  #build(node: WorldNode): void {
    const last = node.log.at(-1) ?? null;
    const sequence = (last?.sequence ?? 0) + 1;
    const epoch = node.leadingEpoch;
    const frame: WorldFrame = {
      epoch,
      sequence,
      hash: `${last?.hash.slice(-12) ?? "-"}>${epoch}.${sequence}`,
      previousHash: last?.hash ?? "",
      builtAtMs: this.nowMs,
    };
    node.log = [...node.log, frame];
    node.epochMax = Math.max(node.epochMax, epoch);
    this.#feed(node, { type: "frame.built", position: frame, plantTimeMs: this.nowMs });
    const { lifeCount } = node;
    this.at(this.nowMs + 15, () =>
      this.#whenAwake(node, lifeCount, () =>
        this.#feed(node, { type: "journal.synced", position: frame }),
      ),
    );
  }

  #perform(node: WorldNode, effect: ControllerEffect): void {
    switch (effect.type) {
      case "send":
        this.#send(node, effect.to, effect.message);
        return;
      case "sendHeartbeat":
        for (const to of effect.to) {
          const last = node.log.at(-1) ?? null;
          this.#send(node, to, { type: "heartbeat", ...this.#header(node), last, stateHash: null });
        }
        return;
      case "sendFrame": {
        const frame = node.log.find(({ sequence }) => sequence === effect.sequence);
        for (const to of effect.to) this.#sendFrame(node, to, present(frame, "a frame built"));
        return;
      }
      case "sendCatchUp":
        this.#catchUp(node, effect.to, effect.last);
        return;
      case "acceptFrame":
        node.log = [...node.log, present(node.received, "a frame received")];
        node.epochMax = Math.max(node.epochMax, node.log.at(-1)?.epoch ?? 0);
        return;
      case "installSnapshot":
        node.log = JSON.parse(effect.message.state) as readonly WorldFrame[];
        this.at(this.nowMs, () =>
          this.#whenAwake(node, node.lifeCount, () =>
            this.#feed(node, {
              type: "snapshot.installed",
              position: effect.message.position,
              plantTimeMs: 0,
            }),
          ),
        );
        return;
      case "startLeading":
        this.#onStart(node, effect.epoch, effect.origin);
        node.leadingEpoch = effect.epoch;
        this.at(this.nowMs, () =>
          this.#whenAwake(node, node.lifeCount, () => {
            if (node.leadingEpoch === effect.epoch && mayBuildFrame(node.state)) this.#build(node);
          }),
        );
        return;
      case "stopLeading":
        node.leadingEpoch = 0;
        return;
      case "settleWrites":
        this.at(this.nowMs + 3, () =>
          this.#whenAwake(node, node.lifeCount, () => this.#feed(node, { type: "writes.settled" })),
        );
        return;
      case "releaseDevices":
        this.at(this.nowMs + 30, () =>
          this.#whenAwake(node, node.lifeCount, () =>
            this.#feed(node, { type: "devices.released" }),
          ),
        );
        return;
      case "restart": {
        this.crash(node.name);
        this.at(this.nowMs + 50, () => this.boot(node.name));
        return;
      }
      case "read":
        this.#call(node, (isReturned, answer) =>
          answer(() => {
            const { revision, record } = this;
            if (isReturned)
              return {
                type: "record.read",
                id: effect.id,
                outcome: { type: "read", revision, record },
              };
            return { type: "record.read", id: effect.id, outcome: { type: "failed", reason: "" } };
          }),
        );
        return;
      case "transact":
        this.#transact(node, effect);
        return;
      case "roleChanged":
        this.trace.push(
          `${this.nowMs.toFixed(1)} ${node.name} ${effect.from} -> ${effect.to}: ${effect.reason}`,
        );
        return;
      case "alarm":
        this.trace.push(
          `${this.nowMs.toFixed(1)} ${node.name} ${effect.code} ${effect.isActive ? "raised" : "cleared"}`,
        );
        return;
      case "inSyncChanged":
        this.trace.push(
          `${this.nowMs.toFixed(1)} ${node.name} in sync: ${effect.inSync.map((m) => m.incarnation).join()}`,
        );
        return;
      case "reply":
        return;
      default:
        effect satisfies never;
    }
  }

  // --- links ---

  #header(node: WorldNode) {
    return {
      grid: "port",
      epoch: node.state.view.known?.record?.epoch ?? 0,
      leader: node.state.self,
      sentAtMs: this.localMs(node),
      hasAuthority: this.#hasAuthority(node),
      reach: { reachedCount: node.reachedCount, criticalCount: CRITICAL_COUNT },
      revision: revisionOf(node.state),
    };
  }

  #sendFrame(node: WorldNode, to: string, frame: WorldFrame): void {
    this.#send(node, to, { type: "frame", ...this.#header(node), text: JSON.stringify(frame) });
  }

  #catchUp(node: WorldNode, to: Member, last: LogPosition | null): void {
    const at = last === null ? -1 : node.log.findIndex((frame) => frame.hash === last.hash);
    if (at >= 0) {
      for (const frame of node.log.slice(at + 1)) this.#sendFrame(node, to.node, frame);
      return;
    }
    const position = node.log.at(-1);
    if (position === undefined) return;
    const header = this.#header(node);
    const snapshot: SnapshotMessage = {
      type: "snapshot",
      grid: "port",
      epoch: header.epoch,
      leader: header.leader,
      position,
      plantTimeMs: 0,
      coreVersion: "1",
      manifestHash: "m",
      state: JSON.stringify(node.log),
    };
    this.#send(node, to.node, snapshot);
  }

  #isCut(a: string, b: string): boolean {
    return this.#cutLinks.has(a < b ? `${a}|${b}` : `${b}|${a}`);
  }

  #send(node: WorldNode, to: string, message: PeerMessage): void {
    if (this.#isCut(node.name, to) || this.random() < this.#faults.loss) return;
    const target = this.node(to);
    const { lifeCount } = target;
    const key = `${node.name}>${to}`;
    const spikeMs = this.#faults.loss > 0 && this.random() < 0.01 ? this.random() * 80 : 0;
    // In order or not at all.
    const atMs = Math.max(
      this.nowMs + 0.2 + this.random() * 2 + spikeMs,
      this.#lastArrival.get(key) ?? 0,
    );
    this.#lastArrival.set(key, atMs);
    this.at(atMs, () => {
      if (!target.isUp || target.lifeCount !== lifeCount) return;
      this.#whenAwake(target, lifeCount, () => this.#deliver(target, node.name, message));
    });
  }

  #deliver(target: WorldNode, from: string, message: PeerMessage): void {
    if (message.type !== "frame") {
      this.#feed(target, { type: "message.received", from, message });
      return;
    }
    const frame = JSON.parse(message.text) as WorldFrame;
    target.received = frame;
    const { previousHash } = frame;
    this.#feed(target, {
      type: "message.received",
      from,
      message,
      frame: { position: frame, previousHash, plantTimeMs: 0 },
    });
  }

  // --- the store ---

  #call(
    node: WorldNode,
    run: (
      isReturned: boolean,
      answer: (event: () => DistributiveOmit<ControllerEvent, "nowMs">) => void,
    ) => void,
  ): void {
    const { lifeCount } = node;
    const answer = (event: () => DistributiveOmit<ControllerEvent, "nowMs">) => {
      const value = event();
      this.at(this.nowMs + 0.5 + this.random() * 3, () =>
        this.#whenAwake(node, lifeCount, () => this.#feed(node, value)),
      );
    };
    const isLost = this.#isCut(node.name, "store") || this.random() < this.#faults.loss;
    this.at(this.nowMs + (isLost ? 150 : 0.5 + this.random() * 3), () => run(!isLost, answer));
  }

  /** A lost call may still be applied, at once or much later; its sender only knows that it does not know. */
  #transact(node: WorldNode, effect: Extract<ControllerEffect, { type: "transact" }>): void {
    const apply = () => {
      const isMatching =
        this.revision === effect.expectedRevision &&
        (this.record?.nonce ?? null) === effect.expectedNonce;
      if (!isMatching) return false;
      this.record = effect.record;
      this.revision += 1 + Math.floor(this.random() * 3);
      return true;
    };
    const isCut = this.#isCut(node.name, "store");
    const isUnlucky = this.random() < this.#faults.loss;
    if (!isCut && isUnlucky) this.at(this.nowMs + this.random() * 1500, apply);
    const isLost = isCut || isUnlucky;
    const { lifeCount } = node;
    const answer = (outcome: object) =>
      this.at(this.nowMs + 0.5 + this.random() * 3, () =>
        this.#whenAwake(node, lifeCount, () =>
          this.#feed(node, {
            type: "transaction.answered",
            id: effect.id,
            outcome,
          } as DistributiveOmit<ControllerEvent, "nowMs">),
        ),
      );
    this.at(this.nowMs + (isLost ? 150 : 0.5 + this.random() * 3), () => {
      if (isLost) answer({ type: "unknown", reason: "deadline" });
      else if (apply()) answer({ type: "applied", revision: this.revision });
      else answer({ type: "refused", revision: this.revision, record: this.record });
    });
  }

  describe(): string {
    const roles = this.nodes.map(
      (node) => `${node.name}=${node.isUp ? roleOf(node.state) : "down"}`,
    );
    return `${roles.join(" ")} record ${JSON.stringify(this.record)}\n${this.trace.slice(-40).join("\n")}`;
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
