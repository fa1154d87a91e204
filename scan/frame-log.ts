import { assert, present } from "../kernel/assert.ts";
import type { EncodedFrame } from "../kernel/frame.ts";
import type { LogPosition } from "../kernel/record.ts";

/**
 * The newest frames of a grid in memory: what a rejoining controller may still need. The last position is known even where no
 * frame is held (after a snapshot).
 */
export interface FrameLog {
  last(): LogPosition | null;
  append(encoded: EncodedFrame): void;
  /** Forgets all frames; the log now stands at `position`. */
  reset(position: LogPosition | null): void;
  /** The frames after `position`, oldest first; null where the log does not hold `position` or what follows it. */
  after(position: LogPosition): readonly EncodedFrame[] | null;
  at(sequence: number): EncodedFrame | null;
}

/** @param frameCountMax - Frames held; older ones are forgotten. At 100 ms a scan, 600 are a minute. */
export function createFrameLog(frameCountMax: number): FrameLog {
  assert(frameCountMax > 0, "a frame log holds at least one frame");
  // A ring by sequence: sequences are consecutive, so a slot is found by remainder.
  const slots: EncodedFrame[] = [];
  let last: LogPosition | null = null;
  let heldCount = 0;

  const at = (sequence: number): EncodedFrame | null => {
    if (last === null || sequence > last.sequence || sequence <= last.sequence - heldCount)
      return null;
    return present(slots[sequence % frameCountMax], "a held sequence has its slot");
  };

  return {
    last: () => last,
    at,
    append(encoded) {
      const { sequence } = encoded.position;
      assert(last === null || sequence === last.sequence + 1, "sequences are consecutive");
      slots[sequence % frameCountMax] = encoded;
      heldCount = Math.min(heldCount + 1, frameCountMax);
      last = encoded.position;
    },
    reset(position) {
      slots.length = 0;
      heldCount = 0;
      last = position;
    },
    after(position) {
      if (last === null || position.sequence > last.sequence) return null;
      if (position.sequence === last.sequence) return position.hash === last.hash ? [] : null;
      const next = at(position.sequence + 1);
      // The chain proves that the other log holds the same frame at `position`, even where this one has forgotten it.
      if (next === null || next.frame.previousHash !== position.hash) return null;
      const frames: EncodedFrame[] = [];
      for (let sequence = position.sequence + 1; sequence <= last.sequence; sequence++) {
        frames.push(present(at(sequence), "frames after a held one are held"));
      }
      return frames;
    },
  };
}
