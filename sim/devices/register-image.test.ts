import { expect, it } from "vitest";
import { checkProfileText } from "../../configs/load-profile.ts";
import { problemText } from "../../configs/problem.ts";
import { present } from "../../kernel/assert.ts";
import { RegisterImage } from "./register-image.ts";

/** An inverter that says all its states by one enumeration, and takes its limit together with a flag and a time. */
const checked = checkProfileText(
  `id = "test"
name = "Inverter of the tests"
kind = "pv"
family = "modbus"
source = "defined here"
sign_statement = "Power is positive into the busbar."
masters_max = 2
slot_release_ms = 0
points = [
  { point = "isRunning", table = "holding", address = 0, type = "uint16", true_values = [4, 5] },
  { point = "isTripped", table = "holding", address = 0, type = "uint16", true_values = [7] },
  { point = "isClosed", table = "holding", address = 1, type = "bit", bit = 3, true_values = [0] },
  { point = "isOpen", table = "holding", address = 1, type = "bit", bit = 4 },
  { point = "activePowerKw", table = "holding", address = 2, type = "int16", scale = 0.1 },
  { point = "powerLimitPct", table = "holding", address = 4, type = "uint16", scale = 0.01, access = "readWrite", write_with = { before = [1], after = [0, 60] } },
]
[fallback]
behaviour = "limit"
reason = "The device goes back to full power."
watchdog_ms = 60000
`,
  "test.toml",
);
expect(checked.problems.map(problemText)).toEqual([]);
const image = new RegisterImage(present(checked.profile, "it is right"));
const read = (values: Record<string, boolean | number>) =>
  image.readRegisters("holding", 0, 3, { activePowerKw: 0, ...values }, 0);

it("says with one enumeration what its switches are, as far as it can", () => {
  expect(read({ isRunning: true, isTripped: false, isClosed: true, isOpen: false })).toEqual([
    4, 0, 0,
  ]);
  expect(read({ isRunning: false, isTripped: true, isClosed: false, isOpen: true })).toEqual([
    7, 24, 0,
  ]);
  expect(read({ isRunning: false, isTripped: false, isClosed: true, isOpen: false })?.[0]).toBe(0);
});

it("takes a level with or without what its profile writes along, and nothing beyond", () => {
  const taken = { epoch: null, commands: [], levels: [{ point: "powerLimitPct", value: 50 }] };
  expect(image.decodeRegisters(3, [1, 5000, 0, 60])).toEqual(taken);
  expect(image.decodeRegisters(4, [5000])).toEqual(taken);
  expect(image.decodeRegisters(4, [5000, 0, 60, 9])).toBe("address");
});
