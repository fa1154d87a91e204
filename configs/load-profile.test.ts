import * as fc from "fast-check";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { DEVICE_KINDS } from "../kernel/device-kinds.ts";
import { TIMING_SETS, watchdogMsMin } from "../kernel/timings.ts";
import { checkProfileText, loadProfiles, shippedProfileDirectory } from "./load-profile.ts";
import { problemText } from "./problem.ts";

const shipped = [...loadProfiles().values()];
const read = (id: string) => readFileSync(join(shippedProfileDirectory(), `${id}.toml`), "utf8");
const GENSET = read("sim-epoch-genset");
const BATTERY = read("sim-epoch-battery");

/** Problems without their line: the rows below change lines that a layout of the shipped files may move. */
function messages(text: string): string[] {
  return checkProfileText(text, "p.toml").problems.map((problem) =>
    problemText(problem).replace(/^p\.toml:\d+: /, ""),
  );
}

const isClosed = `{ point = "isClosed", table = "input", address = 0, type = "bit", bit = 0 }`;
const frequency = `{ point = "frequencyHz", table = "input", address = 6, type = "uint16", scale = 0.01 }`;
const start = `command = "start", table = "holding", address = 4, value = 1`;

const rows: [name: string, base: string, from: string | RegExp, to: string, message: string][] = [
  [
    "an unknown point",
    GENSET,
    `point = "voltageV"`,
    `point = "volts"`,
    `points[12].point: found "volts"; allowed: a point of kind genset: ${Object.keys(DEVICE_KINDS.genset.points).join(", ")}`,
  ],
  [
    "a required point that is not mapped",
    GENSET,
    `${frequency},`,
    "",
    "points: found no frequencyHz; allowed: every required point of kind genset; generator frequency",
  ],
  [
    "a point twice",
    GENSET,
    `${frequency},`,
    `${frequency}, { point = "frequencyHz", table = "input", address = 90, type = "uint16", scale = 0.01 },`,
    `points[14].point: found "frequencyHz" again; allowed: each point once`,
  ],
  [
    "a switch that is coded as a number",
    GENSET,
    isClosed,
    `{ point = "isClosed", table = "input", address = 90, type = "uint16" }`,
    `points[0].type: found "uint16"; allowed: "bit", or "uint16" or "uint32" with true_values or true_mask: the point is a switch`,
  ],
  [
    "true values of a number",
    GENSET,
    frequency,
    `{ point = "frequencyHz", table = "input", address = 6, type = "uint16", scale = 0.01, true_values = [1] }`,
    "points[13].true_values: found a value; allowed: none: frequencyHz is no switch",
  ],
  [
    "two ways to say true",
    GENSET,
    isClosed,
    `{ point = "isClosed", table = "input", address = 90, type = "uint16", true_values = [1], true_mask = 2 }`,
    "points[0].true_mask: found both; allowed: only one of true_values and true_mask",
  ],
  [
    "a constant that nobody answers for",
    GENSET,
    isClosed,
    `{ point = "isClosed", table = "input", address = 0, type = "uint16", constant = false }`,
    "points[0].reason: found nothing; allowed: a text: who or what sees to it that the constant is true",
  ],
  [
    "a constant of another type",
    GENSET,
    isClosed,
    `{ point = "isClosed", table = "input", address = 0, type = "uint16", constant = 1, reason = "x" }`,
    "points[0].constant: found 1; allowed: a boolean, as isClosed is",
  ],
  [
    "a reason without a constant",
    GENSET,
    isClosed,
    `{ point = "isClosed", table = "input", address = 0, type = "bit", bit = 0, reason = "x" }`,
    "points[0].reason: found a text; allowed: none without `constant`",
  ],
  [
    "two numbers in one register",
    GENSET,
    frequency,
    `{ point = "frequencyHz", table = "input", address = 5, type = "uint16", scale = 0.01 }`,
    "points[13].address: found input 5; allowed: registers that nothing else uses (voltageV does)",
  ],
  [
    "registers written along that belong to another level",
    BATTERY,
    `access = "readWrite", read_back`,
    `access = "readWrite", write_with = { after = [1] }, read_back`,
    "points[16].write_with: found a table; allowed: none beside an epoch register: one request writes the whole block",
  ],
  [
    "a breaker that is closed and nothing said of its synchronising",
    read("sim-plain-bus-tie"),
    `sync_check = "device"`,
    "",
    `sync_check: found nothing; allowed: "device": R-EMS never times the closing of a live breaker, so syncAndClose needs it`,
  ],
  [
    "commands of which none shows its effect",
    read("sim-plain-poi"),
    /, followed_by = \{[^}]*\}/g,
    "",
    "commands: found no followed_by; allowed: at least one command whose effect a point shows",
  ],
  [
    "set-points and a fallback that gives up nothing",
    BATTERY,
    `behaviour = "zero"`,
    `behaviour = "none"`,
    `fallback.behaviour: found "none"; allowed: "droop", "hold", "limit" or "zero": the device takes set-points (powerSetpointKw, reactiveSetpointKvar), so it does something with them`,
  ],
  [
    "a number that is coded as a bit",
    GENSET,
    frequency,
    `{ point = "frequencyHz", table = "discrete", address = 6, type = "bit" }`,
    `points[13].type: found "bit"; allowed: a number type: the point is no switch`,
  ],
  [
    "a bit of a register without its number",
    GENSET,
    isClosed,
    `{ point = "isClosed", table = "input", address = 90, type = "bit" }`,
    "points[0].bit: found nothing; allowed: a whole number, 0 to 15: the bit of the register",
  ],
  [
    "a bit number where a table holds bits",
    GENSET,
    isClosed,
    `{ point = "isClosed", table = "discrete", address = 0, type = "bit", bit = 0 }`,
    `points[0].bit: found 0; allowed: none: only type "bit" in a register has one`,
  ],
  [
    "a number in a table of bits",
    GENSET,
    frequency,
    `{ point = "frequencyHz", table = "coil", address = 6, type = "uint16", scale = 0.01 }`,
    `points[13].table: found "coil"; allowed: "holding" or "input" for a number`,
  ],
  [
    "a scale of 0",
    GENSET,
    `address = 6, type = "uint16", scale = 0.01`,
    `address = 6, type = "uint16", scale = 0`,
    "points[13].scale: found 0; allowed: a number other than 0",
  ],
  [
    "a range that does not reach the grid's frequency",
    GENSET,
    `address = 6, type = "uint16", scale = 0.01`,
    `address = 6, type = "uint16", scale = 0.001`,
    "points[13]: found a range of 0 to 65.535 Hz; allowed: a type and scale that reach 0 to 70 Hz",
  ],
  [
    "a frequency in whole hertz",
    GENSET,
    `address = 6, type = "uint16", scale = 0.01`,
    `address = 6, type = "uint16", scale = 1`,
    "points[13].scale: found 1; allowed: at most 0.1 Hz a step",
  ],
  [
    "an unsigned type for power that flows both ways",
    BATTERY,
    `address = 2, type = "int32"`,
    `address = 2, type = "uint32"`,
    "points[10]: found a range of 0 to 429496729.5 kW; allowed: a signed type: activePowerKw may be negative",
  ],
  [
    "a mark for no value that the type cannot hold",
    GENSET,
    frequency,
    `{ point = "frequencyHz", table = "input", address = 6, type = "uint16", scale = 0.01, not_available = -1 }`,
    "points[13].not_available: found -1; allowed: a raw value, 0 to 65535",
  ],
  [
    "a label that the kind does not know",
    BATTERY,
    `0 = "off"`,
    `0 = "sleeping"`,
    `points[9].labels.0: found "sleeping"; allowed: one of ${DEVICE_KINDS.battery.points["state"]?.labels?.join(", ")}`,
  ],
  [
    "labels at a number",
    GENSET,
    frequency,
    frequency.replace(" }", `, labels = { 0 = "off" } }`),
    "points[13].labels: found labels; allowed: none: frequencyHz is no label",
  ],
  [
    "a level in a table that nobody can write",
    BATTERY,
    `table = "holding", address = 2`,
    `table = "input", address = 40`,
    `points[16].table: found "input"; allowed: "holding" or "coil": a level is written`,
  ],
  [
    "a level that cannot be read back",
    BATTERY,
    `access = "readWrite", read_back = { table = "input", address = 10 }`,
    `access = "write"`,
    `points[16].access: found "write"; allowed: "readWrite", or "write" with read_back: a level is written and read back`,
  ],
  [
    "a measured point that is written",
    GENSET,
    frequency,
    frequency.replace(" }", `, access = "readWrite" }`),
    `points[13].access: found "readWrite"; allowed: "read": the point is measured`,
  ],
  [
    "two points in one register",
    GENSET,
    `address = 6, type = "uint16"`,
    `address = 5, type = "uint16"`,
    "points[13].address: found input 5; allowed: registers that nothing else uses (voltageV does)",
  ],
  [
    "two switches in one bit",
    GENSET,
    `point = "isOpen", table = "input", address = 0, type = "bit", bit = 1`,
    `point = "isOpen", table = "input", address = 0, type = "bit", bit = 0`,
    "points[1].address: found input 0; allowed: registers that nothing else uses (isClosed does)",
  ],
  [
    "a read-back where something else stands",
    BATTERY,
    `read_back = { table = "input", address = 10 }`,
    `read_back = { table = "input", address = 9 }`,
    "points[16].read_back: found input 9; allowed: registers that nothing else uses (bmsHeartbeatCount does)",
  ],
  [
    "a register beyond the last",
    GENSET,
    `address = 50, type = "uint32"`,
    `address = 65535, type = "uint32"`,
    "points[16].address: found 65535; allowed: an address whose registers end at 65535",
  ],
  [
    "a level away from the epoch",
    BATTERY,
    `table = "holding", address = 3,`,
    `table = "holding", address = 20,`,
    "points[17].address: found holding 20; allowed: holding 3: levels follow the epoch without a gap",
  ],
  [
    "a command register away from the levels",
    GENSET,
    start,
    start.replace("address = 4", "address = 9"),
    "commands[0].address: found holding 9; allowed: holding 4: the one command register follows epoch and levels without a gap",
  ],
  [
    "an unknown command",
    GENSET,
    `command = "start"`,
    `command = "strat"`,
    `commands[0].command: found "strat"; allowed: did you mean start? a command of kind genset: start, stop, syncAndClose, open, release`,
  ],
  [
    "a command twice",
    GENSET,
    `command = "stop"`,
    `command = "start"`,
    `commands[1].command: found "start" again; allowed: each command once`,
  ],
  [
    "two commands with one value",
    GENSET,
    `address = 4, value = 2`,
    `address = 4, value = 1`,
    "commands[1].value: found 1; allowed: a value that no other command writes there",
  ],
  [
    "a stop of R-EMS that opens a breaker",
    BATTERY,
    `release = ["release"]`,
    `release = ["open"]`,
    `release[0]: found "open"; allowed: a command of this profile that moves no breaker and neither starts nor stops: setForming, setFollowing, release`,
  ],
  [
    "a device that is given back twice",
    BATTERY,
    `release = ["release"]`,
    `release = ["release", "release"]`,
    `release[1]: found "release" again; allowed: each command once`,
  ],
  [
    "feedback by a point that is not mapped",
    GENSET,
    `followed_by = { point = "isRunning", value = true`,
    `followed_by = { point = "isHumming", value = true`,
    `commands[0].followed_by.point: found "isHumming"; allowed: a point that this profile maps`,
  ],
  [
    "feedback of the wrong type",
    GENSET,
    `followed_by = { point = "isRunning", value = true`,
    `followed_by = { point = "isRunning", value = 1`,
    "commands[0].followed_by.value: found 1; allowed: a boolean, as isRunning is",
  ],
  [
    "live closing without the device's own check",
    GENSET,
    `sync_check = "device"`,
    `sync_check = "none"`,
    `sync_check: found "none"; allowed: "device": R-EMS never times the closing of a live breaker, so syncAndClose needs it`,
  ],
  [
    "commands without a fallback",
    GENSET,
    GENSET.slice(GENSET.indexOf("[fallback]"), GENSET.indexOf("[signature]")),
    "",
    "fallback: found nothing; allowed: a table: a device that takes commands or levels says what it does without R-EMS",
  ],
  [
    "no statement of signs",
    GENSET,
    `sign_statement = "Active and reactive power are positive out of the generator into the busbar, as in R-EMS."\n`,
    "",
    "sign_statement: found nothing; allowed: a text of 10 to 300 characters in quotes",
  ],
];

