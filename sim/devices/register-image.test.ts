import { expect, it } from "vitest";
import { checkProfileText, loadProfiles } from "../../configs/load-profile.ts";
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

it("takes a command code with its argument, whole or not at all", () => {
  const genset = present(loadProfiles().get("comap-style-genset"), "a shipped profile");
  const commands = new RegisterImage(genset);
  const started = { epoch: null, levels: [], commands: ["start"] };
  expect(commands.decodeRegisters(4207, [0x01fe, 0, 1])).toEqual(started);
  expect(commands.decodeRegisters(4207, [0x02fd, 0, 1])).toEqual({
    ...started,
    commands: ["stop"],
  });
  expect(commands.decodeRegisters(4207, [0x1234, 0, 1])).toBe("value");
  expect(commands.decodeRegisters(4209, [1])).toBe("value");
});

it("serves a SunSpec profile as a device that can be found: marker, headers, scale factors, end", () => {
  const inverter = present(loadProfiles().get("sunspec-inverter"), "a shipped profile");
  const served = new RegisterImage(inverter);
  const read = (address: number, count: number) =>
    served.readRegisters("holding", address, count, { activePowerKw: 120 }, 0);
  expect(read(40000, 4)).toEqual([0x5375, 0x6e53, 1, 66]);
  expect(read(40070, 2)).toEqual([103, 50]);
  const { fixedRegisters } = present(inverter.sunspec, "a SunSpec profile");
  expect(read(fixedRegisters.address + fixedRegisters.words.length - 2, 2)).toEqual([0xffff, 0]);
  const power = present(
    inverter.points.find(({ point }) => point === "activePowerKw"),
    "mapped",
  );
  expect(read(power.address, 2)).toEqual([12_000, 1]);
});
