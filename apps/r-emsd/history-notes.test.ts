import { expect, it } from "vitest";
import { present } from "../../kernel/assert.ts";
import { NO_OUTPUTS, type CoreOutputs } from "../../kernel/core.ts";
import type { Frame } from "../../kernel/frame.ts";
import { historyNotes } from "./history-notes.ts";

it("keeps the reasons of a decision as data beside the sentence", () => {
  const values = { loadPct: 92, limitPct: 90, capacityKw: 1000, delayS: 30 };
  const because = [{ code: "LOAD_HIGH", device: "", values }];
  const transition = {
    actor: "grids/port/devices/dg2",
    from: "ready",
    to: "starting",
    event: "start.requested",
    reason: "load 92 % > 90 % of 1000 kW for 30 s",
  };
  const outputs: CoreOutputs = {
    ...NO_OUTPUTS,
    transitions: [
      { ...transition, because },
      { ...transition, event: "scanned", reason: "" },
    ],
  };
  const frame = { grid: "port", plantTimeMs: 5, requests: [] } as unknown as Frame;
  const notes = historyNotes(frame, outputs).map(({ text }) => JSON.parse(text) as unknown);
  expect(notes).toMatchObject([
    {
      text: "ready → starting: load 92 % > 90 % of 1000 kW for 30 s",
      details: { because },
    },
    { text: "ready → starting" },
  ]);
  expect(present(notes[1], "a second note")).not.toHaveProperty("details.because");
});
