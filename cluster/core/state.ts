import type { LeadershipOrigin } from "../../kernel/frame.ts";
import type { Reach, ResignedMessage } from "../../kernel/peer-message.ts";
import type { LeadershipRecord, LogPosition, Member } from "../../kernel/record.ts";
import type { Timings } from "../../kernel/timings.ts";
import type { ControllerAlarm } from "./effects.ts";

/** What a controller is given at start; constant for the life of its process. */
export interface ControllerOptions {
  readonly grid: string;
  /** Node id of this controller. */
  readonly self: string;
  /** Node ids of all controllers of the grid by `failover_order`; `self` is among them. */
  readonly order: readonly string[];
  readonly timings: Timings;
  /** Whether a controller that is not in sync may take over with what it has (rules 11 and 13). */
  readonly allowStaleTakeover: boolean;
  readonly failback: "manual" | "automatic";
  /** How long the preferred controller must have been in sync before an automatic failback. */
  readonly failbackDelayMs: number;
  readonly coreVersion: string;
  readonly manifestHash: string;
}

/** A record as it certainly stood at `revision`. */
export interface KnownRecord {
  /** 0 where the record is absent. */
  readonly revision: number;
  readonly record: LeadershipRecord | null;
  /** When this controller learned of this revision: the record was that old or younger then. */
  readonly seenAtMs: number;
  /** First sending of the transaction that wrote it, if it was this controller's own; a solo lease counts from here. */
  readonly sentAtMs: number | null;
}

/** A transaction that may be, or may still become, applied: the second case that the record may be in (rules 8 and 9). */
export interface PendingChange {
  readonly purpose: "takeover" | "change";
  /** How the leadership will have come about; of takeovers only. */
  readonly origin: LeadershipOrigin;
  readonly expectedEpoch: number;
  readonly expectedRevision: number;
  readonly expectedNonce: string | null;
  readonly record: LeadershipRecord;
  readonly plantTimeMsMin: number;
  /** A repetition is the same write, so whichever was applied, authority counted from the first is safe. */
  readonly firstSentAtMs: number;
  /** When it is to be repeated; null while the last sending is unanswered. */
  readonly retryAtMs: number | null;
}

/** What a controller knows of the record. */
export interface RecordView {
  readonly known: KnownRecord | null;
  readonly pending: PendingChange | null;
  /** A call to the coordinator without an answer: at most one is in flight. */
  readonly inFlightId: number | null;
  readonly reading: Reading | null;
  readonly readDueAtMs: number;
  /** What the last read found, refused or not, and since when every read has found that revision. */
  readonly seen: { readonly revision: number; readonly atMs: number } | null;
  /** Sending of the newest read that a majority answered. */
  readonly readSentAtMs: number;
  /** Highest epoch of a journal, record or leader; a record below it is a restored backup. */
  readonly epochSeen: number;
  /** The same without the journal: where it is above 0 a record existed in this life, and an absent one was lost. */
  readonly recordEpochSeen: number;
  /** The coordinator shows a record from the past, or none where there was one. */
  readonly isRefused: boolean;
}

export interface Reading {
  readonly id: number;
  readonly sentAtMs: number;
  readonly epochSeen: number;
  readonly recordEpochSeen: number;
}

/** The own log, as far as the rules need it. */
export interface LogView {
  readonly last: LogPosition | null;
  readonly synced: LogPosition | null;
  /** Plant time of the last frame, and when it was taken up; plant time continues from there. */
  readonly plantTimeMs: number;
  readonly plantTimeAtMs: number;
  /** The state does not match the log, or is being replaced: until a snapshot is installed this controller is no replica. */
  readonly isUnfit: boolean;
}

/** The last leader heard. */
export interface HeardLeader {
  readonly leader: Member;
  readonly epoch: number;
  readonly revision: number;
  readonly atMs: number;
  readonly hasAuthority: boolean;
  readonly reach: Reach;
  /** Since when it has said "no authority" without a break; null while it has authority. */
  readonly noAuthoritySinceMs: number | null;
}

/** Promises given and what is heard from others; kept in every role, because a promise outlives a change of role. */
export interface Following {
  readonly heard: HeardLeader | null;
  /** This controller takes over nothing before. Only ever grows, but for a resignation. */
  readonly promiseUntilMs: number;
  /** A takeover was sent against this record (or is about to be): no leader is acknowledged under it ever again. */
  readonly silentEpoch: number;
  readonly silentRevision: number;
  /** Highest sequence acknowledged to the leader of `acknowledgedEpoch`; no older snapshot is installed. */
  readonly acknowledgedEpoch: number;
  readonly acknowledgedSequence: number;
  readonly joinDueAtMs: number;
  readonly joinSentAtMs: number;
  readonly resignation: ResignedMessage | null;
  readonly positions: readonly HeardPosition[];
  readonly positionsDueAtMs: number;
}

export interface HeardPosition {
  readonly node: string;
  readonly last: LogPosition | null;
  readonly atMs: number;
}

/** A controller that this leader keeps up to date: in sync, or a learner on the way to it. */
export interface Follower {
  readonly member: Member;
  /** Sending of the newest message that it acknowledged in this epoch; its promise lasts `leaseMs` from there. */
  readonly echoSentAtMs: number;
  /** Sequence up to which it holds this epoch's frames; 0 while it holds none. */
  readonly heldSequence: number;
  readonly heardAtMs: number;
  /** First sending after the last acknowledged one; null where nothing is unanswered. */
  readonly unansweredSinceMs: number | null;
  readonly reach: Reach;
  readonly sinceMs: number;
  /** Null for a learner. */
  readonly inSyncSinceMs: number | null;
  readonly catchUpSentAtMs: number;
  /** Its node has joined with a newer incarnation: this one is dead. */
  readonly isGone: boolean;
  /** Since when it reaches more critical devices than the leader; null while it does not. */
  readonly reachAheadSinceMs: number | null;
}

