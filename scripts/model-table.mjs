// What `npm run model` checks: the bounds of each model, and the rules that are taken away one by one.

/** Three controllers: authority alone, without a watched frame. */
const THREE = { N: 3, REVISIONS: 2, DIVERGENCE: 0, LEASE: 1, NO_FRAME: true };
const TWO_CHANGES = { ...THREE, REVISIONS: 3 };

/**
 * `REVISIONS` counts the record's: one more than the changes that it may see. `duplex` knows one change only, the takeover: nobody comes back in sync
 * there. `N` controllers, `DIVERGENCE` and leases in ticks. What `isLarge` takes up to a minute of processor time and 2 GB each.
 */
export const BOUNDS = [
  { model: "duplex", defines: { N: 2, REVISIONS: 2, DIVERGENCE: 2 } },
  { model: "in-sync-set", defines: { N: 2, REVISIONS: 3, DIVERGENCE: 0 } },
  { model: "solo", defines: { N: 2, REVISIONS: 3, DIVERGENCE: 0, LEASE: 1 } },
  { model: "handover", defines: { N: 2, REVISIONS: 3, DIVERGENCE: 0 } },
  { model: "restart", defines: { N: 2, REVISIONS: 2, DIVERGENCE: 0, LEASE: 1 } },
  { model: "duplex", defines: THREE },
  { model: "duplex", defines: { N: 2, REVISIONS: 2, DIVERGENCE: 2, LEASE: 3 }, isLarge: true },
  { model: "duplex", defines: { N: 3, REVISIONS: 2, DIVERGENCE: 0, LEASE: 1 }, isLarge: true },
  { model: "in-sync-set", defines: { N: 2, REVISIONS: 5, DIVERGENCE: 0, LEASE: 1 }, isLarge: true },
  { model: "in-sync-set", defines: { N: 2, REVISIONS: 4, DIVERGENCE: 2, LEASE: 1 }, isLarge: true },
  { model: "in-sync-set", defines: TWO_CHANGES, isLarge: true },
  { model: "solo", defines: { N: 2, REVISIONS: 4, DIVERGENCE: 0, LEASE: 1 }, isLarge: true },
  { model: "handover", defines: { N: 2, REVISIONS: 5, DIVERGENCE: 0 }, isLarge: true },
  { model: "handover", defines: { N: 2, REVISIONS: 5, DIVERGENCE: 2, LEASE: 1 }, isLarge: true },
  { model: "handover", defines: TWO_CHANGES, isLarge: true },
  // Of no use to the two properties, which is worth knowing: see docs/07-resilience/proof.md.
  {
    model: "restart",
    defines: { N: 2, REVISIONS: 2, DIVERGENCE: 0, LEASE: 1, NO_RESTART_WAIT: true },
    isLarge: true,
  },
];

/** Rules that are taken away with three controllers too, in the long form, and the bounds that show it. */
export const REMOVALS_OF_THREE = {
  NO_PROMISE: THREE,
  NO_SILENCE: THREE,
  NO_LEASE_FROM_SENDING: THREE,
  NO_CASE_NOT_APPLIED: THREE,
  NO_WAIT_FOR_OUTCOME: THREE,
  NO_COMPARE: TWO_CHANGES,
  NO_GIVING_UP: THREE,
  NO_NEW_EPOCH_ACKNOWLEDGEMENT: TWO_CHANGES,
};

const EQUAL_CLOCKS = { DIVERGENCE: 0 };
const SHORT = { DIVERGENCE: 0, LEASE: 1 };

