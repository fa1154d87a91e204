import type { EncodedFrame } from "../../kernel/frame.ts";
import { HASH_NONE } from "../../kernel/hash.ts";
import type { LeadershipRecord, LogPosition, Member } from "../../kernel/record.ts";
import { isSameMember } from "../../kernel/record.ts";
import type { Timings } from "../../kernel/timings.ts";
import type { AppliedWrite } from "../ports/memory-coordinator.ts";
import type { FieldWrite } from "./field.ts";
import type { KnownFrame } from "./frame-tree.ts";
import { FrameTree } from "./frame-tree.ts";
import type { SingleFault } from "./single-fault.ts";
import { RATE_DEVIATION_MAX } from "./single-fault.ts";

/** What can be found wrong. docs/11-simulation/world.md says what each means. */
export type Check =
  | "authority"
  | "overtaken"
  | "device-epoch"
  | "overlap"
  | "unauthorised"
  | "unacknowledged"
  | "unsynced"
  | "forgotten"
  | "divergence"
  | "plant-time"
  | "permit"
  | "record"
  | "successor"
  | "handover"
  | "gap"
  | "liveness"
  | "exception";

export interface Violation {
  readonly check: Check;
  readonly atMs: number;
  readonly text: string;
}

/** A solo leader's commands wait for the disk at most so long (rule 4). */
const SYNC_WAIT_MS = 100;

export type Takeover = "cold" | "hot" | "stale" | "forced";

/** A controller that may command now, by its own gate. */
export interface Holder {
  readonly member: Member;
  readonly epoch: number;
}

export interface RefereeOptions {
  readonly grid: string;
  readonly timings: Timings;
  readonly writeMs: number;
  readonly single: SingleFault | null;
  /** Every node that is up reaches the coordinator at any time. */
  readonly isStoreWell: boolean;
  readonly now: () => number;
}

/** Another than the one that leads now has to lead by then. */
interface Expected {
  readonly why: string;
  readonly from: string;
  readonly epoch: number;
  readonly atMs: number;
  readonly untilMs: number;
  /** Nobody may, once the leader stands alone in the record. */
  readonly isVoidWhereAlone: boolean;
}

interface RecordInForce {
  readonly atMs: number;
  readonly record: LeadershipRecord;
}

/**
 * Judges one grid from outside: by the writes that arrive at devices, the record in the store, the frames of the journals and the
 * gates. It shares no code with what it judges, but for the types and the comparison of names.
 */
export class Referee {
  violation: Violation | null = null;
  readonly takeovers: Record<Takeover, number> = { cold: 0, hot: 0, stale: 0, forced: 0 };
  lateWriteCount = 0;
  fencedWriteCount = 0;
  lostFrameCount = 0;
  issuedCount = 0;
  readonly #options: RefereeOptions;
  readonly #frames = new FrameTree();
  /** Newest frame of each incarnation's log, kept after its end. */
  readonly #tips = new Map<string, string>();
  readonly #startedAtMs = new Map<string, number>();
  /** The incarnation that runs on a node now. */
  readonly #aliveAt = new Map<string, string>();
  readonly #synced = new Map<string, LogPosition>();
  readonly #digests = new Map<string, string>();
  readonly #requests = new Map<string, KnownFrame>();
  readonly #deviceEpochs = new Map<string, number>();
  readonly #forcedNodes = new Set<string>();
  #records: RecordInForce[] = [];
  /** The newest epoch with a frame, that first frame, and the newest epoch that may lack what was issued before it. */
  #newestEpoch = 0;
  #newestTip = HASH_NONE;
  #lossyEpoch = 0;
  readonly #takeoverOf = new Map<number, Takeover>();
  #lastIssued: KnownFrame | null = null;
  /** The newest frame that a restart not counted as stale must not lack: issued on others' memory, or from the disk. */
  #lastKept: KnownFrame | null = null;
  #plantTimeMsMax = 0;
  /** By epoch: up to where its record reserves plant time, and where that of the epoch before did. */
  readonly #reservedMs = new Map<number, number>();
  readonly #beganAboveMs = new Map<number, number>();
  #holders: readonly Holder[] = [];
  lastWriteAtMs = -Infinity;
  /** Longest time between two writes at one device around a single fault. */
  gapMs = 0;
  readonly #deviceWrittenAtMs = new Map<string, number>();
  #hasSucceeded = false;
  #expected: Expected | null = null;

  constructor(options: RefereeOptions) {
    this.#options = options;
  }

  // --- lives ---

