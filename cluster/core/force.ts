import type { ReadOutcome } from "../../kernel/ports/coordinator.ts";
import type { LeadershipRecord } from "../../kernel/record.ts";
import { authorityUntilMs } from "./authority.ts";
import { enter, leadingOf, patch, patchView, setAlarm } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { reply } from "./handover.ts";
import { requestRead } from "./record-view.ts";
import type { Learned } from "./record-view.ts";
import { attempt } from "./taking-over.ts";

/** A break-glass that finds no majority of the coordinator is given up after so long: before whoever asked gives up waiting. */
const FORCE_MS_MAX = 4000;
/** Nobody else may have been seen to lead for so long. */
const FORCE_QUIET_MS = 5000;

/**
 * Break-glass: take over without waiting for promises, whatever the record says, even one that was refused. The engineer vouches that the
 * others are isolated; the record is still needed, so that no two engineers do it at once.
 */
export function startForce(draft: Draft, requestId: string): void {
  const { state, nowMs, options } = draft;
  if (state.force !== null) {
    reply(draft, requestId, "REMS_REQUEST_REFUSED", "a forced takeover is under way already");
    return;
  }
  if (leadingOf(state) !== null && authorityUntilMs(state, options) > nowMs) {
    reply(draft, requestId, "REMS_REQUEST_REFUSED", "this controller leads and has authority");
    return;
  }
  const reason = leaderWithAuthority(draft);
  if (reason !== null) {
    reply(draft, requestId, "REMS_REQUEST_REFUSED", reason);
    return;
  }
  const { known, epochSeen } = state.view;
  patch(draft, {
    force: {
      requestId,
      deadlineMs: nowMs + FORCE_MS_MAX,
      epoch: Math.max(known?.record?.epoch ?? 0, epochSeen),
    },
  });
  requestRead(draft);
}

/** Who was heard with authority may have written to devices, and may do so still. */
function leaderWithAuthority({ state, nowMs, options }: Draft): string | null {
  const { heard } = state.following;
  if (heard === null) return null;
  const { node } = heard.leader;
  const agoMs =
    nowMs - (heard.hasAuthority ? heard.atMs : (heard.noAuthoritySinceMs ?? heard.atMs));
  if (heard.hasAuthority && agoMs < options.timings.graceMs)
    return `${node} leads and has authority: use a transfer`;
  if (agoMs >= FORCE_QUIET_MS) return null;
  return `${node} had authority ${seconds(agoMs)} s ago: force again once it has been silent for ${seconds(FORCE_QUIET_MS)} s`;
}

/** A record that another one goes on writing belongs to a leader that lives, whether or not it is heard here. */
function writerOfRecord(
  { state, nowMs }: Draft,
  { revision, record }: { readonly revision: number; readonly record: LeadershipRecord | null },
): string | null {
  if (record === null || record.leader.node === state.self.node) return null;
  const { seen } = state.view;
  const unchangedMs = seen?.revision === revision ? nowMs - seen.atMs : 0;
  if (unchangedMs >= FORCE_QUIET_MS) return null;
  return `the record names ${record.leader.node}, which may be writing it still: it was seen unchanged for ${seconds(unchangedMs)} s; force again once it has been for ${seconds(FORCE_QUIET_MS)} s`;
}

const seconds = (ms: number): string => (Math.round(ms / 100) / 10).toString();

/** The engineer vouched for the leaders known when the force was asked for, not for one that came to lead since. */
function whyVoid(
  draft: Draft,
  vouchedEpoch: number,
  found: { readonly revision: number; readonly record: LeadershipRecord | null },
): string | null {
  const { record } = found;
  if (record !== null && record.epoch > vouchedEpoch) {
    return `the record names ${record.leader.node} as leader of epoch ${record.epoch}, which was not known here; force again if it is isolated`;
  }
  return leaderWithAuthority(draft) ?? writerOfRecord(draft, found);
}

/** With a force waiting, the record as read is the base, from the past or not. Null where there is nothing to force. */
export function takeForcedRead(draft: Draft, id: number, outcome: ReadOutcome): Learned | null {
  const { force, view, situation } = draft.state;
  if (force === null || view.reading?.id !== id || outcome.type === "failed") return null;
  // The answer under way decides first; a leader that lost its authority is deposed by what it reads, or gets it back.
  if (view.inFlightId !== null || leadingOf(draft.state) !== null) return null;
  if (situation.role === "taking-over") return null;
  const reason = whyVoid(draft, force.epoch, outcome);
  if (reason !== null) {
    patch(draft, { force: null });
    reply(draft, force.requestId, "REMS_REQUEST_REFUSED", reason);
    return null;
  }
  patchView(draft, {
    reading: null,
    readSentAtMs: view.reading.sentAtMs,
    pending: null,
    isRefused: false,
    known: {
      revision: outcome.revision,
      record: outcome.record,
      seenAtMs: draft.nowMs,
      sentAtMs: null,
    },
  });
  setAlarm(draft, "RECORD_REFUSED", false, "an engineer forced a takeover");
  attempt(draft, { origin: "stale", inSync: [draft.state.self], reason: "forced by an engineer" });
  return "nothing";
}

export function failForceIfDue(draft: Draft): void {
  const { force, view, situation } = draft.state;
  if (force === null || draft.nowMs < force.deadlineMs) return;
  patch(draft, { force: null });
  const reason = "no majority of the coordinator answered";
  reply(draft, force.requestId, "REMS_COORDINATOR_UNAVAILABLE", reason);
  if (situation.role === "taking-over" && view.pending === null) {
    enter(draft, { role: "joining" }, reason);
  }
}

/** The forced takeover was applied, or lost to another. */
export function finishForce(draft: Draft): void {
  const { force } = draft.state;
  if (force === null) return;
  patch(draft, { force: null });
  const isLeading = leadingOf(draft.state) !== null;
  if (isLeading) reply(draft, force.requestId, null, "this controller leads");
  else reply(draft, force.requestId, "REMS_REQUEST_REFUSED", "the record changed meanwhile");
}
