import { expect, it } from "vitest";
import { createStateCompare } from "./state-compare.ts";
import { nodeView, standby } from "./test-views.ts";

const saying = (node: string, sequence: number, stateHash: string) =>
  nodeView(node, [standby("port", { checkpoint: { epoch: 3, sequence, stateHash } })]);

it("agrees once every node named one frame with one hash, not necessarily at one time", () => {
  const states = createStateCompare();
  expect(states.look([saying("n1", 50, "aa"), saying("n2", 100, "bb")])).toEqual([]);
  expect(states.isAgreed("port", ["n1", "n2"])).toBe(false);
  expect(states.look([saying("n1", 100, "bb")])).toEqual([]);
  expect(states.isAgreed("port", ["n1", "n2"])).toBe(true);
  expect(states.isAgreed("starboard", ["n1", "n2"])).toBe(false);
});

it("tells a difference once and names grid, frame and nodes", () => {
  const states = createStateCompare();
  states.look([saying("n1", 50, "aa")]);
  expect(states.look([saying("n2", 50, "bb")])).toEqual([
    "port: after frame 3:50 n2 has another state than n1",
  ]);
  expect(states.look([saying("n2", 50, "bb")])).toEqual([]);
});

it("forgets what was said before a reset", () => {
  const states = createStateCompare();
  states.look([saying("n1", 50, "aa"), saying("n2", 50, "aa")]);
  states.reset();
  expect(states.isAgreed("port", ["n1", "n2"])).toBe(false);
});
