import { describe, expect, it } from "vitest";
import { roleOf } from "./queries.ts";
import { A, B, Bench, C, NONCE, member, place, record, standby } from "./test-controllers.ts";

describe("taking over (rule 9)", () => {
  it("waits for the promise to run out, and its rank, then tries against the revision it knows", () => {
    const bench = standby([A, B, C], "n3");
    const promisedMs = bench.nowMs + 130;
    expect(bench.runTo(promisedMs + 59).find("transact")).toBeUndefined();
    expect(bench.runTo(promisedMs + 60).find("transact")).toMatchObject({
      expectedRevision: 10,
      expectedNonce: NONCE,
      record: { epoch: 5, leader: C, inSync: [C] },
    });
    expect(roleOf(bench.state)).toBe("taking-over");
  });

  it("the first in order is first even where the leader's last message reached it and not the second", () => {
    const [first, second] = [standby([A, B, C], "n2"), standby([A, B, C], "n3")];
    const sentAtMs = second.nowMs;
    first.run(19).heartbeat(A, 4, 10);
    const sendsAtMs = (bench: Bench) => {
      while (bench.find("transact") === undefined) bench.run(1);
      return bench.nowMs - sentAtMs;
    };
    // And the coordinator has `staggerMs` to answer it.
    expect(sendsAtMs(first) + 40).toBeLessThanOrEqual(sendsAtMs(second));
  });

  it("a standby that has sent a takeover against r never again acknowledges a leader under r", () => {
    const bench = standby();
    bench.runTo(bench.nowMs + 130);
    expect(bench.heartbeat(A, 4, 10).sent("acknowledge")).toEqual([]);
    bench.answer({ type: "unknown", reason: "deadline" });
    expect(bench.heartbeat(A, 4, 10).sent("acknowledge")).toEqual([]);
    expect(bench.heartbeat(A, 4, 12).sent("acknowledge")).toHaveLength(1);
  });

  it("repeats an unknown takeover unchanged until the record is seen to have moved; with its own nonce it leads", () => {
    const bench = standby();
    const first = bench.runTo(bench.nowMs + 130).find("transact");
    bench.answer({ type: "unknown", reason: "deadline" });
    const second = bench.runTo(bench.nowMs + 20).find("transact");
    expect(second?.record).toEqual(first?.record);
    expect(second?.expectedRevision).toBe(10);
    bench.answer({ type: "refused", revision: 11, record: first?.record ?? null });
    expect(bench.find("startLeading")).toMatchObject({ epoch: 5, origin: "hot" });
  });

  it("loses where the record moved to another", () => {
    const bench = standby();
    bench
      .runTo(bench.nowMs + 130)
      .answer({ type: "refused", revision: 11, record: record(5, C, [C]) });
    expect(bench.find("startLeading")).toBeUndefined();
    expect(roleOf(bench.state)).toBe("joining");
  });

  it("counts solo authority from the first sending of the takeover", () => {
    const bench = standby();
    bench.runTo(bench.nowMs + 130);
    const sentAtMs = bench.nowMs;
    bench.nowMs += 40;
    bench.answer({ type: "applied", revision: 11 });
    expect(bench.authority()).toBe(sentAtMs + 2_000);
  });

  it.each([
    ["all of its devices", 2, 0],
    ["some of its devices", 1, 0],
    ["no device: it ranks after all others", 0, 120],
  ])("a standby that reaches %s waits its rank", (_reaches, reachedCount, waitMs) => {
    const bench = standby().reached(reachedCount);
    const promisedMs = bench.nowMs + 130;
    expect(bench.runTo(promisedMs + waitMs - 1).find("transact")).toBeUndefined();
    expect(bench.runTo(promisedMs + waitMs).find("transact")).toBeDefined();
  });

  it("after a stall of its own it takes up what arrived meanwhile before it judges the leader", () => {
    const bench = standby();
    bench.nowMs += 400;
    expect(bench.feed({ type: "ticked" }).find("transact")).toBeUndefined();
    expect(bench.heartbeat(A, 4, 10).sent("acknowledge")).toHaveLength(1);
    expect(bench.run(129).find("transact")).toBeUndefined();
  });
});

