import { expect, it } from "vitest";
import { LevelWatch } from "./level-watch.ts";

const RULE = {
  confirmWithinMs: 2000,
  followedBy: { point: "activePowerKw", tolerance: 5, withinMs: 3000 },
  writesPerDayMax: null,
};

/** One level, looked at every 100 ms. `measured` says what the device does with what is wanted. */
function watch(rule: Partial<typeof RULE> | { followedBy: null } = {}) {
  const reports: [atMs: number, outcome: string][] = [];
  let nowMs = 0;
  const levels = [{ point: "powerSetpointKw", supervision: { ...RULE, ...rule } }];
  const one = new LevelWatch(levels, (_point, outcome) => reports.push([nowMs, outcome]));
  return {
    reports,
    one,
    run: (
      durationMs: number,
      wanted: (atMs: number) => number | null,
      measured: (atMs: number) => number | null,
    ): void => {
      for (const endMs = nowMs + durationMs; nowMs < endMs; nowMs += 100) {
        const value = wanted(nowMs);
        one.check(
          new Map(value === null ? [] : [["powerSetpointKw", value]]),
          () => measured(nowMs),
          nowMs,
        );
      }
    },
  };
}

it("a write that the device shows in time says nothing", () => {
  const { one, run, reports } = watch({ followedBy: null });
  one.written("powerSetpointKw", 0);
  run(
    1500,
    () => 10,
    () => null,
  );
  one.confirmed("powerSetpointKw");
  run(
    5000,
    () => 10,
    () => null,
  );
  expect(reports).toEqual([]);
});

it("a write that the device does not show is unconfirmed once, counted from the first of those repeated", () => {
  const { one, run, reports } = watch({ followedBy: null });
  one.written("powerSetpointKw", 0);
  run(
    1000,
    () => 10,
    () => null,
  );
  one.written("powerSetpointKw", 1000);
  run(
    5000,
    () => 10,
    () => null,
  );
  expect(reports).toEqual([[2000, "unconfirmed"]]);
});

it("an effect in time is followed, once for each set-point", () => {
  const { run, reports } = watch();
  run(
    2000,
    () => 100,
    (atMs) => Math.min(100, atMs / 10),
  );
  run(
    3000,
    () => 100,
    () => 98,
  );
  run(
    3000,
    () => 50,
    (atMs) => (atMs < 6000 ? 98 : 50),
  );
  expect(reports).toEqual([
    [1000, "followed"],
    [6000, "followed"],
  ]);
});

it("an acknowledged set-point without effect is unfollowed, and followed again once it has it", () => {
  const { run, reports } = watch();
  run(
    6000,
    () => 100,
    () => 0,
  );
  run(
    1000,
    () => 100,
    () => 100,
  );
  expect(reports).toEqual([
    [3000, "unfollowed"],
    [6000, "followed"],
  ]);
});

it("a set-point on a ramp is followed by an effect that lags within the tolerance for most of the time", () => {
  const { run, reports } = watch();
  // The effect runs a second behind, and catches up at each stop of the ramp.
  const ramp = (atMs: number) => Math.floor(atMs / 2000) * 20;
  run(20_000, ramp, (atMs) => ramp(Math.max(0, atMs - 1000)));
  expect(reports.some(([, outcome]) => outcome === "unfollowed")).toBe(false);
});

it("what is not known is not judged", () => {
  const { run, reports } = watch();
  run(
    10_000,
    () => 100,
    () => null,
  );
  run(
    2000,
    () => 100,
    () => 0,
  );
  run(
    2000,
    () => 100,
    () => null,
  );
  run(
    2000,
    () => 100,
    () => 0,
  );
  expect(reports).toEqual([]);
});

it("what is no longer wanted owes nothing", () => {
  const { one, run, reports } = watch();
  one.written("powerSetpointKw", 0);
  run(
    1000,
    () => 100,
    () => 0,
  );
  run(
    1000,
    () => null,
    () => 0,
  );
  run(
    2500,
    () => 100,
    () => 0,
  );
  expect(reports).toEqual([]);
});
