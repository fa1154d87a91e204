import { reasonOf, type Reason } from "./reason.ts";

/**
 * How the sets of an island share what changes. `isochronous`: over the network, their references follow the load, so that frequency is
 * nominal at any. `droop`: references rest, so that frequency follows the load; nobody but the governors acts.
 */
export type SharingMode = "isochronous" | "droop";

export const SHARING_MODES: readonly SharingMode[] = ["isochronous", "droop"];

export type SharingState = {
  readonly mode: SharingMode;
  /** In droop: since when nothing has been on its way, plant time; null while something is. */
  readonly quietSinceMs: number | null;
};

export const ISOCHRONOUS: SharingState = { mode: "isochronous", quietSinceMs: null };

/**
 * References rest only after so long without anything on its way: by then they add up to the load and are equal parts of it, so that the
 * change is bumpless and frequency is nominal at the load of that moment.
 */
export const DROOP_AFTER_MS = 10_000;

/**
 * One scan of it.
 * @param suspendedBy - What needs references that follow (a set being loaded or unloaded, shore, a tie being unloaded); null where nothing.
 */
export function nextSharing(
  sharing: SharingState,
  nowMs: number,
  suspendedBy: Reason | null,
): SharingState {
  if (sharing.mode !== "droop") return sharing;
  const quietSinceMs = suspendedBy === null ? (sharing.quietSinceMs ?? nowMs) : null;
  return quietSinceMs === sharing.quietSinceMs ? sharing : { ...sharing, quietSinceMs };
}

/** References rest now. */
export function isResting(
  { mode, quietSinceMs }: SharingState,
  nowMs: number,
  suspendedBy: Reason | null,
): boolean {
  if (mode !== "droop" || suspendedBy !== null || quietSinceMs === null) return false;
  return nowMs - quietSinceMs >= DROOP_AFTER_MS;
}

/** What `why` says of it; null where references follow the load and are to. */
export function whySharingMode(
  sharing: SharingState,
  nowMs: number,
  suspendedBy: Reason | null,
): Reason | null {
  if (sharing.mode !== "droop") return null;
  if (suspendedBy !== null) return suspendedBy;
  if (isResting(sharing, nowMs, null)) return reasonOf("SHARES_DROOP", "");
  const forS = (DROOP_AFTER_MS - (nowMs - (sharing.quietSinceMs ?? nowMs))) / 1000;
  return reasonOf("DROOP_WAITS", "", { forS });
}
