import type {
  FrameMessage,
  HeartbeatMessage,
  ResignedMessage,
  SnapshotMessage,
} from "../../kernel/peer-message.ts";
import { isSameMember } from "../../kernel/record.ts";
import type { LogPosition, Member } from "../../kernel/record.ts";
import { emit, leadingOf, patchFollowing, patchLog, patchView } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { requestRead } from "./record-view.ts";
import type { ControllerState } from "./state.ts";

const FOREVER = Number.POSITIVE_INFINITY;

/** Place and predecessor of a received frame, as the loop computed them. */
export interface ReceivedFrame {
  readonly position: LogPosition;
  readonly previousHash: string;
  readonly plantTimeMs: number;
}

type FromLeader = Pick<
  HeartbeatMessage,
  "epoch" | "leader" | "sentAtMs" | "hasAuthority" | "revision" | "reach"
>;

/** True where the record, as known, names this very incarnation and it holds what its place in the record says. */
export function isInSync(state: ControllerState): boolean {
  const record = state.view.known?.record ?? null;
  if (record === null || state.log.isUnfit || state.view.isRefused) return false;
  // A leader of a later epoch was heard: what its record says must be read first.
  if (record.epoch < state.view.epochSeen) return false;
  return record.inSync.some((member) => isSameMember(member, state.self));
}

function isInSyncUnder(state: ControllerState, epoch: number): boolean {
  return isInSync(state) && state.view.known?.record?.epoch === epoch;
}

/**
 * True if a message comes from the newest leader known. A leader of a lower epoch is an old one; at one epoch there is one
 * leader only, because an epoch is won by one transaction.
 */
export function isFromNewestLeader(
  state: ControllerState,
  message: Pick<FromLeader, "epoch" | "leader">,
): boolean {
  const { epochSeen, known } = state.view;
  if (message.epoch < epochSeen) return false;
  if (isSameMember(message.leader, state.self)) return false;
  const leading = leadingOf(state);
  if (leading !== null && message.epoch <= leading.epoch) return false;
  const record = known?.record ?? null;
  if (record !== null && record.epoch === message.epoch) {
    return isSameMember(record.leader, message.leader);
  }
  const { heard } = state.following;
  return (
    heard === null || heard.epoch < message.epoch || isSameMember(heard.leader, message.leader)
  );
}

/** Takes note of a leader. What it says of the record is a reason to read it, never a replacement for reading. */
export function hear(draft: Draft, message: FromLeader): void {
  const { view, following } = draft.state;
  const { epoch, leader, revision, hasAuthority } = message;
  const { nowMs } = draft;
  const isNew = following.heard === null || following.heard.epoch < epoch;
  const silentSinceMs = isNew ? null : (following.heard?.noAuthoritySinceMs ?? null);
  patchFollowing(draft, {
    heard: {
      leader,
      epoch,
      revision,
      atMs: nowMs,
      hasAuthority,
      reach: message.reach,
      noAuthoritySinceMs: hasAuthority ? null : (silentSinceMs ?? nowMs),
    },
    ...(isNew ? { resignation: null } : {}),
    ...(isNew && !isInSyncUnder(draft.state, epoch) ? { joinDueAtMs: nowMs } : {}),
  });
  patchView(draft, {
    epochSeen: Math.max(view.epochSeen, epoch),
    recordEpochSeen: Math.max(view.recordEpochSeen, epoch),
  });
  const { pending } = view;
  // A leader under a record that moved since: the own change compares with what is no more, and never will be applied.
  if (
    pending !== null &&
    (epoch > pending.expectedEpoch ||
      (epoch === pending.expectedEpoch && revision > pending.expectedRevision))
  ) {
    patchView(draft, { pending: null });
    requestRead(draft);
  }
  const knownEpoch = view.known?.record?.epoch ?? 0;
  const isNews =
    epoch > knownEpoch || (epoch === knownEpoch && revision > (view.known?.revision ?? 0));
  const heardBefore = following.heard;
  const isHeardBefore =
    heardBefore !== null && heardBefore.epoch === epoch && heardBefore.revision === revision;
  if (isNews && !isHeardBefore) requestRead(draft);
}

/**
 * True where acknowledging would break rule 9: a takeover was sent, or is decided, against the record under which the message was
 * sent. Under a record that moved since, that takeover can never be applied.
 */
export function isSilentTowards(
  state: ControllerState,
  message: Pick<FromLeader, "epoch" | "revision">,
): boolean {
  const { silentEpoch, silentRevision } = state.following;
  if (message.epoch !== silentEpoch) return message.epoch < silentEpoch;
  return message.revision <= silentRevision;
}

/** Acknowledges no leader any more under the record as it is known (rules 9, 11, 13 and 14). */
export function fallSilent(draft: Draft): void {
  const { known } = draft.state.view;
  if (known === null) return;
  patchFollowing(draft, {
    silentEpoch: known.record?.epoch ?? 0,
    silentRevision: known.revision,
  });
}

