import { assert } from "../../kernel/assert.ts";
import { TIMING_SETS } from "../../kernel/timings.ts";
import type {
  AcknowledgeMessage,
  HeartbeatMessage,
  PeerMessage,
  Reach,
} from "../../kernel/peer-message.ts";
import type { LeadershipRecord, LogPosition, Member } from "../../kernel/record.ts";
import type { ControllerOptions, ControllerState } from "./controller.ts";
import { createController, stepController } from "./controller.ts";
import { leadingOf } from "./draft.ts";
import type { ControllerEffect } from "./effects.ts";
import type { ControllerEvent } from "./events.ts";
import { authorityUntilMs, nextDeadlineMs } from "./queries.ts";

export type EventBody = ControllerEvent extends infer T
  ? T extends unknown
    ? Omit<T, "nowMs">
    : never
  : never;
type EffectOf<T extends ControllerEffect["type"]> = Extract<ControllerEffect, { type: T }>;

export const member = (node: string, life = 1): Member => ({
  node,
  incarnation: `${node}#${life}`,
});
export const A = member("n1");
export const B = member("n2");
export const C = member("n3");
export const place = (epoch: number, sequence: number): LogPosition => ({
  epoch,
  sequence,
  hash: `h${epoch}.${sequence}`,
});
export const NONCE = "written-by-another";
export const record = (
  epoch: number,
  leader: Member,
  inSync: readonly Member[],
  issuedSequence = 0,
): LeadershipRecord => ({
  epoch,
  leader,
  inSync,
  order: ["n1", "n2", "n3"],
  nonce: NONCE,
  plantTimeMsMax: 50_000,
  issuedSequence,
});
export const REACH: Reach = { reachedCount: 2, criticalCount: 2 };
export const reaching = (reachedCount: number): Reach => ({ reachedCount, criticalCount: 2 });

/** One controller at a keyboard: events in, effects collected. `effects` are those of the last call. */
export class Bench {
  state: ControllerState;
  nowMs = 1_000;
  effects: readonly ControllerEffect[] = [];
  /** Whether every change of the record that {@link runWith} sees in flight is applied. */
  isCoordinatorAnswering = false;
  readonly options: ControllerOptions;

  constructor(self: string, changes: Partial<ControllerOptions> = {}) {
    this.options = {
      grid: "port",
      self,
      order: ["n1", "n2", "n3"],
      timings: TIMING_SETS.default,
      allowStaleTakeover: true,
      failback: "manual",
      failbackDelayMs: 1_000,
      coreVersion: "1",
      manifestHash: "m",
      ...changes,
    };
    this.state = createController(this.options);
  }

  feed(event: EventBody): this {
    const timed = { ...event, nowMs: this.nowMs } as ControllerEvent;
    const step = stepController(this.state, timed, this.options);
    this.state = step.state;
    this.effects = step.effects;
    return this;
  }

  /** Lets time pass deadline by deadline, as the loop does. */
  runTo(nowMs: number): this {
    const effects: ControllerEffect[] = [];
    for (let dueMs = this.dueMs(); dueMs <= nowMs; dueMs = this.dueMs()) {
      this.nowMs = Math.max(this.nowMs, dueMs);
      this.feed({ type: "ticked" });
      effects.push(...this.effects);
    }
    this.nowMs = nowMs;
    this.effects = effects;
    return this;
  }

  run(forMs: number): this {
    return this.runTo(this.nowMs + forMs);
  }

  /** Lets time pass while these followers acknowledge every 10 ms all that there is. Ends early where `isDone`. */
  runWith(
    followers: readonly Member[],
    forMs: number,
    reach: Reach = REACH,
    isDone: () => boolean = () => false,
  ): this {
    const untilMs = this.nowMs + forMs;
    const effects: ControllerEffect[] = [];
    while (this.nowMs < untilMs && !isDone()) {
      effects.push(...this.runTo(Math.min(this.nowMs + 10, untilMs)).effects);
      const { last } = this.state.log;
      const epoch = leadingOf(this.state)?.epoch ?? 0;
      for (const follower of followers) {
        const sequence = last?.epoch === epoch ? last.sequence : null;
        this.acknowledge(follower, epoch, sequence, this.nowMs, reach);
        effects.push(...this.effects);
      }
      if (this.isCoordinatorAnswering && this.state.view.inFlightId !== null) {
        effects.push(...this.applied((this.state.view.known?.revision ?? 0) + 1).effects);
      }
    }
    this.effects = effects;
    return this;
  }

  dueMs(): number {
    return nextDeadlineMs(this.state);
  }

  find<T extends ControllerEffect["type"]>(type: T): EffectOf<T> | undefined {
    return this.effects.find((effect): effect is EffectOf<T> => effect.type === type);
  }

  sent(type: PeerMessage["type"]) {
    return this.effects.flatMap((e) => (e.type === "send" && e.message.type === type ? [e] : []));
  }

  /** Alarms as they came: `+CODE` raised, `-CODE` cleared. */
  alarms(): readonly string[] {
    return this.effects.flatMap((e) =>
      e.type === "alarm" ? [`${e.isActive ? "+" : "-"}${e.code}`] : [],
    );
  }

