import { describe, expect, it } from "vitest";
import type { PointValue } from "../../kernel/point.ts";
import { parseCondition } from "./condition.ts";

const values: Readonly<Record<string, PointValue>> = {
  "dg1.activePowerKw": 500.5,
  "dg1.isRunning": true,
  "port/dg1": "onLoad",
};
const isTrue = (text: string) => parseCondition(text).isTrue((name) => values[name]);

describe("a condition on a point", () => {
  it.each([
    ["dg1.activePowerKw > 500", true],
    ["dg1.activePowerKw>500.5", false],
    ["dg1.activePowerKw >= 500.5", true],
    ["dg1.activePowerKw < 500", false],
    ["dg1.activePowerKw != 3", true],
    ["dg1.isRunning == true", true],
    ["dg1.isRunning = false", false],
    ["port/dg1 == onLoad", true],
    ['port/dg1 == "ready"', false],
    ["dg1.activePowerKw > 500 and port/dg1 == onLoad", true],
    ["dg1.activePowerKw > 500 && dg1.isRunning == false", false],
    ["dg9.activePowerKw != 3", false],
    ["port/dg1 > 3", false],
  ])("%s is %s", (text, expected) => expect(isTrue(text)).toBe(expected));

  it.each(["", "dg1", "dg1.activePowerKw >", "a > 1 or b > 2", "and"])("%j is none", (text) =>
    expect(() => parseCondition(text)).toThrow("is no condition; write for example"),
  );
});
