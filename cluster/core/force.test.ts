import { describe, expect, it } from "vitest";
import { roleOf } from "./queries.ts";
import { A, B, Bench, C, pairLeader, place, record, standby } from "./test-controllers.ts";

const force = (bench: Bench, requestId = "f") =>
  bench.feed({ type: "force.requested", requestId, reason: "n1 is isolated" });
const QUIET_MS = 5000;
/** A controller that may not take over by itself, whose record has stood still for so long. */
const watching = (epoch: number, quietMs = QUIET_MS): Bench =>
  new Bench("n2", { allowStaleTakeover: false })
    .start(place(epoch, 90))
    .read(10, record(4, A, [A]))
    .run(quietMs);

describe("force (isolation)", () => {
  it("refuses a record below an epoch already seen, until force", () => {
    const bench = new Bench("n2").start(place(9, 90)).read(10, record(4, A, [A]));
    expect(roleOf(bench.state)).toBe("fenced");
    expect(bench.find("alarm")).toMatchObject({ code: "RECORD_REFUSED" });
    force(bench.run(QUIET_MS));
    bench.read(10, record(4, A, [A]));
    expect(bench.find("transact")).toMatchObject({ expectedRevision: 10, record: { epoch: 10 } });
    expect(bench.answer({ type: "applied", revision: 11 }).find("reply")).toMatchObject({
      isAccepted: true,
    });
  });

  it("is refused while another one goes on writing the record, whether or not it is heard", () => {
    const bench = watching(4, 4_900);
    force(bench).read(10, record(4, A, [A]));
    expect(bench.find("reply")?.reason).toBe(
      "the record names n1, which may be writing it still: it was seen unchanged for 4.9 s; force again once it has been for 5 s",
    );
    force(bench.run(100)).read(10, record(4, A, [A]));
    expect(bench.find("transact")).toMatchObject({ record: { epoch: 5, leader: B, inSync: [B] } });
    expect(bench.applied(11).find("startLeading")).toMatchObject({ origin: "stale" });

    const renewed = watching(4);
    force(renewed).read(11, record(4, A, [A]));
    expect(renewed.find("reply")?.reason).toMatch(/unchanged for 0 s/);
  });

  it("is refused for 5 s after a leader was heard with authority", () => {
    const bench = watching(4).heartbeat(A, 4, 10, true).heartbeat(A, 4, 10, false).run(4_000);
    expect(force(bench).find("reply")?.reason).toBe(
      "n1 had authority 4 s ago: force again once it has been silent for 5 s",
    );
    expect(force(bench.run(1_000)).find("reply")).toBeUndefined();
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
    const bench = force(watching(9));
    expect(force(bench, "g").find("reply")).toMatchObject({ requestId: "g", isAccepted: false });
  });

  it("fails after 4 s where no majority of the coordinator answers", () => {
    const bench = force(watching(9));
    expect(bench.run(3_999).find("reply")).toBeUndefined();
    expect(bench.run(1).find("reply")).toMatchObject({ code: "REMS_COORDINATOR_UNAVAILABLE" });
    bench.read(10, record(4, A, [A]));
    expect(bench.find("transact")).toBeUndefined();
  });

  it("says so where another was first", () => {
    const bench = force(watching(9));
    bench.read(10, record(4, A, [A]));
    bench.answer({ type: "refused", revision: 11, record: record(10, C, [C]) });
    expect(bench.find("reply")).toMatchObject({ isAccepted: false, code: "REMS_REQUEST_REFUSED" });
    expect(roleOf(bench.state)).toBe("joining");
  });

  it("overrides no leader that came since it was asked for: it must be asked for again", () => {
    const bench = watching(4);
    force(bench).read(11, record(5, C, [C]));
    expect(bench.find("transact")).toBeUndefined();
    expect(bench.find("reply")?.reason).toBe(
      "the record names n3 as leader of epoch 5, which was not known here; force again if it is isolated",
    );
    force(bench.run(QUIET_MS)).read(11, record(5, C, [C]));
    expect(bench.find("transact")).toMatchObject({ expectedRevision: 11, record: { epoch: 6 } });
  });

  it("overrides no leader that is heard with authority before the record is read", () => {
    const bench = watching(4);
    force(bench)
      .heartbeat(A, 4, 10, true)
      .read(10, record(4, A, [A]));
    expect(bench.find("transact")).toBeUndefined();
    expect(bench.find("reply")?.reason).toBe("n1 leads and has authority: use a transfer");
  });
});
