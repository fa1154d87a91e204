import { describe, expect, it } from "vitest";
import { mayAcceptCommands, mayBuildFrame, roleOf } from "./queries.ts";
import type { Bench } from "./test-controllers.ts";
import {
  A,
  B,
  C,
  REACH,
  leaderByHandover,
  pairLeader,
  reaching,
  soloLeader,
  standby,
  trioLeader,
} from "./test-controllers.ts";

/** Where the handover under way goes to; null where none is. */
function target(bench: Bench): string | null {
  const { situation } = bench.state;
  return situation.role === "handing-over" ? situation.handover.to.node : null;
}

/** n1 completes the scan of a handover to n2 and gives up authority. */
function resign(bench: Bench): Bench {
  const { situation, log } = bench.state;
  const epoch = situation.role === "handing-over" ? situation.leading.epoch : 0;
  const sequence = (log.last?.sequence ?? 0) + 1;
  return bench
    .build(epoch, sequence)
    .acknowledge(B, epoch, sequence)
    .feed({ type: "writes.settled" });
}

describe("a planned handover", () => {
  it("completes a scan, settles writes, gives up authority, then resigns; the old epoch is never resumed", () => {
    const bench = pairLeader();
    expect(bench.transfer("n2").find("reply")).toMatchObject({ isAccepted: true });
    bench.build(1, 2);
    expect(mayBuildFrame(bench.state)).toBe(false);
    expect(bench.acknowledge(B, 1, 2).find("settleWrites")).toBeDefined();
    bench.feed({ type: "writes.settled" });
    expect(bench.authority()).toBe(Number.NEGATIVE_INFINITY);
    expect(bench.sent("resigned")[0]?.message).toMatchObject({
      sequence: 2,
      revision: 2,
      inSync: [A, B],
    });
    expect(bench.runTo(bench.nowMs + 200).find("transact")).toMatchObject({
      expectedRevision: 2,
      record: { epoch: 2, inSync: [A] },
    });
  });

  it("the target takes over at once with every member that holds the last frame", () => {
    const bench = standby([A, B]);
    bench.resigned(A, 4, 100, 10);
    expect(bench.find("transact")?.record).toMatchObject({ epoch: 5, leader: B, inSync: [A, B] });
    bench.answer({ type: "applied", revision: 11 });
    expect(bench.authority()).toBe(Number.NEGATIVE_INFINITY);
    expect(bench.acknowledge(A, 5, null).authority()).toBe(bench.nowMs + 100);
  });

  it("ends the taking of commands at once", () => {
    const bench = pairLeader();
    expect(mayAcceptCommands(bench.state)).toBe(true);
    expect(mayAcceptCommands(bench.transfer("n2").state)).toBe(false);
  });

  it("is called off where the target does not acknowledge the last scan; the leader goes on", () => {
    const bench = pairLeader().transfer("n2").build(1, 2).run(100);
    expect(roleOf(bench.state)).toBe("leading");
    expect(bench.state.view.pending?.record.inSync).toEqual([A]);
    expect(mayBuildFrame(bench.state)).toBe(true);
  });

  it("one that a late standby called off is tried again ioLossMs later, as it was accepted", () => {
    const bench = trioLeader().reached(REACH.reachedCount).runWith([B, C], 100).transfer("n2");
    bench.isCoordinatorAnswering = true;
    bench.runWith([B], 70);
    expect(bench.state.reason).toBe("handover to n2 called off: n3 does not answer");
    expect(roleOf(bench.runWith([B], 450).state)).toBe("leading");
    expect(target(bench.runWith([B], 60))).toBe("n2");
  });

  it("one that its target did not bring about is tried again once it is back in sync", () => {
    const bench = resign(pairLeader().transfer("n2")).run(200).applied(3);
    bench.build(2, 3).join(B, null).acknowledge(B, 2, 3).applied(4);
    bench.isCoordinatorAnswering = true;
    expect(target(bench.runWith([B], 50))).toBe("n2");
  });

  it("is tried again for five seconds, not longer, and then says that it was given up", () => {
    const bench = pairLeader().transfer("n2").build(1, 2).run(100).applied(3);
    bench.isCoordinatorAnswering = true;
    bench.run(4_890);
    expect(bench.state.asked).not.toBeNull();
    bench.run(20);
    expect(bench.state.asked).toBeNull();
    expect(bench.state.reason).toBe(
      "the handover to n2 was given up; handover to n2 called off: n2 does not answer",
    );
  });

  it("one that was accepted is void once another leads", () => {
    const bench = pairLeader().transfer("n2").build(1, 2).run(100).applied(3);
    expect(bench.heartbeat(C, 2, 4).state.asked).toBeNull();
  });

  it("the old leader follows the new one, and says so no later than its first message", () => {
    const bench = resign(pairLeader().transfer("n2")).heartbeat(B, 2, 3);
    expect(bench.sent("acknowledge")[0]?.to).toBe("n2");
    expect(bench.state.view.reading).not.toBeNull();
    expect(bench.run(1_000).find("transact")).toBeUndefined();
  });

  it("a resignation releases nobody under another record, without the last frame, or of another leader", () => {
    expect(standby([A, B]).resigned(A, 4, 100, 9).find("transact")).toBeUndefined();
    expect(standby([A, B]).resigned(A, 4, 101, 10).find("transact")).toBeUndefined();
    expect(standby([A, B, C]).resigned(C, 4, 100, 10).find("transact")).toBeUndefined();
    expect(standby([A, C]).resigned(A, 4, 100, 10).find("transact")).toBeUndefined();
  });
});

