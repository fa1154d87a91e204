import type { GridMessage } from "./grid-message.ts";
import type { LogPosition, Member } from "./record.ts";

/** How many critical devices a controller reaches, of how many. */
export interface Reach {
  readonly reachedCount: number;
  readonly criticalCount: number;
}

/** A hash of the core's state after a frame; replicas at the same position must agree. */
export interface StateHash {
  readonly epoch: number;
  readonly sequence: number;
  readonly hash: string;
}

/** Fields of every message of a leader. */
interface FromLeader {
  readonly grid: string;
  readonly epoch: number;
  readonly leader: Member;
  /** Sender's monotonic clock at sending; comes back in the acknowledgement. */
  readonly sentAtMs: number;
  readonly hasAuthority: boolean;
  readonly reach: Reach;
  /** Revision of the record that the leader knows. */
  readonly revision: number;
}

/** Sent between frames, so that no more than `heartbeatMs` pass without a message. */
export interface HeartbeatMessage extends FromLeader {
  readonly type: "heartbeat";
  /** Place of the leader's last frame. */
  readonly last: LogPosition | null;
  readonly stateHash: StateHash | null;
}

export interface FrameMessage extends FromLeader {
  readonly type: "frame";
  /** Canonical text of the frame, as journalled. */
  readonly text: string;
}

/** Promise and receipt: the standby holds everything up to `last` and will not take over for a while. */
export interface AcknowledgeMessage {
  readonly type: "acknowledge";
  readonly grid: string;
  readonly epoch: number;
  readonly from: Member;
  /** `sentAtMs` of the acknowledged message, on the leader's clock. */
  readonly echoSentAtMs: number;
  /** Last frame held that continues this leader's log; null while there is none. */
  readonly last: LogPosition | null;
  readonly reach: Reach;
}

/** A controller that is not in sync asks the leader to be brought up to date. */
export interface JoinMessage {
  readonly type: "join";
  readonly grid: string;
  readonly from: Member;
  /** Last frame held; the leader answers with the frames after it if its own log has it, else with a snapshot. */
  readonly last: LogPosition | null;
  readonly coreVersion: string;
  readonly manifestHash: string;
}

/** State of the core after the frame at `position`; further frames follow as {@link FrameMessage}. */
export interface SnapshotMessage {
  readonly type: "snapshot";
  readonly grid: string;
  readonly epoch: number;
  readonly leader: Member;
  readonly position: LogPosition;
  readonly plantTimeMs: number;
  readonly coreVersion: string;
  readonly manifestHash: string;
  /** Canonical text of the core's state. */
  readonly state: string;
}

/** Asked before a stale takeover: how far does your journal reach? */
export interface PositionRequestMessage {
  readonly type: "positionRequest";
  readonly grid: string;
  readonly from: Member;
}

export interface PositionMessage {
  readonly type: "position";
  readonly grid: string;
  readonly from: Member;
  readonly last: LogPosition | null;
  readonly plantTimeMs: number;
}

/** The old leader of a planned handover has given up authority for the rest of its epoch. */
export interface ResignedMessage {
  readonly type: "resigned";
  readonly grid: string;
  readonly leader: Member;
  readonly epoch: number;
  readonly sequence: number;
  readonly revision: number;
  /** Every member that acknowledged `sequence`, the old leader included. */
  readonly inSync: readonly Member[];
}

/** A node's facts about itself, such as a full disk: told to the leader on each change and every second, and entering frames there. */
export interface FactsMessage {
  readonly type: "facts";
  readonly grid: string;
  readonly from: Member;
  readonly facts: readonly NodeFact[];
}

export type NodeFact = readonly [fact: string, isTrue: boolean];

/** Between leaders of different grids. */
export interface BetweenGridsMessage {
  readonly type: "betweenGrids";
  readonly grid: string;
  readonly message: GridMessage;
}

/** Everything that nodes say to each other. */
export type PeerMessage =
  | HeartbeatMessage
  | FrameMessage
  | AcknowledgeMessage
  | JoinMessage
  | SnapshotMessage
  | PositionRequestMessage
  | PositionMessage
  | ResignedMessage
  | FactsMessage
  | BetweenGridsMessage;