  start(last: LogPosition | null = null, life = 1): this {
    return this.feed({
      type: "started",
      incarnation: `${this.options.self}#${life}`,
      last,
      plantTimeMs: 10_000,
      epochMax: last?.epoch ?? 0,
    });
  }

  read(revision: number, found: LeadershipRecord | null): this {
    if (this.state.view.reading === null) this.feed({ type: "record.hinted" });
    const id = this.state.view.reading?.id ?? -1;
    return this.feed({
      type: "record.read",
      id,
      outcome: { type: "read", revision, record: found },
    });
  }

  answer(outcome: Extract<ControllerEvent, { type: "transaction.answered" }>["outcome"]): this {
    const id = this.state.view.inFlightId ?? -1;
    return this.feed({ type: "transaction.answered", id, outcome });
  }

  applied(revision: number): this {
    return this.answer({ type: "applied", revision });
  }

  receive(from: Member, message: PeerMessage): this {
    return this.feed({ type: "message.received", from: from.node, message });
  }

  heartbeat(
    leader: Member,
    epoch: number,
    revision: number,
    hasAuthority = true,
    reach: Reach = REACH,
  ): this {
    const message: HeartbeatMessage = {
      type: "heartbeat",
      grid: "port",
      epoch,
      leader,
      sentAtMs: 7,
      hasAuthority,
      reach,
      revision,
      last: null,
      stateHash: null,
    };
    return this.receive(leader, message);
  }

  acknowledge(
    from: Member,
    epoch: number,
    sequence: number | null,
    echoSentAtMs = this.nowMs,
    reach: Reach = REACH,
  ): this {
    const message: AcknowledgeMessage = {
      type: "acknowledge",
      grid: "port",
      epoch,
      from,
      echoSentAtMs,
      last: sequence === null ? null : place(epoch, sequence),
      reach,
    };
    return this.receive(from, message);
  }

  build(epoch: number, sequence: number): this {
    return this.feed({
      type: "frame.built",
      position: place(epoch, sequence),
      plantTimeMs: 11_000,
    });
  }

  synced(epoch: number, sequence: number): this {
    return this.feed({ type: "journal.synced", position: place(epoch, sequence) });
  }

  join(from: Member, last: LogPosition | null, coreVersion = "1", manifestHash = "m"): this {
    return this.receive(from, {
      type: "join",
      grid: "port",
      from,
      last,
      coreVersion,
      manifestHash,
    });
  }

  position(from: Member, last: LogPosition | null): this {
    return this.receive(from, { type: "position", grid: "port", from, last, plantTimeMs: 0 });
  }

  resigned(leader: Member, epoch: number, sequence: number, revision: number): this {
    const inSync = [leader, { ...this.state.self }];
    return this.receive(leader, {
      type: "resigned",
      grid: "port",
      leader,
      epoch,
      sequence,
      revision,
      inSync,
    });
  }

  transfer(toNode: string): this {
    return this.feed({ type: "transfer.requested", requestId: "t", toNode, reason: "test" });
  }

  reached(reachedCount: number): this {
    return this.feed({ type: "reach.measured", reach: reaching(reachedCount) });
  }

  authority(): number {
    return authorityUntilMs(this.state, this.options);
  }
}

/** A standby n2 under leader n1, epoch 4, revision 10, that acknowledged a heartbeat just now. */
export function standby(inSync: readonly Member[] = [A, B, C], self = "n2"): Bench {
  const bench = new Bench(self).start(place(4, 100)).read(10, record(4, A, inSync));
  bench.nowMs += 10;
  return bench.heartbeat(A, 4, 10);
}

/** n1, solo leader of epoch 1 at revision 1 with frame 1 built. */
export function soloLeader(changes: Partial<ControllerOptions> = {}): Bench {
  const bench = new Bench("n1", changes).start().read(0, null);
  bench.run(500).applied(1);
  return bench.build(1, 1);
}

/** n1 leading at revision 2 with n2 in sync. */
export function pairLeader(changes: Partial<ControllerOptions> = {}): Bench {
  const bench = soloLeader(changes).join(B, null).acknowledge(B, 1, 1);
  assert(bench.find("transact")?.record.inSync.length === 2, "n2 is being added");
  return bench.applied(2).synced(1, 1);
}

/** n1 leading at revision 3 with both others in sync. */
export function trioLeader(changes: Partial<ControllerOptions> = {}): Bench {
  const bench = pairLeader(changes).join(C, null).acknowledge(C, 1, 1);
  assert(bench.find("transact")?.record.inSync.length === 3, "n3 is being added");
  return bench.applied(3);
}

/** n2 leading epoch 5 at revision 11 with n1 in sync: it took over from n1 in a planned handover. */
export function leaderByHandover(
  changes: Partial<ControllerOptions> = {},
  ownReach: Reach = REACH,
): Bench {
  const bench = new Bench("n2", changes).start(place(4, 100)).read(10, record(4, A, [A, B]));
  bench.feed({ type: "reach.measured", reach: ownReach });
  bench.heartbeat(A, 4, 10).resigned(A, 4, 100, 10).applied(11);
  assert(leadingOf(bench.state) !== null, "n2 leads");
  return bench.build(5, 101).acknowledge(A, 5, 101, bench.nowMs, REACH);
}