describe("a transfer is refused", () => {
  const NOT_LEADER = "REMS_NOT_LEADER";
  const REFUSED = "REMS_REQUEST_REFUSED";

  it.each([
    ["by one that does not lead", standby, "n3", NOT_LEADER, "this controller is standby"],
    ["to itself", pairLeader, "n1", REFUSED, "n1 leads already"],
    ["to one not in sync", pairLeader, "n3", REFUSED, "n3 is not in sync"],
    [
      "to an unknown node",
      pairLeader,
      "n9",
      REFUSED,
      "n9 is no controller of grid port; its controllers are n1, n2, n3",
    ],
    [
      "while a change of the record is in flight",
      () => pairLeader().join(C, null).acknowledge(C, 1, 1),
      "n2",
      REFUSED,
      "a change of the record is in flight; try again",
    ],
    [
      "while another handover is under way",
      () => pairLeader().transfer("n2"),
      "n2",
      REFUSED,
      "a handover is under way already",
    ],
    ["to a learner", () => soloLeader().join(B, null), "n2", REFUSED, "n2 is not in sync"],
  ] as const)("%s", (_when, make, toNode, code, reason) => {
    const bench = make();
    const before = roleOf(bench.state);
    expect(bench.transfer(toNode).find("reply")).toEqual({
      type: "reply",
      requestId: "t",
      isAccepted: false,
      code,
      reason,
    });
    expect(roleOf(bench.state)).toBe(before);
  });

  it("by a leader that just then has no authority", () => {
    const bench = leaderByHandover();
    bench.nowMs += 101;
    expect(bench.transfer("n1").find("reply")?.reason).toBe("this controller has no authority now");
  });
});

describe("failback (rule 12)", () => {
  const AUTOMATIC = { failback: "automatic", failbackDelayMs: 5_000 } as const;

  it("leadership does not move back by itself", () => {
    const bench = leaderByHandover().runWith([A], 20_000);
    expect(roleOf(bench.state)).toBe("leading");
  });

  it("automatic: goes to the preferred controller once it has been in sync for failbackDelayS", () => {
    const bench = leaderByHandover(AUTOMATIC).runWith([A], 4_990);
    expect(roleOf(bench.state)).toBe("leading");
    expect(target(bench.runWith([A], 20))).toBe("n1");
    expect(bench.state.reason).toBe("n1 is preferred");
  });

  it("automatic: not to a preferred controller that reaches fewer devices than the leader", () => {
    const bench = leaderByHandover(AUTOMATIC).runWith([A], 10_000, reaching(1));
    expect(roleOf(bench.state)).toBe("leading");
    expect(target(bench.runWith([A], 20, reaching(2)))).toBe("n1");
  });

  it("automatic: only the first in order is preferred", () => {
    const bench = trioLeader(AUTOMATIC).reached(2).runWith([B, C], 10_000);
    expect(roleOf(bench.state)).toBe("leading");
  });

  it("automatic: the delay begins anew when the preferred controller was out of sync", () => {
    const bench = leaderByHandover(AUTOMATIC).runWith([A], 4_000);
    bench.run(70).applied(12).join(A, bench.state.log.last).acknowledge(A, 5, 101).applied(13);
    expect(roleOf(bench.runWith([A], 4_990).state)).toBe("leading");
    expect(target(bench.runWith([A], 20))).toBe("n1");
  });

  it("automatic: one that was called off is wished again a while later", () => {
    const bench = leaderByHandover(AUTOMATIC).runWith([A], 5_010);
    expect(target(bench)).toBe("n1");
    // The loop builds no frame: nothing can be completed.
    bench.runWith([A], 610);
    expect(roleOf(bench.state)).toBe("leading");
    expect(roleOf(bench.runWith([A], 470).state)).toBe("leading");
    expect(target(bench.runWith([A], 30))).toBe("n1");
  });
});

