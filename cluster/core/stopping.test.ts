import { describe, expect, it } from "vitest";
import { roleOf } from "./queries.ts";
import {
  A,
  B,
  Bench,
  C,
  pairLeader,
  place,
  reaching,
  record,
  soloLeader,
  standby,
  trioLeader,
} from "./test-controllers.ts";

const stop = (bench: Bench) => bench.feed({ type: "stop.requested" });

function expectEnded(bench: Bench): void {
  expect(roleOf(bench.state)).toBe("fenced");
  expect(bench.state.isEnded).toBe(true);
  expect(bench.dueMs()).toBe(Number.POSITIVE_INFINITY);
  expect(bench.authority()).toBe(Number.NEGATIVE_INFINITY);
}

describe("an orderly stop", () => {
  it("of a leader hands over first, and ends when the other leads", () => {
    const bench = stop(pairLeader());
    expect(bench.state.situation).toMatchObject({ role: "handing-over", handover: { to: B } });
    bench.build(1, 2).acknowledge(B, 1, 2).feed({ type: "writes.settled" });
    expect(bench.sent("resigned")[0]?.to).toBe("n2");
    expect(roleOf(bench.state)).toBe("handing-over");
    bench.heartbeat(B, 2, 3);
    expectEnded(bench);
  });

  it("of a leader whose target does not take over ends once the record is its own again", () => {
    const bench = stop(pairLeader()).build(1, 2).acknowledge(B, 1, 2);
    bench.feed({ type: "writes.settled" }).run(200);
    expect(bench.find("transact")?.record).toMatchObject({ epoch: 2, inSync: [A] });
    // Now nobody follows, and it leads: the devices are given back first.
    expect(bench.applied(3).find("releaseDevices")).toBeDefined();
    expectEnded(bench.feed({ type: "devices.released" }));
  });

  it("of a leader prefers the standby that reaches most, then the order", () => {
    const handsTo = (reachOfB: number, reachOfC: number) => {
      const bench = trioLeader().reached(1);
      bench.acknowledge(B, 1, 1, bench.nowMs, reaching(reachOfB));
      bench.acknowledge(C, 1, 1, bench.nowMs, reaching(reachOfC));
      const { situation } = stop(bench).state;
      return situation.role === "handing-over" ? situation.handover.to : null;
    };
    expect(handsTo(2, 2)).toEqual(B);
    expect(handsTo(1, 2)).toEqual(C);
  });

  it("of a leader that stands alone gives its devices back, and ends", () => {
    const bench = stop(soloLeader());
    const types = () => bench.effects.map(({ type }) => type);
    expect(types()).toContain("releaseDevices");
    expect(types()).not.toContain("stopLeading");
    bench.feed({ type: "devices.released" });
    expect(types()).toContain("stopLeading");
    expectEnded(bench);
  });

  it("of a leader whose devices do not answer waits no longer than a second for them", () => {
    const bench = stop(soloLeader());
    bench.isCoordinatorAnswering = true;
    bench.runWith([], 990);
    expect(bench.state.isEnded).toBe(false);
    bench.runWith([], 20);
    expectEnded(bench);
  });

  it("of a leader without authority gives nothing back: it could not", () => {
    const bench = soloLeader().run(3_000);
    expect(bench.authority()).toBeLessThan(bench.nowMs);
    expect(stop(bench).find("releaseDevices")).toBeUndefined();
  });

  it("of a leader that hands over gives nothing back: the next one goes on", () => {
    const bench = stop(pairLeader()).build(1, 2).acknowledge(B, 1, 2);
    bench.feed({ type: "writes.settled" }).heartbeat(B, 2, 3);
    expectEnded(bench);
    expect(bench.state.releaseUntilMs).toBeNull();
  });

  it("of a leader that is just adding a standby waits for it, and hands over to it", () => {
    const bench = stop(soloLeader().join(B, null).acknowledge(B, 1, 1));
    expect(roleOf(bench.state)).toBe("leading");
    expect(bench.applied(2).state.situation).toMatchObject({
      role: "handing-over",
      handover: { to: B },
    });
  });

  it("of a leader that neither standby nor coordinator answers ends after a while all the same", () => {
    const bench = stop(pairLeader());
    expect(bench.run(1_499).state.isEnded).toBe(false);
    expectEnded(bench.run(1));
  });

  it.each([
    ["standby", () => standby()],
    ["joining controller", () => new Bench("n2").start().read(10, record(4, A, [A]))],
  ])("of a %s ends at once: it acknowledges and takes over nothing more", (_role, make) => {
    const bench = stop(make());
    expectEnded(bench);
    expect(bench.heartbeat(A, 4, 10).effects).toEqual([]);
    expect(bench.run(60_000).effects).toEqual([]);
  });

  it("of one that is fenced ends it: no force brings it back", () => {
    const bench = stop(new Bench("n2").start(place(9, 90)).read(10, record(4, A, [A])));
    expectEnded(bench);
    const forced = bench.feed({ type: "force.requested", requestId: "f", reason: "test" });
    expect(forced.effects).toEqual([]);
  });

  it("names itself no longer: whoever ends acknowledges nobody, and would have to be removed first", () => {
    const bench = stop(trioLeader()).build(1, 2).acknowledge(B, 1, 2).acknowledge(C, 1, 2);
    bench.feed({ type: "writes.settled" });
    const [resigned] = bench.sent("resigned");
    expect(resigned?.message).toMatchObject({ inSync: [B, C] });
  });

  it("asked twice is one stop", () => {
    const bench = stop(pairLeader()).run(1_000);
    expectEnded(stop(bench).run(500));
  });
});
