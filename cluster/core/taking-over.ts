import type { LeadershipOrigin } from "../../kernel/frame.ts";
import { comparePositions, isSameMember } from "../../kernel/record.ts";
import type { LeadershipRecord, Member } from "../../kernel/record.ts";
import { emit, enter, patchFollowing, plantTimeMsAt } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { fallSilent, isInSync } from "./following.ts";
import { READ_RETRY_MS, propose, requestRead } from "./record-view.ts";
import type { ControllerOptions, ControllerState, HeardPosition, KnownRecord } from "./state.ts";

const NEVER = Number.NEGATIVE_INFINITY;
const FOREVER = Number.POSITIVE_INFINITY;

/** How this controller would come to lead, and when, if nothing happens before. */
export interface TakeoverPlan {
  readonly dueAtMs: number;
  readonly origin: LeadershipOrigin;
  readonly inSync: readonly Member[];
  /** Others are asked how far their journals reach, from this time on; null where that decides nothing. */
  readonly asksFromMs: number | null;
  readonly reason: string;
}

/** The takeover that the rules allow this controller to prepare; null where it may not take over at all. */
export function takeoverPlan(
  state: ControllerState,
  options: ControllerOptions,
): TakeoverPlan | null {
  const { view, situation } = state;
  if (state.startedAtMs === null || state.stopDeadlineMs !== null) return null;
  if (situation.role !== "joining" && situation.role !== "standby") return null;
  if (view.known === null || view.isRefused || state.force !== null) return null;
  if (view.pending !== null || view.inFlightId !== null) return null;
  const { record } = view.known;
  if (record === null) return coldPlan(state, options, view.known);
  if (isInSync(state)) return hotPlan(state, options, view.known.revision, record);
  return restartPlan(state, options, record) ?? stalePlan(state, options, view.known, record);
}

/** Rule 9, and the target's part of a planned handover. */
function hotPlan(
  state: ControllerState,
  options: ControllerOptions,
  revision: number,
  record: LeadershipRecord,
): TakeoverPlan {
  const { resignation } = state.following;
  const { last } = state.log;
  const isReleased =
    resignation !== null &&
    resignation.epoch === record.epoch &&
    resignation.revision === revision &&
    isSameMember(resignation.leader, record.leader) &&
    last !== null &&
    last.epoch === resignation.epoch &&
    last.sequence === resignation.sequence;
  if (isReleased) {
    return {
      dueAtMs: NEVER,
      origin: "handover",
      inSync: resignation.inSync.filter((member) =>
        record.inSync.some((named) => isSameMember(named, member)),
      ),
      asksFromMs: null,
      reason: `${record.leader.node} resigned in favour of this controller`,
    };
  }
  const boundUntilMs = Math.max(state.following.promiseUntilMs, state.guardUntilMs);
  return {
    dueAtMs: boundUntilMs + takeoverRank(state, options, record) * rankMs(options),
    origin: "hot",
    inSync: [state.self],
    asksFromMs: null,
    reason: `${record.leader.node} was not heard for graceMs`,
  };
}

/**
 * Wait per rank: `staggerMs` for the first to be answered by the coordinator, and a heartbeat, because the leader's last message may have
 * reached the first and not this one, whose promise then runs out so much earlier (found by the deterministic world).
 */
function rankMs({ timings }: ControllerOptions): number {
  return timings.staggerMs + timings.heartbeatMs;
}

/** Place by `failover_order` among the in-sync set without the leader; a standby that reaches no device comes after all others. */
function takeoverRank(
  state: ControllerState,
  options: ControllerOptions,
  record: LeadershipRecord,
): number {
  const candidates = record.inSync
    .filter((member) => !isSameMember(member, record.leader))
    .toSorted((a, b) => options.order.indexOf(a.node) - options.order.indexOf(b.node));
  const rank = Math.max(
    0,
    candidates.findIndex((member) => isSameMember(member, state.self)),
  );
  const hasNoReach = state.reach.criticalCount > 0 && state.reach.reachedCount === 0;
  return hasNoReach ? candidates.length + rank : rank;
}

/** An absent record: the first in order creates it, the others after `rank × coldStartMs`. */
function coldPlan(
  state: ControllerState,
  options: ControllerOptions,
  known: KnownRecord,
): TakeoverPlan {
  const { timings, order } = options;
  const rank = order.indexOf(options.self);
  // The first asks for the epochs of other journals too, but gives nobody more than a moment: most plants start all at once.
  const hasAllAnswers = order.every((node) => hasAnswered(state, options, node));
  const waitMs = rank > 0 ? rank * timings.coldStartMs : hasAllAnswers ? 0 : timings.rejoinMs;
  const readyMs = Math.max(
    known.seenAtMs + waitMs,
    state.following.promiseUntilMs,
    state.guardUntilMs,
  );
  return {
    dueAtMs: Math.max(readyMs, yieldUntilMs(state, options, readyMs + timings.coldStartMs)),
    origin: "cold",
    inSync: [state.self],
    asksFromMs: known.seenAtMs,
    reason: "there is no record",
  };
}

