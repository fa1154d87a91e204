import { describe, expect, it } from "vitest";
import type { WriteEntry } from "../../sim/devices/simulated-device.ts";
import { entry } from "../../sim/devices/testing/test-rig.ts";
import type { TraceLine } from "../support/trace-lines.ts";
import type { DoneFault, Evidence, JournalledFrame } from "./referee.ts";
import { checksOf, judgeChaos } from "./referee.ts";

const frame = (
  epoch: number,
  sequence: number,
  hash: string,
  previousHash: string,
): JournalledFrame => ({ grid: "port", epoch, sequence, hash, previousHash });
const led = (node: string, epoch: number, atMs: number, origin = "hot"): TraceLine => ({
  grid: "port",
  step: "led",
  node,
  epoch,
  atMs,
  origin,
});
const released = (
  node: string,
  epoch: number,
  sequence: number,
  hash: string,
  atMs: number,
): TraceLine => ({ grid: "port", step: "released", node, epoch, sequence, hash, atMs });
const write = (atMs: number, writer: string, epoch: number | null): WriteEntry =>
  entry({
    atMs,
    writer,
    epoch,
    device: epoch === null ? "bt1" : "dg1",
    isFenced: epoch !== null,
  });

/** n1 leads epoch 1 with frames a, b; n2 takes over in epoch 2 with c, which continues b. */
const good: Evidence = {
  nodes: ["n1", "n2"],
  trace: [
    led("n1", 1, 0),
    released("n1", 1, 1, "a", 1),
    released("n1", 1, 2, "b", 101),
    led("n2", 2, 500),
    released("n2", 2, 3, "c", 501),
  ],
  frames: [frame(1, 1, "a", "0"), frame(1, 2, "b", "a"), frame(2, 3, "c", "b")],
  writes: [
    write(2, "n1", 1),
    write(3, "n1", null),
    write(102, "n1", 1),
    write(502, "n2", 2),
    write(503, "n2", null),
  ],
  faults: [],
};
const failed = (evidence: Partial<Evidence>) =>
  checksOf(judgeChaos({ ...good, ...evidence }))
    .filter(({ isMet }) => !isMet)
    .map(({ text }) => text);
const frozen: DoneFault = {
  atMs: 200,
  untilMs: 650,
  kind: "freeze",
  text: "n1 frozen",
  nodes: ["n1"],
};

describe("the referee of chaos", () => {
  it("finds nothing wrong with a takeover that continues the last frame", () => {
    expect(failed({})).toEqual([]);
    expect(judgeChaos(good).leaderships).toMatchObject([
      { node: "n1", epoch: 1, firstWriteAtMs: 2 },
      { node: "n2", epoch: 2, firstWriteAtMs: 502 },
    ]);
  });

  it("finds an issued frame that the next leader did not continue", () => {
    const frames = [...good.frames.slice(0, 2), frame(2, 2, "c", "a")];
    expect(failed({ frames })).toEqual([
      "issued frames that a later leader lacks, outside stale takeovers",
    ]);
  });

  it("counts it apart in a stale takeover", () => {
    const frames = [...good.frames.slice(0, 2), frame(2, 2, "c", "a")];
    const trace = good.trace.map((line) =>
      line.step === "led" && line.node === "n2" ? { ...line, origin: "stale" } : line,
    );
    expect(failed({ frames, trace })).toEqual([]);
    expect(judgeChaos({ ...good, frames, trace }).lostFrames).toMatchObject([
      { epoch: 1, sequence: 2, issuedBy: "n1", isAllowed: true },
    ]);
  });

  it("lets a lone leader that restarts lack the levels of its last sync, and nothing before", () => {
    const frames = [...good.frames.slice(0, 1), frame(2, 2, "c", "a")];
    const restarted = (issuedMs: number) => [
      led("n1", 1, 0),
      released("n1", 1, 1, "a", 1),
      released("n1", 1, 2, "b", 101),
      released("n1", 1, 3, "e", issuedMs),
      led("n1", 2, 500, "restart"),
      released("n1", 2, 2, "c", 501),
    ];
    const writes = [write(2, "n1", 1), write(502, "n1", 2)];
    expect(failed({ frames, writes, trace: restarted(201) })).toEqual([]);
    expect(failed({ frames, writes, trace: restarted(301) })).toHaveLength(1);
  });

  it("finds a frame lost two leaderships later, though the journal of the one between is gone", () => {
    const trace = [...good.trace, led("n1", 3, 900), released("n1", 3, 4, "d", 901)];
    const frames = [frame(1, 1, "a", "0"), frame(1, 2, "b", "a"), frame(3, 3, "d", "b")];
    expect(judgeChaos({ ...good, trace, frames }).lostFrames).toMatchObject([
      { epoch: 2, sequence: 3, missingInEpoch: 3 },
    ]);
  });

  it("says nothing of frames older than what the journals hold", () => {
    expect(failed({ frames: [frame(2, 3, "c", "b")] })).toEqual([]);
  });

  it("takes an older epoch at a device that checks epochs for an overlap", () => {
    expect(failed({ writes: [...good.writes, write(600, "n1", 1)], faults: [frozen] })).toEqual([
      "accepted overlapping writes at devices that check epochs",
    ]);
  });

  it("explains a late write at a plain device by what befell its writer", () => {
    const writes = [...good.writes, write(700, "n1", null)];
    expect(failed({ writes })).toEqual(["late writes at plain devices that nothing explains"]);
    expect(failed({ writes, faults: [frozen] })).toEqual([]);
    const over = { ...frozen, atMs: -3000, untilMs: -400 };
    expect(failed({ writes, faults: [over] })).toEqual([
      "late writes at plain devices that nothing explains",
    ]);
    expect(judgeChaos({ ...good, writes, faults: [frozen] }).lateWrites).toMatchObject([
      { writer: "n1", successor: "n2", epoch: 1, lateMs: 197 },
    ]);
  });

  it("finds a write from an epoch that had issued nothing", () => {
    const writes = [...good.writes, write(800, "n2", 3)];
    expect(failed({ writes })).toEqual(["writes under an epoch that had issued nothing"]);
  });

  it("finds an epoch that two nodes led", () => {
    expect(failed({ trace: [...good.trace, led("n1", 2, 510)] })).toContain(
      "epochs with two leaders",
    );
  });
});
