import { encodeFrame, type EncodedFrame, type Frame } from "../kernel/frame.ts";
import { HASH_NONE } from "../kernel/hash.ts";
import type { Snapshot } from "../kernel/ports/journal.ts";
import type { LogPosition } from "../kernel/record.ts";

/** Wall time of plant time 0 in the frames of {@link chain}. */
export const WALL_ORIGIN_MS = 1_700_000_000_000;

/** `count` frames that continue `from`, one every 100 ms of plant time, each with what `content` gives it. */
export function chain(
  from: LogPosition | null,
  count: number,
  epoch = 1,
  grid = "port",
  content: (sequence: number) => Partial<Frame> = (sequence) => ({
    points: [["dg1.activePowerKw", sequence, "good"]],
  }),
): EncodedFrame[] {
  const frames: EncodedFrame[] = [];
  let last = from;
  for (let i = 0; i < count; i++) {
    const sequence = (last?.sequence ?? 0) + 1;
    const encoded = encodeFrame({
      grid,
      epoch,
      sequence,
      previousHash: last?.hash ?? HASH_NONE,
      plantTimeMs: sequence * 100,
      wallTimeMs: WALL_ORIGIN_MS + sequence * 100,
      isFirstOfEpoch: i === 0,
      points: [],
      connections: [],
      fates: [],
      requests: [],
      messages: [],
      facts: [],
      leadership: null,
      ...content(sequence),
    });
    frames.push(encoded);
    last = encoded.position;
  }
  return frames;
}

export function lastOf(frames: readonly EncodedFrame[]): LogPosition {
  const last = frames.at(-1);
  if (last === undefined) throw new RangeError("no frames");
  return last.position;
}

export function snapshotAt(
  position: LogPosition,
  grid = "port",
  state = JSON.stringify({ sequence: position.sequence, text: "Größe\nzwei" }),
): Snapshot {
  const plantTimeMs = position.sequence * 100;
  return { grid, position, plantTimeMs, coreVersion: "1", manifestHash: "m", state };
}
