import type { ErrorCode } from "../../kernel/errors.ts";
import type { LeadershipOrigin } from "../../kernel/frame.ts";
import type { PeerMessage, SnapshotMessage } from "../../kernel/peer-message.ts";
import type { LeadershipRecord, LogPosition, Member } from "../../kernel/record.ts";

export type Role = "joining" | "standby" | "taking-over" | "leading" | "handing-over" | "fenced";

export type ControllerAlarm =
  | "REDUNDANCY_LOST"
  | "REDUNDANCY_REDUCED"
  | "AUTHORITY_LOST"
  | "STALE_TAKEOVER"
  | "RECORD_REFUSED"
  | "REPLICA_DIVERGED"
  | "CLOCK_JUMPED"
  | "JOURNAL_SLOW";

/** What the loop does for the controller, in the order given. */
export type ControllerEffect =
  | { readonly type: "send"; readonly to: string; readonly message: PeerMessage }
  /** Send the frame at `sequence` of the own log as a FrameMessage to each of `to`. The loop fills text, time, authority and reach. */
  | { readonly type: "sendFrame"; readonly to: readonly string[]; readonly sequence: number }
  | { readonly type: "sendHeartbeat"; readonly to: readonly string[] }
  /** Bring a joining controller up to date: the frames after `last` if the own log has that position, else a snapshot and the frames after it. */
  | { readonly type: "sendCatchUp"; readonly to: Member; readonly last: LogPosition | null }
  | { readonly type: "read"; readonly id: number }
  | {
      readonly type: "transact";
      readonly id: number;
      readonly expectedRevision: number;
      readonly expectedNonce: string | null;
      readonly record: LeadershipRecord;
    }
  /** The received frame continues the own log: journal it, keep it, apply it. */
  | { readonly type: "acceptFrame"; readonly sequence: number }
  /** Replace log and state. The frames held beyond what the snapshot continues are void. */
  | { readonly type: "installSnapshot"; readonly message: SnapshotMessage }
  /**
   * Lead from now on: build the first frame of `epoch` at once, continuing the own log.
   * `plantTimeMsMin` is the least plant time of that frame (a stale or cold start begins at the record's bound).
   */
  | {
      readonly type: "startLeading";
      readonly epoch: number;
      readonly origin: LeadershipOrigin;
      readonly plantTimeMsMin: number;
    }
  /** Build no further frames, drop waiting outputs, reset connections with an unanswered write. */
  | { readonly type: "stopLeading"; readonly reason: string }
  /** Wait until each device write is answered or its connection reset, then report `writes.settled`. */
  | { readonly type: "settleWrites" }
  /** Nobody follows, and this controller stops: give the devices back, then report `devices.released`. */
  | { readonly type: "releaseDevices" }
  /** The in-sync set that the record certainly has: input of the next frame. */
  | { readonly type: "inSyncChanged"; readonly inSync: readonly Member[] }
  | {
      readonly type: "alarm";
      readonly code: ControllerAlarm;
      readonly isActive: boolean;
      readonly text: string;
    }
  | {
      readonly type: "roleChanged";
      readonly from: Role;
      readonly to: Role;
      readonly reason: string;
    }
  | {
      readonly type: "reply";
      readonly requestId: string;
      readonly isAccepted: boolean;
      readonly code: ErrorCode | null;
      readonly reason: string;
    }
  /** End this incarnation and start a new one: the clock cannot be trusted for the promises given. */
  | { readonly type: "restart"; readonly reason: string };
