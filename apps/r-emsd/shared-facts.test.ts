import { expect, it } from "vitest";
import { createSharedFacts } from "./shared-facts.ts";

const LOST = "coordinator.isLost";

/** Two grids of a node, the first of which may be left by its leader. */
function twoGrids() {
  let sequence = 0;
  let isPortLed = true;
  let portSequence = 0;
  const told = [new Map<string, boolean>(), new Map<string, boolean>()];
  const gridOf = (index: number, sequenceOf: () => number) => ({
    last: () => ({ epoch: 1, sequence: sequenceOf() }),
    setNodeFact: (fact: string, isTrue: boolean) => void told[index]?.set(fact, isTrue),
  });
  const facts = createSharedFacts([gridOf(0, () => portSequence), gridOf(1, () => sequence)]);
  let nowMs = 0;
  const run = (ms: number) => {
    const endMs = nowMs + ms;
    for (; nowMs < endMs; nowMs += 200) {
      sequence += 2;
      if (isPortLed) portSequence = sequence;
      facts.look(nowMs);
    }
  };
  return {
    facts,
    run,
    leave: (isLeft: boolean) => void (isPortLed = !isLeft),
    told: () => told.map((one) => one.get(LOST)),
  };
}

it("what all grids rest on is told to the first alone, and taken back there", () => {
  const { facts, run, told } = twoGrids();
  facts.set(LOST, false);
  run(1000);
  expect(told()).toEqual([false, false]);
  facts.set(LOST, true);
  run(200);
  expect(told()).toEqual([true, false]);
  facts.set(LOST, false);
  run(200);
  expect(told()).toEqual([false, false]);
});

it("a grid that nobody leads any more leaves it to the next, not during a mere failover", () => {
  const { facts, run, leave, told } = twoGrids();
  facts.set(LOST, true);
  run(1000);
  leave(true);
  run(3000);
  expect(told()).toEqual([true, false]);
  run(3000);
  expect(told()).toEqual([false, true]);
  leave(false);
  run(400);
  expect(told()).toEqual([true, false]);
});
