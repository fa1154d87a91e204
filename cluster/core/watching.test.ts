import { describe, expect, it } from "vitest";
import {
  A,
  B,
  Bench,
  C,
  leaderByHandover,
  pairLeader,
  place,
  record,
  soloLeader,
  standby,
  trioLeader,
} from "./test-controllers.ts";

function answered(bench: Bench): Bench {
  bench.isCoordinatorAnswering = true;
  return bench.reached(2);
}

describe("REDUNDANCY_LOST (plant safety, rule 9)", () => {
  it("is raised when no standby was in sync for 2 s, and cleared when one is", () => {
    const bench = answered(pairLeader()).runWith([B], 5_000).run(60);
    const revision = bench.state.view.known?.revision ?? 0;
    expect(bench.applied(revision + 1).find("inSyncChanged")?.inSync).toEqual([A]);
    const lostAtMs = bench.nowMs;
    expect(bench.runWith([], 1_990).alarms()).toEqual([]);
    expect(bench.runWith([], 10).alarms()).toEqual(["+REDUNDANCY_LOST"]);
    expect(bench.nowMs).toBe(lostAtMs + 2_000);
    bench.join(B, bench.state.log.last).acknowledge(B, 1, 1);
    expect(bench.runWith([B], 20).alarms()).toEqual(["-REDUNDANCY_LOST"]);
  });

  it("is not raised for a shorter time", () => {
    const bench = answered(pairLeader({ order: ["n1", "n2"] }))
      .run(60)
      .applied(3);
    bench.runWith([], 1_900).join(B, bench.state.log.last).acknowledge(B, 1, 1);
    expect(bench.runWith([B], 5_000).alarms()).toEqual([]);
  });

  it("is raised by a new leader that nobody joins", () => {
    const bench = answered(soloLeader());
    expect(bench.runWith([], 2_100).alarms()).toContain("+REDUNDANCY_LOST");
  });

  it("is unknown to a grid with one controller", () => {
    const bench = answered(soloLeader({ order: ["n1"] }));
    expect(bench.runWith([], 10_000).alarms()).toEqual(["+JOURNAL_SLOW"]);
  });
});

describe("REDUNDANCY_REDUCED (plant safety, rule 9)", () => {
  it("is raised when not every controller was in sync for 2 s, and cleared when all are", () => {
    const bench = answered(pairLeader());
    expect(bench.runWith([B], 2_100).alarms()).toEqual(["+REDUNDANCY_REDUCED"]);
    bench.join(C, null).acknowledge(C, 1, 1);
    expect(bench.runWith([B, C], 20).alarms()).toEqual(["-REDUNDANCY_REDUCED"]);
  });

  it("says nothing of a set that is whole", () => {
    expect(answered(trioLeader()).runWith([B, C], 10_000).alarms()).toEqual([]);
  });
});

describe("AUTHORITY_LOST (plant safety, rule 9)", () => {
  it("is raised when the leader was without authority for holdMs, and cleared at once", () => {
    const bench = pairLeader().synced(1, 1);
    const lostAtMs = bench.authority();
    expect(bench.runTo(lostAtMs + 499).alarms()).toEqual([]);
    expect(bench.authority()).toBeLessThan(bench.nowMs);
    expect(bench.runTo(lostAtMs + 500).alarms()).toEqual(["+AUTHORITY_LOST"]);
    expect(bench.acknowledge(B, 1, 1).alarms()).toEqual(["-AUTHORITY_LOST"]);
  });

  it("is raised by a solo leader that cannot renew the record", () => {
    const bench = soloLeader().synced(1, 1);
    const lostAtMs = bench.authority();
    expect(bench.runTo(lostAtMs + 499).alarms()).not.toContain("+AUTHORITY_LOST");
    expect(bench.runTo(lostAtMs + 500).alarms()).toEqual(["+AUTHORITY_LOST"]);
  });

  it("is not raised while the first promises of a new leadership are on their way", () => {
    const bench = new Bench("n2").start(place(4, 100)).read(10, record(4, A, [A, B]));
    bench.heartbeat(A, 4, 10).resigned(A, 4, 100, 10).applied(11);
    expect(bench.run(499).alarms()).toEqual([]);
    expect(bench.run(1).alarms()).toEqual(["+AUTHORITY_LOST"]);
  });

  it("is not raised for members that come and go", () => {
    const bench = answered(leaderByHandover());
    for (let n = 0; n < 20; n++) {
      expect(bench.runWith([A], 500).alarms()).not.toContain("+AUTHORITY_LOST");
      expect(bench.runWith([], 150).alarms()).not.toContain("+AUTHORITY_LOST");
      bench.join(A, bench.state.log.last).acknowledge(A, 5, 101);
    }
  });
});

describe("alarms of a leader end with its leadership", () => {
  const alarmed = () => {
    const bench = answered(pairLeader()).runWith([B], 2_100);
    expect(bench.state.activeAlarms).toEqual(["REDUNDANCY_REDUCED"]);
    return bench;
  };

  it("when another leads", () => {
    expect(alarmed().heartbeat(C, 2, 9).alarms()).toEqual(["-REDUNDANCY_REDUCED"]);
  });

  it("when it hands over, even if it must take over anew and then loses", () => {
    const bench = alarmed().transfer("n2").build(1, 2).acknowledge(B, 1, 2);
    bench.feed({ type: "writes.settled" }).run(200);
    expect(bench.alarms()).toEqual(["-REDUNDANCY_REDUCED"]);
    bench.answer({ type: "refused", revision: 3, record: record(2, B, [B, A]) });
    expect(bench.state.activeAlarms).toEqual([]);
  });
});

describe("JOURNAL_SLOW (rule 4)", () => {
  it("is raised by a solo leader whose frame is not on disk after 100 ms, cleared when the disk has caught up", () => {
    const bench = soloLeader();
    expect(bench.run(99).alarms()).toEqual([]);
    expect(bench.run(1).alarms()).toEqual(["+JOURNAL_SLOW"]);
    bench.build(1, 2);
    expect(bench.synced(1, 1).alarms()).toEqual([]);
    expect(bench.synced(1, 2).alarms()).toEqual(["-JOURNAL_SLOW"]);
  });

  it("is not raised where standbys hold every frame", () => {
    expect(answered(trioLeader()).runWith([B, C], 1_000).alarms()).toEqual([]);
  });
});

describe("CLOCK_JUMPED", () => {
  it("is raised before the incarnation ends, whatever its role", () => {
    const bench = standby().feed({ type: "clock.jumped", reason: "suspended for 3 s" });
    expect(bench.alarms()).toEqual(["+CLOCK_JUMPED"]);
    expect(bench.effects.at(-1)).toEqual({ type: "restart", reason: "suspended for 3 s" });
  });
});