describe("a profile is rejected with an exact message for", () => {
  it.each(rows)("%s", (_name, base, from, to, message) => {
    expect(typeof from === "string" ? base.includes(from) : from.test(base)).toBe(true);
    expect(messages(base.replace(from, () => to))).toContain(message);
  });

  it("a fast class that needs too many requests", () => {
    const scattered = [10_000, 20_000, 30_000, 40_000].reduce(
      (text, address, index) =>
        text.replace(
          `address = 0, type = "bit", bit = ${index} `,
          `address = ${address}, type = "bit", bit = ${index} `,
        ),
      GENSET,
    );
    expect(messages(scattered)).toEqual([
      `points: found a fast class of 6 requests; allowed: at most 4 of 125 registers each; move points to poll = "slow"`,
    ]);
  });

  it("the line of the problem", () => {
    const text = GENSET.replace(`command = "start"`, `command = "strat"`);
    const line = text.slice(0, text.indexOf("strat")).split("\n").length;
    expect(checkProfileText(text, "p.toml").problems[0]?.line).toBe(line);
  });
});

it("no change of two lines of a right profile crashes the check", () => {
  const lines = GENSET.split("\n");
  const values = ["-0.0", "nan", "[]", "{}", '""', "-1", "70000", "true", '"input"', "1e300"];
  const keys = ["address", "bit", "scale", "type", "table", "value", "point", "labels", "offset"];
  const edit = fc.tuple(
    fc.nat(lines.length - 1),
    fc.constantFrom(...keys),
    fc.constantFrom(...values),
  );
  fc.assert(
    fc.property(edit, edit, (...edits) => {
      const text = [...lines];
      for (const [at, key, value] of edits) {
        const pattern = new RegExp(`${key} = ("[^"]*"|[^,} ]+)`);
        text[at] = (text[at] ?? "").replace(pattern, () => `${key} = ${value}`);
      }
      const { profile, problems } = checkProfileText(text.join("\n"), "p.toml");
      expect(profile === null).toBe(problems.length > 0);
    }),
    { numRuns: 400 },
  );
});

