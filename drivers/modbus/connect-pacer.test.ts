import { expect, it } from "vitest";
import { ConnectPacer } from "./connect-pacer.ts";

/** Connects as soon as it may, from `nowMs` on. */
function connectAll(pacer: ConnectPacer, count: number, nowMs: number): number[] {
  const atMs: number[] = [];
  let now = nowMs;
  while (atMs.length < count) {
    const waitMs = pacer.waitMs(now);
    if (waitMs === 0) atMs.push(now - nowMs);
    now += waitMs;
  }
  return atMs;
}

it("opens some at once, then one in five milliseconds", () => {
  const atMs = connectAll(new ConnectPacer(), 50, 1000);
  expect(atMs.filter((at) => at === 0).length).toBe(11);
  expect(atMs.at(-1)).toBe(195);
  const gaps = atMs.slice(11).map((at, i) => at - (atMs[10 + i] ?? 0));
  expect(new Set(gaps)).toEqual(new Set([5]));
});

it("a quiet time gives back no more than the first burst", () => {
  const pacer = new ConnectPacer();
  connectAll(pacer, 50, 0);
  expect(connectAll(pacer, 12, 60_000).filter((at) => at === 0).length).toBe(11);
});
