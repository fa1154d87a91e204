import type { EncodedFrame } from "../kernel/frame.ts";
import type { HeartbeatMessage, PeerMessage, StateHash } from "../kernel/peer-message.ts";
import type { LogPosition } from "../kernel/record.ts";
import type { FrameLog } from "./frame-log.ts";

/** A joining controller further behind than this gets a snapshot: that is shorter than so many frames. */
const TAIL_FRAME_COUNT_MAX = 100;

/** What every message of a leader says, as it is at the time of sending. */
export type LeaderHeader = Omit<HeartbeatMessage, "type" | "last" | "stateHash">;

export function frameMessage(header: LeaderHeader, { text }: EncodedFrame): PeerMessage {
  return { type: "frame", ...header, text };
}

export function heartbeatMessage(
  header: LeaderHeader,
  last: LogPosition | null,
  stateHash: StateHash | null,
): PeerMessage {
  return { type: "heartbeat", ...header, last, stateHash };
}

/** What a snapshot is made of. */
export interface SnapshotSource {
  readonly coreVersion: string;
  readonly manifestHash: string;
  readonly plantTimeMs: number;
  readonly state: () => string;
}

/** Brings a joining controller up to date: the frames after `last` where the log has them and they are few, else a snapshot. */
export function catchUpMessages(
  header: LeaderHeader,
  log: Pick<FrameLog, "last" | "after">,
  last: LogPosition | null,
  source: SnapshotSource,
): readonly PeerMessage[] {
  const tail = last === null ? null : log.after(last);
  if (tail !== null && tail.length <= TAIL_FRAME_COUNT_MAX)
    return tail.map((encoded) => frameMessage(header, encoded));
  const position = log.last();
  if (position === null) return [];
  const { coreVersion, manifestHash, plantTimeMs } = source;
  const { grid, epoch, leader } = header;
  return [
    {
      type: "snapshot",
      grid,
      epoch,
      leader,
      position,
      plantTimeMs,
      coreVersion,
      manifestHash,
      state: source.state(),
    },
  ];
}
