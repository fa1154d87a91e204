import { expect, it } from "vitest";
import { parseDurationMs, parseScheduledAction } from "./schedule.ts";

it.each([
  ["10s:kill-leader=port", 10_000, { type: "kill-leader", grid: "port" }],
  ["1.5s:pause-leader=port:250ms", 1500, { type: "pause-leader", grid: "port", durationMs: 250 }],
  ["2m:kill-all", 120_000, { type: "kill-all", durationMs: 10_000 }],
  ["5s:load-step=f1:-40", 5000, { type: "load-step", device: "f1", deltaKw: -40 }],
  ["5s:tie=close", 5000, { type: "tie", isClosing: true }],
  ["5s:ask=sc1:transferToShore", 5000, { type: "ask", device: "sc1", command: "transferToShore" }],
  ["5s:transfer=port:n3", 5000, { type: "transfer", grid: "port", node: "n3" }],
])("parses %s", (text, atMs, action) => {
  expect(parseScheduledAction(text)).toEqual({ atMs, action });
});

it.each([
  "",
  "10s",
  "10s:",
  "10s:explode",
  "10:kill-leader=port",
  "10s:kill-leader=",
  "10s:load-step=f1:much",
  "10s:tie=half",
])("refuses %j and says what is allowed", (text) => {
  expect(() => parseScheduledAction(text)).toThrow("REMS_REQUEST_INVALID");
});

it("knows four units of time and no bare numbers", () => {
  expect(["250ms", "40s", "10m", "2h"].map(parseDurationMs)).toEqual([
    250, 40_000, 600_000, 7_200_000,
  ]);
  expect(() => parseDurationMs("40")).toThrow("write for example");
});