const simulated = shipped.filter(({ id }) => id.startsWith("sim-"));
const real = shipped.filter(({ id }) => !id.startsWith("sim-"));

describe("the profiles of simulated devices", () => {
  it("are two series; only meters, which nobody writes, stand in one alone", () => {
    const ids = simulated.map(({ id }) => id);
    const plain = ids.filter((id) => id.startsWith("sim-plain-") && id !== "sim-plain-meter");
    expect(ids.filter((id) => id.startsWith("sim-epoch-"))).toEqual(
      plain.map((id) => id.replace("plain", "epoch")),
    );
    for (const { id, epochRegister } of simulated) {
      expect(epochRegister !== null, id).toBe(id.startsWith("sim-epoch-"));
    }
  });

  it("show the fast class, read-backs included, in one block of input registers from 0", () => {
    for (const { id, points } of simulated) {
      const fast = points
        .filter(({ poll }) => poll === "fast")
        .map((point) => ({
          ...point,
          ...point.readBack,
          count: point.type === "int32" ? 2 : 1,
        }));
      const used = new Set(
        fast.flatMap(({ address, count }) =>
          Array.from({ length: count }, (_, at) => address + at),
        ),
      );
      expect(
        fast.every(({ table }) => table === "input"),
        id,
      ).toBe(true);
      expect(
        [...used].sort((a, b) => a - b),
        id,
      ).toEqual([...used.keys()].map((_, at) => at));
    }
  });

  it("write one block of holding registers without gaps: epoch, levels, command", () => {
    for (const { id, epochRegister, points, commands } of simulated) {
      const addresses = [
        ...(epochRegister ? [epochRegister.address, epochRegister.address + 1] : []),
        ...points.filter(({ table }) => table === "holding").map(({ address }) => address),
        ...new Set(commands.map(({ address }) => address)),
      ];
      expect(addresses, id).toEqual(addresses.map((_, at) => at));
    }
  });

  it("carry one signature, and a watchdog that outlasts the longest takeover of every timing set", () => {
    const leastMs = Math.max(...Object.values(TIMING_SETS).map(watchdogMsMin));
    for (const { id, signature, fallback, kind } of simulated) {
      expect(signature, id).toEqual({ table: "holding", address: 60000, value: 21069 });
      if (kind === "meter") expect(fallback).toBeNull();
      else expect(fallback?.watchdogMs, id).toBeGreaterThanOrEqual(leastMs);
    }
  });
});

