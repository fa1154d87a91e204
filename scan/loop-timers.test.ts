import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../sim/ports/virtual-clock.ts";
import { createDeadlineTimer, createScanTimer } from "./loop-timers.ts";

describe("the timer of scans", () => {
  it("keeps to absolute times: one that is late is counted, and delays no other", () => {
    const clock = createVirtualClock();
    const startMs = clock.monotonicMs();
    const scans: string[] = [];
    const timer = createScanTimer(clock, 100, () => {
      const { latenessMs, missedCount } = timer.run(() => {
        // The third scan takes as long as two and a half.
        if (scans.length === 2) clock.advanceBy(250);
      });
      scans.push(`${clock.monotonicMs() - startMs} late ${latenessMs} missed ${missedCount}`);
      timer.goOn();
    });
    timer.start(startMs + 10);
    clock.advanceBy(560);
    expect(scans).toEqual([
      "10 late 0 missed 0",
      "110 late 0 missed 0",
      "460 late 0 missed 0",
      "460 late 150 missed 1",
      "510 late 0 missed 0",
    ]);
    timer.close();
    timer.goOn();
    clock.advanceBy(1000);
    expect(scans).toHaveLength(5);
  });
});

describe("the timer of deadlines", () => {
  function timerOf(firstMs: number) {
    const clock = createVirtualClock();
    const startMs = clock.monotonicMs();
    const state = { nextMs: startMs + firstMs, dueAtMs: [] as number[] };
    const timer = createDeadlineTimer(
      clock,
      () => state.nextMs,
      (nowMs) => {
        state.dueAtMs.push(nowMs - startMs);
        state.nextMs = Infinity;
      },
    );
    return { clock, state, timer, startMs };
  }

  it("fires once it is due, and not before, however often the deadline moves on", () => {
    const { clock, state, timer, startMs } = timerOf(20);
    timer.arm();
    clock.advanceBy(10);
    state.nextMs = startMs + 50;
    timer.arm();
    clock.advanceBy(30);
    expect(state.dueAtMs).toEqual([]);
    clock.advanceBy(100);
    expect(state.dueAtMs).toEqual([50]);
  });

  it("is set anew where the deadline comes nearer, and never fires once it is closed", () => {
    const { clock, state, timer, startMs } = timerOf(80);
    timer.arm();
    state.nextMs = startMs + 30;
    timer.arm();
    clock.advanceBy(40);
    expect(state.dueAtMs).toEqual([30]);
    state.nextMs = startMs + 60;
    timer.arm();
    timer.close();
    clock.advanceBy(100);
    expect(state.dueAtMs).toEqual([30]);
  });
});
