import { assert, present } from "../../kernel/assert.ts";
import type { LeadershipOrigin } from "../../kernel/frame.ts";
import type { ReadOutcome, TransactionOutcome } from "../../kernel/ports/coordinator.ts";
import type { LeadershipRecord, Member } from "../../kernel/record.ts";
import { emit, nextCounter, patchView, setAlarm } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { ControllerState, RecordView } from "./state.ts";

/** Pause before a failed call to the coordinator is repeated. */
const RETRY_MS = 20;
export const READ_RETRY_MS = 100;

/** Asks for a read as soon as none is under way. */
export function requestRead(draft: Draft): void {
  if (draft.state.view.readDueAtMs > draft.nowMs) patchView(draft, { readDueAtMs: draft.nowMs });
}

/** When the record must be read next: at once where something hints at a change, else by the bounded poll. */
export function readDueMs(state: ControllerState): number {
  return state.view.reading === null ? state.view.readDueAtMs : Number.POSITIVE_INFINITY;
}

export function readIfDue(draft: Draft): void {
  if (draft.nowMs < readDueMs(draft.state)) return;
  const id = nextCounter(draft);
  const { epochSeen, recordEpochSeen } = draft.state.view;
  patchView(draft, {
    reading: { id, sentAtMs: draft.nowMs, epochSeen, recordEpochSeen },
    readDueAtMs: draft.nowMs + draft.options.timings.soloRenewMs,
  });
  emit(draft, { type: "read", id });
}

export interface Proposal {
  readonly purpose: "takeover" | "change";
  readonly origin: LeadershipOrigin;
  readonly epoch: number;
  readonly inSync: readonly Member[];
  /** Least plant time of a new leadership's first frame; also the base of the reserve. */
  readonly plantTimeMsMin: number;
  /** Of a change by the leader: frames of its epoch that may have been issued; 0 for a takeover. */
  readonly issuedSequence: number;
}

/** Sends a change of the record. Only where none is pending and no call is in flight. */
export function propose(draft: Draft, proposal: Proposal): void {
  const { state, options, nowMs } = draft;
  const known = present(state.view.known, "a change of the record needs a known record");
  assert(state.view.pending === null, "at most one change of the record is pending");
  assert(state.view.inFlightId === null, "at most one transaction is in flight");
  const rank = (member: Member) => options.order.indexOf(member.node);
  const record: LeadershipRecord = {
    epoch: proposal.epoch,
    leader: state.self,
    inSync: proposal.inSync.toSorted((a, b) => rank(a) - rank(b)),
    order: options.order,
    nonce: `${state.self.incarnation}:${nextCounter(draft)}`,
    plantTimeMsMax: Math.max(
      known.record?.plantTimeMsMax ?? 0,
      Math.ceil(proposal.plantTimeMsMin + 2 * options.timings.soloLeaseMs),
    ),
    issuedSequence: proposal.issuedSequence,
  };
  patchView(draft, {
    pending: {
      purpose: proposal.purpose,
      origin: proposal.origin,
      expectedEpoch: known.record?.epoch ?? 0,
      expectedRevision: known.revision,
      expectedNonce: known.record?.nonce ?? null,
      record,
      plantTimeMsMin: proposal.plantTimeMsMin,
      firstSentAtMs: nowMs,
      retryAtMs: null,
    },
  });
  sendPending(draft);
}

function sendPending(draft: Draft): void {
  const pending = present(draft.state.view.pending, "a change is pending");
  const id = nextCounter(draft);
  patchView(draft, { inFlightId: id, pending: { ...pending, retryAtMs: null } });
  emit(draft, {
    type: "transact",
    id,
    expectedRevision: pending.expectedRevision,
    expectedNonce: pending.expectedNonce,
    record: pending.record,
  });
}

/** When a change whose outcome is unknown must be sent again (rules 8 and 9: until the record is seen to have moved). */
export function retryDueMs(state: ControllerState): number {
  return state.view.inFlightId === null
    ? (state.view.pending?.retryAtMs ?? Number.POSITIVE_INFINITY)
    : Number.POSITIVE_INFINITY;
}