describe("the profiles of real devices", () => {
  it("are no simulator's, and give what they hold up within a time that outlasts a takeover", () => {
    const leastMs = Math.max(...Object.values(TIMING_SETS).map(watchdogMsMin));
    expect(real.length).toBeGreaterThanOrEqual(4);
    for (const { id, signature, fallback, commands, points, kind } of real) {
      expect(signature, id).toBeNull();
      const isWritten =
        commands.length > 0 ||
        points.some(({ point }) => DEVICE_KINDS[kind].points[point]?.direction === "level");
      if (isWritten) expect(fallback?.watchdogMs, id).toBeGreaterThanOrEqual(leastMs);
      else expect(fallback, id).toBeNull();
    }
  });
});

describe("a directory of profiles", () => {
  const directory = mkdtempSync(join(tmpdir(), "r-ems-profiles-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  it("is rejected as a whole where one file is not named for its id", () => {
    writeFileSync(join(directory, "sim-epoch-genset.toml"), GENSET);
    expect(loadProfiles(directory).size).toBe(1);
    writeFileSync(join(directory, "other.toml"), BATTERY);
    expect(() => loadProfiles(directory)).toThrow(
      `other.toml:1: id: found "sim-epoch-battery"; allowed: "other", as the file is named`,
    );
  });

  it("that is not there is an error that names it", () => {
    const absent = join(directory, "absent");
    expect(() => loadProfiles(absent)).toThrow(
      `There is no readable directory of device profiles at ${absent}`,
    );
  });
});
