import type { LogPosition } from "../../kernel/record.ts";
import type { PeerMessage, Reach } from "../../kernel/peer-message.ts";
import type { ReadOutcome, TransactionOutcome } from "../../kernel/ports/coordinator.ts";

/** What can happen to a controller. `nowMs` is this node's monotonic clock at the time the event was taken up. */
export type ControllerEvent = { readonly nowMs: number } & (
  | {
      /** The process has started and recovered its journal. */
      readonly type: "started";
      readonly incarnation: string;
      readonly last: LogPosition | null;
      readonly plantTimeMs: number;
      /** Highest epoch in the journal, void frames included. */
      readonly epochMax: number;
    }
  /** A deadline of {@link nextDeadlineMs} has come, or the loop just wants the time looked at. */
  | { readonly type: "ticked" }
  | { readonly type: "record.read"; readonly id: number; readonly outcome: ReadOutcome }
  /** A watch says that the record may have changed. */
  | { readonly type: "record.hinted" }
  | {
      readonly type: "transaction.answered";
      readonly id: number;
      readonly outcome: TransactionOutcome;
    }
  /** The leader's loop has built, journalled and applied a frame. `stateHash` where this frame is compared. */
  | { readonly type: "frame.built"; readonly position: LogPosition; readonly plantTimeMs: number }
  /** Frames of the own journal up to here are on disk. */
  | { readonly type: "journal.synced"; readonly position: LogPosition }
  | {
      /** From a peer, already decoded and checked for form. For frames the loop adds the position and predecessor it computed. */
      readonly type: "message.received";
      readonly from: string;
      readonly message: PeerMessage;
      readonly frame?: {
        readonly position: LogPosition;
        readonly previousHash: string;
        readonly plantTimeMs: number;
      };
    }
  /** A snapshot was installed after {@link ControllerEffect} `installSnapshot`. */
  | {
      readonly type: "snapshot.installed";
      readonly position: LogPosition;
      readonly plantTimeMs: number;
    }
  /** The loop found another state hash than the leader's, or could not apply a frame: the log must be replaced by a snapshot. */
  | { readonly type: "replica.diverged"; readonly reason: string }
  | { readonly type: "reach.measured"; readonly reach: Reach }
  | {
      readonly type: "transfer.requested";
      readonly requestId: string;
      readonly toNode: string;
      readonly reason: string;
    }
  /** Break-glass of an engineer on an isolated leaderless controller; see architecture, "Isolation". */
  | { readonly type: "force.requested"; readonly requestId: string; readonly reason: string }
  /** Every device write is answered or its connection reset, after `settleWrites`. */
  | { readonly type: "writes.settled" }
  /** The devices are given back as far as they answer, after `releaseDevices`. */
  | { readonly type: "devices.released" }
  /** Orderly stop: hand over if a standby is in sync. */
  | { readonly type: "stop.requested" }
  /** Monotonic, boot and wall time disagree: the process was suspended. */
  | { readonly type: "clock.jumped"; readonly reason: string }
);