describe("a record with a lone leader (rule 11)", () => {
  it("a solo record of another is taken over after soloGraceMs unchanged, not earlier, with an alarm", () => {
    const bench = new Bench("n2", { order: ["n1", "n2"] })
      .start(place(4, 90))
      .read(10, record(4, A, [A]));
    bench.position(A, place(4, 80));
    const seenAtMs = bench.nowMs;
    expect(bench.runTo(seenAtMs + 2_599).find("transact")).toBeUndefined();
    bench.position(A, place(4, 80));
    expect(bench.runTo(seenAtMs + 2_600).find("transact")).toMatchObject({
      record: { epoch: 5, inSync: [B] },
    });
    bench.answer({ type: "applied", revision: 11 });
    expect(bench.find("alarm")).toMatchObject({ code: "STALE_TAKEOVER" });
    expect(bench.find("startLeading")?.plantTimeMsMin).toBe(50_000);
  });

  it("waits for silent controllers coldStartMs more, and yields to one further ahead", () => {
    const bench = new Bench("n2", { order: ["n1", "n2"] })
      .start(place(4, 90))
      .read(10, record(4, A, [A]));
    const seenAtMs = bench.nowMs;
    expect(bench.runTo(seenAtMs + 7_599).find("transact")).toBeUndefined();
    bench.position(A, place(4, 99));
    expect(bench.runTo(seenAtMs + 8_500).find("transact")).toBeUndefined();
    expect(bench.runTo(seenAtMs + 8_700).find("transact")).toBeDefined();
  });

  it("never takes over stale where that is not allowed", () => {
    const bench = new Bench("n2", { allowStaleTakeover: false }).start(place(4, 90));
    bench.read(10, record(4, A, [A]));
    expect(bench.runTo(bench.nowMs + 60_000).find("transact")).toBeUndefined();
  });

  it("yields to one further ahead for twice coldStartMs, not for ever", () => {
    const bench = new Bench("n2", { order: ["n1", "n2"] })
      .start(place(4, 90))
      .read(10, record(4, A, [A]));
    const seenAtMs = bench.nowMs;
    while (bench.nowMs + 500 < seenAtMs + 12_600) {
      expect(bench.run(500).find("transact")).toBeUndefined();
      bench.position(A, place(4, 99));
    }
    expect(bench.runTo(seenAtMs + 12_599).find("transact")).toBeUndefined();
    expect(bench.runTo(seenAtMs + 12_600).find("transact")).toBeDefined();
  });

  it("yields to one level with it and earlier in order, not to one later in order", () => {
    const dueMs = (self: string, other: typeof A) => {
      const bench = new Bench(self, { order: ["n1", "n2"] })
        .start(place(4, 90))
        .read(10, record(4, C, [C]));
      const seenAtMs = bench.nowMs;
      bench.run(2_500).position(other, place(4, 90));
      for (;;) {
        const { nowMs } = bench;
        if (bench.run(10).find("transact") !== undefined) return nowMs + 10 - seenAtMs;
      }
    };
    expect(dueMs("n1", B)).toBe(2_600);
    expect(dueMs("n2", A)).toBe(3_500);
  });
});

