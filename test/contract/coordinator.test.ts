import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { EtcdMembers } from "../../apps/launcher/etcd-members.ts";
import { present } from "../../kernel/assert.ts";
import type { Coordinator } from "../../kernel/ports/coordinator.ts";
import {
  embeddedBench,
  etcdBench,
  memoryBench,
  servedBench,
} from "../support/coordinator-bench.ts";
import type { CoordinatorBench } from "../support/coordinator-bench.ts";
import { read, recordOf, revisionOf, step, transact } from "../support/coordinator-calls.ts";
import { startEtcdCluster } from "../support/etcd-cluster.ts";

let members: EtcdMembers | undefined;
beforeAll(async () => {
  members = await startEtcdCluster();
});
afterAll(async () => members?.stop());

const benches: readonly (readonly [string, () => Promise<CoordinatorBench>])[] = [
  ["memory", memoryBench],
  ["embedded, in process", embeddedBench],
  ["embedded, over gRPC", servedBench],
  ["etcd, three members", () => etcdBench(present(members, "the cluster has started"))],
];

let current: CoordinatorBench | undefined;
afterEach(async () => {
  await current?.close();
  current = undefined;
});

async function opened(
  open: () => Promise<CoordinatorBench>,
): Promise<readonly [CoordinatorBench, Coordinator, Coordinator]> {
  const bench = await open();
  current = bench;
  return [bench, bench.client("n1"), bench.client("n2")];
}

describe.each(benches)("coordinator: %s", (_name, open) => {
  it("reads an absent record as revision 0", async () => {
    const [bench, n1] = await opened(open);
    expect(await read(bench, n1)).toEqual({ type: "read", revision: 0, record: null });
  });

  it("shows every client what one has written", async () => {
    const [bench, n1, n2] = await opened(open);
    const revision = revisionOf(await transact(bench, n1, step(1, 0)));
    expect(revision).toBeGreaterThan(0);
    expect(await read(bench, n2)).toEqual({ type: "read", revision, record: recordOf(1) });
    const next = revisionOf(await transact(bench, n2, step(2, revision)));
    expect(next).toBeGreaterThan(revision);
    expect(await read(bench, n1)).toEqual({ type: "read", revision: next, record: recordOf(2) });
  });

  it("creates a record once, and shows the loser who was first", async () => {
    const [bench, n1, n2] = await opened(open);
    const outcomes = await Promise.all([
      transact(bench, n1, { ...step(1, 0), record: recordOf(1, "n1") }),
      transact(bench, n2, { ...step(1, 0), record: recordOf(1, "n2") }),
    ]);
    expect(outcomes.map(({ type }) => type).sort()).toEqual(["applied", "refused"]);
    const winner = outcomes[0]?.type === "applied" ? "n1" : "n2";
    const revision = Math.max(...outcomes.map(revisionOf));
    expect(outcomes).toContainEqual({ type: "refused", revision, record: recordOf(1, winner) });
  });

  it("refuses what was based on another revision or another nonce", async () => {
    const [bench, n1] = await opened(open);
    const revision = revisionOf(await transact(bench, n1, step(1, 0)));
    const refused = { type: "refused", revision, record: recordOf(1) };
    expect(await transact(bench, n1, step(2, revision + 1))).toEqual(refused);
    expect(await transact(bench, n1, step(3, revision))).toEqual(refused);
    expect(await transact(bench, n1, step(1, 0))).toEqual(refused);
    expect(await read(bench, n1)).toEqual({ ...refused, type: "read" });
  });

  it("refuses to replace a record that is not there", async () => {
    const [bench, n1] = await opened(open);
    const refused = { type: "refused", revision: 0, record: null };
    expect(await transact(bench, n1, step(2, 7))).toEqual(refused);
  });

  it("loses no update where four clients race, and numbers each", async () => {
    const [bench, ...two] = await opened(open);
    const clients = [...two, bench.client("n3"), bench.client("n4")];
    const applied: number[] = [];
    const race = async (client: Coordinator) => {
      for (;;) {
        const seen = await read(bench, client);
        if (seen.type !== "read") continue;
        const epoch = (seen.record?.epoch ?? 0) + 1;
        if (epoch > 24) return;
        const outcome = await transact(bench, client, step(epoch, seen.revision));
        if (outcome.type === "applied") applied.push(outcome.revision);
      }
    };
    await Promise.all(clients.map(race));
    expect(applied).toHaveLength(24);
    expect(new Set(applied).size).toBe(24);
    expect(await read(bench, two[0])).toMatchObject({
      record: recordOf(24),
      revision: Math.max(...applied),
    });
  });

  it("keeps grids apart", async () => {
    const [bench, n1] = await opened(open);
    await transact(bench, n1, step(1, 0, "port"));
    expect(await read(bench, n1, 1000, "starboard")).toMatchObject({ revision: 0, record: null });
    expect(await transact(bench, n1, step(1, 0, "starboard"))).toMatchObject({ type: "applied" });
  });

  it("answers later and exactly once", async () => {
    const [bench, n1] = await opened(open);
    let isInside = true;
    const answers: string[] = [];
    n1.read("port", 1000, ({ type }) => answers.push(isInside ? "inside" : type));
    n1.transact(step(1, 0), 1000, ({ type }) => answers.push(isInside ? "inside" : type));
    isInside = false;
    await bench.until("both are answered", () => answers.length >= 2);
    const untilMs = bench.nowMs() + 1200;
    await bench.until("the deadline passes", () => bench.nowMs() > untilMs);
    expect(answers.sort()).toEqual(["applied", "read"]);
  });

  it("hints at changes of the watched grid until cancelled", async () => {
    const [bench, n1, n2] = await opened(open);
    let hintCount = 0;
    const cancel = n2.watch("port", () => (hintCount += 1));
    let revision = 0;
    for (let epoch = 1; epoch <= 3; epoch++) {
      // A watch that is only being set up may miss a change; the next one must reach it.
      const before = hintCount;
      revision = revisionOf(await transact(bench, n1, step(epoch, revision)));
      await bench.until("a hint comes", () => hintCount > before);
    }
    cancel();
    const after = hintCount;
    await transact(bench, n1, step(4, revision));
    const untilMs = bench.nowMs() + 200;
    await bench.until("time passes", () => bench.nowMs() > untilMs);
    expect(hintCount).toBe(after);
  });

  it("says how many endpoints answer", async () => {
    const [bench, n1] = await opened(open);
    const { kind, endpointCount } = n1.status();
    expect(kind).toBe(bench.kind);
    expect(endpointCount).toBe(bench.kind === "etcd" ? 3 : 1);
    await read(bench, n1);
    await bench.until("all answer", () => n1.status().reachableCount === endpointCount);
  });
});