/** Each is a `#define` of the models that takes one rule away; `rule` is its number in docs/07-resilience/failover.md. */
export const REMOVALS = {
  NO_GRACE_MARGIN: {
    rule: 2,
    model: "duplex",
    defines: {},
    what: "the grace is shorter than the lease and the clocks' divergence",
  },
  NO_CLOCK_BOUND: {
    rule: 2,
    model: "duplex",
    defines: {},
    what: "a clock may fall behind without bound",
  },
  NO_LEASE_FROM_SENDING: {
    rule: 2,
    model: "duplex",
    defines: EQUAL_CLOCKS,
    what: "a promise counts from the receipt of its acknowledgement",
  },
  NO_PREDECESSOR: {
    rule: 2,
    model: "duplex",
    defines: EQUAL_CLOCKS,
    what: "a frame is acknowledged although its predecessor is missing",
  },
  NO_PROMISE: {
    rule: 9,
    model: "duplex",
    defines: EQUAL_CLOCKS,
    what: "a standby takes over before its promise has run out",
  },
  NO_SILENCE: {
    rule: 9,
    model: "duplex",
    defines: EQUAL_CLOCKS,
    what: "a controller that has sent a takeover still acknowledges",
  },
  NO_SILENCE_AFTER_UNKNOWN: {
    rule: 9,
    model: "duplex",
    defines: EQUAL_CLOCKS,
    what: "after an unknown takeover it acknowledges again",
  },
  NO_OUTPUT_AFTER_ACKNOWLEDGEMENT: {
    rule: 3,
    model: "duplex",
    defines: EQUAL_CLOCKS,
    what: "outputs go out before the standbys hold their frame",
  },
  NO_WAIT_FOR_OUTCOME: {
    rule: 9,
    model: "in-sync-set",
    defines: EQUAL_CLOCKS,
    what: "an unknown takeover is taken as won",
  },
  NO_CASE_NOT_APPLIED: {
    rule: 3,
    model: "in-sync-set",
    defines: EQUAL_CLOCKS,
    what: "a change under way is taken as applied",
  },
  NO_CASE_APPLIED: {
    rule: 3,
    model: "solo",
    defines: SHORT,
    what: "a change under way is taken as not applied",
  },
  NO_UNION: {
    rule: 3,
    model: "solo",
    defines: SHORT,
    what: "outputs wait only for the members of the known record",
  },
  NO_CAUGHT_UP: {
    rule: 7,
    model: "solo",
    defines: SHORT,
    what: "a learner is added before it holds what was issued",
  },
  NO_REPEAT: {
    rule: 8,
    model: "solo",
    defines: SHORT,
    what: "a change of unknown outcome is forgotten when the record reads unchanged",
  },
  NO_COMPARE: {
    rule: 8,
    model: "in-sync-set",
    defines: EQUAL_CLOCKS,
    what: "the store sets without comparing the revision",
  },
  NO_SOLO_FROM_SENDING: {
    rule: 3,
    model: "solo",
    defines: SHORT,
    what: "a solo lease counts from the reply",
  },
  NO_SOLO_GRACE_MARGIN: {
    rule: 11,
    model: "solo",
    defines: SHORT,
    what: "the solo grace is shorter than the solo lease",
  },
  NO_SOLO_SYNC: {
    rule: 4,
    model: "restart",
    defines: { ...SHORT, REVISIONS: 2, IN_SYNC_AT_START: 1 },
    what: "a lone leader's outputs do not wait for the disk",
  },
  NO_OWN_LOG: {
    rule: 13,
    model: "restart",
    defines: SHORT,
    what: "a restarted lone leader need not have a frame of its leadership in its journal",
  },
  NO_ISSUED_IN_RECORD: {
    rule: 13,
    model: "restart",
    defines: SHORT,
    what: "a lone leader's record does not say what was issued before it stood alone",
  },
  NO_UNCHANGED: {
    rule: 11,
    model: "solo",
    defines: SHORT,
    what: "a stale takeover does not wait for the record to stay unchanged",
  },
  NO_GIVING_UP: {
    rule: 14,
    model: "handover",
    defines: EQUAL_CLOCKS,
    what: "a leader that resigned keeps its authority",
  },
  NO_RESIGNED_EPOCH: {
    rule: 14,
    model: "handover",
    defines: { ...SHORT, REVISIONS: 4, CHANGES: true },
    what: "a resignation counts under another epoch",
  },
  NO_NEW_EPOCH_ACKNOWLEDGEMENT: {
    rule: 14,
    model: "handover",
    defines: SHORT,
    what: "the target commands before the others acknowledged the new epoch",
  },
  NO_INCARNATION: {
    rule: 13,
    model: "restart",
    defines: SHORT,
    what: "a restarted controller counts as its earlier life",
  },
};
