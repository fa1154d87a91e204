import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "../../kernel/errors.ts";
import { createVirtualClock } from "./virtual-clock.ts";

describe("virtual clock", () => {
  it("runs timers by time, then by order of arming, each at its own time", () => {
    const clock = createVirtualClock({ startMs: 100 });
    const seen: [string, number][] = [];
    const note = (name: string) => () => seen.push([name, clock.monotonicMs()]);
    clock.at(130, note("late"));
    clock.at(110, note("first"));
    clock.at(110, note("second"));
    clock.at(50, note("overdue"));
    expect(seen).toEqual([]);
    clock.advanceBy(20);
    expect(seen).toEqual([
      ["overdue", 100],
      ["first", 110],
      ["second", 110],
    ]);
    expect(clock.monotonicMs()).toBe(120);
    expect(clock.nextTimerMs()).toBe(130);
  });

  it("runs a timer that a timer armed, within the same advance", () => {
    const clock = createVirtualClock();
    let count = 0;
    const tick = () => {
      count += 1;
      clock.at(clock.monotonicMs() + 10, tick);
    };
    clock.at(10, tick);
    clock.advanceTo(1000);
    expect(count).toBe(100);
  });

  it("forgets cancelled timers, however many", () => {
    const clock = createVirtualClock();
    for (let i = 0; i < 10_000; i++) clock.at(1000 + i, () => expect.unreachable()).cancel();
    expect(clock.nextTimerMs()).toBe(null);
    clock.advanceTo(100_000);
  });

  it("ends a loop that never moves time with an invariant error", () => {
    const clock = createVirtualClock();
    const loop = () => void clock.at(0, loop);
    loop();
    expect(() => clock.advanceBy(1)).toThrow(InvariantError);
  });

  it("orders any set of timers as a stable sort does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ atMs: fc.nat(50), isCancelled: fc.boolean() }), { maxLength: 300 }),
        (timers) => {
          const clock = createVirtualClock();
          const seen: number[] = [];
          const armed = timers.map(({ atMs }, i) => clock.at(atMs, () => seen.push(i)));
          timers.forEach(({ isCancelled }, i) => isCancelled && armed[i]?.cancel());
          clock.advanceTo(100);
          const expected = timers
            .map(({ atMs, isCancelled }, i) => ({ atMs, isCancelled, i }))
            .filter(({ isCancelled }) => !isCancelled)
            .sort((a, b) => a.atMs - b.atMs)
            .map(({ i }) => i);
          expect(seen).toEqual(expected);
        },
      ),
    );
  });
});
