import { Etcd3 } from "etcd3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { EtcdMembers } from "../../apps/launcher/etcd-members.ts";
import { createEtcdCoordinator } from "../../cluster/node/etcd-coordinator.ts";
import { NO_LOG } from "../../cluster/node/node-log.ts";
import { createSystemClock } from "../../cluster/node/system-clock.ts";
import type { Coordinator } from "../../kernel/ports/coordinator.ts";
import { read, recordOf, revisionOf, step, transact } from "../support/coordinator-calls.ts";
import { startEtcdCluster } from "../support/etcd-cluster.ts";
import { eventually } from "../support/eventually.ts";

const bench = { until: eventually };
const CALL_MS = 150;

describe("etcd coordinator", () => {
  let members: EtcdMembers;
  let client: Coordinator;
  let other: Etcd3;
  let installationCount = 0;
  let root: string;
  beforeAll(async () => {
    members = await startEtcdCluster();
  });
  afterAll(() => members.stop());

  // Each test is an installation of its own, and leaves the cluster whole.
  beforeEach(async () => {
    installationCount += 1;
    root = `r-ems/vessel${installationCount}`;
    client = createEtcdCoordinator({
      installation: `vessel${installationCount}`,
      endpoints: members.endpoints,
      clock: createSystemClock(),
      log: NO_LOG,
    });
    other = new Etcd3({ hosts: members.endpoints.map((endpoint) => `http://${endpoint}`) });
    await eventually("all answer", () => client.status().reachableCount === 3);
  });
  afterEach(async () => {
    await client.close();
    other.close();
  });

  /** Writes on for so long; returns the longest time without an applied write. */
  async function writeFor(durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    let appliedAtMs = performance.now();
    let gapMsMax = 0;
    while (performance.now() < endMs) {
      const seen = await read(bench, client, CALL_MS);
      if (seen.type !== "read") continue;
      const epoch = (seen.record?.epoch ?? 0) + 1;
      const outcome = await transact(bench, client, step(epoch, seen.revision), CALL_MS);
      if (outcome.type === "applied") appliedAtMs = performance.now();
      gapMsMax = Math.max(gapMsMax, performance.now() - appliedAtMs);
    }
    return gapMsMax;
  }

  it.each<NodeJS.Signals>(["SIGKILL", "SIGSTOP"])(
    "goes on within a second and a half when any member gets %s, and counts it out and in",
    async (signal) => {
      for (const index of [0, 1, 2]) {
        members.kill(index, signal);
        expect(await writeFor(1800)).toBeLessThan(1500);
        await eventually("two are counted", () => client.status().reachableCount === 2);
        if (signal === "SIGSTOP") members.kill(index, "SIGCONT");
        else await members.restart(index);
        await eventually("three are counted", () => client.status().reachableCount === 3);
      }
    },
    40_000,
  );

  it("keeps hinting when the member that it watches at is gone", async () => {
    const hints = { count: 0 };
    client.watch("port", () => (hints.count += 1));
    members.kill(0, "SIGSTOP");
    await writeFor(500);
    const before = hints.count;
    for (let i = 0; i < 100 && hints.count === before; i++) await writeFor(20);
    expect(hints.count).toBeGreaterThan(before);
    members.kill(0, "SIGCONT");
  });

  it("holds nothing for certain without a majority", async () => {
    const revision = revisionOf(await transact(bench, client, step(1, 0)));
    members.kill(1);
    members.kill(2);
    expect(await transact(bench, client, step(2, revision), CALL_MS)).toMatchObject({
      type: "unknown",
    });
    await eventually("none counts", () => client.status().reachableCount === 0);
    const startMs = performance.now();
    for (let i = 0; i < 5; i++) {
      expect(await read(bench, client, CALL_MS)).toMatchObject({ type: "failed" });
    }
    // Whoever asks again at once is slowed down, but no call outlasts its deadline by much.
    expect(performance.now() - startMs).toBeGreaterThan(200);
    expect(performance.now() - startMs).toBeLessThan(5 * CALL_MS + 1000);
    await Promise.all([members.restart(1), members.restart(2)]);
    let seen = await read(bench, client, CALL_MS);
    await eventually("reads come back", () => {
      client.read("port", CALL_MS, (outcome) => (seen = outcome));
      return seen.type === "read";
    });
    expect(seen).toMatchObject({ type: "read" });
  });

  it("never takes for absent what it cannot read, and leaves it alone", async () => {
    await other.put(`${root}/grids/port/record`).value("not a record");
    expect(await read(bench, client)).toMatchObject({
      type: "failed",
      reason: expect.stringContaining("REMS_RECORD_INVALID") as string,
    });
    expect(await transact(bench, client, step(1, 0))).toMatchObject({ type: "unknown" });
    expect(await other.get(`${root}/grids/port/record`).string()).toBe("not a record");
  });

  it("refuses by the nonce alone where a restored backup brings an old revision back", async () => {
    const revision = revisionOf(await transact(bench, client, step(1, 0)));
    await other.put(`${root}/grids/port/nonce`).value("f".repeat(32));
    expect(await transact(bench, client, step(2, revision))).toEqual({
      type: "refused",
      revision,
      record: recordOf(1),
    });
  });

  it("announces a node under a lease", async () => {
    client.announce("n1", "here");
    const key = `${root}/presence/n1`;
    let lease = "0";
    await eventually("the key appears", async () => {
      const { kvs } = await other.get(key).exec();
      lease = kvs[0]?.lease ?? "0";
      return lease !== "0";
    });
    const { grantedTTL } = await other.leaseClient.leaseTimeToLive({ ID: lease });
    expect(Number(grantedTTL)).toBe(10);
  });
});
