import type { DeviceProfile } from "../../configs/profile.ts";
import type { Guard } from "../../configs/sunspec/layout.ts";

/** A read of holding registers that a finder asks for. */
export interface RegisterNeed {
  readonly address: number;
  readonly count: number;
  /** The address is only a guess: a device that says nothing has nothing there. */
  readonly isGuess: boolean;
}

/** What came of it: the registers, or null where the device refused, or said nothing to a guess. */
export type RegisterReply = ArrayLike<number> | null;

/** Where a device keeps what its profile maps. */
export interface FoundLayout {
  /** The profile with the registers of this device; points that it lacks are left out. */
  readonly profile: DeviceProfile;
  /** Registers that must go on holding what they hold: with another scale factor the same number means something else. */
  readonly guards: readonly Guard[];
  /** What the device lacks, for people. */
  readonly missing: readonly string[];
}

/**
 * Finds the registers of a device that describes itself. A conversation: each `next(reply)` asks for the next read, until it ends in
 * the layout, or in the reason why the device cannot be used.
 */
export type LayoutFinder = (
  profile: DeviceProfile,
) => Generator<RegisterNeed, FoundLayout | string, RegisterReply>;
