import { expect, it } from "vitest";
import { loadManifest } from "../configs/load-manifest.ts";
import type { Applied } from "./grid-replica.ts";
import { NO_OUTPUTS, type CoreOutputs } from "../kernel/core.ts";
import { type CapturedSpan, createIncidentCapture } from "./incident-capture.ts";
import { NodeView } from "./node-view.ts";

const manifest = loadManifest(new URL("../configs/vessel.toml", import.meta.url).pathname);
const START_MS = Date.parse("2026-11-26T00:10:00Z");

/** A capture on virtual time. */
function begin() {
  const view = new NodeView(manifest, "n1", "0.1.0");
  let nowMs = START_MS;
  let due: { atMs: number; action: () => void } | null = null;
  const captured: CapturedSpan[] = [];
  const capture = createIncidentCapture(view, {
    nowMs: () => nowMs,
    schedule(afterMs, action) {
      const mine = { atMs: nowMs + afterMs, action };
      due = mine;
      return { cancel: () => void (due = due === mine ? null : due) };
    },
    capture: (span) => {
      captured.push(span);
      return Promise.resolve({ type: "stored", path: "", byteCount: 0 });
    },
    onDone() {},
  });
  const pass = (ms: number) => {
    nowMs += ms;
    if (due === null || due.atMs > nowMs) return;
    const { atMs, action } = due;
    due = null;
    nowMs = Math.max(atMs, nowMs);
    action();
  };
  return { view, capture, captured, pass };
}

const nothing: Applied = { transitions: [], failover: null, outputs: NO_OUTPUTS };
const failover = (origin: string): Applied => ({
  ...nothing,
  failover: { from: "n1", to: "n2", epoch: 2, origin, wallTimeMs: 0, gapMs: 0 },
});
const alarm = (code: string, priority: string, event = "raised"): Applied => {
  const change = { code, priority, event, actor: "grids/port", isActive: true };
  return {
    ...nothing,
    outputs: { ...NO_OUTPUTS, alarms: [change] as unknown as CoreOutputs["alarms"] },
  };
};

it("a failover is kept from a minute before to half a minute after", () => {
  const { view, captured, pass } = begin();
  view.announce("port", failover("hot"));
  pass(29_000);
  expect(captured).toEqual([]);
  pass(1000);
  expect(captured).toEqual([
    {
      fromWallMs: START_MS - 60_000,
      toWallMs: START_MS + 30_000,
      reason: "failover port n1 to n2 (hot)",
      name: "20261126-001000-failover-port-n1-to-n2-hot.incident",
    },
  ]);
});

it("what is being recorded is told with its causes and its end, until its file is written", async () => {
  const { view, capture, pass } = begin();
  expect(capture.pending()).toEqual([]);
  view.announce("port", failover("hot"));
  pass(20_000);
  view.announce("port", alarm("BLACKOUT", "high"));
  const told = {
    reason: "failover port n1 to n2 (hot); alarm BLACKOUT port",
    fromWallMs: START_MS - 60_000,
    untilWallMs: START_MS + 50_000,
  };
  expect(capture.pending()).toEqual([told]);
  pass(30_000);
  // Its file is being written.
  expect(capture.pending()).toEqual([told]);
  await Promise.resolve();
  expect(capture.pending()).toEqual([]);
});

it("what follows closely goes into the same file, each cause named once, up to five minutes", () => {
  const { view, captured, pass } = begin();
  for (let i = 0; i < 30; i++) {
    view.announce("port", alarm("BLACKOUT", "high"));
    if (i === 3) view.announce("port", failover("hot"));
    pass(20_000);
  }
  expect(captured[0]?.reason).toBe("alarm BLACKOUT port; failover port n1 to n2 (hot)");
  const spans = captured.map(({ fromWallMs, toWallMs }) => toWallMs - fromWallMs);
  expect(spans.length).toBeGreaterThan(1);
  expect(Math.max(...spans)).toBeLessThanOrEqual(320_000);
});

it.each([
  ["a planned handover", failover("handover")],
  ["a cold start", failover("cold")],
  ["an alarm of medium priority", alarm("REDUNDANCY_REDUCED", "medium")],
  ["the end of an alarm", alarm("BLACKOUT", "high", "cleared")],
  ["a frame", nothing],
])("%s is not kept", (_name, applied) => {
  const { view, captured, pass } = begin();
  view.announce("port", applied);
  pass(60_000);
  expect(captured).toEqual([]);
});

it("an alarm of the node's own is kept if it is of high priority, and nothing after the end", () => {
  const { capture, captured, pass } = begin();
  const own = { grid: "port", code: "AUTHORITY_LOST", isActive: true, text: "" } as const;
  capture.onNodeAlarm({ ...own, priority: "medium" });
  pass(60_000);
  expect(captured).toEqual([]);
  capture.onNodeAlarm({ ...own, priority: "high" });
  capture.close();
  pass(60_000);
  expect(captured).toEqual([]);
});
