import { expect, it } from "vitest";
import { absenceReason } from "./absence-reason.ts";

const follower = {
  node: "n2",
  heldSequence: 7,
  promisedMsAgo: -10,
  reachedCount: 4,
  isCaughtUp: true,
  addInMs: 0,
  removedCount: 0,
};

it.each([
  ["a node that is gone", undefined, "disconnected", /not heard/],
  ["one that does not follow", undefined, "connected", /version or manifest/],
  ["one that lacks frames", { ...follower, isCaughtUp: false }, "connected", /brought up to date/],
  [
    "one that comes and goes",
    { ...follower, addInMs: 3400, removedCount: 5 },
    "connected",
    /in 4 s: it left the in-sync set 5 times/,
  ],
  ["one that is next", follower, "connected", /being added/],
])("says why %s is not in sync", (_name, found, peer, said) => {
  expect(absenceReason(found, peer)).toMatch(said);
});
