import { describe, expect, it } from "vitest";
import type { CoreOutputs } from "../kernel/core.ts";
import { NO_OUTPUTS } from "../kernel/core.ts";
import { createOutputGate } from "./output-gate.ts";

function outputs(sequence: number, withCommand = false): CoreOutputs {
  const command = {
    id: `1:${sequence}:0`,
    device: "dg1",
    command: "start",
    expiresAtPlantMs: 0,
    reason: "",
  };
  return {
    ...NO_OUTPUTS,
    levels: [{ device: "dg1", point: "powerReferenceKw", value: sequence }],
    commands: withCommand ? [command] : [],
    replies: [{ requestId: `r${sequence}`, isAccepted: true, reason: "" }],
  };
}

describe("the output gate", () => {
  it("lets nothing out before its frame is acknowledged", () => {
    const gate = createOutputGate();
    gate.add(5, outputs(5, true));
    expect(gate.release(4, 4)).toMatchObject({
      levels: null,
      commands: [],
      messages: [],
      replies: [],
    });
  });

  it("writes only the newest acknowledged levels, and every reply", () => {
    const gate = createOutputGate();
    for (const sequence of [5, 6, 7]) gate.add(sequence, outputs(sequence));
    const released = gate.release(6, 6);
    expect(released.levels).toMatchObject({ sequence: 6, levels: [{ value: 6 }] });
    expect(released.replies.map((reply) => reply.requestId)).toEqual(["r5", "r6"]);
    expect(gate.release(7, 7).levels).toMatchObject({ sequence: 7 });
  });

  it("keeps commands in order, and behind the disk where a lone leader must wait for it", () => {
    const gate = createOutputGate();
    for (const sequence of [5, 6]) gate.add(sequence, outputs(sequence, true));
    expect(gate.release(6, 4).commands).toEqual([]);
    expect(gate.release(6, 6).commands.map(({ id }) => id)).toEqual(["1:5:0", "1:6:0"]);
    expect(gate.release(6, 6).commands).toEqual([]);
  });

  it("forgets everything at loss of leadership, and says which commands never went out", () => {
    const gate = createOutputGate();
    gate.add(5, outputs(5, true));
    expect(gate.clear().map(({ id }) => id)).toEqual(["1:5:0"]);
    expect(gate.release(9, 9).levels).toBeNull();
  });
});