/** A heartbeat or a frame of a leader: receipt, and a promise not to take over for `graceMs` from now (rule 2). */
export function takeLeaderMessage(
  draft: Draft,
  message: HeartbeatMessage | FrameMessage,
  frame: ReceivedFrame | undefined,
): void {
  hear(draft, message);
  if (isSilentTowards(draft.state, message)) return;
  if (message.type === "frame" && frame !== undefined) takeFrame(draft, frame);
  acknowledge(draft, message);
}

function takeFrame(draft: Draft, frame: ReceivedFrame): void {
  const { last } = draft.state.log;
  const { position } = frame;
  if (last !== null && frame.previousHash === last.hash) {
    patchLog(draft, {
      last: position,
      plantTimeMs: frame.plantTimeMs,
      plantTimeAtMs: draft.nowMs,
    });
    emit(draft, { type: "acceptFrame", sequence: position.sequence });
    return;
  }
  const isRepeated =
    last !== null && position.epoch <= last.epoch && position.sequence <= last.sequence;
  // A gap, or void frames of an older epoch: ask for what is missing. Not more often than an answer can come.
  if (!isRepeated) hastenJoin(draft);
}

function hastenJoin(draft: Draft): void {
  const { joinDueAtMs, joinSentAtMs } = draft.state.following;
  const earliestMs = Math.max(draft.nowMs, joinSentAtMs + draft.options.timings.rejoinMs / 5);
  if (earliestMs < joinDueAtMs) patchFollowing(draft, { joinDueAtMs: earliestMs });
}

function acknowledge(draft: Draft, message: HeartbeatMessage | FrameMessage): void {
  const { self, log, following, reach } = draft.state;
  const isHeld = log.last !== null && log.last.epoch === message.epoch && !log.isUnfit;
  const last = isHeld ? log.last : null;
  patchFollowing(draft, {
    promiseUntilMs: Math.max(following.promiseUntilMs, draft.nowMs + draft.options.timings.graceMs),
    ...(last !== null
      ? { acknowledgedEpoch: last.epoch, acknowledgedSequence: last.sequence }
      : {}),
  });
  emit(draft, {
    type: "send",
    to: message.leader.node,
    message: {
      type: "acknowledge",
      grid: draft.options.grid,
      epoch: message.epoch,
      from: self,
      echoSentAtMs: message.sentAtMs,
      last,
      reach,
    },
  });
}

/** A snapshot replaces the log of a controller that is not in sync; what it held beyond is void. */
export function takeSnapshot(draft: Draft, message: SnapshotMessage): void {
  const { state, options } = draft;
  const { following } = state;
  if (state.situation.role !== "joining") return;
  if (isInSync(state)) return;
  if (following.heard === null || following.heard.epoch !== message.epoch) return;
  if (message.coreVersion !== options.coreVersion) return;
  if (message.manifestHash !== options.manifestHash) return;
  const isBehindAcknowledged =
    following.acknowledgedEpoch === message.epoch &&
    message.position.sequence < following.acknowledgedSequence;
  if (isBehindAcknowledged) return;
  patchLog(draft, {
    last: message.position,
    plantTimeMs: message.plantTimeMs,
    plantTimeAtMs: draft.nowMs,
    isUnfit: true,
  });
  emit(draft, { type: "installSnapshot", message });
}

/** The old leader of a planned handover releases this controller's promise. */
export function takeResignation(draft: Draft, message: ResignedMessage): void {
  if (draft.state.situation.role !== "standby") return;
  if (message.epoch < draft.state.view.epochSeen) return;
  if (!message.inSync.some((member) => isSameMember(member, draft.state.self))) return;
  patchFollowing(draft, { resignation: message });
  if ((draft.state.view.known?.revision ?? 0) < message.revision) requestRead(draft);
}

/** When to ask the leader to be brought up to date: while not in sync, and after a gap. */
export function joinDueMs(state: ControllerState): number {
  const { situation, following, view } = state;
  if (situation.role !== "joining" && situation.role !== "standby") return FOREVER;
  return leaderToJoin(state) === null || view.isRefused ? FOREVER : following.joinDueAtMs;
}

function leaderToJoin(state: ControllerState): Member | null {
  const { heard } = state.following;
  return heard !== null && heard.epoch >= state.view.epochSeen ? heard.leader : null;
}

export function joinIfDue(draft: Draft): void {
  if (draft.nowMs < joinDueMs(draft.state)) return;
  const leader = leaderToJoin(draft.state);
  if (leader === null) return;
  const { log, self, situation, following } = draft.state;
  const { grid, coreVersion, manifestHash, timings } = draft.options;
  // A standby joins again only after a gap; one that is not in sync keeps asking.
  const isStandby = situation.role === "standby";
  patchFollowing(draft, {
    joinDueAtMs: isStandby ? FOREVER : draft.nowMs + timings.rejoinMs,
    joinSentAtMs: draft.nowMs,
  });
  const isAlive = following.heard !== null && draft.nowMs - following.heard.atMs < timings.graceMs;
  if (!isAlive) return;
  emit(draft, {
    type: "send",
    to: leader.node,
    message: {
      type: "join",
      grid,
      from: self,
      last: log.isUnfit ? null : log.last,
      coreVersion,
      manifestHash,
    },
  });
}
