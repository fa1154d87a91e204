import { describe, expect, it } from "vitest";
import { createCluster } from "./cluster.ts";

/** A cluster whose whole set is in sync. */
function ready(seed = 1) {
  const cluster = createCluster({ seed });
  cluster.startAll();
  cluster.until("the whole set in sync", cluster.isInSync, 10_000);
  cluster.clock.advanceBy(1000);
  return cluster;
}

describe("the control loop on virtual time", () => {
  it("brings the first in order to lead, and the others in sync", () => {
    const cluster = ready();
    expect(cluster.leader()).toBe("n1");
    expect(
      cluster
        .view("n1")
        .inSync.map((member) => member.node)
        .sort(),
    ).toEqual(["n1", "n2", "n3"]);
  });

  it("hands every acknowledged scan's level to the device", () => {
    const cluster = ready();
    const before = cluster.plant.writes.length;
    cluster.clock.advanceBy(1000);
    const accepted = cluster.plant.writes.slice(before).filter((write) => write.isAccepted);
    expect(accepted.length).toBeGreaterThanOrEqual(9);
    expect(new Set(accepted.map((write) => write.node))).toEqual(new Set(["n1"]));
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "gives the grid to the next in order when the leader dies (seed %i)",
    (seed) => {
      const cluster = ready(seed);
      cluster.clock.advanceBy(seed * 13);
      const faultAtMs = cluster.clock.monotonicMs();
      const countBefore = cluster.plant.writes.length;
      cluster.kill("n1");
      cluster.until("a new leader", () => cluster.leader() === "n2", 400);
      cluster.until(
        "its first write",
        () => cluster.plant.writes.some((write) => write.node === "n2"),
        20,
      );
      const gapMs = cluster.clock.monotonicMs() - faultAtMs;
      expect(gapMs).toBeLessThanOrEqual(200);
      cluster.until("n3 in sync again", cluster.isInSync, 2000);
      cluster.clock.advanceBy(1000);
      const after = cluster.plant.writes.slice(countBefore);
      const firstNew = after.findIndex((write) => write.node === "n2");
      expect(
        after.slice(firstNew).filter((write) => write.node === "n1" && write.isAccepted),
      ).toEqual([]);
      // The counter goes on where it stood: nothing that was issued is forgotten.
      const lastOld = after
        .slice(0, firstNew)
        .filter((write) => write.isAccepted)
        .at(-1);
      if (lastOld !== undefined)
        expect(Number(after[firstNew]?.value)).toBeGreaterThan(Number(lastOld.value));
    },
  );

  it("keeps replicas at equal hashes", () => {
    const cluster = ready();
    cluster.clock.advanceBy(3000);
    const hashes = cluster.nodes.map((node) => cluster.view(node).stateHash);
    expect(hashes[0]).not.toBeNull();
    expect(hashes[1]).toEqual(hashes[0]);
    expect(hashes[2]).toEqual(hashes[0]);
  });

  it("lets a write leave only while authority lasts longer than the write takes", () => {
    const cluster = ready();
    const { writeMs, leaseMs } = { writeMs: 20, leaseMs: 100 };
    const gate = cluster.gate("n1");
    const may = (forMs: number) => gate.epochForWrite("port", "dg1", forMs) !== null;
    expect(may(writeMs)).toBe(true);
    cluster.network.setIsolated("n1", true);
    cluster.coordinator.setFaults("n1", { isCut: true });
    cluster.until("no time left for a write", () => !may(writeMs), leaseMs);
    expect(may(0)).toBe(true);
    cluster.clock.advanceBy(writeMs - 2);
    expect(may(0)).toBe(true);
    cluster.clock.advanceBy(3);
    expect(may(0)).toBe(false);
  });

  it("takes a killed node back as a standby, without moving leadership", () => {
    const cluster = ready();
    cluster.kill("n1");
    cluster.until("n2 leads", () => cluster.leader() === "n2", 400);
    cluster.clock.advanceBy(500);
    cluster.start("n1");
    cluster.until("n1 in sync", cluster.isInSync, 5000);
    cluster.clock.advanceBy(200);
    expect(cluster.leader()).toBe("n2");
    expect(cluster.view("n1").role).toBe("standby");
  });

  it("comes back after all nodes died, by the best journal", () => {
    const cluster = ready();
    for (const node of cluster.nodes) cluster.kill(node);
    const countBefore = Number(cluster.plant.writes.at(-1)?.value);
    cluster.clock.advanceBy(10_000);
    cluster.startAll();
    cluster.until("a leader", () => cluster.leader() !== null, 12_000);
    cluster.until("the whole set in sync", cluster.isInSync, 12_000);
    cluster.clock.advanceBy(500);
    expect(Number(cluster.plant.writes.at(-1)?.value)).toBeGreaterThanOrEqual(countBefore);
  });

  it("takes facts of every node about itself into the frames, under the node's name, whoever leads", () => {
    const cluster = ready();
    cluster.loop("n2").setNodeFact("disk.isFull", true);
    cluster.loop("n1").setNodeFact("disk.isFull", false);
    cluster.clock.advanceBy(400);
    const factsOf = (node: string) =>
      Object.fromEntries(
        (cluster.disks.get(node)?.recover("port").frames ?? []).flatMap(({ frame }) => frame.facts),
      );
    expect(factsOf("n1")).toMatchObject({ "disk.isFull@n1": false, "disk.isFull@n2": true });
    cluster.kill("n1");
    cluster.until("a new leader", () => cluster.leader() === "n2", 400);
    // A leader tells its own, and what it hears now: nothing that it heard when it led before.
    cluster.loop("n3").setNodeFact("disk.isFull", true);
    cluster.loop("n2").setNodeFact("disk.isFull", false);
    cluster.clock.advanceBy(1500);
    expect(factsOf("n2")).toMatchObject({ "disk.isFull@n2": false, "disk.isFull@n3": true });
  });

  it("hands over on request without leaving out a scan", () => {
    const cluster = ready();
    const countBefore = cluster.plant.writes.length;
    cluster.loop("n1").transfer("r1", "n3", "test");
    cluster.until("n3 leads", () => cluster.leader() === "n3", 1000);
    cluster.until(
      "n3 writes",
      () => cluster.plant.writes.some((write) => write.node === "n3"),
      200,
    );
    cluster.clock.advanceBy(500);
    const times = cluster.plant.writes
      .slice(countBefore)
      .filter((write) => write.isAccepted)
      .map((write) => write.atMs);
    const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(210);
    expect(cluster.replies.find((reply) => reply.requestId === "r1")?.isAccepted).toBe(true);
  });

  it("answers a request at a standby with the leader's name, and one at the leader once it is replicated", () => {
    const cluster = ready();
    cluster.request("n2", "a");
    cluster.request("n1", "b");
    cluster.clock.advanceBy(300);
    expect(cluster.replies.find((reply) => reply.requestId === "a")).toMatchObject({
      isAccepted: false,
      code: "REMS_NOT_LEADER",
    });
    expect(cluster.replies.find((reply) => reply.requestId === "a")?.reason).toContain("n1");
    expect(cluster.replies.find((reply) => reply.requestId === "b")).toMatchObject({
      isAccepted: true,
    });
    expect(cluster.plant.writes.filter((write) => write.kind === "command").length).toBe(1);
  });

  it("keeps a leader that lost both standbys but reaches the coordinator", () => {
    const cluster = ready();
    cluster.network.setIsolated("n1", true);
    cluster.clock.advanceBy(5000);
    expect(cluster.leader()).toBe("n1");
  });

  it("never lets two controllers write while the leader is cut off and comes back", () => {
    const cluster = ready();
    cluster.network.setIsolated("n1", true);
    cluster.coordinator.setFaults("n1", { isCut: true });
    cluster.until(
      "another leader",
      () => cluster.leader() !== "n1" && cluster.leader() !== null,
      1000,
    );
    cluster.clock.advanceBy(2000);
    cluster.network.setIsolated("n1", false);
    cluster.coordinator.setFaults("n1", {});
    cluster.until("the whole set in sync", cluster.isInSync, 40_000);
    const accepted = cluster.plant.writes.filter((write) => write.isAccepted);
    const epochs = accepted.map((write) => write.epoch);
    expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
    expect(cluster.plant.writes.filter((write) => !write.isAccepted)).toEqual([]);
  });

  it("goes on alone when both standbys died, and holds when the coordinator is gone as well", () => {
    const cluster = ready();
    cluster.kill("n2");
    cluster.kill("n3");
    cluster.clock.advanceBy(3000);
    expect(cluster.leader()).toBe("n1");
    cluster.coordinator.setOutage(true);
    cluster.clock.advanceBy(3000);
    expect(cluster.leader()).toBeNull();
    cluster.coordinator.setOutage(false);
    cluster.until("n1 commands again", () => cluster.leader() === "n1", 5000);
  });

  it("stops in order: the next one leads before the old one is gone", () => {
    const cluster = ready();
    let isStopped = false;
    cluster.loop("n1").stop(() => {
      isStopped = true;
    });
    cluster.until("n1 let go", () => isStopped, 1000);
    cluster.until("n2 leads", () => cluster.leader() === "n2", 500);
  });

  it("stops at once where nothing can be handed over: a controller that is fenced already", () => {
    const cluster = ready();
    const loop = cluster.loop("n2");
    cluster.sleep("n2", 1000);
    let isStopped = false;
    loop.stop(() => {
      isStopped = true;
    });
    expect(isStopped).toBe(true);
    cluster.clock.advanceBy(1000);
    expect(cluster.leader()).toBe("n1");
  });

  it.each([
    [3, "the frames that it missed", false],
    [30, "a snapshot, which is shorter", true],
  ])("gives a node that was away for %i s %s", (awayS, _what, isSnapshot) => {
    const cluster = ready();
    cluster.kill("n3");
    cluster.clock.advanceBy(awayS * 1000);
    const before = cluster.trace.length;
    cluster.start("n3");
    cluster.until("n3 in sync", cluster.isInSync, 40_000);
    expect(cluster.trace.slice(before).some((line) => line.includes("n3 snapshot"))).toBe(
      isSnapshot,
    );
    cluster.clock.advanceBy(2000);
    expect(cluster.view("n3").stateHash).toEqual(cluster.view("n1").stateHash);
  });
});
