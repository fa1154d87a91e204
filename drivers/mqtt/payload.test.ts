import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MqttLevel, MqttPoint } from "../../configs/profile.ts";
import type { PointSpec } from "../../kernel/device-kinds.ts";
import { decodeLevel, decodePoint, levelPayload, topicOf } from "./payload.ts";

const point = (changes: Partial<MqttPoint> = {}): MqttPoint => ({
  point: "activePowerKw",
  topic: "t",
  path: [],
  scale: 1,
  offset: 0,
  labels: null,
  trueValues: ["true", "1", "ON"],
  ...changes,
});
const spec = (type: PointSpec["type"]): PointSpec => ({
  unit: "",
  type,
  direction: "measured",
  isRequired: true,
  meaning: "",
});
const level: MqttLevel = {
  point: "powerSetpointKw",
  topic: "set",
  payload: '{"w":{value},"epoch":{epoch}}',
  scale: 0.001,
  offset: 0,
  readBack: { topic: "held", path: ["w"] },
};

describe("a payload", () => {
  it.each<[string, MqttPoint, PointSpec["type"], string, unknown]>([
    ["a plain number", point(), "number", " 12.5\n", 12.5],
    ["watts as kilowatts", point({ scale: 0.001 }), "number", "-1500", -1.5],
    ["no noise of floats", point({ scale: 0.1 }), "number", "3", 0.3],
    ["a path", point({ path: ["ac", "0", "p"] }), "number", '{"ac":[{"p":7}]}', 7],
    ["a number as text", point({ path: ["p"] }), "number", '{"p":"7.5"}', 7.5],
    ["ON", point(), "boolean", "ON", true],
    ["anything else", point(), "boolean", "OFF", false],
    ["true in JSON", point({ path: ["on"] }), "boolean", '{"on":true}', true],
    ["a label", point({ labels: { F: "following" } }), "label", "F", "following"],
    ["an unknown label", point({ labels: { F: "following" } }), "label", "X", null],
    ["no JSON", point({ path: ["p"] }), "number", "{", null],
    ["a path that is not there", point({ path: ["q"] }), "number", '{"p":1}', null],
    ["a name of the prototype", point({ path: ["constructor"] }), "number", "{}", null],
    ["an object where a value should be", point({ path: ["p"] }), "number", '{"p":{}}', null],
    ["nothing", point(), "number", "", null],
    ["infinity", point(), "number", "1e999", null],
    ["words", point(), "number", "warm", null],
  ])("%s", (_name, one, type, payload, value) => {
    expect(decodePoint(one, spec(type), payload)).toBe(value);
  });

  it("of a level goes there and back", () => {
    expect(levelPayload(level, 12.3, 7)).toBe('{"w":12300,"epoch":7}');
    fc.assert(
      fc.property(fc.integer({ min: -1e6, max: 1e6 }), (tenths) => {
        const payload = levelPayload(level, tenths / 10, 1);
        expect(decodeLevel(level, payload)).toBeCloseTo(tenths / 10, 6);
      }),
    );
  });

  it("is a value or none, whatever it holds", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (payload) => {
        for (const type of ["number", "boolean", "label"] as const) {
          const value = decodePoint(point({ path: ["a"], labels: {} }), spec(type), payload);
          expect(value === null || typeof value === "boolean" || Number.isFinite(value)).toBe(true);
        }
      }),
    );
  });

  it("topics are a device's own", () => {
    expect(topicOf("{device}/a/{device}", "bat1")).toBe("bat1/a/bat1");
  });
});