export function retryIfDue(draft: Draft): void {
  if (draft.nowMs >= retryDueMs(draft.state)) sendPending(draft);
}

/** What a call to the coordinator told. `learned`: the known record has changed. */
export type Learned = "nothing" | "learned" | "refused";

export function takeReadOutcome(draft: Draft, id: number, outcome: ReadOutcome): Learned {
  const { reading } = draft.state.view;
  if (reading === null || reading.id !== id) return "nothing";
  patchView(draft, { reading: null });
  if (outcome.type === "failed") {
    patchView(draft, {
      readDueAtMs: Math.max(draft.state.view.readDueAtMs, draft.nowMs + READ_RETRY_MS),
    });
    return "nothing";
  }
  const { seen } = draft.state.view;
  if (seen?.revision !== outcome.revision)
    patchView(draft, { seen: { revision: outcome.revision, atMs: draft.nowMs } });
  if (isFromThePast(outcome.record, reading)) return refuseRecord(draft, outcome.record);
  patchView(draft, { readSentAtMs: reading.sentAtMs });
  return learn(draft, outcome.revision, outcome.record);
}

export function takeTransactionOutcome(
  draft: Draft,
  id: number,
  outcome: TransactionOutcome,
): Learned {
  const { inFlightId, pending } = draft.state.view;
  if (inFlightId !== id) return "nothing";
  patchView(draft, { inFlightId: null });
  // The record was meanwhile read to have moved: what became of the change is known already.
  if (pending === null) return "nothing";
  if (outcome.type === "unknown") {
    patchView(draft, { pending: { ...pending, retryAtMs: draft.nowMs + RETRY_MS } });
    return "nothing";
  }
  if (outcome.type === "applied") return learn(draft, outcome.revision, pending.record);
  const { recordEpochSeen } = draft.state.view;
  const bounds = { epochSeen: pending.expectedEpoch, recordEpochSeen };
  if (isFromThePast(outcome.record, bounds)) {
    patchView(draft, { pending: null });
    return refuseRecord(draft, outcome.record);
  }
  return learn(draft, outcome.revision, outcome.record);
}

function isFromThePast(
  record: LeadershipRecord | null,
  seen: Pick<RecordView, "epochSeen" | "recordEpochSeen">,
): boolean {
  return record === null ? seen.recordEpochSeen > 0 : record.epoch < seen.epochSeen;
}

function refuseRecord(draft: Draft, record: LeadershipRecord | null): Learned {
  patchView(draft, { isRefused: true });
  const found = record === null ? "no record" : `epoch ${record.epoch}`;
  const { epochSeen } = draft.state.view;
  setAlarm(
    draft,
    "RECORD_REFUSED",
    true,
    `the coordinator shows ${found} although epoch ${epochSeen} was seen: a restored backup?`,
  );
  return "refused";
}

/**
 * Takes up a record as a majority showed it. Older news is ignored. If the record has moved, a pending change is decided:
 * with its own nonce it was applied, otherwise it never will be.
 */
export function learn(draft: Draft, revision: number, record: LeadershipRecord | null): Learned {
  const { known, pending, epochSeen, recordEpochSeen } = draft.state.view;
  const epoch = record?.epoch ?? 0;
  if (known !== null) {
    const knownEpoch = known.record?.epoch ?? 0;
    if (epoch < knownEpoch) return "nothing";
    if (epoch === knownEpoch && revision <= known.revision) {
      if (draft.state.view.isRefused && revision === known.revision) acceptAgain(draft);
      return "nothing";
    }
  }
  const isOwn = pending !== null && record !== null && record.nonce === pending.record.nonce;
  patchView(draft, {
    known: {
      revision,
      record,
      seenAtMs: draft.nowMs,
      sentAtMs: isOwn ? pending.firstSentAtMs : null,
    },
    pending: null,
    epochSeen: Math.max(epochSeen, epoch),
    recordEpochSeen: Math.max(recordEpochSeen, epoch),
  });
  acceptAgain(draft);
  return "learned";
}

function acceptAgain(draft: Draft): void {
  patchView(draft, { isRefused: false });
  setAlarm(draft, "RECORD_REFUSED", false, "the record is not below an epoch seen any more");
}
