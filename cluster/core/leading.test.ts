import { describe, expect, it } from "vitest";
import type { LeadershipRecord, Member } from "../../kernel/record.ts";
import { releasedSequence } from "./queries.ts";
import type { Bench } from "./test-controllers.ts";
import { A, B, C, member, pairLeader, place, soloLeader, trioLeader } from "./test-controllers.ts";

const B2 = member("n2", 2);

describe("removing and adding (rule 7)", () => {
  it("adds nobody with another core or manifest", () => {
    const bench = soloLeader().join(B, null, "2").acknowledge(B, 1, 1);
    expect(bench.find("transact")).toBeUndefined();
    expect(bench.sent("snapshot")).toEqual([]);
  });

  it("re-adds at once after the first removal, and after a second within the minute a second later", () => {
    const bench = pairLeader();
    bench.runTo(bench.nowMs + 65).answer({ type: "applied", revision: 3 });
    bench.join(B, place(1, 1)).acknowledge(B, 1, 1);
    expect(bench.find("transact")?.record.inSync).toEqual([A, B]);
    bench.answer({ type: "applied", revision: 4 });
    bench.runTo(bench.nowMs + 65).answer({ type: "applied", revision: 5 });
    bench.join(B, place(1, 1)).acknowledge(B, 1, 1);
    expect(bench.find("transact")).toBeUndefined();
  });

  it("removes one that is silent for shrinkMs, and keeps the one that answers", () => {
    const bench = trioLeader().reached(2).runWith([B, C], 200);
    expect(bench.find("transact")).toBeUndefined();
    bench.runWith([B], 59);
    expect(bench.find("transact")).toBeUndefined();
    expect(bench.runWith([B], 20).find("transact")?.record.inSync).toEqual([A, B]);
  });

  it("removes one that answers but lacks a frame for shrinkMs", () => {
    const bench = pairLeader().build(1, 2);
    for (let n = 0; n < 5; n++) {
      expect(bench.run(10).find("transact")).toBeUndefined();
      bench.acknowledge(B, 1, 1);
    }
    expect(bench.run(10).find("transact")?.record.inSync).toEqual([A]);
  });

  it("adds a learner only once it holds every frame that was released", () => {
    const bench = soloLeader().join(B, null).acknowledge(B, 1, null);
    expect(bench.find("transact")).toBeUndefined();
    expect(bench.acknowledge(B, 1, 1).find("transact")?.record.inSync).toEqual([A, B]);
  });

  it.each([
    ["another core", "2", "m"],
    ["another manifest", "1", "other"],
  ])("sends nothing to one with %s", (_which, coreVersion, manifestHash) => {
    const bench = soloLeader().join(B, null, coreVersion, manifestHash);
    expect(bench.find("sendCatchUp")).toBeUndefined();
    expect(bench.state.situation).toMatchObject({ leading: { followers: [] } });
  });

  it("a learner is given up after two silent seconds", () => {
    const bench = soloLeader().join(B, null).run(1_999);
    expect(bench.build(1, 2).find("sendFrame")?.to).toEqual(["n2"]);
    expect(bench.run(1).build(1, 3).find("sendFrame")).toBeUndefined();
  });
});

describe("a node that restarted", () => {
  it("its earlier life is removed at once", () => {
    const bench = pairLeader().join(B2, place(1, 1));
    expect(bench.find("transact")?.record.inSync).toEqual([A]);
  });

  it("its earlier life is still needed for authority and outputs until the record says otherwise", () => {
    const bench = pairLeader();
    const promisedMs = bench.nowMs;
    bench.join(B2, null).build(1, 2).acknowledge(B2, 1, 2);
    expect(bench.authority()).toBe(promisedMs + 100);
    expect(releasedSequence(bench.state)).toBe(1);
    bench.applied(3);
    expect(bench.authority()).toBe(promisedMs + 100);
    expect(bench.find("transact")?.record.inSync).toEqual([A, B2]);
    bench.applied(4);
    expect(releasedSequence(bench.state)).toBe(2);
  });

  it("its earlier life's promise counts while a change that names it is under way", () => {
    const bench = soloLeader().join(B, null).acknowledge(B, 1, 1);
    expect(bench.state.view.pending?.record.inSync).toEqual([A, B]);
    const untilMs = bench.authority();
    bench.synced(1, 1).join(B2, null);
    expect(bench.authority()).toBe(untilMs);
    expect(bench.applied(2).find("transact")?.record.inSync).toEqual([A]);
  });

  it("its earlier life is sent no more frames and never handed over to", () => {
    const bench = pairLeader().join(B2, null).build(1, 2);
    expect(bench.find("sendFrame")?.to).toEqual(["n2"]);
    expect(bench.transfer("n2").find("reply")).toMatchObject({ reason: "n2 is not in sync" });
  });
});

