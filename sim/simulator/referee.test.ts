import { describe, expect, it } from "vitest";
import { entry } from "../devices/testing/test-rig.ts";
import type { WriteEntry } from "../devices/simulated-device.ts";
import type { FailoverSummary } from "./judge.ts";
import { Referee } from "./referee.ts";

type Step = Partial<WriteEntry> & { readonly atMs: number };

/** One write at the fenced `dg1`: time, writer, epoch, reference in kW. */
function fenced(atMs: number, writer: string, epoch: number, valueKw = 350): Step {
  const levels = [{ point: "powerReferenceKw", value: valueKw, unit: "kW" }];
  return { atMs, writer, epoch, levels, connectionId: writer === "n1" ? 1 : 2 };
}

/** One write at the plain `bt1`. The connections of n1 and n2 are as old as the run. */
function plain(atMs: number, writer: string, valueKw = 100): Step {
  const levels = [{ point: "powerLimitKw", value: valueKw, unit: "kW" }];
  const connectionId = writer === "n1" ? 11 : 12;
  return { atMs, writer, device: "bt1", isFenced: false, levels, connectionId };
}

/** Every 100 ms from `fromMs` to before `toMs`, at both devices. */
function leads(writer: string, epoch: number, fromMs: number, toMs: number): Step[] {
  const steps: Step[] = [];
  for (let atMs = fromMs; atMs < toMs; atMs += 100) {
    steps.push(fenced(atMs, writer, epoch), plain(atMs + 1, writer));
  }
  return steps;
}

function judge(
  steps: readonly Step[],
  prepare: (referee: Referee) => void = () => {},
  endMs = 20_000,
): { summaries: FailoverSummary[]; referee: Referee } {
  const referee = new Referee(["port", "starboard"], ["n1", "n2", "n3"]);
  prepare(referee);
  const summaries: FailoverSummary[] = [];
  for (const step of [...steps].sort((a, b) => a.atMs - b.atMs)) {
    summaries.push(...referee.tick(step.atMs));
    referee.onWrite(entry(step));
  }
  summaries.push(...referee.tick(endMs));
  return { summaries, referee };
}

const killAt =
  (atMonotonicMs: number, from = "n1") =>
  (referee: Referee) =>
    referee.onMark({ id: "k1", grid: "port", from, reason: "kill", atMonotonicMs });

describe("a leader is killed and another takes over", () => {
  const steps = [...leads("n1", 7, 1000, 5000), ...leads("n3", 8, 5200, 9000)];

  it("measures the gap from the fault to the successor's first write", () => {
    const { summaries } = judge(steps, killAt(5050));
    expect(summaries).toHaveLength(1);
    expect(summaries[0]).toMatchObject({
      id: "k1",
      grid: "port",
      from: "n1",
      to: "n3",
      epoch: 8,
      reason: "kill",
      faultAtMs: 5050,
      lastOldWriteMs: 4901,
      firstNewWriteMs: 5200,
      gapMs: 150,
      overlapCount: 0,
      lateWriteCount: 0,
      setpointStepKwMax: 0,
    });
  });

  it("takes the longest time without a write at a watched device as silence", () => {
    expect(judge(steps, killAt(5050)).summaries[0]?.silenceMs).toBe(300);
  });

  it("finds no silence at a device that only ever got a command", () => {
    const command = { atMs: 2000, device: "btp", writer: "n1", epoch: 7, commands: ["open"] };
    expect(judge([...steps, command], killAt(5050)).summaries[0]?.silenceMs).toBe(300);
  });

  it("is judged three seconds after the first new write, not before", () => {
    const early = judge(steps, killAt(5050), 8199);
    expect(early.summaries).toHaveLength(1);
    const cut = judge(
      steps.filter(({ atMs }) => atMs < 8100),
      killAt(5050),
      8199,
    );
    expect(cut.summaries).toEqual([]);
  });

  it("is detected without a mark too, and the old leader's last write stands for the fault", () => {
    expect(judge(steps).summaries).toMatchObject([
      { id: null, reason: "unmarked", faultAtMs: 4901, gapMs: 299, from: "n1", to: "n3" },
    ]);
  });

  it("finds the largest step of a power set-point against what the device held", () => {
    const stepped = [
      ...leads("n1", 7, 1000, 5000),
      fenced(5200, "n3", 8, 352.5),
      plain(5200, "n3", 99),
    ];
    expect(judge(stepped, killAt(5050)).summaries[0]?.setpointStepKwMax).toBe(2.5);
  });

  it("counts what the plant did in the window, and only there", () => {
    const { summaries } = judge(steps, (referee) => {
      killAt(5050)(referee);
      referee.onSample("port", { atMs: 4000, frequencyHzMin: 50, frequencyHzMax: 70 });
      referee.onSample("port", { atMs: 5100, frequencyHzMin: 59.9, frequencyHzMax: 60 });
      referee.onSample("port", { atMs: 5300, frequencyHzMin: 60, frequencyHzMax: 60.2 });
      referee.onMove("port", { atMs: 4000, kind: "breaker" });
      referee.onMove("port", { atMs: 5500, kind: "breaker" });
      referee.onMove("port", { atMs: 5600, kind: "startStop" });
      referee.onMove("starboard", { atMs: 5600, kind: "startStop" });
    });
    expect(summaries).toMatchObject([
      {
        frequencyHzMin: 59.9,
        frequencyHzMax: 60.2,
        breakersMovedCount: 1,
        startsStopsCount: 1,
      },
    ]);
  });

  it("takes the latest fault that struck the old leader, and each fault only once", () => {
    const mark = (id: string, from: string, atMonotonicMs: number) => ({
      id,
      grid: "port",
      from,
      reason: "kill",
      atMonotonicMs,
    });
    const again = [...steps, ...leads("n2", 9, 9300, 13_000)];
    const { summaries } = judge(again, (referee) => {
      referee.onMark(mark("without effect", "n1", 3000));
      referee.onMark(mark("kills n1", "n1", 5050));
      referee.onMark(mark("of a standby", "n2", 5060));
    });
    expect(summaries.map(({ id, to }) => [id, to])).toEqual([
      ["kills n1", "n3"],
      ["of a standby", "n2"],
    ]);
  });

  it("does not mix up grids", () => {
    const other = leads("n2", 3, 1000, 9000).map((step) => ({ ...step, grid: "starboard" }));
    expect(judge([...steps, ...other], killAt(5050)).summaries).toHaveLength(1);
  });
});

