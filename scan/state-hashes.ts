import type { StateHash } from "../kernel/peer-message.ts";
import type { LogPosition } from "../kernel/record.ts";

/** Replicas compare a hash of their state every so many frames. */
const EVERY_FRAME_COUNT = 10;
const HELD_COUNT = 8;

/** The newest hashes of a replica's state, to be compared with those of the leader. */
export interface StateHashes {
  /** `hash` is asked only where this frame is compared. @returns What was noted, null for the frames between. */
  note(position: LogPosition, hash: () => string): StateHash | null;
  newest(): StateHash | null;
  /** In words, how the own state differs from the leader's; null where it does not, or that frame is not held any more. */
  difference(theirs: StateHash | null): string | null;
  clear(): void;
}

export function createStateHashes(): StateHashes {
  let held: readonly StateHash[] = [];
  return {
    note({ epoch, sequence }, hash) {
      if (sequence % EVERY_FRAME_COUNT !== 0) return null;
      const noted = { epoch, sequence, hash: hash() };
      held = [...held.slice(1 - HELD_COUNT), noted];
      return noted;
    },
    newest: () => held.at(-1) ?? null,
    difference(theirs) {
      if (theirs === null) return null;
      const mine = held.find(
        ({ epoch, sequence }) => epoch === theirs.epoch && sequence === theirs.sequence,
      );
      if (mine === undefined || mine.hash === theirs.hash) return null;
      return `state after frame ${theirs.epoch}:${theirs.sequence} has hash ${mine.hash}, the leader's has ${theirs.hash}`;
    },
    clear() {
      held = [];
    },
  };
}
