import { isSameMember } from "../../kernel/record.ts";
import type { LeadershipRecord, Member } from "../../kernel/record.ts";
import { leadingOf } from "./draft.ts";
import type { ControllerOptions, ControllerState, Follower } from "./state.ts";

const NEVER = Number.NEGATIVE_INFINITY;

/** One of the cases that the record may be in, as a leader sees it. */
export interface RecordCase {
  readonly record: LeadershipRecord;
  /** Sending of the transaction that wrote it, or may have. */
  readonly sentAtMs: number;
}

/** Every case that the record may be in while this controller leads: the known one, and that of a change under way (rule 3). */
export function casesOf(state: ControllerState): readonly RecordCase[] {
  const { known, pending } = state.view;
  const cases: RecordCase[] = [];
  if (known !== null && known.record !== null) {
    cases.push({ record: known.record, sentAtMs: known.sentAtMs ?? NEVER });
  }
  if (pending !== null) cases.push({ record: pending.record, sentAtMs: pending.firstSentAtMs });
  return cases;
}

export function followerOf(followers: readonly Follower[], member: Member): Follower | undefined {
  return followers.find((follower) => isSameMember(follower.member, member));
}

/**
 * Until when this controller may command devices, on its own monotonic clock: the least over every case that the record may be in.
 * −Infinity where it has no authority at all.
 */
export function authorityUntilMs(state: ControllerState, options: ControllerOptions): number {
  const { situation } = state;
  const leading = leadingOf(state);
  if (leading === null) return NEVER;
  if (situation.role === "handing-over" && situation.handover.phase === "resigned") return NEVER;
  let untilMs = Number.POSITIVE_INFINITY;
  for (const recordCase of casesOf(state)) {
    untilMs = Math.min(untilMs, caseUntilMs(state.self, leading.followers, recordCase, options));
  }
  return Number.isFinite(untilMs) ? untilMs : NEVER;
}

function caseUntilMs(
  self: Member,
  followers: readonly Follower[],
  { record, sentAtMs }: RecordCase,
  options: ControllerOptions,
): number {
  if (isSolo(record)) return sentAtMs + options.timings.soloLeaseMs;
  let untilMs = Number.POSITIVE_INFINITY;
  for (const member of record.inSync) {
    if (isSameMember(member, self)) continue;
    const echoSentAtMs = followerOf(followers, member)?.echoSentAtMs ?? NEVER;
    untilMs = Math.min(untilMs, echoSentAtMs + options.timings.leaseMs);
  }
  return untilMs;
}

/** True where the record names its leader alone. */
export function isSolo(record: LeadershipRecord): boolean {
  return record.inSync.length === 1;
}

/** Highest sequence that every member of every case holds; 0 where none. */
export function releasedSequence(state: ControllerState): number {
  const leading = leadingOf(state);
  if (leading === null) return 0;
  const { last } = state.log;
  let sequence = last !== null && last.epoch === leading.epoch ? last.sequence : 0;
  for (const { record } of casesOf(state)) {
    for (const member of record.inSync) {
      if (isSameMember(member, state.self)) continue;
      const held = followerOf(leading.followers, member)?.heldSequence ?? 0;
      sequence = Math.min(sequence, held);
    }
  }
  return sequence;
}

/**
 * As {@link releasedSequence} for levels; but while a change that would leave the leader alone is under way, as for commands: the record
 * that says what was issued is written already, and a restart would not know what it lacks (found by the deterministic world).
 */
export function releasedLevelSequence(state: ControllerState): number {
  const { known, pending } = state.view;
  const isBecomingAlone =
    pending !== null && isSolo(pending.record) && known?.record?.inSync.length !== 1;
  return isBecomingAlone ? releasedCommandSequence(state) : releasedSequence(state);
}

/** As {@link releasedSequence}; but while a case names the leader alone, only what is on disk, or what the disk kept waiting too long. */
export function releasedCommandSequence(state: ControllerState): number {
  const released = releasedSequence(state);
  const leading = leadingOf(state);
  if (leading === null || !casesOf(state).some(({ record }) => isSolo(record))) return released;
  const { synced } = state.log;
  const syncedSequence = synced !== null && synced.epoch === leading.epoch ? synced.sequence : 0;
  return Math.min(released, Math.max(syncedSequence, leading.syncWaivedSequence));
}
