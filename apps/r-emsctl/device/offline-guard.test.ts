import { expect, it } from "vitest";
import type { PointValue } from "../../../kernel/point.ts";
import { mayWriteOffline } from "./offline-guard.ts";
import type { PointReading } from "../../../api/device-probe/read-points.ts";

const reading = (point: string, value: PointValue | null): PointReading =>
  ({ mapping: { point }, value, failure: value === null ? "silent" : null }) as PointReading;

it.each<[string, Record<string, PointValue | null>, boolean, RegExp]>([
  ["an open breaker", { isOpen: true, isClosed: false }, true, /breaker is open/],
  ["one contact alone, that says not closed", { isClosed: false }, true, /breaker is open/],
  [
    "a stopped machine behind a closed breaker",
    { isOpen: false, isClosed: true, isRunning: false },
    true,
    /stopped/,
  ],
  [
    "a closed breaker of a running machine",
    { isOpen: false, isClosed: true, isRunning: true },
    false,
    /isClosed is true/,
  ],
  ["contacts that say both", { isOpen: true, isClosed: true }, false, /neither/],
  ["contacts that say neither", { isOpen: false, isClosed: false }, false, /neither/],
  ["a contact that is not read", { isOpen: null, isClosed: false }, false, /isOpen silent/],
  ["one contact alone, that says open", { isOpen: true }, false, /neither/],
  ["nothing that could prove it", {}, false, /maps none of isOpen, isClosed, isRunning/],
])("%s: may write %s", (_name, points, mayWrite, because) => {
  const readings = Object.entries(points).map(([point, value]) => reading(point, value));
  const verdict = mayWriteOffline(readings);
  expect(verdict.mayWrite).toBe(mayWrite);
  expect(verdict.because).toMatch(because);
});
