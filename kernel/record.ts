/** One controller of a grid in one life of its process. Controllers are named by their node. */
export interface Member {
  readonly node: string;
  /** 128 random bits as 32 hexadecimal digits, new at every process start. */
  readonly incarnation: string;
}

/** The one key per grid on which leadership rests. Changes only by compare-and-set. */
export interface LeadershipRecord {
  readonly epoch: number;
  readonly leader: Member;
  /** Holders of every frame whose outputs were issued; the leader is among them. */
  readonly inSync: readonly Member[];
  /** Node names by `failover_order`. */
  readonly order: readonly string[];
  /** Lets a writer whose reply was lost recognise its own write: its incarnation and a counter, `<32 digits>:<number>`. */
  readonly nonce: string;
  /** Plant time reserved ahead by the leader; a stale or cold start begins here. */
  readonly plantTimeMsMax: number;
  /**
   * Frames of this epoch up to here may have been issued, on the memory of those in sync, when the record was written. A restarted
   * controller whose journal ends before it has forgotten something; 0 where nothing of this epoch was issued yet.
   */
  readonly issuedSequence: number;
}

/** A place in a grid's log. Positions compare by epoch, then by sequence. */
export interface LogPosition {
  readonly epoch: number;
  readonly sequence: number;
  /** Hash of the frame at this place. */
  readonly hash: string;
}

/** Negative if `a` is behind `b`, 0 if level, positive if ahead. Null (an empty log) is behind everything. */
export function comparePositions(a: LogPosition | null, b: LogPosition | null): number {
  if (a === null || b === null) return (a === null ? 0 : 1) - (b === null ? 0 : 1);
  return a.epoch !== b.epoch ? a.epoch - b.epoch : a.sequence - b.sequence;
}

export function isSameMember(a: Member, b: Member): boolean {
  return a.node === b.node && a.incarnation === b.incarnation;
}
