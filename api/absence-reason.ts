import type { ApiFollower } from "./api-messages.ts";

const MS_PER_S = 1000;

/**
 * Why a controller is not in sync, as its leader knows it, for people.
 * @param follower - Undefined: it does not ask to be brought up to date.
 * @param peer - State of the stream to its node.
 */
export function absenceReason(follower: ApiFollower | undefined, peer: string | undefined): string {
  if (follower === undefined) {
    return peer === "connected"
      ? "its node is heard, but its controller does not follow: it starts, or its version or manifest differs"
      : "its node is not heard: down, or cut off";
  }
  if (!follower.isCaughtUp) return "follows, and is being brought up to date";
  if (follower.addInMs === 0) return "follows, and is being added";
  const seconds = Math.ceil(follower.addInMs / MS_PER_S);
  return `follows, and is added in ${seconds} s: it left the in-sync set ${follower.removedCount} times, as its answers came too late`;
}
