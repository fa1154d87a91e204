import { describe, expect, it } from "vitest";
import type { ReadOutcome, TransactionOutcome } from "../../kernel/ports/coordinator.ts";
import type { LeadershipRecord } from "../../kernel/record.ts";
import { createMemoryCoordinator } from "./memory-coordinator.ts";
import { createVirtualClock } from "./virtual-clock.ts";

const leader = { node: "n1", incarnation: "1".repeat(32) };
const record: LeadershipRecord = {
  epoch: 1,
  leader,
  inSync: [leader],
  order: ["n1"],
  nonce: "a".repeat(32),
  plantTimeMsMax: 0,
  issuedSequence: 0,
};
const create = { grid: "port", expectedRevision: 0, expectedNonce: null, record };

function oneClient() {
  const clock = createVirtualClock();
  const store = createMemoryCoordinator({ clock, latencyMsMin: 4 });
  const client = store.client("n1");
  const outcomes: [number, TransactionOutcome["type"]][] = [];
  const transact = () =>
    client.transact(create, 100, ({ type }) => outcomes.push([clock.monotonicMs(), type]));
  return { clock, store, client, outcomes, transact };
}

describe("memory coordinator", () => {
  it("applies half a round trip after the call and answers after the whole", () => {
    const { clock, store, outcomes, transact } = oneClient();
    transact();
    clock.advanceTo(1.9);
    expect(store.record("port").revision).toBe(0);
    clock.advanceTo(2);
    expect(store.record("port")).toEqual({ revision: 2, record });
    clock.advanceTo(200);
    expect(outcomes).toEqual([[4, "applied"]]);
  });

  it("applies a transaction whose answer is lost, and leaves it unknown", () => {
    const { clock, store, outcomes, transact } = oneClient();
    store.setFaults("n1", { isAnswerLost: true });
    transact();
    clock.advanceTo(200);
    expect(outcomes).toEqual([[100, "unknown"]]);
    expect(store.history).toMatchObject([{ atMs: 2, node: "n1", grid: "port" }]);
  });

  it("applies a late transaction after it was reported unknown", () => {
    const { clock, store, outcomes, transact } = oneClient();
    store.setFaults("n1", { requestDelayMs: 300 });
    transact();
    clock.advanceTo(200);
    expect(outcomes).toEqual([[100, "unknown"]]);
    expect(store.history).toEqual([]);
    clock.advanceTo(400);
    expect(store.history).toHaveLength(1);
    expect(outcomes).toHaveLength(1);
  });

  it("never applies what was sent during an outage", () => {
    const { clock, store, client, outcomes, transact } = oneClient();
    store.setOutage(true);
    transact();
    const reads: ReadOutcome[] = [];
    client.read("port", 50, (outcome) => reads.push(outcome));
    clock.advanceTo(50);
    expect(reads).toMatchObject([{ type: "failed" }]);
    store.setOutage(false);
    clock.advanceTo(200);
    expect(outcomes).toEqual([[100, "unknown"]]);
    expect(store.history).toEqual([]);
  });

  it("keeps a silent watch silent while calls pass", () => {
    const { clock, store, client, transact } = oneClient();
    let hintCount = 0;
    client.watch("port", () => (hintCount += 1));
    store.setFaults("n1", { isWatchSilent: true });
    transact();
    clock.advanceTo(200);
    expect(store.history).toHaveLength(1);
    expect(hintCount).toBe(0);
  });
});
