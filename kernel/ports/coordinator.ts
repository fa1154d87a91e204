import type { LeadershipRecord } from "../record.ts";

/** Result of a read that etcd's majority answered (linearizable). */
export type ReadOutcome =
  | { readonly type: "read"; readonly revision: number; readonly record: LeadershipRecord | null }
  | { readonly type: "failed"; readonly reason: string };

/**
 * `applied`: the write is in force with this revision. `refused`: the comparison failed and the write never will be applied.
 * `unknown`: deadline or lost connection; it may have been applied, or may still be.
 */
export type TransactionOutcome =
  | { readonly type: "applied"; readonly revision: number }
  | {
      readonly type: "refused";
      readonly revision: number;
      readonly record: LeadershipRecord | null;
    }
  | { readonly type: "unknown"; readonly reason: string };

export interface RecordTransaction {
  readonly grid: string;
  /** `mod_revision` that the key must have; 0 where it must be absent. */
  readonly expectedRevision: number;
  /** Nonce that the record must hold; null where it must be absent. */
  readonly expectedNonce: string | null;
  readonly record: LeadershipRecord;
}

export interface CoordinatorStatus {
  readonly kind: "etcd" | "embedded";
  readonly endpointCount: number;
  /** Endpoints that answered their last call. */
  readonly reachableCount: number;
}

/**
 * The configuration manager that decides who leads. Results come as callbacks, so that the deterministic world orders them.
 * A callback is never called from inside the call that was given it, and always exactly once, at the latest `deadlineMs` after the call.
 * An absent record has revision 0.
 */
export interface Coordinator {
  read(grid: string, deadlineMs: number, done: (outcome: ReadOutcome) => void): void;
  transact(
    request: RecordTransaction,
    deadlineMs: number,
    done: (outcome: TransactionOutcome) => void,
  ): void;
  /** A hint that the record may have changed; may be late, repeated or missing. Returns the cancellation. */
  watch(grid: string, hint: () => void): () => void;
  /** Keeps `presence/<node>` with a lease: for display and clean-up only. Repeated calls replace the value. */
  announce(node: string, value: string): void;
  status(): CoordinatorStatus;
  close(): Promise<void>;
}
