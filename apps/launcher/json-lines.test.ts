import { expect, it } from "vitest";
import type { FailoverMessage } from "./events.ts";
import { endLines, eventLine } from "./json-lines.ts";
import type { RunOutcome } from "./run.ts";

const failover: FailoverMessage = {
  type: "failover",
  id: "kill-leader-1-port",
  grid: "port",
  from: "n1",
  to: "n2",
  epoch: 2,
  reason: "kill-leader",
  faultAtMs: 1000.001,
  lastOldWriteMs: null,
  firstNewWriteMs: 1143,
  gapMs: 142.999,
  silenceMs: 900,
  overlapCount: 0,
  lateWriteCount: 1,
  frequencyHzMin: 59.98,
  frequencyHzMax: 60.02,
  breakersMovedCount: 0,
  startsStopsCount: 0,
  setpointStepKwMax: 0.4,
};
const outcome: RunOutcome = {
  failovers: [failover],
  totals: null,
  coordinator: "etcd",
  durationMs: 40_000.4,
  faultPauseMsMax: 12,
  hostPauseMsMax: 55.555,
  failures: [],
  isAllLed: true,
};

it("ends with one object per failover with exactly the documented fields, then the totals", () => {
  const lines = endLines(outcome, 0).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toHaveLength(2);
  expect(Object.keys(lines[0] ?? {})).toEqual([
    "grid",
    "from",
    "to",
    "epoch",
    "reason",
    "faultAtMs",
    "lastOldWriteMs",
    "firstNewWriteMs",
    "gapMs",
    "silenceMs",
    "overlapCount",
    "lateWriteCount",
    "frequencyHzMin",
    "frequencyHzMax",
    "breakersMovedCount",
    "startsStopsCount",
    "setpointStepKwMax",
  ]);
  expect(Object.keys(lines[1] ?? {})).toEqual(["summary"]);
  expect(lines[1]?.["summary"]).toMatchObject({ failoverCount: 1, gapMsMax: 143, exitCode: 0 });
});

it("marks events by a type, which the objects at the end do not have", () => {
  const events = [
    eventLine({ type: "note", text: "hello" }, 1),
    eventLine({ type: "failover", failover }, 2),
  ].map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events.map(({ type }) => type)).toEqual(["note", "measured"]);
  expect(endLines(outcome, 0).every((line) => !line.includes('"type"'))).toBe(true);
});
