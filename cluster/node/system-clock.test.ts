import { expect, it } from "vitest";
import { createSystemClock } from "./system-clock.ts";

it("never runs a timer before its time, and a cancelled one not at all", async () => {
  const clock = createSystemClock();
  const earlyMs = await new Promise<number[]>((resolve) => {
    const results: number[] = [];
    const startMs = clock.monotonicMs();
    for (let i = 0; i < 40; i++) {
      const atMs = startMs + i * 0.7;
      clock.at(atMs, () => {
        results.push(atMs - clock.monotonicMs());
        if (results.length === 40) resolve(results);
      });
      clock.at(atMs, () => results.push(1000)).cancel();
    }
  });
  expect(Math.max(...earlyMs)).toBeLessThanOrEqual(0);
});