  started(member: Member, tip: LogPosition | null): void {
    this.#startedAtMs.set(member.incarnation, this.#options.now());
    this.#aliveAt.set(member.node, member.incarnation);
    this.#tips.set(member.incarnation, tip?.hash ?? HASH_NONE);
  }

  ended(member: Member): void {
    if (this.#aliveAt.get(member.node) === member.incarnation) this.#aliveAt.delete(member.node);
  }

  /** An engineer was asked to make sure that all others are off, and forces this one. */
  forced(node: string): void {
    this.#forcedNodes.add(node);
  }

  // --- journals ---

  frame(member: Member, encoded: EncodedFrame, isLeading: boolean): void {
    const { position, frame } = encoded;
    const place = `${position.epoch}:${position.sequence}`;
    if (isLeading) {
      const other = this.#frames.add(encoded, this.#options.now());
      if (other !== null) return this.#fail("divergence", `two frames stand at ${place}`);
      for (const { requestId } of frame.requests) {
        const known = this.#frames.get(position.hash);
        if (known !== undefined) this.#requests.set(requestId, known);
      }
      if (position.epoch > this.#newestEpoch) this.#beginEpoch(member, encoded);
    } else if (this.#frames.at(position.epoch, position.sequence)?.hash !== position.hash) {
      return this.#fail("divergence", `${member.node} holds a frame ${place} that no leader built`);
    }
    const tip = this.#tips.get(member.incarnation);
    if (tip !== frame.previousHash)
      return this.#fail(
        "divergence",
        `${member.node} took frame ${place}, which does not continue its log`,
      );
    this.#tips.set(member.incarnation, position.hash);
  }

  snapshot(member: Member, position: LogPosition): void {
    this.#tips.set(member.incarnation, position.hash);
  }

  synced(member: Member, position: LogPosition): void {
    this.#synced.set(member.incarnation, position);
  }

  /** The state of a replica after a frame, as a text that two equal states share. */
  state(
    node: string,
    { epoch, sequence }: LogPosition,
    previousHash: string,
    digest: string,
  ): void {
    const place = `${epoch}:${sequence}:${previousHash}`;
    const before = this.#digests.get(place);
    if (before === undefined) this.#digests.set(place, digest);
    else if (before !== digest) {
      this.#fail(
        "divergence",
        `${node}'s state after ${epoch}:${sequence} is ${digest}, another's is ${before}`,
      );
    }
  }