/**
 * Rule 13, second part: the record is solo and names this node's earlier life, which the lock proves dead. With a journal that ends
 * before what the record says was issued it goes by rule 11: another may still remember it.
 */
function restartPlan(
  state: ControllerState,
  options: ControllerOptions,
  record: LeadershipRecord,
): TakeoverPlan | null {
  if (record.inSync.length !== 1 || record.leader.node !== options.self) return null;
  const isAlone = options.order.length === 1;
  const { last, isUnfit } = state.log;
  // A frame of that epoch in the journal: then all that it continued is there too.
  const hasItsLog =
    !isUnfit && last?.epoch === record.epoch && last.sequence >= record.issuedSequence;
  if (!isAlone && !hasItsLog) return null;
  return {
    dueAtMs: Math.max(ownPromisesVoidMs(state, options), state.guardUntilMs),
    origin: hasItsLog ? "restart" : "stale",
    inSync: [state.self],
    asksFromMs: null,
    reason: "the record names an earlier life of this controller alone",
  };
}

/** Rule 11, and rule 13 where the own earlier life stands in the in-sync set. */
function stalePlan(
  state: ControllerState,
  options: ControllerOptions,
  known: KnownRecord,
  record: LeadershipRecord,
): TakeoverPlan | null {
  if (!options.allowStaleTakeover) return null;
  const isSoloRecord = record.inSync.length === 1;
  const namesOwnNode = record.inSync.some((member) => member.node === options.self);
  if (!isSoloRecord && !namesOwnNode) return null;
  const { timings, order } = options;
  const unchangedMs = Math.max(
    known.seenAtMs + timings.soloGraceMs,
    ownPromisesVoidMs(state, options),
    state.guardUntilMs,
  );
  const hasAllAnswers = order.every((node) => hasAnswered(state, options, node));
  const readyMs = hasAllAnswers ? unchangedMs : unchangedMs + timings.coldStartMs;
  return {
    // One that is further ahead but cannot take over itself holds this one up once more, not for ever.
    dueAtMs: Math.max(readyMs, yieldUntilMs(state, options, unchangedMs + 2 * timings.coldStartMs)),
    origin: "stale",
    inSync: [state.self],
    asksFromMs: Math.max(known.seenAtMs, state.following.promiseUntilMs),
    reason: isSoloRecord
      ? `the record names ${record.leader.node} alone and did not change for soloGraceMs`
      : "the record names an earlier life of this controller and did not change for soloGraceMs",
  };
}

/** When every promise of this node is void: those of this life, and those that an earlier one may have given just before it ended. */
function ownPromisesVoidMs(state: ControllerState, options: ControllerOptions): number {
  return Math.max(
    (state.startedAtMs ?? 0) + options.timings.graceMs,
    state.following.promiseUntilMs,
  );
}

function hasAnswered(state: ControllerState, options: ControllerOptions, node: string): boolean {
  if (node === options.self) return true;
  const seenAtMs = state.view.known?.seenAtMs ?? 0;
  return state.following.positions.some((p) => p.node === node && p.atMs >= seenAtMs);
}

/** How long to yield to those heard lately that are further ahead, or level and earlier in order; at most until `limitMs`. */
function yieldUntilMs(state: ControllerState, options: ControllerOptions, limitMs: number): number {
  let untilMs = NEVER;
  for (const position of state.following.positions) {
    if (!isBetter(state, options, position)) continue;
    untilMs = Math.max(untilMs, position.atMs + 2 * options.timings.soloRenewMs);
  }
  return Math.min(untilMs, limitMs);
}

function isBetter(
  state: ControllerState,
  options: ControllerOptions,
  position: HeardPosition,
): boolean {
  const { heard } = state.following;
  // A leader that says it has no authority cannot take over either: nothing is gained by waiting for it.
  const isHelpless = heard !== null && heard.leader.node === position.node && !heard.hasAuthority;
  if (isHelpless) return false;
  const own = state.log.isUnfit ? null : state.log.last;
  const compared = comparePositions(position.last, own);
  if (compared !== 0) return compared > 0;
  return options.order.indexOf(position.node) < options.order.indexOf(options.self);
}

