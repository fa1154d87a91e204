import { describe, expect, it } from "vitest";
import { roleOf } from "./queries.ts";
import { A, B, Bench, C, pairLeader, place, record, standby } from "./test-controllers.ts";

const force = (bench: Bench, requestId = "f") =>
  bench.feed({ type: "force.requested", requestId, reason: "n1 is isolated" });

describe("force (isolation)", () => {
  it("refuses a record below an epoch already seen, until force", () => {
    const bench = new Bench("n2").start(place(9, 90)).read(10, record(4, A, [A]));
    expect(roleOf(bench.state)).toBe("fenced");
    expect(bench.find("alarm")).toMatchObject({ code: "RECORD_REFUSED" });
    bench.feed({ type: "force.requested", requestId: "f", reason: "n1 is isolated" });
    bench.read(10, record(4, A, [A]));
    expect(bench.find("transact")).toMatchObject({ expectedRevision: 10, record: { epoch: 10 } });
    expect(bench.answer({ type: "applied", revision: 11 }).find("reply")).toMatchObject({
      isAccepted: true,
    });
  });

  it("does not wait for the promise given", () => {
    const bench = standby();
    bench.heartbeat(A, 4, 10, false);
    force(bench).read(10, record(4, A, [A, B, C]));
    expect(bench.find("transact")).toMatchObject({ record: { epoch: 5, leader: B, inSync: [B] } });
    expect(bench.heartbeat(A, 4, 10).sent("acknowledge")).toEqual([]);
    expect(bench.applied(11).find("startLeading")).toMatchObject({ origin: "stale" });
  });

  it("is refused by a leader with authority, and while one is heard", () => {
    expect(force(pairLeader()).find("reply")).toMatchObject({
      isAccepted: false,
      reason: "this controller leads and has authority",
    });
    expect(force(standby()).find("reply")).toMatchObject({
      isAccepted: false,
      reason: "n1 leads and has authority: use a transfer",
    });
  });

  it("is one at a time", () => {
    const bench = force(new Bench("n2").start(place(9, 90)).read(10, record(4, A, [A])));
    expect(force(bench, "g").find("reply")).toMatchObject({ requestId: "g", isAccepted: false });
  });

  it("fails after 10 s where no majority of the coordinator answers", () => {
    const bench = force(new Bench("n2").start(place(9, 90)).read(10, record(4, A, [A])));
    expect(bench.run(9_999).find("reply")).toBeUndefined();
    expect(bench.run(1).find("reply")).toMatchObject({ code: "REMS_COORDINATOR_UNAVAILABLE" });
    bench.read(10, record(4, A, [A]));
    expect(bench.find("transact")).toBeUndefined();
  });

  it("says so where another was first", () => {
    const bench = force(new Bench("n2").start(place(9, 90)).read(10, record(4, A, [A])));
    bench.read(10, record(4, A, [A]));
    bench.answer({ type: "refused", revision: 11, record: record(10, C, [C]) });
    expect(bench.find("reply")).toMatchObject({ isAccepted: false, code: "REMS_REQUEST_REFUSED" });
    expect(roleOf(bench.state)).toBe("joining");
  });

  it("overrides no leader that came since it was asked for: it must be asked for again", () => {
    const bench = new Bench("n2").start(place(4, 90)).read(10, record(4, A, [A]));
    force(bench).read(11, record(5, C, [C]));
    expect(bench.find("transact")).toBeUndefined();
    expect(bench.find("reply")?.reason).toBe(
      "the record names n3 as leader of epoch 5, which was not known here; force again if it is isolated",
    );
    force(bench).read(11, record(5, C, [C]));
    expect(bench.find("transact")).toMatchObject({ expectedRevision: 11, record: { epoch: 6 } });
  });

  it("overrides no leader that is heard with authority before the record is read", () => {
    const bench = standby().heartbeat(A, 4, 10, false);
    force(bench)
      .heartbeat(A, 4, 10, true)
      .read(10, record(4, A, [A, B, C]));
    expect(bench.find("transact")).toBeUndefined();
    expect(bench.find("reply")?.reason).toBe("n1 leads and has authority: use a transfer");
  });
});