describe("adding again after a removal", () => {
  /** Lets n2 fall silent while `others` answer, then come back: how long it waits until the leader adds it again. */
  function waitAfterRemovalMs(bench: Bench, others: readonly Member[] = []): number {
    const names = (record: LeadershipRecord | null | undefined) =>
      record?.inSync.some(({ node }) => node === "n2") === true;
    const isIn = () => names(bench.state.view.known?.record);
    bench.runWith(others, 70);
    // Plant time may have been reserved first.
    for (let n = 0; n < 2 && isIn(); n++)
      bench.applied((bench.state.view.known?.revision ?? 0) + 1);
    expect(isIn()).toBe(false);
    const removedAtMs = bench.nowMs;
    const { last } = bench.state.log;
    bench.join(B, last).acknowledge(B, 1, last?.sequence ?? 0);
    const isAdding = () => names(bench.state.view.pending?.record);
    while (!isAdding()) {
      bench.runWith([B, ...others], 40_000, undefined, () => bench.state.view.pending !== null);
      if (!isAdding()) bench.applied((bench.state.view.known?.revision ?? 0) + 1);
    }
    const waitMs = bench.nowMs - removedAtMs;
    bench.applied((bench.state.view.known?.revision ?? 0) + 1);
    return waitMs;
  }

  it("is tried at once, then after 1 s, doubling to 30 s", () => {
    const bench = trioLeader().reached(2);
    const waits = Array.from({ length: 9 }, () => waitAfterRemovalMs(bench, [C]));
    const waitsS = waits.map((waitMs) => Math.round(waitMs / 1000));
    expect(waitsS).toEqual([0, 1, 2, 4, 8, 16, 30, 30, 30]);
  });

  it("waits 4 s at most while nobody else is in sync", () => {
    const bench = pairLeader().reached(2);
    const waitsS = Array.from({ length: 6 }, () => Math.round(waitAfterRemovalMs(bench) / 1000));
    expect(waitsS).toEqual([0, 1, 2, 4, 4, 4]);
  });

  it.each([
    [59_000, 4],
    [60_100, 0],
  ])("begins anew after a minute in sync: %i ms", (inSyncMs, waitS) => {
    const bench = pairLeader().reached(2);
    for (let n = 0; n < 3; n++) waitAfterRemovalMs(bench);
    bench.isCoordinatorAnswering = true;
    bench.runWith([B], inSyncMs);
    bench.isCoordinatorAnswering = false;
    expect(Math.round(waitAfterRemovalMs(bench) / 1000)).toBe(waitS);
  });
});

describe("authority while a member is added", () => {
  it("rests on the promise that the learner gave before the record names it", () => {
    const bench = soloLeader().join(B, null).acknowledge(B, 1, 1);
    expect(bench.state.view.pending?.record.inSync).toEqual([A, B]);
    expect(bench.authority()).toBe(bench.nowMs + 100);
    expect(bench.applied(2).authority()).toBe(bench.nowMs + 100);
  });

  it("nobody is added on a promise that a stall of the leader made old; the next acknowledgement will do", () => {
    const bench = soloLeader();
    const renewed = bench.run(500).find("transact");
    expect(renewed?.record.inSync).toEqual([A]);
    bench.join(B, null).acknowledge(B, 1, 1);
    bench.nowMs += 60;
    expect(bench.applied(2).find("transact")).toBeUndefined();
    expect(bench.authority()).toBeGreaterThan(bench.nowMs + 1_000);
    expect(bench.acknowledge(B, 1, 1).find("transact")?.record.inSync).toEqual([A, B]);
  });
});

describe("a link whose answers take longer than a heartbeat", () => {
  /** Acknowledges for 200 ms, every 20 ms, what was sent 30 ms before. */
  function runSlowly(bench: Bench, sequence: number): Bench {
    for (let n = 0; n < 10; n++) {
      bench.run(20);
      if (bench.state.view.pending !== null) return bench;
      bench.acknowledge(B, 1, sequence, bench.nowMs - 30);
    }
    return bench;
  }

  it("does not keep a learner from being added, nor a standby from staying in sync", () => {
    const bench = soloLeader().join(B, null).run(30);
    bench.acknowledge(B, 1, 1, bench.nowMs - 30);
    expect(bench.state.view.pending?.record.inSync).toEqual([A, B]);
    bench.applied(2);
    expect(runSlowly(bench, 1).state.view.pending).toBeNull();
    expect(bench.authority()).toBeGreaterThan(bench.nowMs);
  });
});

describe("plant time", () => {
  it("reserves plant time anew before it runs out, with standbys too", () => {
    const bench = pairLeader().reached(2);
    const { timings } = bench.options;
    const reservedMs = bench.state.view.known?.record?.plantTimeMsMax ?? 0;
    const leftMs = reservedMs - 11_000 - timings.soloLeaseMs;
    bench.build(1, 2).runWith([B], leftMs - 20);
    expect(bench.find("transact")).toBeUndefined();
    const renewed = bench.runWith([B], 40).find("transact")?.record;
    expect(renewed?.inSync).toEqual([A, B]);
    expect(renewed?.plantTimeMsMax).toBeGreaterThan(reservedMs);
    expect(bench.authority()).toBeGreaterThan(bench.nowMs);
  });
});

describe("being left alone in the record (rules 7 and 13)", () => {
  it("waits until what was issued is on the own disk, at most 100 ms", () => {
    const bench = pairLeader().synced(1, 1).build(1, 2).acknowledge(B, 1, 2);
    expect(bench.run(99).find("transact")).toBeUndefined();
    expect(bench.run(1).find("transact")?.record.inSync).toEqual([A]);
  });

  it("puts into the record what was issued, on disk or not, so that a restart knows what it lacks", () => {
    const bench = pairLeader().synced(1, 1).build(1, 2).acknowledge(B, 1, 2).build(1, 3);
    expect(bench.run(100).find("transact")?.record.issuedSequence).toBe(2);
    // Alone, what the disk kept waiting for 100 ms counts as issued too.
    expect(bench.applied(3).run(500).find("transact")?.record.issuedSequence).toBe(3);
  });

  it("comes at once where the disk has it", () => {
    const bench = pairLeader().synced(1, 1).build(1, 2).acknowledge(B, 1, 2).run(80);
    expect(bench.find("transact")).toBeUndefined();
    expect(bench.synced(1, 2).find("transact")?.record.inSync).toEqual([A]);
  });

  it("of two that go at once the last waits", () => {
    const bench = trioLeader().synced(1, 1).build(1, 2).acknowledge(B, 1, 2).acknowledge(C, 1, 2);
    expect(bench.run(70).find("transact")?.record.inSync).toEqual([A, B]);
  });
});