export function takeoverDueMs(state: ControllerState, options: ControllerOptions): number {
  return takeoverPlan(state, options)?.dueAtMs ?? FOREVER;
}

export function takeOverIfDue(draft: Draft): void {
  const { state, options, nowMs } = draft;
  const plan = takeoverPlan(state, options);
  if (plan === null || nowMs < plan.dueAtMs) return;
  attempt(draft, plan);
}

/** Sends the takeover. From here on no leader is acknowledged under the record that it compares with (rule 9). */
export function attempt(
  draft: Draft,
  plan: Pick<TakeoverPlan, "origin" | "inSync" | "reason">,
): void {
  const { state, nowMs } = draft;
  const reservedMs = state.view.known?.record?.plantTimeMsMax ?? 0;
  const ownMs = plantTimeMsAt(state, nowMs);
  const hasAllFrames = plan.origin === "hot" || plan.origin === "handover";
  fallSilent(draft);
  propose(draft, {
    purpose: "takeover",
    origin: plan.origin,
    epoch: nextEpoch(state, plan.origin),
    inSync: plan.inSync,
    plantTimeMsMin: hasAllFrames ? ownMs : Math.max(ownMs, reservedMs),
    issuedSequence: 0,
  });
  enter(draft, { role: "taking-over" }, plan.reason);
}

/** One more than the record's; after a lost or restored record, one more than the highest heard of anywhere. */
function nextEpoch(state: ControllerState, origin: LeadershipOrigin): number {
  const { view, following } = state;
  const recordEpoch = view.known?.record?.epoch ?? 0;
  if (origin === "hot" || origin === "handover") return recordEpoch + 1;
  const heardEpochs = following.positions.map((position) => position.last?.epoch ?? 0);
  return Math.max(recordEpoch, view.epochSeen, ...heardEpochs) + 1;
}

/** While a journal position may decide who takes over, the others are asked for theirs again and again. */
export function positionsDueMs(state: ControllerState, options: ControllerOptions): number {
  const asksFromMs = takeoverPlan(state, options)?.asksFromMs ?? null;
  if (asksFromMs === null || options.order.length === 1) return FOREVER;
  return Math.max(asksFromMs, state.following.positionsDueAtMs);
}

export function askPositionsIfDue(draft: Draft): void {
  const { state, options, nowMs } = draft;
  if (nowMs < positionsDueMs(state, options)) return;
  patchFollowing(draft, { positionsDueAtMs: nowMs + options.timings.soloRenewMs });
  for (const node of options.order) {
    if (node === options.self) continue;
    emit(draft, {
      type: "send",
      to: node,
      message: { type: "positionRequest", grid: options.grid, from: state.self },
    });
  }
}

/**
 * Rule 14: a leader that has said "no authority" for `holdMs` is acknowledged no longer, once a majority of the coordinator
 * has shown this controller the record after that time. Where no majority answers, nothing is gained by leaving the leader.
 */
export function holdDueMs(state: ControllerState, options: ControllerOptions): number {
  const { situation, following, view } = state;
  if (situation.role !== "joining" && situation.role !== "standby") return FOREVER;
  const sinceMs = following.heard?.noAuthoritySinceMs ?? null;
  if (sinceMs === null || view.known === null || view.isRefused) return FOREVER;
  const { record, revision } = view.known;
  const isSilentAlready =
    following.silentEpoch === (record?.epoch ?? 0) && following.silentRevision === revision;
  if (isSilentAlready || record === null || record.epoch !== following.heard?.epoch) return FOREVER;
  const isCandidate =
    isInSync(state) ||
    (options.allowStaleTakeover &&
      (record.inSync.length === 1 || record.inSync.some(({ node }) => node === options.self)));
  if (!isCandidate) return FOREVER;
  const dueMs = sinceMs + options.timings.holdMs;
  if (view.readSentAtMs >= dueMs) return dueMs;
  // Asks for a read after that time, not more often than a failed one is repeated; its answer brings the matter up again.
  if (view.reading !== null) return FOREVER;
  return Math.max(dueMs, view.readDueAtMs - options.timings.soloRenewMs + READ_RETRY_MS);
}

export function leaveHelplessLeaderIfDue(draft: Draft): void {
  const { state, options, nowMs } = draft;
  if (nowMs < holdDueMs(state, options)) return;
  const sinceMs = state.following.heard?.noAuthoritySinceMs ?? nowMs;
  if (state.view.readSentAtMs >= sinceMs + options.timings.holdMs) fallSilent(draft);
  else requestRead(draft);
}
