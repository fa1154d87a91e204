import { describe, expect, it } from "vitest";
import { TIMING_SETS } from "../../kernel/timings.ts";
import type { AcknowledgeMessage, HeartbeatMessage } from "../../kernel/peer-message.ts";
import type { LeadershipRecord, LogPosition, Member } from "../../kernel/record.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import type { ControllerOptions, ControllerState } from "./controller.ts";
import { createController, stepController } from "./controller.ts";
import type { ControllerEffect } from "./effects.ts";
import type { ControllerEvent } from "./events.ts";
import {
  authorityUntilMs,
  describe as describeController,
  mayBuildFrame,
  nextDeadlineMs,
  releasedCommandSequence,
  releasedSequence,
  roleOf,
} from "./queries.ts";

type EventBody = ControllerEvent extends infer T
  ? T extends unknown
    ? Omit<T, "nowMs">
    : never
  : never;
type EffectOf<T extends ControllerEffect["type"]> = Extract<ControllerEffect, { type: T }>;

const member = (node: string, life = 1): Member => ({ node, incarnation: `${node}#${life}` });
const [A, B, C] = [member("n1"), member("n2"), member("n3")];
const place = (epoch: number, sequence: number): LogPosition => ({
  epoch,
  sequence,
  hash: `h${epoch}.${sequence}`,
});
const NONCE = "written-by-another";
const record = (epoch: number, leader: Member, inSync: readonly Member[]): LeadershipRecord => ({
  epoch,
  leader,
  inSync,
  order: ["n1", "n2", "n3"],
  nonce: NONCE,
  plantTimeMsMax: 50_000,
});
const REACH = { reachedCount: 2, criticalCount: 2 };

/** One controller at a keyboard: events in, effects collected. */
class Bench {
  state: ControllerState;
  nowMs = 1_000;
  effects: readonly ControllerEffect[] = [];
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

  dueMs(): number {
    return nextDeadlineMs(this.state, this.options);
  }

  find<T extends ControllerEffect["type"]>(type: T): EffectOf<T> | undefined {
    return this.effects.find((effect): effect is EffectOf<T> => effect.type === type);
  }

  sent(type: string) {
    return this.effects.flatMap((e) => (e.type === "send" && e.message.type === type ? [e] : []));
  }

