import { expect, it } from "vitest";
import type { WriteReport } from "../../kernel/ports/device-io.ts";
import { IgnoredOutputs } from "./ignored-outputs.ts";

const report = (outcome: WriteReport["outcome"], name = "powerSetpointKw"): WriteReport => ({
  device: "bat1",
  epoch: 1,
  kind: "level",
  name,
  outcome,
  reason: "why",
});

it("a set-point without effect is a fact until it has its effect", () => {
  const ignored = new IgnoredOutputs();
  expect(ignored.note(report("written"))).toBeNull();
  const text = "powerSetpointKw unfollowed: why";
  expect(ignored.note(report("unfollowed"))).toEqual(["ignored.bat1", text]);
  expect(ignored.note(report("unfollowed"))).toBeNull();
  expect(ignored.note(report("confirmed"))).toBeNull();
  expect(ignored.note(report("followed"))).toEqual(["ignored.bat1", ""]);
});

it("one that is not shown or refused is a fact until the device shows it", () => {
  const ignored = new IgnoredOutputs();
  expect(ignored.note(report("failed"))?.[1]).toBe("powerSetpointKw failed: why");
  expect(ignored.note(report("unconfirmed"))?.[1]).toBe("powerSetpointKw unconfirmed: why");
  expect(ignored.note(report("confirmed"))?.[1]).toBe("");
});

it("several set-points of a device share its fact", () => {
  const ignored = new IgnoredOutputs();
  ignored.note(report("failed"));
  expect(ignored.note(report("failed", "chargeLimitKw"))?.[1]).toBe(
    "powerSetpointKw failed: why; chargeLimitKw failed: why",
  );
  expect(ignored.note(report("confirmed"))?.[1]).toBe("chargeLimitKw failed: why");
});

it("who commands no more knows of nothing ignored", () => {
  const ignored = new IgnoredOutputs();
  ignored.note(report("failed"));
  expect(ignored.clear()).toEqual([["ignored.bat1", ""]]);
  expect(ignored.clear()).toEqual([]);
});