describe("a controller that restarted (rule 13)", () => {
  it("a lone controller is back graceMs after its start, and the takeover is not stale", () => {
    const bench = new Bench("n1", { order: ["n1"] }).start(place(4, 90));
    const startedAtMs = bench.nowMs;
    bench.read(10, record(4, member("n1", 0), [member("n1", 0)]));
    expect(bench.runTo(startedAtMs + 129).find("transact")).toBeUndefined();
    expect(bench.runTo(startedAtMs + 130).find("transact")).toBeDefined();
    expect(bench.answer({ type: "applied", revision: 11 }).find("startLeading")).toMatchObject({
      origin: "restart",
    });
  });

  it("the only controller of a grid, whose journal ends before what was issued, is back as soon, but stale", () => {
    const bench = new Bench("n1", { order: ["n1"] }).start(place(4, 89));
    const startedAtMs = bench.nowMs;
    bench.read(10, record(4, member("n1", 0), [member("n1", 0)], 90));
    expect(bench.runTo(startedAtMs + 130).find("transact")).toBeDefined();
    expect(bench.applied(11).find("startLeading")).toMatchObject({ origin: "stale" });
  });

  it("is not in sync, whatever an old record says of its earlier life", () => {
    const bench = new Bench("n2").start(place(4, 90));
    bench.read(10, record(4, A, [A, member("n2", 0), C]));
    expect(roleOf(bench.state)).toBe("joining");
    expect(bench.run(2_599).find("transact")).toBeUndefined();
  });

  it.each([
    ["alone with the leader", [A, member("n2", 0)]],
    ["among several", [A, member("n2", 0), C]],
  ])("whose earlier life is in sync %s takes over as by rule 11, stale", (_with, inSync) => {
    const bench = new Bench("n2").start(place(4, 90)).read(10, record(4, A, inSync));
    const seenAtMs = bench.nowMs;
    bench.position(A, place(4, 80)).position(C, null);
    expect(bench.runTo(seenAtMs + 2_599).find("transact")).toBeUndefined();
    bench.position(A, place(4, 80)).position(C, null);
    expect(bench.runTo(seenAtMs + 2_600).find("transact")).toMatchObject({
      expectedRevision: 10,
      record: { epoch: 5, leader: B, inSync: [B] },
    });
    expect(bench.applied(11).find("startLeading")).toMatchObject({ origin: "stale" });
  });

  it("whose earlier life is not in sync takes over nothing from several others", () => {
    const bench = new Bench("n2").start(place(4, 90)).read(10, record(4, A, [A, C]));
    for (let n = 0; n < 120; n++) {
      bench.position(A, null).position(C, null);
      expect(bench.run(500).find("transact")).toBeUndefined();
    }
  });

  it("takes over nothing while it hears the leader", () => {
    const bench = new Bench("n2").start(place(4, 90));
    bench.read(10, record(4, A, [A, member("n2", 0)]));
    for (let n = 0; n < 1_000; n++) {
      bench.heartbeat(A, 4, 10);
      expect(bench.run(20).find("transact")).toBeUndefined();
    }
  });

  it.each([
    ["all that was issued is back after graceMs", place(4, 90), 130, "restart"],
    [
      "into the record's epoch but not all that was issued goes by rule 11",
      place(4, 89),
      2_600,
      "stale",
    ],
    ["less far goes by rule 11", place(3, 90), 2_600, "stale"],
  ] as const)(
    "alone in the record of a grid of several: one whose journal reaches %s",
    (_reaches, last, waitMs, origin) => {
      const bench = new Bench("n1").start(last);
      const startedAtMs = bench.nowMs;
      bench.read(10, record(4, member("n1", 0), [member("n1", 0)], 90));
      bench.position(B, null).position(C, null);
      expect(bench.runTo(startedAtMs + waitMs - 1).find("transact")).toBeUndefined();
      expect(bench.runTo(startedAtMs + waitMs).find("transact")).toBeDefined();
      expect(bench.applied(11).find("startLeading")).toMatchObject({ origin });
    },
  );
});

describe("an absent record", () => {
  it("is created by the first in order, against revision 0, with an epoch above every epoch heard", () => {
    const bench = new Bench("n1").start(place(6, 90)).read(0, null);
    expect(bench.sent("positionRequest").map(({ to }) => to)).toEqual(["n2", "n3"]);
    bench.position(B, place(6, 80)).position(C, place(5, 70));
    expect(bench.find("transact")).toMatchObject({
      expectedRevision: 0,
      expectedNonce: null,
      record: { epoch: 7, leader: A, inSync: [A] },
    });
  });

  it.each([
    ["n2", 5_000],
    ["n3", 10_000],
  ])("is created by %s after its rank times coldStartMs", (self, waitMs) => {
    const bench = new Bench(self).start().read(0, null);
    const seenAtMs = bench.nowMs;
    expect(bench.runTo(seenAtMs + waitMs - 1).find("transact")).toBeUndefined();
    expect(bench.runTo(seenAtMs + waitMs).find("transact")?.record.epoch).toBe(1);
  });
});

describe("a leader without authority (rule 14)", () => {
  it("a standby told 'no authority' for holdMs falls silent only after reading the record", () => {
    const bench = standby([A, B]);
    const sinceMs = bench.nowMs;
    for (let n = 0; n <= 26; n++) {
      bench.nowMs = sinceMs + n * 20;
      bench.heartbeat(A, 4, 10, false);
    }
    expect(bench.sent("acknowledge")).toHaveLength(1);
    bench.read(10, record(4, A, [A, B]));
    expect(bench.heartbeat(A, 4, 10, false).sent("acknowledge")).toEqual([]);
    expect(bench.runTo(bench.nowMs + 131).find("transact")).toBeDefined();
  });

  it("is not left for a moment's lack of authority", () => {
    const bench = standby([A, B]);
    for (let n = 0; n < 100; n++) {
      bench.run(20).heartbeat(A, 4, 10, n % 20 === 0);
      expect(bench.sent("acknowledge")).toHaveLength(1);
      if (n % 10 === 0) bench.read(10, record(4, A, [A, B]));
    }
  });
});
