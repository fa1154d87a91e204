import type { WorldKind } from "../../sim/world/scenario.ts";

/** One piece of compiled code, replaced in a copy. */
export interface Edit {
  /** Source file; the patch is applied to what the compiler made of it. */
  readonly file: string;
  /** Must occur exactly once, so that a mutant that no longer applies is noticed. */
  readonly find: string;
  readonly replace: string;
}

/** A deliberate defect in the failover rules. The product itself has no switch. */
export interface Mutant extends Edit {
  readonly name: string;
  /** What is wrong, in words. */
  readonly what: string;
  /** Of section "Rules" in docs/07-resilience/failover.md. */
  readonly rule: string;
  /** The world that is run; `counter` where none is said. */
  readonly world?: WorldKind;
  /** Where the code holds a rule in two places, either of which would do. */
  readonly also?: Edit;
  /** Found within few seeds: part of the sample that `npm test` runs. */
  readonly isSample?: true;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: "heartbeats-left-out",
    what: "a leader sends nothing between frames",
    rule: "1",
    file: "cluster/core/leading.ts",
    find: 'emit(draft, { type: "sendHeartbeat", to: recipientsOf(draft.state, draft.options) });',
    replace: "",
    isSample: true,
  },
  {
    name: "grace-shorter-than-lease",
    what: "a promise binds the standby for half a lease",
    rule: "2",
    file: "cluster/core/following.ts",
    find: "promiseUntilMs: Math.max(following.promiseUntilMs, draft.nowMs + draft.options.timings.graceMs),",
    replace:
      "promiseUntilMs: Math.max(following.promiseUntilMs, draft.nowMs + draft.options.timings.leaseMs / 2),",
    isSample: true,
  },
  {
    name: "promise-from-acknowledgement",
    what: "the leader counts a promise from the receipt of its acknowledgement",
    rule: "2",
    file: "cluster/core/leading.ts",
    find: "const echoSentAtMs = Math.max(follower.echoSentAtMs, message.echoSentAtMs);",
    replace: "const echoSentAtMs = draft.nowMs;",
  },
  {
    name: "frame-with-a-gap",
    what: "a frame is taken although its predecessor is missing",
    rule: "2",
    file: "cluster/core/following.ts",
    find: "if (last !== null && frame.previousHash === last.hash) {",
    replace: "if (last !== null && position.sequence > last.sequence) {",
    isSample: true,
  },
  {
    name: "acknowledgement-of-any-frame",
    what: "an acknowledgement counts for the newest frame, whatever frame it names",
    rule: "2",
    file: "cluster/core/leading.ts",
    find: "Math.max(follower.heldSequence, last.sequence)",
    replace: "Math.max(follower.heldSequence, built)",
    isSample: true,
  },
  {
    name: "acknowledgement-of-another-life",
    what: "an acknowledgement of a restarted controller counts for its earlier life",
    rule: "2",
    file: "cluster/core/authority.ts",
    find: "return followers.find((follower) => isSameMember(follower.member, member));",
    replace: "return followers.find((follower) => follower.member.node === member.node);",
    isSample: true,
  },
  {
    name: "clock-jump-ignored",
    what: "a controller whose clock stood still goes on",
    rule: "2",
    file: "cluster/core/controller.ts",
    find: "end(draft, event.reason);",
    replace: "",
  },
  {
    name: "change-taken-as-not-applied",
    what: "authority rests on the known record while a change is under way",
    rule: "3",
    file: "cluster/core/authority.ts",
    find: "for (const recordCase of casesOf(state)) {",
    replace: "for (const recordCase of casesOf(state).slice(0, 1)) {",
  },
  {
    name: "change-taken-as-applied",
    what: "authority rests on the change under way alone",
    rule: "3",
    file: "cluster/core/authority.ts",
    find: "for (const recordCase of casesOf(state)) {",
    replace: "for (const recordCase of casesOf(state).slice(-1)) {",
  },
  {
    name: "union-rule-skipped",
    what: "outputs wait for the members of the known record only",
    rule: "3",
    file: "cluster/core/authority.ts",
    find: "for (const { record } of casesOf(state)) {",
    replace: "for (const { record } of casesOf(state).slice(0, 1)) {",
    isSample: true,
  },
  {
    name: "output-before-acknowledgement",
    what: "outputs leave before the standbys hold their frame",
    rule: "3",
    file: "cluster/core/authority.ts",
    find: "sequence = Math.min(sequence, held);",
    replace: "sequence = Math.max(sequence, held);",
    isSample: true,
  },
  {
    name: "solo-lease-from-reply",
    what: "a solo lease counts from the reply",
    rule: "3",
    file: "cluster/core/record-view.ts",
    find: "sentAtMs: isOwn ? pending.firstSentAtMs : null,",
    replace: "sentAtMs: isOwn ? draft.nowMs : null,",
  },
  {
    name: "solo-lease-from-last-sending",
    what: "a solo lease counts from the last repetition, although the first may have been applied",
    rule: "3",
    file: "cluster/core/record-view.ts",
    find: "pending: { ...pending, retryAtMs: null }",
    replace: "pending: { ...pending, retryAtMs: null, firstSentAtMs: draft.nowMs }",
  },
  {
    name: "solo-command-before-disk",
    what: "a lone leader's commands do not wait for the disk",
    rule: "4",
    file: "cluster/core/authority.ts",
    find: "return Math.min(released, Math.max(syncedSequence, leading.syncWaivedSequence));",
    replace: "return released;",
  },
  {
    name: "level-before-disk-while-becoming-alone",
    what: "levels do not wait for the disk while a change is under way that leaves the leader alone",
    rule: "4",
    file: "cluster/core/authority.ts",
    find: "return isBecomingAlone ?",
    replace: "return isBecomingAlone && false ?",
  },
  {
    name: "authority-checked-without-margin",
    what: "the gate looks at the time of the check, not of the arrival",
    rule: "5",
    file: "scan/control-loop.ts",
    find: "return untilMs > this.#nowMs() + writeMs ?",
    replace: "return untilMs > this.#nowMs() ?",
  },
  {
    name: "authority-not-checked",
    what: "whoever believes that it leads may write",
    rule: "5",
    file: "scan/control-loop.ts",
    find: "return untilMs > this.#nowMs() + writeMs ?",
    replace: "return untilMs > 0 ?",
  },
  {
    name: "learner-added-too-early",
    what: "a learner is added before it holds what was issued",
    rule: "7",
    file: "cluster/core/leading.ts",
    find: "const isCaughtUp = follower.heldSequence > 0 && follower.heldSequence >= releasedSequence(state);",
    replace: "const isCaughtUp = true;",
  },
  {
    name: "silent-standby-kept",
    what: "a standby that is silent is never removed",
    rule: "7",
    file: "cluster/core/leading.ts",
    find: "return Math.max(dueMs, state.guardUntilMs);",
    replace: "return FOREVER;",
  },
  {
    name: "unknown-change-forgotten",
    what: "a change of unknown outcome is forgotten when the record reads unchanged, without moving its revision",
    rule: "8",
    file: "cluster/core/record-view.ts",
    find: "if (epoch === knownEpoch && revision <= known.revision) {",
    replace:
      "if (epoch === knownEpoch && revision <= known.revision) { if (pending?.purpose === 'change' && draft.nowMs - pending.firstSentAtMs > draft.options.timings.coordinatorMs) patchView(draft, { pending: null });",
  },
  {
    name: "nonce-not-compared",
    what: "a record of the expected epoch is taken as the own takeover",
    rule: "8",
    file: "cluster/core/controller.ts",
    find: "record?.nonce === pending.record.nonce",
    replace: "record?.epoch === pending.record.epoch",
  },
  {
    name: "takeover-within-promise",
    what: "a standby takes over before its promise has run out",
    rule: "9",
    file: "cluster/core/taking-over.ts",
    find: "const boundUntilMs = Math.max(state.following.promiseUntilMs, state.guardUntilMs);",
    replace:
      "const boundUntilMs = Math.max(state.following.promiseUntilMs - 0.6 * options.timings.graceMs, state.guardUntilMs);",
  },
  {
    name: "rank-ignored",
    what: "all standbys try at once",
    rule: "9",
    file: "cluster/core/taking-over.ts",
    find: "return hasNoReach ? candidates.length + rank : rank;",
    replace: "return 0;",
  },
  {
    name: "acknowledging-while-taking-over",
    what: "a controller that has sent a takeover still acknowledges",
    rule: "9",
    file: "cluster/core/taking-over.ts",
    find: "fallSilent(draft);\n    propose(draft, {",
    replace: "propose(draft, {",
  },
  {
    name: "acknowledging-again-after-unknown",
    what: "after a takeover of unknown outcome a controller acknowledges again",
    rule: "9",
    file: "cluster/core/controller.ts",
    find: "const before = draft.state.view;",
    replace:
      "const before = draft.state.view; if (event.type === 'transaction.answered' && event.outcome.type === 'unknown') patchFollowing(draft, { silentEpoch: -1, silentRevision: -1 });",
  },
  {
    name: "unknown-takeover-taken-as-won",
    what: "a takeover of unknown outcome is taken as won",
    rule: "9",
    file: "cluster/core/record-view.ts",
    find: 'if (outcome.type === "unknown") {',
    replace:
      'if (outcome.type === "unknown" && pending.purpose === "takeover") return learn(draft, pending.expectedRevision + 1, pending.record); if (outcome.type === "unknown") {',
  },
  {
    name: "stale-takeover-too-early",
    what: "a stale takeover does not wait for the record to stay unchanged",
    rule: "11",
    file: "cluster/core/taking-over.ts",
    find: "known.seenAtMs + timings.soloGraceMs",
    replace: "known.seenAtMs + timings.graceMs",
  },
  {
    name: "plant-time-goes-back",
    what: "a stale start begins below the plant time that was reserved",
    rule: "11",
    file: "cluster/core/taking-over.ts",
    find: "plantTimeMsMin: hasAllFrames ? ownMs : Math.max(ownMs, reservedMs),",
    replace: "plantTimeMsMin: ownMs,",
  },
  {
    name: "plant-time-not-reserved",
    what: "a leader with standbys reserves no plant time",
    rule: "11",
    file: "cluster/core/leading.ts",
    find: ": reserveDueMs(state, record, options);",
    replace: ": FOREVER;",
  },
  {
    name: "restarted-takes-itself-for-in-sync",
    what: "a restarted controller leads by a record that names its earlier life",
    rule: "13",
    file: "cluster/core/following.ts",
    find: "return record.inSync.some((member) => isSameMember(member, state.self));",
    replace: "return record.inSync.some((member) => member.node === state.self.node);",
  },
  {
    name: "restart-forgets-what-was-issued",
    what: "a restarted lone leader does not count as stale although its journal ends before what was issued",
    rule: "13",
    file: "cluster/core/taking-over.ts",
    find: "last.sequence >= record.issuedSequence",
    replace: "last.sequence >= 0",
  },
  {
    name: "helpless-leader-followed-for-ever",
    what: "a standby told that its leader has no authority stays with it",
    rule: "14",
    file: "cluster/core/taking-over.ts",
    find: "if (nowMs < holdDueMs(state, options))",
    replace: "if (nowMs >= 0)",
  },
  {
    name: "authority-kept-after-resigning",
    what: "a leader that resigned keeps its authority",
    rule: "handover",
    file: "cluster/core/authority.ts",
    find: 'if (situation.role === "handing-over" && situation.handover.phase === "resigned")',
    replace: "if (situation === null)",
    also: {
      file: "cluster/core/handover.ts",
      find: 'emit(draft, { type: "stopLeading", reason: `handed over to ${handover.to.node}` });',
      replace: "",
    },
  },
  {
    name: "old-epoch-resumed",
    what: "a leader that resigned goes on in its epoch if the target does not lead",
    rule: "handover",
    file: "cluster/core/handover.ts",
    find: 'attempt(draft, { origin: "hot", inSync: [draft.state.self], reason });',
    replace:
      'enter(draft, { role: "leading", leading: leadingOf(draft.state) }, reason); emit(draft, { type: "startLeading", epoch: leadingOf(draft.state).epoch, origin: "hot", plantTimeMsMin: 0 });',
  },
  {
    name: "promises-of-the-old-leader-counted",
    what: "a new leader counts the others' promises before they acknowledged its epoch",
    rule: "handover",
    file: "cluster/core/leading.ts",
    find: "({ ...newFollower(member, nowMs), inSyncSinceMs: nowMs })",
    replace: "({ ...newFollower(member, nowMs), inSyncSinceMs: nowMs, echoSentAtMs: nowMs })",
  },
  {
    name: "transfer-forgotten-when-called-off",
    what: "a transfer that was accepted is not tried again where a late standby called it off",
    rule: "handover",
    file: "cluster/core/wishes.ts",
    find: "if (asked !== null && target !== undefined)",
    replace: "if (asked === undefined)",
  },
  {
    name: "permit-taken-from-its-holder",
    what: "the permit to close onto a dead busbar is taken although another grid holds it",
    rule: "permit",
    file: "scan/dead-bus-permit.ts",
    find: "if (isOthers && nowMs < seen.sinceMs + waitMs) {",
    replace: "if (isOthers && nowMs < 0) {",
    world: "vessel",
  },
  {
    name: "old-permit-told-again",
    what: "a controller that leads again tells its core of the permit that it held in an earlier leadership",
    rule: "permit",
    file: "scan/leadership.ts",
    find: "this.#context.inbox.forgetFacts((fact) => PERMIT_FACTS.includes(fact));",
    replace: "",
    world: "vessel",
  },
  {
    name: "dead-close-without-permit",
    what: "a source is closed onto a dead busbar without the permit",
    rule: "permit",
    file: "energy/blackout.ts",
    find: "if (lastsMs >= PERMIT_MARGIN_MS)",
    replace: "if (lastsMs >= -Infinity)",
    world: "vessel",
  },
];