describe("the old leader is not silent", () => {
  const base = [...leads("n1", 7, 1000, 5000), ...leads("n3", 8, 5200, 9000)];
  const verdict = (extra: readonly Step[]) => {
    const { summaries, referee } = judge([...base, ...extra], killAt(5050));
    const { overlapCount, lateWriteCount } = referee.totals();
    return {
      summary: summaries.map((one) => [one.overlapCount, one.lateWriteCount]),
      totals: [overlapCount, lateWriteCount],
    };
  };

  it.each<[string, Step[], [number, number]]>([
    ["its first write on an old connection to a plain device is late", [plain(5300, "n1")], [0, 1]],
    ["its second is an overlap", [plain(5300, "n1"), plain(5400, "n1")], [1, 1]],
    [
      "a write on a connection that is younger than the successor is an overlap",
      [{ ...plain(5300, "n1"), connectionId: 99, connectionOpenedAtMs: 5250 }],
      [1, 0],
    ],
    ["before the successor wrote that device it is neither", [plain(5150, "n1")], [0, 0]],
    [
      "a refused write is neither",
      [{ ...fenced(5300, "n1", 7), refusal: "epoch 7 is below 8" }],
      [0, 0],
    ],
    [
      "an accepted write at a fenced device is an overlap",
      [{ ...plain(5300, "n1"), device: "dg1", isFenced: true }],
      [1, 0],
    ],
  ])("%s", (_name, extra, expected) => {
    const { summary, totals } = verdict(extra);
    expect(summary).toEqual([expected]);
    expect(totals).toEqual(expected);
  });

  it("is counted over the whole run, also after the window", () => {
    const { referee } = judge([...base, plain(8900, "n1"), plain(8950, "n1")], killAt(5050));
    expect(referee.totals()).toMatchObject({ overlapCount: 1, lateWriteCount: 1 });
  });
});

describe("leadership comes back to a former leader", () => {
  it("and its plain writes a moment before its first epoch are part of the return", () => {
    const steps = [
      ...leads("n1", 7, 1000, 5000),
      ...leads("n3", 8, 5200, 9000),
      plain(9200, "n1"),
      fenced(9203, "n1", 9),
      ...leads("n1", 9, 9300, 13_000),
    ];
    const { summaries, referee } = judge(steps);
    expect(summaries).toMatchObject([
      { from: "n1", to: "n3", epoch: 8 },
      { from: "n3", to: "n1", epoch: 9, firstNewWriteMs: 9200, overlapCount: 0 },
    ]);
    expect(referee.totals()).toMatchObject({ overlapCount: 0, lateWriteCount: 0 });
  });
});

