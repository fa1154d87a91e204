import { describe, expect, it } from "vitest";
import type { SnapshotMessage } from "../../kernel/peer-message.ts";
import { roleOf } from "./queries.ts";
import { A, Bench, C, REACH, place, record, standby } from "./test-controllers.ts";

const SNAPSHOT: SnapshotMessage = {
  type: "snapshot",
  grid: "port",
  epoch: 4,
  leader: A,
  position: place(4, 100),
  plantTimeMs: 12_000,
  coreVersion: "1",
  manifestHash: "m",
  state: "{}",
};

/** n2, not in sync, that holds frame 100 of epoch 4 and has acknowledged it to n1. */
function joiner(): Bench {
  return new Bench("n2")
    .start(place(4, 100))
    .read(10, record(4, A, [A]))
    .heartbeat(A, 4, 10);
}

describe("acknowledging (rule 2)", () => {
  it("takes a frame that continues the log, and says so; not one that leaves a gap", () => {
    const bench = standby();
    const header = {
      type: "frame",
      grid: "port",
      epoch: 4,
      leader: A,
      sentAtMs: 8,
      hasAuthority: true,
      reach: REACH,
      revision: 10,
      text: "",
    } as const;
    const frame = { position: place(4, 101), previousHash: "h4.100", plantTimeMs: 1 };
    bench.feed({ type: "message.received", from: "n1", message: header, frame });
    expect(bench.effects.map((e) => e.type)).toEqual(["acceptFrame", "send"]);
    expect(bench.sent("acknowledge")[0]?.message).toMatchObject({
      last: place(4, 101),
      echoSentAtMs: 8,
    });
    const gap = { position: place(4, 103), previousHash: "h4.102", plantTimeMs: 1 };
    bench.feed({ type: "message.received", from: "n1", message: header, frame: gap });
    expect(bench.find("acceptFrame")).toBeUndefined();
    expect(bench.sent("join")[0]?.message).toMatchObject({ last: place(4, 101) });
  });

  it("ignores a leader of a lower epoch, another grid, and one that speaks for another node", () => {
    const bench = standby();
    expect(bench.heartbeat(C, 3, 9).effects).toEqual([]);
    const before = bench.state.following;
    const message = { type: "positionRequest", grid: "starboard", from: A } as const;
    expect(bench.feed({ type: "message.received", from: "n1", message }).effects).toEqual([]);
    const forged = { type: "positionRequest", grid: "port", from: A } as const;
    expect(bench.feed({ type: "message.received", from: "n3", message: forged }).effects).toEqual(
      [],
    );
    expect(bench.state.following).toEqual(before);
  });

  it("binds a controller whether the record names it or not", () => {
    const bench = joiner();
    expect(bench.sent("acknowledge")).toHaveLength(1);
    expect(bench.state.following.promiseUntilMs).toBe(bench.nowMs + 130);
  });
});

describe("a snapshot", () => {
  it("is installed by one that is not in sync, and counts once it is installed", () => {
    const bench = joiner().receive(A, SNAPSHOT);
    expect(bench.find("installSnapshot")?.message.position).toEqual(place(4, 100));
    expect(bench.heartbeat(A, 4, 10).sent("acknowledge")[0]?.message).toMatchObject({ last: null });
    bench.feed({ type: "snapshot.installed", position: place(4, 100), plantTimeMs: 12_000 });
    expect(bench.heartbeat(A, 4, 10).sent("acknowledge")[0]?.message).toMatchObject({
      last: place(4, 100),
    });
  });

  it.each([
    ["of another core", { coreVersion: "2" }],
    ["of another manifest", { manifestHash: "other" }],
    ["older than what was acknowledged", { position: place(4, 99) }],
    ["of an older epoch", { epoch: 3, position: place(3, 200) }],
    ["of one that does not lead", { leader: C }],
    ["of another grid", { grid: "starboard" }],
  ])("%s is refused", (_which, change) => {
    const bench = joiner();
    const message = { ...SNAPSHOT, ...change };
    expect(bench.receive(message.leader, message).find("installSnapshot")).toBeUndefined();
    expect(bench.state.log.last).toEqual(place(4, 100));
  });

  it("is refused by one in sync: it holds what was issued already", () => {
    expect(standby().receive(A, SNAPSHOT).find("installSnapshot")).toBeUndefined();
  });
});

describe("a replica that diverged", () => {
  it("is not in sync, holds nothing that counts, and asks for a snapshot; the alarm ends with it", () => {
    const bench = standby().feed({ type: "replica.diverged", reason: "hashes differ" });
    expect(roleOf(bench.state)).toBe("joining");
    expect(bench.alarms()).toEqual(["+REPLICA_DIVERGED"]);
    expect(bench.sent("join")[0]?.message).toMatchObject({ last: null });
    bench.receive(A, { ...SNAPSHOT, position: place(4, 101) });
    bench.feed({ type: "snapshot.installed", position: place(4, 101), plantTimeMs: 12_000 });
    expect(bench.alarms()).toEqual(["-REPLICA_DIVERGED"]);
    expect(roleOf(bench.state)).toBe("standby");
  });
});