/** How often a node was removed, so that re-adding backs off. */
export interface Removal {
  readonly node: string;
  readonly removedCount: number;
  readonly removedAtMs: number;
  readonly addNotBeforeMs: number;
}

/** Everything that only a leader knows. */
export interface Leading {
  readonly epoch: number;
  readonly origin: LeadershipOrigin;
  readonly startedAtMs: number;
  readonly followers: readonly Follower[];
  /** The newest frames of this epoch and when they were built; bounded. */
  readonly built: readonly BuiltFrame[];
  readonly removals: readonly Removal[];
  /** Last message to all. */
  readonly sentAtMs: number;
  /** Commands up to here wait for the disk no longer: it did not answer in time. */
  readonly syncWaivedSequence: number;
  /** Since when no other controller, and not every controller, is in sync. */
  readonly lostSinceMs: number | null;
  readonly reducedSinceMs: number | null;
}

export interface BuiltFrame {
  readonly sequence: number;
  readonly atMs: number;
}

export interface Handover {
  readonly to: Member;
  /** `completing`: one more scan on every standby. `settling`: device writes are being answered. `resigned`: authority is given up. */
  readonly phase: "completing" | "settling" | "resigned";
  readonly finalSequence: number | null;
  /** Before resigning: when the handover is called off. After: when the old leader takes over anew. */
  readonly deadlineMs: number;
  readonly resignation: ResignedMessage | null;
  readonly resendAtMs: number;
  /** The target reaches more critical devices: counts for the limit of rule 14 once authority is given up. */
  readonly isForReach: boolean;
}

/** The role and what belongs to it alone. */
export type Situation =
  | { readonly role: "joining" }
  | { readonly role: "standby" }
  | { readonly role: "taking-over" }
  | { readonly role: "leading"; readonly leading: Leading }
  | { readonly role: "handing-over"; readonly leading: Leading; readonly handover: Handover }
  | { readonly role: "fenced" };

/** One controller of one grid. Immutable: every step returns a new state. */
export interface ControllerState {
  /** The incarnation is empty before `started`. */
  readonly self: Member;
  readonly startedAtMs: number | null;
  readonly situation: Situation;
  /** Why the role is what it is, for people. */
  readonly reason: string;
  readonly view: RecordView;
  readonly log: LogView;
  readonly following: Following;
  readonly reach: Reach;
  /** Source of ids and nonces: unique, because incarnations are. */
  readonly counter: number;
  /** After a stall nobody is judged before: what arrived meanwhile must be taken up first. */
  readonly guardUntilMs: number;
  readonly force: {
    readonly requestId: string;
    readonly deadlineMs: number;
    /** Highest epoch known when it was asked for: the engineer vouches for no later leader. */
    readonly epoch: number;
  } | null;
  /** An orderly stop was asked for; it ends by force then. */
  readonly stopDeadlineMs: number | null;
  /** Until when a leader that stops and that nobody follows waits for its devices to be given back; null before it begins. */
  readonly releaseUntilMs: number | null;
  /** This incarnation is over: nothing brings it back. */
  readonly isEnded: boolean;
  /** When the last step was taken, and when it left the next one due. */
  readonly steppedAtMs: number;
  readonly dueAtMs: number;
  /** Last planned handover on account of reach that this controller gave or got. */
  readonly reachHandoverAtMs: number;
  /** After a handover was called off, the leader begins none by itself before. */
  readonly wishNotBeforeMs: number;
  /** A transfer that was accepted: where it is called off or fails, it is tried again until then. */
  readonly asked: {
    readonly toNode: string;
    readonly reason: string;
    readonly untilMs: number;
  } | null;
  readonly activeAlarms: readonly ControllerAlarm[];
}

const NEVER = Number.NEGATIVE_INFINITY;

export function initialState(options: ControllerOptions): ControllerState {
  return {
    self: { node: options.self, incarnation: "" },
    startedAtMs: null,
    situation: { role: "joining" },
    reason: "not started",
    view: {
      known: null,
      pending: null,
      inFlightId: null,
      reading: null,
      seen: null,
      readDueAtMs: NEVER,
      readSentAtMs: NEVER,
      epochSeen: 0,
      recordEpochSeen: 0,
      isRefused: false,
    },
    log: { last: null, synced: null, plantTimeMs: 0, plantTimeAtMs: 0, isUnfit: false },
    following: {
      heard: null,
      promiseUntilMs: NEVER,
      silentEpoch: -1,
      silentRevision: -1,
      acknowledgedEpoch: 0,
      acknowledgedSequence: 0,
      joinDueAtMs: NEVER,
      joinSentAtMs: NEVER,
      resignation: null,
      positions: [],
      positionsDueAtMs: NEVER,
    },
    reach: { reachedCount: 0, criticalCount: 0 },
    counter: 0,
    guardUntilMs: NEVER,
    force: null,
    stopDeadlineMs: null,
    releaseUntilMs: null,
    isEnded: false,
    steppedAtMs: NEVER,
    dueAtMs: Number.POSITIVE_INFINITY,
    reachHandoverAtMs: NEVER,
    wishNotBeforeMs: NEVER,
    asked: null,
    activeAlarms: [],
  };
}
