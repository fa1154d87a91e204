import { expect, it } from "vitest";
import { createTransitionFeed } from "./transition-feed.ts";
import type { FeedEntry } from "./transition-feed.ts";

const entry = (atMs: number): FeedEntry => ({
  kind: "local",
  address: "a",
  from: "x",
  to: "y",
  event: "e",
  reason: "r",
  atMs,
});

it("remembers the last transitions and no more", () => {
  const feed = createTransitionFeed(3);
  for (let i = 0; i < 10; i++) feed.publish(entry(i));
  expect(feed.recent().map(({ atMs }) => atMs)).toEqual([7, 8, 9]);
});

it("tells its listeners until they leave, and drops one that throws without touching the others", () => {
  const feed = createTransitionFeed();
  const heard: number[] = [];
  let thrownCount = 0;
  feed.subscribe(() => {
    thrownCount += 1;
    throw new TypeError("listener");
  });
  const leave = feed.subscribe(({ atMs }) => heard.push(atMs));
  feed.publish(entry(1));
  feed.publish(entry(2));
  leave();
  feed.publish(entry(3));
  expect(heard).toEqual([1, 2]);
  expect(thrownCount).toBe(1);
});

it("takes the transitions of a run of a replicated tree at their plant time", () => {
  const feed = createTransitionFeed();
  const transitions = [{ actor: "grids/port", from: "x", to: "y", event: "e", reason: "r" }];
  const nothing = { effects: [], supervision: [], faults: [], isCutShort: false };
  feed.publishRun(
    { ...nothing, transitions, state: { actors: [], arrivals: [], supervisors: [] } },
    70,
  );
  expect(feed.recent()).toEqual([{ ...entry(70), kind: "replicated", address: "grids/port" }]);
});

it("bounds the number of its listeners", () => {
  const feed = createTransitionFeed();
  for (let i = 0; i < 64; i++) feed.subscribe(() => {});
  expect(() => feed.subscribe(() => {})).toThrow(/at most 64/);
});