describe("a leader that comes back at once", () => {
  it("is not taken for one that went on writing", () => {
    const steps = [
      ...leads("n1", 7, 1000, 5000),
      ...leads("n3", 8, 5200, 5900),
      ...leads("n1", 9, 6000, 9000),
    ];
    const { summaries } = judge(steps);
    expect(summaries.map(({ from, to, overlapCount }) => [from, to, overlapCount])).toEqual([
      ["n1", "n3", 0],
      ["n3", "n1", 0],
    ]);
  });
});

describe("a grid where no device knows epochs", () => {
  const only = (writer: string, fromMs: number, toMs: number) =>
    leads(writer, 0, fromMs, toMs).filter(({ device }) => device === "bt1");

  it("lets a former leader follow the one that was struck, however soon", () => {
    const steps = [...only("n1", 1000, 3000), ...only("n2", 4200, 6000), ...only("n1", 6100, 9000)];
    const { summaries } = judge(steps, killAt(5950, "n2"));
    expect(summaries.at(-1)).toMatchObject({ from: "n2", to: "n1", gapMs: 151, overlapCount: 0 });
  });

  it("and takes its writes for double ones where nobody was struck", () => {
    const steps = [
      ...only("n1", 1000, 3000),
      ...only("n2", 4200, 8000),
      { ...plain(6100, "n1"), connectionOpenedAtMs: 6050 },
    ];
    expect(judge(steps).referee.totals().overlapCount).toBe(1);
  });
});

describe("a takeover that begins at a plain device", () => {
  it("has the epoch that the next fenced write tells, and is one failover", () => {
    const steps = [...leads("n1", 7, 1000, 5000), plain(5190, "n3"), ...leads("n3", 8, 5200, 9000)];
    expect(judge(steps, killAt(5050)).summaries).toMatchObject([
      { to: "n3", epoch: 8, firstNewWriteMs: 5190, gapMs: 140 },
    ]);
  });
});

describe("the same node leads again", () => {
  const steps = [...leads("n1", 7, 1000, 5000), ...leads("n1", 8, 6000, 9500)];

  it("is no failover where nobody caused anything", () => {
    expect(judge(steps).summaries).toEqual([]);
  });

  it("is one where all controllers were killed", () => {
    expect(judge(steps, killAt(5050)).summaries).toMatchObject([
      { from: "n1", to: "n1", epoch: 8, gapMs: 950, lastOldWriteMs: 4901, overlapCount: 0 },
    ]);
  });
});

describe("a grid without any device that holds an epoch", () => {
  const only = (writer: string, fromMs: number, toMs: number) =>
    leads(writer, 0, fromMs, toMs).filter((step) => step.isFenced === false);

  it("tells leaders apart by the writer, there and back", () => {
    const steps = [
      ...only("n1", 1000, 5000),
      ...only("n3", 5200, 9000),
      ...only("n1", 10_300, 14_000),
    ];
    expect(judge(steps).summaries).toMatchObject([
      { from: "n1", to: "n3", epoch: null },
      { from: "n3", to: "n1", epoch: null, overlapCount: 0 },
    ]);
  });

  it("counts an old leader that goes on writing beside the new one", () => {
    const steps = [...only("n1", 1000, 5600), ...only("n3", 5250, 9000)];
    const { summaries } = judge(steps);
    expect(summaries).toMatchObject([{ from: "n1", to: "n3", lateWriteCount: 1, overlapCount: 2 }]);
  });

  it("knows a reborn node by its new connection after an announced fault", () => {
    const steps = [
      ...only("n1", 1000, 5000),
      ...only("n1", 7000, 11_000).map((step) => ({
        ...step,
        connectionId: 50,
        connectionOpenedAtMs: 6900,
      })),
    ];
    expect(judge(steps, killAt(5050)).summaries).toMatchObject([{ from: "n1", to: "n1" }]);
    expect(judge(steps).summaries).toEqual([]);
  });
});

describe("tools", () => {
  it("are counted and never taken for a leader", () => {
    const steps = [...leads("n1", 7, 1000, 5000), plain(3000, "tool:5026")];
    const { summaries, referee } = judge(steps);
    expect(summaries).toEqual([]);
    expect(referee.totals()).toMatchObject({ toolWriteCount: 1, overlapCount: 0 });
  });
});