const cuttable = benches.filter(([name]) => name !== "embedded, in process");

describe.each(cuttable)("coordinator cut off: %s", (_name, open) => {
  it("fails reads and leaves transactions unknown at the deadline, and recovers by itself", async () => {
    const [bench, n1] = await opened(open);
    const setCut = present(bench.setCut, "this bench can be cut");
    const first = revisionOf(await transact(bench, n1, step(1, 0)));
    const { endpointCount } = n1.status();
    await bench.until("all answer", () => n1.status().reachableCount === endpointCount);
    let hintCount = 0;
    n1.watch("port", () => (hintCount += 1));

    setCut(true);
    const startMs = bench.nowMs();
    expect(await read(bench, n1, 150)).toMatchObject({ type: "failed" });
    expect(bench.nowMs() - startMs).toBeLessThan(400);
    expect(await transact(bench, n1, step(2, first), 150)).toMatchObject({ type: "unknown" });
    await bench.until("the loss is known", () => {
      n1.read("port", 150, () => {});
      return n1.status().reachableCount === 0;
    });

    setCut(false);
    let record = await read(bench, n1, 150);
    const endMs = bench.nowMs() + 10_000;
    while (record.type !== "read" && bench.nowMs() < endMs) record = await read(bench, n1, 150);
    // The transaction of unknown outcome was applied or was not: nothing else.
    const epoch = record.type === "read" ? record.record?.epoch : undefined;
    expect([1, 2]).toContain(epoch);
    const before = hintCount;
    const outcome = await transact(
      bench,
      n1,
      step((epoch ?? 0) + 1, record.type === "read" ? record.revision : 0),
    );
    expect(outcome.type).toBe("applied");
    await bench.until("hints come again", () => hintCount > before);
  });
});
