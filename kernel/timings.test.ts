import { describe, expect, it } from "vitest";
import type { Timings } from "./timings.ts";
import { checkTimings, TIMING_SETS, watchdogMsMin } from "./timings.ts";

describe("checkTimings", () => {
  it.each(Object.entries(TIMING_SETS))("accepts the set %s", (_name, set) => {
    expect(checkTimings(set)).toEqual([]);
  });

  it.each<[string, Partial<Timings>, keyof Timings]>([
    ["a grace that a lease could outlive", { graceMs: 119 }, "graceMs"],
    ["a shrink that lets a standby win against a healthy leader", { shrinkMs: 100 }, "shrinkMs"],
    ["heartbeats too rare for the shrink", { heartbeatMs: 31 }, "heartbeatMs"],
    ["solo renewals that come too late", { soloRenewMs: 1001 }, "soloRenewMs"],
    ["a solo grace that a solo lease could outlive", { soloGraceMs: 2209 }, "soloGraceMs"],
    ["a cold start before a stale takeover is possible", { coldStartMs: 2600 }, "coldStartMs"],
    ["a journal that syncs later than a command may wait", { journalSyncMs: 101 }, "journalSyncMs"],
    ["a time that is not positive", { staggerMs: 0 }, "staggerMs"],
    ["a scan faster than the driver can read", { scanMs: 10 }, "scanMs"],
  ])("rejects %s", (_name, change, timing) => {
    expect(
      checkTimings({ ...TIMING_SETS.default, ...change }).map((problem) => problem.timing),
    ).toContain(timing);
  });

  it("accepts a grace of exactly lease × 1.1 + 2 × divergence", () => {
    expect(checkTimings({ ...TIMING_SETS.default, graceMs: 120 })).toEqual([]);
  });
});

it("a watchdog outlasts the longest takeover, two scans and half a second: 3.4 s by default", () => {
  expect(watchdogMsMin(TIMING_SETS.default)).toBe(3400);
});