describe("a leader that loses its plant (rule 14, plant safety rule 9)", () => {
  it("hands over to an in-sync standby that reaches more for ioLossMs", () => {
    const bench = pairLeader().reached(2).runWith([B], 200);
    bench.reached(1).runWith([B], 10);
    expect(roleOf(bench.runWith([B], 490).state)).toBe("leading");
    expect(target(bench.runWith([B], 10))).toBe("n2");
    expect(bench.state.reason).toBe("n2 reaches 2 critical devices, this controller 1");
  });

  it("keeps the lead through shorter losses", () => {
    const bench = pairLeader().reached(2);
    for (let n = 0; n < 5; n++) bench.reached(1).runWith([B], 490).reached(2).runWith([B], 20);
    expect(roleOf(bench.state)).toBe("leading");
  });

  it("keeps the lead where no standby reaches more than it", () => {
    const bench = pairLeader().reached(0).runWith([B], 5_000, reaching(0));
    expect(roleOf(bench.state)).toBe("leading");
  });

  it("hands over to no learner, however much it reaches", () => {
    const bench = soloLeader().reached(0);
    bench.join(B, null).build(1, 2).acknowledge(B, 1, 2);
    expect(roleOf(bench.runWith([B], 1_000).state)).toBe("leading");
  });

  it("chooses the standby that reaches most", () => {
    const bench = trioLeader().reached(0);
    for (let n = 0; n < 52; n++) {
      bench.run(10).acknowledge(B, 1, 1, bench.nowMs, reaching(1));
      bench.acknowledge(C, 1, 1, bench.nowMs, reaching(2));
    }
    expect(target(bench)).toBe("n3");
  });

  it("chooses the first in order of those that reach the same, whichever was heard first", () => {
    const bench = trioLeader().reached(2).runWith([B, C], 100);
    bench.reached(1).acknowledge(C, 1, 1);
    bench.nowMs += 5;
    bench.acknowledge(B, 1, 1);
    expect(target(bench.runWith([C, B], 520))).toBe("n2");
  });

  it("waits for a word of its target: a silent one is removed first", () => {
    const bench = trioLeader().reached(2).runWith([B, C], 100).reached(1).runWith([B, C], 460);
    bench.runWith([C], 55);
    expect(roleOf(bench.state)).toBe("leading");
    bench.isCoordinatorAnswering = true;
    expect(target(bench.runWith([C], 60))).toBe("n3");
  });

  it("does so at most once a minute, counted from giving up authority", () => {
    const bench = pairLeader().reached(1).runWith([B], 520);
    expect(target(bench)).toBe("n2");
    const resignedAtMs = resign(bench).nowMs;
    // The target does not lead: the old leader takes over anew.
    bench.run(200).applied(3).build(2, 3).join(B, null).acknowledge(B, 2, 3).applied(4);
    bench.isCoordinatorAnswering = true;
    bench.runWith([B], resignedAtMs + 59_990 - bench.nowMs);
    expect(roleOf(bench.state)).toBe("leading");
    expect(target(bench.runWith([B], 20))).toBe("n2");
  });

  it("one that got the lead for its reach gives it back for reach only after a minute", () => {
    const bench = leaderByHandover({}, reaching(3)).reached(1);
    bench.isCoordinatorAnswering = true;
    expect(roleOf(bench.runWith([A], 59_980).state)).toBe("leading");
    expect(target(bench.runWith([A], 20))).toBe("n1");
  });

  it("one that got the lead for another reason does not wait a minute", () => {
    const bench = leaderByHandover({}, reaching(2)).reached(1);
    expect(target(bench.runWith([A], 520))).toBe("n1");
  });

  it("one that was called off does not count, and is tried again ioLossMs later", () => {
    const bench = pairLeader().reached(1).runWith([B], 520);
    // The loop builds no frame: nothing can be completed.
    bench.runWith([B], 610);
    expect(roleOf(bench.state)).toBe("leading");
    expect(target(bench.runWith([B], 510))).toBe("n2");
  });
});