  #beginEpoch(member: Member, { position, frame }: EncodedFrame): void {
    const { epoch } = position;
    const kind = this.#takeoverOf.get(epoch) ?? "cold";
    this.#newestEpoch = epoch;
    this.#newestTip = position.hash;
    if (kind !== "hot") this.#lossyEpoch = epoch;
    const kept = this.#lastKept;
    this.#lastKept = null;
    if (frame.leadership?.origin === "restart" && kept !== null) {
      if (!this.#frames.holds(position.hash, kept))
        return this.#fail(
          "forgotten",
          `${member.node} leads again in epoch ${epoch}, not counted as stale, without frame ${kept.epoch}:${kept.sequence}, which was issued`,
        );
    }
    const issued = this.#lastIssued;
    if (issued === null || this.#frames.holds(position.hash, issued)) return;
    if (kind === "hot") {
      const lacking = `${issued.epoch}:${issued.sequence}`;
      this.#fail(
        "forgotten",
        `${member.node} leads epoch ${epoch} without frame ${lacking}, whose outputs reached a device`,
      );
      return;
    }
    this.lostFrameCount += Math.max(1, issued.sequence - frame.sequence + 1);
    this.#lastIssued = null;
  }

  // --- the record ---

  record({ atMs, record, node }: Pick<AppliedWrite, "atMs" | "record" | "node">): void {
    const before = this.#records.at(-1)?.record ?? null;
    const sinceMs = this.#records.at(-1)?.atMs ?? -Infinity;
    this.#records.push({ atMs, record });
    if (this.#records.length > 16) this.#records = this.#records.slice(-8);
    const problem = this.#recordProblem(before, record);
    if (problem !== null) return this.#fail("record", problem);
    this.#reservedMs.set(record.epoch, record.plantTimeMsMax);
    this.#meetExpected(record);
    if (before !== null && before.epoch === record.epoch) return;
    this.#beganAboveMs.set(record.epoch, before?.plantTimeMsMax ?? 0);
    const kind = this.#kindOf(node, before, record);
    this.takeovers[kind]++;
    if (before !== null) this.#checkSuccessor(before, record);
    this.#takeoverOf.set(record.epoch, kind);
    if (kind === "stale" && before !== null) this.#checkStale(before, atMs - sinceMs, record);
  }

  #recordProblem(before: LeadershipRecord | null, record: LeadershipRecord): string | null {
    if (!record.inSync.some((member) => isSameMember(member, record.leader)))
      return `the leader of epoch ${record.epoch} is not in its own in-sync set`;
    if (before === null) return null;
    if (record.epoch < before.epoch) return `epoch ${record.epoch} follows ${before.epoch}`;
    if (record.epoch === before.epoch && !isSameMember(record.leader, before.leader))
      return `epoch ${record.epoch} has two leaders`;
    if (record.plantTimeMsMax < before.plantTimeMsMax) return "the reserved plant time went back";
    return null;
  }

  #kindOf(node: string, before: LeadershipRecord | null, record: LeadershipRecord): Takeover {
    if (this.#forcedNodes.delete(node)) return "forced";
    if (before === null) return "cold";
    return before.inSync.some((member) => isSameMember(member, record.leader)) ? "hot" : "stale";
  }

  /** With one fault the successor is the one that the rules name. */
  #checkSuccessor(before: LeadershipRecord, record: LeadershipRecord): void {
    const { single, now } = this.#options;
    if (single === null || now() < single.fault.atMs) return;
    this.#hasSucceeded = true;
    const { successor, fault } = single;
    const others = before.inSync.filter((member) => !isSameMember(member, before.leader));
    const [first] = before.order.filter((node) => others.some((member) => member.node === node));
    const named = fault.kind === "transfer" ? fault.node : first;
    if (successor !== "same" && record.leader.node === named) return;
    const expected =
      successor === "same" ? `${before.leader.node} should go on` : `${named} is next`;
    this.#fail("successor", `${record.leader.node} leads after ${fault.kind}, but ${expected}`);
  }

  /** From now on another leader is expected within so long; where one is expected already, that stands. */
  expectSuccessor(why: string, withinMs: number, isVoidWhereAlone: boolean): void {
    const record = this.#records.at(-1)?.record ?? null;
    if (record === null || this.#expected !== null) return;
    if (isVoidWhereAlone && record.inSync.length === 1) return;
    const atMs = this.#options.now();
    const { epoch, leader } = record;
    const untilMs = atMs + withinMs;
    this.#expected = { why, from: leader.node, epoch, atMs, untilMs, isVoidWhereAlone };
  }

  #meetExpected(record: LeadershipRecord): void {
    const expected = this.#expected;
    if (expected === null) return;
    const isMet = record.epoch > expected.epoch && record.leader.node !== expected.from;
    const isVoid = expected.isVoidWhereAlone && record.inSync.length === 1;
    if (isMet || isVoid) this.#expected = null;
  }

  #checkExpected(): void {
    const expected = this.#expected;
    if (expected === null || this.#options.now() < expected.untilMs) return;
    const { why, from, atMs } = expected;
    const waitedMs = this.#options.now() - atMs;
    this.#fail("handover", `${waitedMs.toFixed(0)} ms after ${why}, nobody has followed ${from}`);
  }

  /** The time around a single fault is over: somebody had to succeed, and no device was left alone for too long. */
  singleEnds(): void {
    const { single, now } = this.#options;
    if (single === null) return;
    if (single.successor === "next" && !this.#hasSucceeded)
      this.#fail("successor", `nobody succeeded the leader after ${single.fault.kind}`);
    for (const [device, writtenAtMs] of this.#deviceWrittenAtMs)
      this.#checkGap(device, now() - writtenAtMs);
  }

  #checkGap(device: string, gapMs: number): void {
    const { single, now, timings } = this.#options;
    if (single === null || now() < single.fault.atMs - 2 * timings.scanMs) return;
    if (now() > single.fault.atMs + single.fault.forMs) return;
    this.gapMs = Math.max(this.gapMs, gapMs);
    if (gapMs <= single.gapMsMax) return;
    const bound = `${single.gapMsMax.toFixed(1)} ms (${single.formula})`;
    this.#fail(
      "gap",
      `${device} was not written for ${gapMs.toFixed(1)} ms after ${single.fault.kind}; the bound is ${bound}`,
    );
  }

  /** Rules 11 and 13: only where the record is solo or names an earlier life, and not too early. */
  #checkStale(before: LeadershipRecord, unchangedMs: number, record: LeadershipRecord): void {
    const { node, incarnation } = record.leader;
    const { soloGraceMs, graceMs } = this.#options.timings;
    const isOwn = before.inSync.some((member) => member.node === node);
    const isSolo = before.inSync.length === 1;
    if (!isOwn && !isSolo)
      return this.#fail(
        "record",
        `${node} took over epoch ${record.epoch} although others are in sync`,
      );
    const aliveMs = this.#options.now() - (this.#startedAtMs.get(incarnation) ?? 0);
    const fastest = 1 + RATE_DEVIATION_MAX;
    const isOwnAlone = isSolo && before.leader.node === node;
    const isEarly = isOwnAlone ? aliveMs < graceMs / fastest : unchangedMs < soloGraceMs / fastest;
    if (isEarly) {
      const text = `${unchangedMs.toFixed(0)} ms after the last change, ${aliveMs.toFixed(0)} ms after its start`;
      this.#fail("record", `${node} took over epoch ${record.epoch} stale ${text}`);
    }
  }

  /** The record as it stood then. */
  #recordAt(atMs: number): LeadershipRecord | null {
    for (let at = this.#records.length - 1; at >= 0; at--) {
      const entry = this.#records[at];
      if (entry !== undefined && entry.atMs <= atMs) return entry.record;
    }
    return null;
  }

  // --- authority ---

  /** Called after every event of the world with all controllers whose gate is open. */
  holders(holders: readonly Holder[]): void {
    this.#holders = holders;
    this.#checkExpected();
    if (holders.length === 0) return;
    if (holders.length > 1) {
      const names = holders
        .map(({ member, epoch }) => `${member.node} (epoch ${epoch})`)
        .join(" and ");
      return this.#fail("authority", `${names} have authority at once`);
    }
    const [holder] = holders;
    const record = this.#records.at(-1)?.record ?? null;
    if (holder === undefined || record === null) return;
    if (record.epoch !== holder.epoch || !isSameMember(record.leader, holder.member)) {
      const named = `${record.leader.node} for epoch ${record.epoch}`;
      this.#fail(
        "overtaken",
        `${holder.member.node} has authority in epoch ${holder.epoch}, the record names ${named}`,
      );
    }
  }

  // --- devices ---

  write(write: FieldWrite): void {
    const { node, device, epoch, sequence, gatedAtMs, arrivedAtMs } = write;
    const what = () => `${write.kind} of ${node} (epoch ${epoch}, frame ${sequence}) at ${device}`;
    const isLate = arrivedAtMs - gatedAtMs > this.#options.writeMs / (1 + RATE_DEVIATION_MAX);
    const newest = this.#deviceEpochs.get(device) ?? 0;
    if (write.isAccepted && epoch < newest && (write.isEpochChecked || !isLate))
      return this.#fail("device-epoch", `${what()}, which had accepted epoch ${newest}`);
    if (!isLate && this.#holders.some(({ member }) => member.node !== node))
      return this.#fail("overlap", `${what()} arrived in time, but another has authority`);
    if (!isLate && !this.#isAuthorised(node, gatedAtMs))
      return this.#fail(
        "unauthorised",
        `${what()} arrived in time, but its own authority had ended`,
      );
    const record = this.#records.at(-1)?.record ?? null;
    if (!isLate && record !== null && record.epoch > epoch)
      return this.#fail(
        "overlap",
        `${what()} arrived in time, but epoch ${record.epoch} has begun`,
      );
    if (isLate && epoch < this.#newestEpoch) this.lateWriteCount++;
    if (!write.isAccepted) this.fencedWriteCount++;
    else this.#deviceEpochs.set(device, Math.max(newest, epoch));
    const frame = this.#frames.at(epoch, sequence);
    if (frame === undefined)
      return this.#fail("unacknowledged", `${what()}: there is no such frame`);
    if (!isLate) this.#checkAcknowledged(what, frame, gatedAtMs);
    if (write.kind === "command") this.#checkSynced(what, frame, gatedAtMs);
    if (this.#isKept(write.kind, frame, gatedAtMs)) this.#lastKept = frame;
    this.issue(frame);
    this.lastWriteAtMs = arrivedAtMs;
    if (!write.isAccepted) return;
    this.#checkGap(device, arrivedAtMs - (this.#deviceWrittenAtMs.get(device) ?? arrivedAtMs));
    this.#deviceWrittenAtMs.set(device, arrivedAtMs);
  }

  /** The gate demands authority for as long as a write may take; only its controller's own end can cut that short. */
  #isAuthorised(node: string, gatedAtMs: number): boolean {
    const incarnation = this.#aliveAt.get(node);
    if (incarnation === undefined) return true;
    if ((this.#startedAtMs.get(incarnation) ?? 0) >= gatedAtMs) return true;
    return this.#holders.some(({ member }) => member.incarnation === incarnation);
  }

  /** An operator was told that his request is accepted. */
  accepted(requestId: string): void {
    const frame = this.#requests.get(requestId);
    if (frame === undefined)
      return this.#fail("unacknowledged", `${requestId} was accepted without a frame`);
    this.#checkAcknowledged(() => `the answer to ${requestId}`, frame, this.#options.now());
    this.issue(frame);
  }

  /** Outputs of a frame have left: every member that the record names holds it. */
  #checkAcknowledged(what: () => string, frame: KnownFrame, atMs: number): void {
    const record = this.#recordAt(atMs);
    if (record === null || record.epoch !== frame.epoch) return;
    for (const member of record.inSync) {
      const tip = this.#tips.get(member.incarnation) ?? HASH_NONE;
      if (this.#frames.holds(tip, frame)) continue;
      this.#fail(
        "unacknowledged",
        `${what()} left before ${member.node}, which is in sync, held its frame`,
      );
    }
  }

  #checkSynced(what: () => string, frame: KnownFrame, atMs: number): void {
    const record = this.#recordAt(atMs);
    if (record === null || record.epoch !== frame.epoch || record.inSync.length > 1) return;
    const synced = this.#synced.get(record.leader.incarnation);
    const isSynced = synced?.epoch === frame.epoch && synced.sequence >= frame.sequence;
    const waitedMs = atMs - frame.builtAtMs;
    if (!isSynced && waitedMs < SYNC_WAIT_MS / (1 + RATE_DEVIATION_MAX))
      this.#fail(
        "unsynced",
        `${what()} left ${waitedMs.toFixed(1)} ms after its frame, which was not on disk`,
      );
  }

  /** A lone leader's levels are not: they go out before the disk has their frame, and are written again after a restart. */
  #isKept(kind: FieldWrite["kind"], frame: KnownFrame, atMs: number): boolean {
    const record = this.#recordAt(atMs);
    if (record === null || record.epoch !== frame.epoch) return false;
    const kept = this.#lastKept;
    if (kept !== null && kept.epoch === frame.epoch && kept.sequence >= frame.sequence)
      return false;
    const synced = this.#synced.get(record.leader.incarnation);
    const isSynced = synced?.epoch === frame.epoch && synced.sequence >= frame.sequence;
    if (record.inSync.length === 1) return kind === "command" && isSynced;
    // What the disk kept waiting too long goes out without it, with an alarm.
    return isSynced || atMs - frame.builtAtMs < SYNC_WAIT_MS / (1 + RATE_DEVIATION_MAX);
  }

  issue(frame: KnownFrame): void {
    this.issuedCount++;
    if (frame.epoch < this.#newestEpoch) {
      // It reached a device after its leader was followed by another, who must hold it.
      if (frame.epoch >= this.#lossyEpoch && !this.#frames.holds(this.#newestTip, frame)) {
        this.#fail(
          "forgotten",
          `frame ${frame.epoch}:${frame.sequence} reached a device after epoch ${this.#newestEpoch} began without it`,
        );
      }
      return;
    }
    const last = this.#lastIssued;
    if (last !== null && last.epoch === frame.epoch && last.sequence >= frame.sequence) return;
    this.#checkPlantTime(frame);
    this.#plantTimeMsMax = Math.max(this.#plantTimeMsMax, frame.plantTimeMs);
    this.#lastIssued = frame;
  }

  /**
   * Plant time never goes back, whoever leads. But where no leader could reserve any, because the coordinator did not answer, one that
   * begins with nothing but the record can only begin where that one ends.
   */
  #checkPlantTime(frame: KnownFrame): void {
    const place = `frame ${frame.epoch}:${frame.sequence}`;
    const reservedMs = this.#reservedMs.get(frame.epoch) ?? Infinity;
    if (frame.plantTimeMs < this.#plantTimeMsMax) {
      const beginsAtMs = this.#beganAboveMs.get(frame.epoch) ?? 0;
      const isLost = this.#takeoverOf.get(frame.epoch) !== "hot";
      if (!isLost || beginsAtMs >= this.#plantTimeMsMax || frame.plantTimeMs < beginsAtMs)
        return this.#fail(
          "plant-time",
          `plant time went back from ${this.#plantTimeMsMax} to ${frame.plantTimeMs} in ${place}`,
        );
      this.#plantTimeMsMax = frame.plantTimeMs;
    }
    if (this.#options.isStoreWell && frame.plantTimeMs > reservedMs)
      this.#fail(
        "plant-time",
        `${place} is at ${frame.plantTimeMs}, the record reserves up to ${reservedMs} only`,
      );
  }

  fail(check: Check, text: string): void {
    this.#fail(check, text);
  }

  #fail(check: Check, text: string): void {
    this.violation ??= { check, atMs: this.#options.now(), text };
  }
}
