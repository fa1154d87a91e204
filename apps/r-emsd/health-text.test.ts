import { expect, it } from "vitest";
import type { DeviceHealth } from "../../kernel/ports/device-io.ts";
import { healthText } from "./health-text.ts";

const health = (refusedCount: number): DeviceHealth => ({
  device: "bat1",
  state: "degraded",
  reason: "refuses some of its registers",
  refused: Array.from({ length: refusedCount }, (_, i) => ({
    point: `bat1.p${i}`,
    where: `input ${i}`,
    reason: "exception 2 (illegal data address)",
  })),
  points: [],
  roundTripMs: 1,
  timeoutMs: 150,
  requestCount: 1,
  timeoutCount: 0,
  exceptionCount: 1,
  skippedCount: 0,
});

it("lists what a device refuses, with what it says", () => {
  expect(healthText(health(1))).toBe(
    "refuses some of its registers: bat1.p0 at input 0: exception 2 (illegal data address)",
  );
});

it("does not go on for ever", () => {
  expect(healthText(health(100))).toMatch(/; and 92 more$/);
});

it("says only the reason where nothing is refused", () => {
  expect(healthText({ ...health(0), reason: "" })).toBe("");
});