  start(last: LogPosition | null = null): this {
    return this.feed({
      type: "started",
      incarnation: `${this.options.self}#1`,
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

  heartbeat(leader: Member, epoch: number, revision: number, hasAuthority = true): this {
    const message: HeartbeatMessage = {
      type: "heartbeat",
      grid: "port",
      epoch,
      leader,
      sentAtMs: 7,
      hasAuthority,
      reach: REACH,
      revision,
      last: null,
      stateHash: null,
    };
    return this.feed({ type: "message.received", from: leader.node, message });
  }

  acknowledge(
    from: Member,
    epoch: number,
    sequence: number | null,
    echoSentAtMs = this.nowMs,
  ): this {
    const message: AcknowledgeMessage = {
      type: "acknowledge",
      grid: "port",
      epoch,
      from,
      echoSentAtMs,
      last: sequence === null ? null : place(epoch, sequence),
      reach: REACH,
    };
    return this.feed({ type: "message.received", from: from.node, message });
  }

  build(epoch: number, sequence: number): this {
    return this.feed({
      type: "frame.built",
      position: place(epoch, sequence),
      plantTimeMs: 11_000,
    });
  }

  join(from: Member, last: LogPosition | null, coreVersion = "1"): this {
    const message = {
      type: "join",
      grid: "port",
      from,
      last,
      coreVersion,
      manifestHash: "m",
    } as const;
    return this.feed({ type: "message.received", from: from.node, message });
  }

  authority(): number {
    return authorityUntilMs(this.state, this.options);
  }
}

/** A standby n2 under leader n1, epoch 4, revision 10, that acknowledged a heartbeat just now. */
function standby(inSync: readonly Member[] = [A, B, C], self = "n2"): Bench {
  const bench = new Bench(self).start(place(4, 100)).read(10, record(4, A, inSync));
  bench.nowMs += 10;
  return bench.heartbeat(A, 4, 10);
}

/** n1, solo leader of epoch 1 at revision 1 with frame 1 built. */
function soloLeader(): Bench {
  const bench = new Bench("n1").start().read(0, null);
  bench.runTo(bench.nowMs + 500);
  bench.answer({ type: "applied", revision: 1 });
  return bench.build(1, 1);
}

/** n1 leading with n2 in sync. */
function pairLeader(): Bench {
  const bench = soloLeader().join(B, null).acknowledge(B, 1, 1);
  expect(bench.find("transact")?.record.inSync).toEqual([A, B]);
  return bench.answer({ type: "applied", revision: 2 });
}

describe("taking over (rule 9)", () => {
  it("waits for the promise to run out, and its rank, then tries against the revision it knows", () => {
    const bench = standby([A, B, C], "n3");
    const promisedMs = bench.nowMs + 130;
    expect(bench.runTo(promisedMs + 39).find("transact")).toBeUndefined();
    expect(bench.runTo(promisedMs + 40).find("transact")).toMatchObject({
      expectedRevision: 10,
      expectedNonce: NONCE,
      record: { epoch: 5, leader: C, inSync: [C] },
    });
    expect(roleOf(bench.state)).toBe("taking-over");
  });

  it("a standby that has sent a takeover against r never again acknowledges a leader under r", () => {
    const bench = standby();
    bench.runTo(bench.nowMs + 130);
    expect(bench.heartbeat(A, 4, 10).sent("acknowledge")).toEqual([]);
    bench.answer({ type: "unknown", reason: "deadline" });
    expect(bench.heartbeat(A, 4, 10).sent("acknowledge")).toEqual([]);
    expect(bench.heartbeat(A, 4, 12).sent("acknowledge")).toHaveLength(1);
  });

  it("repeats an unknown takeover unchanged until the record is seen to have moved; with its own nonce it leads", () => {
    const bench = standby();
    const first = bench.runTo(bench.nowMs + 130).find("transact");
    bench.answer({ type: "unknown", reason: "deadline" });
    const second = bench.runTo(bench.nowMs + 20).find("transact");
    expect(second?.record).toEqual(first?.record);
    expect(second?.expectedRevision).toBe(10);
    bench.answer({ type: "refused", revision: 11, record: first?.record ?? null });
    expect(bench.find("startLeading")).toMatchObject({ epoch: 5, origin: "hot" });
  });

  it("loses where the record moved to another", () => {
    const bench = standby();
    bench
      .runTo(bench.nowMs + 130)
      .answer({ type: "refused", revision: 11, record: record(5, C, [C]) });
    expect(bench.find("startLeading")).toBeUndefined();
    expect(roleOf(bench.state)).toBe("joining");
  });

  it("counts solo authority from the first sending of the takeover", () => {
    const bench = standby();
    bench.runTo(bench.nowMs + 130);
    const sentAtMs = bench.nowMs;
    bench.nowMs += 40;
    bench.answer({ type: "applied", revision: 11 });
    expect(bench.authority()).toBe(sentAtMs + 2_000);
  });

  it("a standby without reach ranks last", () => {
    const bench = standby();
    bench.feed({ type: "reach.measured", reach: { reachedCount: 0, criticalCount: 2 } });
    const promisedMs = bench.nowMs + 130;
    expect(bench.runTo(promisedMs + 79).find("transact")).toBeUndefined();
    expect(bench.runTo(promisedMs + 80).find("transact")).toBeDefined();
  });
});

describe("acknowledging (rule 2)", () => {
  it("takes a frame that continues the log, and says so; not one that leaves a gap", () => {
    const bench = standby();
    const header = {
      type: "frame",
      grid: "port",
      epoch: 4,
      leader: A,
      sentAtMs: 8,
      hasAuthority: true,
      reach: REACH,
      revision: 10,
      text: "",
    } as const;
    const frame = { position: place(4, 101), previousHash: "h4.100", plantTimeMs: 1 };
    bench.feed({ type: "message.received", from: "n1", message: header, frame });
    expect(bench.effects.map((e) => e.type)).toEqual(["acceptFrame", "send"]);
    expect(bench.sent("acknowledge")[0]?.message).toMatchObject({
      last: place(4, 101),
      echoSentAtMs: 8,
    });
    const gap = { position: place(4, 103), previousHash: "h4.102", plantTimeMs: 1 };
    bench.feed({ type: "message.received", from: "n1", message: header, frame: gap });
    expect(bench.find("acceptFrame")).toBeUndefined();
    expect(bench.sent("join")[0]?.message).toMatchObject({ last: place(4, 101) });
  });

  it("ignores a leader of a lower epoch, another grid, and one that speaks for another node", () => {
    const bench = standby();
    expect(bench.heartbeat(C, 3, 9).effects).toEqual([]);
    const before = bench.state.following;
    const message = { type: "positionRequest", grid: "starboard", from: A } as const;
    expect(bench.feed({ type: "message.received", from: "n1", message }).effects).toEqual([]);
    const forged = { type: "positionRequest", grid: "port", from: A } as const;
    expect(bench.feed({ type: "message.received", from: "n3", message: forged }).effects).toEqual(
      [],
    );
    expect(bench.state.following).toEqual(before);
  });
});

describe("authority (rule 3) and outputs", () => {
  it("with a standby lasts leaseMs from the sending of the message that it acknowledged", () => {
    const bench = pairLeader();
    const echoMs = bench.nowMs - 3;
    bench.nowMs += 5;
    bench.acknowledge(B, 1, 1, echoMs + 4);
    expect(bench.authority()).toBe(echoMs + 4 + 100);
  });

  it("must hold in both cases while a change is in flight", () => {
    const bench = pairLeader();
    const lastEchoMs = bench.nowMs;
    bench.runTo(bench.nowMs + 65);
    expect(bench.state.view.pending?.record.inSync).toEqual([A]);
    expect(bench.authority()).toBe(lastEchoMs + 100);
    bench.answer({ type: "unknown", reason: "deadline" });
    expect(bench.authority()).toBe(lastEchoMs + 100);
    const { pending } = bench.state.view;
    bench.runTo(bench.nowMs + 20).answer({ type: "applied", revision: 3 });
    expect(bench.authority()).toBe((pending?.firstSentAtMs ?? 0) + 2_000);
  });

  it("an acknowledgement counts only under the name in the record, and in its epoch", () => {
    const bench = pairLeader().build(1, 2);
    bench.acknowledge(member("n2", 9), 1, 2).acknowledge(B, 0, 2);
    expect(releasedSequence(bench.state)).toBe(1);
    expect(releasedSequence(bench.acknowledge(B, 1, 2).state)).toBe(2);
  });

  it("a learner being added must acknowledge as soon as the change is sent", () => {
    const bench = soloLeader().join(B, null).acknowledge(B, 1, 1);
    bench.build(1, 2);
    expect(releasedSequence(bench.state)).toBe(1);
  });

  it("alone, commands wait for the disk, at most 100 ms, then with an alarm", () => {
    const bench = soloLeader();
    expect(releasedSequence(bench.state)).toBe(1);
    expect(releasedCommandSequence(bench.state)).toBe(0);
    bench.feed({ type: "journal.synced", position: place(1, 1) });
    expect(releasedCommandSequence(bench.state)).toBe(1);
    bench.build(1, 2).runTo(bench.nowMs + 100);
    expect(releasedCommandSequence(bench.state)).toBe(2);
    expect(bench.find("alarm")).toMatchObject({ code: "JOURNAL_SLOW", isActive: true });
  });

  it("alone, the record is renewed every soloRenewMs", () => {
    const bench = soloLeader();
    const sentAtMs = bench.state.view.known?.sentAtMs ?? 0;
    expect(bench.runTo(sentAtMs + 499).find("transact")).toBeUndefined();
    expect(bench.runTo(sentAtMs + 500).find("transact")?.record).toMatchObject({
      epoch: 1,
      inSync: [A],
    });
  });
});

describe("the in-sync set (rule 7)", () => {
  it("adds nobody with another core or manifest", () => {
    const bench = soloLeader().join(B, null, "2").acknowledge(B, 1, 1);
    expect(bench.find("transact")).toBeUndefined();
    expect(bench.sent("snapshot")).toEqual([]);
  });

  it("re-adds at once after the first removal, and after a second within the minute a second later", () => {
    const bench = pairLeader();
    bench.runTo(bench.nowMs + 65).answer({ type: "applied", revision: 3 });
    bench.join(B, place(1, 1)).acknowledge(B, 1, 1);
    expect(bench.find("transact")?.record.inSync).toEqual([A, B]);
    bench.answer({ type: "applied", revision: 4 });
    bench.runTo(bench.nowMs + 65).answer({ type: "applied", revision: 5 });
    bench.join(B, place(1, 1)).acknowledge(B, 1, 1);
    expect(bench.find("transact")).toBeUndefined();
  });
});

describe("stale, cold and restart (rules 11, 13)", () => {
  it("a solo record of another is taken over after soloGraceMs unchanged, not earlier, with an alarm", () => {
    const bench = new Bench("n2", { order: ["n1", "n2"] })
      .start(place(4, 90))
      .read(10, record(4, A, [A]));
    const message = {
      type: "position",
      grid: "port",
      from: A,
      last: place(4, 80),
      plantTimeMs: 0,
    } as const;
    bench.feed({ type: "message.received", from: "n1", message });
    const seenAtMs = bench.nowMs;
    expect(bench.runTo(seenAtMs + 2_599).find("transact")).toBeUndefined();
    bench.feed({ type: "message.received", from: "n1", message });
    expect(bench.runTo(seenAtMs + 2_600).find("transact")).toMatchObject({
      record: { epoch: 5, inSync: [B] },
    });
    bench.answer({ type: "applied", revision: 11 });
    expect(bench.find("alarm")).toMatchObject({ code: "STALE_TAKEOVER" });
    expect(bench.find("startLeading")?.plantTimeMsMin).toBe(50_000);
  });

  it("waits for silent controllers coldStartMs more, and yields to one further ahead", () => {
    const bench = new Bench("n2", { order: ["n1", "n2"] })
      .start(place(4, 90))
      .read(10, record(4, A, [A]));
    const seenAtMs = bench.nowMs;
    expect(bench.runTo(seenAtMs + 7_599).find("transact")).toBeUndefined();
    const message = {
      type: "position",
      grid: "port",
      from: A,
      last: place(4, 99),
      plantTimeMs: 0,
    } as const;
    bench.feed({ type: "message.received", from: "n1", message });
    expect(bench.runTo(seenAtMs + 8_500).find("transact")).toBeUndefined();
    expect(bench.runTo(seenAtMs + 8_700).find("transact")).toBeDefined();
  });

  it("never takes over stale where that is not allowed", () => {
    const bench = new Bench("n2", { allowStaleTakeover: false }).start(place(4, 90));
    bench.read(10, record(4, A, [A]));
    expect(bench.runTo(bench.nowMs + 60_000).find("transact")).toBeUndefined();
  });

  it("a lone controller is back graceMs after its start, and the takeover is not stale", () => {
    const bench = new Bench("n1", { order: ["n1"] }).start(place(4, 90));
    const startedAtMs = bench.nowMs;
    bench.read(10, record(4, member("n1", 0), [member("n1", 0)]));
    expect(bench.runTo(startedAtMs + 129).find("transact")).toBeUndefined();
    expect(bench.runTo(startedAtMs + 130).find("transact")).toBeDefined();
    expect(bench.answer({ type: "applied", revision: 11 }).find("startLeading")).toMatchObject({
      origin: "restart",
    });
  });

  it("refuses a record below an epoch already seen, until force", () => {
    const bench = new Bench("n2").start(place(9, 90)).read(10, record(4, A, [A]));
    expect(roleOf(bench.state)).toBe("fenced");
    expect(bench.find("alarm")).toMatchObject({ code: "RECORD_REFUSED" });
    bench.feed({ type: "force.requested", requestId: "f", reason: "n1 is isolated" });
    bench.read(10, record(4, A, [A]));
    expect(bench.find("transact")).toMatchObject({ expectedRevision: 10, record: { epoch: 10 } });
    expect(bench.answer({ type: "applied", revision: 11 }).find("reply")).toMatchObject({
      isAccepted: true,
    });
  });
});

describe("planned handover", () => {
  it("completes a scan, settles writes, gives up authority, then resigns; the old epoch is never resumed", () => {
    const bench = pairLeader();
    bench.feed({ type: "transfer.requested", requestId: "t", toNode: "n2", reason: "test" });
    expect(bench.find("reply")).toMatchObject({ isAccepted: true });
    bench.build(1, 2);
    expect(mayBuildFrame(bench.state)).toBe(false);
    expect(bench.acknowledge(B, 1, 2).find("settleWrites")).toBeDefined();
    bench.feed({ type: "writes.settled" });
    expect(bench.authority()).toBe(Number.NEGATIVE_INFINITY);
    expect(bench.sent("resigned")[0]?.message).toMatchObject({
      sequence: 2,
      revision: 2,
      inSync: [A, B],
    });
    expect(bench.runTo(bench.nowMs + 200).find("transact")).toMatchObject({
      expectedRevision: 2,
      record: { epoch: 2, inSync: [A] },
    });
  });

  it("the target takes over at once with every member that holds the last frame", () => {
    const bench = standby([A, B]);
    const message = {
      type: "resigned",
      grid: "port",
      leader: A,
      epoch: 4,
      sequence: 100,
      revision: 10,
      inSync: [A, B],
    } as const;
    bench.feed({ type: "message.received", from: "n1", message });
    expect(bench.find("transact")?.record).toMatchObject({ epoch: 5, leader: B, inSync: [A, B] });
    bench.answer({ type: "applied", revision: 11 });
    expect(bench.authority()).toBe(Number.NEGATIVE_INFINITY);
    expect(bench.acknowledge(A, 5, null).authority()).toBe(bench.nowMs + 100);
  });
});

describe("no authority (rule 14), clocks, inspection", () => {
  it("a standby told 'no authority' for holdMs falls silent only after reading the record", () => {
    const bench = standby([A, B]);
    const sinceMs = bench.nowMs;
    for (let n = 0; n <= 26; n++) {
      bench.nowMs = sinceMs + n * 20;
      bench.heartbeat(A, 4, 10, false);
    }
    expect(bench.sent("acknowledge")).toHaveLength(1);
    bench.read(10, record(4, A, [A, B]));
    expect(bench.heartbeat(A, 4, 10, false).sent("acknowledge")).toEqual([]);
    expect(bench.runTo(bench.nowMs + 131).find("transact")).toBeDefined();
  });

  it("a clock that jumped ends the incarnation", () => {
    const bench = pairLeader().feed({ type: "clock.jumped", reason: "suspended" });
    expect(bench.find("stopLeading")).toBeDefined();
    expect(bench.find("restart")).toBeDefined();
    expect(bench.authority()).toBe(Number.NEGATIVE_INFINITY);
  });

  it("a leader that hears a higher epoch stops at once", () => {
    const bench = pairLeader().heartbeat(C, 2, 9);
    expect(bench.find("stopLeading")).toBeDefined();
    expect(roleOf(bench.state)).toBe("joining");
  });

  it.each([standby, soloLeader, pairLeader])("describes itself as canonical data (%o)", (make) => {
    const bench = make();
    expect(() => encodeCanonical(describeController(bench.state, bench.nowMs))).not.toThrow();
  });
});
