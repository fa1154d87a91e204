import type { CommandFate, OperatorRequest } from "./command.ts";
import { encodeCanonical } from "./canonical.ts";
import { hashOf } from "./hash.ts";
import type { GridMessage } from "./grid-message.ts";
import type { ConnectionSample, PointSample } from "./point.ts";
import { RemsError } from "./errors.ts";
import type { LogPosition, Member } from "./record.ts";

/** How a leadership came about; the core decides ramps and unknown commands by it. */
export type LeadershipOrigin = "cold" | "hot" | "handover" | "stale" | "restart";

/** Who leads, as an input of the core: present in the first frame of an epoch and whenever the in-sync set changed. */
export interface LeadershipInput {
  readonly leader: Member;
  readonly inSync: readonly Member[];
  readonly origin: LeadershipOrigin;
}

/** Facts of local actors on which alarms rest, e.g. `["journal.isFailed", true]`. */
export type FactSample = readonly [fact: string, value: number | boolean | string];

/** Every input of one scan of a grid: the journal of frames is the whole truth about it. */
export interface Frame {
  readonly grid: string;
  readonly epoch: number;
  /** Grows by one with every frame of the grid, across epochs. */
  readonly sequence: number;
  /** Hash of the frame that this one continues. */
  readonly previousHash: string;
  /** Milliseconds since the grid was first commissioned, never going back. */
  readonly plantTimeMs: number;
  /** Data only, never for time-outs. */
  readonly wallTimeMs: number;
  /** The first frame of an epoch is complete: `points` and `connections` hold all, not only what changed. */
  readonly isFirstOfEpoch: boolean;
  readonly points: readonly PointSample[];
  readonly connections: readonly ConnectionSample[];
  readonly fates: readonly CommandFate[];
  readonly requests: readonly OperatorRequest[];
  readonly messages: readonly GridMessage[];
  readonly facts: readonly FactSample[];
  readonly leadership: LeadershipInput | null;
}

/** A frame as it is journalled and sent: encoded once. */
export interface EncodedFrame {
  readonly frame: Frame;
  readonly text: string;
  readonly position: LogPosition;
}

/**
 * Encodes a frame and computes its place in the log. The hash covers `previousHash`, so hashes form a chain.
 * @param hash - {@link hashOf}, or the same by a faster library where there is one.
 */
export function encodeFrame(frame: Frame, hash: (text: string) => string = hashOf): EncodedFrame {
  const text = encodeCanonical(frame);
  return {
    frame,
    text,
    position: { epoch: frame.epoch, sequence: frame.sequence, hash: hash(text) },
  };
}

/**
 * Decodes a frame that this cluster encoded.
 * @param hash - {@link hashOf}, or the same by a faster library where there is one.
 * @throws {@link RemsError} `REMS_MESSAGE_INVALID` if the text is no frame.
 */
export function decodeFrame(text: string, hash: (text: string) => string = hashOf): EncodedFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RemsError("REMS_MESSAGE_INVALID", "a frame is not JSON", { cause });
  }
  const frame = value as Frame;
  const isFrame =
    typeof value === "object" &&
    value !== null &&
    typeof frame.grid === "string" &&
    Number.isSafeInteger(frame.epoch) &&
    Number.isSafeInteger(frame.sequence) &&
    typeof frame.previousHash === "string" &&
    Number.isFinite(frame.plantTimeMs) &&
    Array.isArray(frame.points) &&
    Array.isArray(frame.connections) &&
    Array.isArray(frame.fates) &&
    Array.isArray(frame.requests) &&
    Array.isArray(frame.messages) &&
    Array.isArray(frame.facts);
  if (!isFrame) throw new RemsError("REMS_MESSAGE_INVALID", "a frame lacks one of its fields");
  return {
    frame,
    text,
    position: { epoch: frame.epoch, sequence: frame.sequence, hash: hash(text) },
  };
}
