import { describe, expect, it } from "vitest";
import { present } from "../../kernel/assert.ts";
import { releasedCommandSequence, releasedLevelSequence, releasedSequence } from "./queries.ts";
import { A, B, member, pairLeader, place, soloLeader } from "./test-controllers.ts";

describe("authority (rule 3) and outputs", () => {
  it("with a standby lasts leaseMs from the sending of the message that it acknowledged", () => {
    const bench = pairLeader();
    const echoMs = bench.nowMs - 3;
    bench.nowMs += 5;
    bench.acknowledge(B, 1, 1, echoMs + 4);
    expect(bench.authority()).toBe(echoMs + 4 + 100);
  });

  it("must hold in both cases while a change is in flight", () => {
    const bench = pairLeader();
    const lastEchoMs = bench.nowMs;
    bench.runTo(bench.nowMs + 65);
    expect(bench.state.view.pending?.record.inSync).toEqual([A]);
    expect(bench.authority()).toBe(lastEchoMs + 100);
    bench.answer({ type: "unknown", reason: "deadline" });
    expect(bench.authority()).toBe(lastEchoMs + 100);
    const { pending } = bench.state.view;
    bench.runTo(bench.nowMs + 20).answer({ type: "applied", revision: 3 });
    expect(bench.authority()).toBe((pending?.firstSentAtMs ?? 0) + 2_000);
  });

  it("stays one of two cases, and is sent again as it was, however often the record reads unchanged", () => {
    const bench = pairLeader();
    const sent = bench.runTo(bench.nowMs + 65).find("transact");
    expect(sent?.record.inSync).toEqual([A]);
    const { revision, record } = present(bench.state.view.known, "the leader knows its record");
    for (let count = 0; count < 20; count++) {
      bench.answer({ type: "unknown", reason: "deadline" }).read(revision, record);
      expect(bench.state.view.pending?.record).toEqual(sent?.record);
      expect(bench.run(20).find("transact")).toMatchObject({
        expectedRevision: revision,
        record: sent?.record,
      });
    }
  });

  it("an acknowledgement counts only under the name in the record, and in its epoch", () => {
    const bench = pairLeader().build(1, 2);
    bench.acknowledge(member("n2", 9), 1, 2).acknowledge(B, 0, 2);
    expect(releasedSequence(bench.state)).toBe(1);
    expect(releasedSequence(bench.acknowledge(B, 1, 2).state)).toBe(2);
  });

  it("a learner being added must acknowledge as soon as the change is sent", () => {
    const bench = soloLeader().join(B, null).acknowledge(B, 1, 1);
    bench.build(1, 2);
    expect(releasedSequence(bench.state)).toBe(1);
  });

  it("alone, the record is renewed every soloRenewMs", () => {
    const bench = soloLeader();
    const sentAtMs = bench.state.view.known?.sentAtMs ?? 0;
    expect(bench.runTo(sentAtMs + 499).find("transact")).toBeUndefined();
    expect(bench.runTo(sentAtMs + 500).find("transact")?.record).toMatchObject({
      epoch: 1,
      inSync: [A],
    });
  });
});

describe("commands of a leader that stands alone (rule 4)", () => {
  it("alone, commands wait for the disk, at most 100 ms, then with an alarm", () => {
    const bench = soloLeader();
    expect(releasedSequence(bench.state)).toBe(1);
    expect(releasedCommandSequence(bench.state)).toBe(0);
    bench.feed({ type: "journal.synced", position: place(1, 1) });
    expect(releasedCommandSequence(bench.state)).toBe(1);
    bench.build(1, 2).runTo(bench.nowMs + 100);
    expect(releasedCommandSequence(bench.state)).toBe(2);
    expect(bench.find("alarm")).toMatchObject({ code: "JOURNAL_SLOW", isActive: true });
  });

  it("wait for their own frame to be on disk, not for an earlier one", () => {
    const bench = soloLeader().build(1, 2).build(1, 3).synced(1, 2);
    expect(releasedSequence(bench.state)).toBe(3);
    expect(releasedCommandSequence(bench.state)).toBe(2);
    expect(releasedCommandSequence(bench.synced(1, 3).state)).toBe(3);
  });

  it("wait no longer than 100 ms each", () => {
    const bench = soloLeader().run(50).build(1, 2);
    bench.run(50);
    expect(releasedCommandSequence(bench.state)).toBe(1);
    bench.run(50);
    expect(releasedCommandSequence(bench.state)).toBe(2);
  });

  it("need not wait for a disk that is slow while the last standby is removed: the removal waits for it", () => {
    const bench = pairLeader().build(1, 2).acknowledge(B, 1, 2).run(65);
    expect(bench.state.view.pending).toBeNull();
    expect(releasedSequence(bench.state)).toBe(2);
    expect(releasedCommandSequence(bench.state)).toBe(2);
    bench.synced(1, 2);
    expect(bench.state.view.pending?.record.inSync).toEqual([A]);
    expect(releasedCommandSequence(bench.state)).toBe(2);
  });

  it("levels wait for it too while a change is under way that leaves the leader alone, not longer", () => {
    const bench = pairLeader().synced(1, 1).run(65);
    expect(bench.state.view.pending?.record.inSync).toEqual([A]);
    bench.build(1, 2).acknowledge(B, 1, 2);
    expect(releasedLevelSequence(bench.state)).toBe(1);
    expect(releasedLevelSequence(bench.synced(1, 2).state)).toBe(2);
    bench.build(1, 3).acknowledge(B, 1, 3);
    expect(releasedLevelSequence(bench.state)).toBe(2);
    expect(releasedLevelSequence(bench.applied(3).state)).toBe(3);
  });

  it("do not wait for the disk where a standby holds their frame", () => {
    const bench = pairLeader().build(1, 2).acknowledge(B, 1, 2);
    expect(releasedCommandSequence(bench.state)).toBe(2);
  });
});
