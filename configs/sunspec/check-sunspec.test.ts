import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { checkProfileText, shippedProfileDirectory } from "../load-profile.ts";
import { problemText } from "../problem.ts";

/** Lists that the formatter broke into lines are put on one again. */
const read = (id: string) =>
  readFileSync(join(shippedProfileDirectory(), `${id}.toml`), "utf8").replaceAll(
    /= \[\n([^[\]{}]*?),?\n\s*\]/g,
    (_all, words: string) => `= [${words.replaceAll(/\s+/g, " ").trim()}]`,
  );
const INVERTER = read("sunspec-inverter");
const STORAGE = read("sunspec-storage");

const rows: [name: string, base: string, from: string | RegExp, to: string, message: string][] = [
  [
    "a model that SunSpec does not define",
    INVERTER,
    "[123]",
    "[1234]",
    "sunspec.models[1][0]: found 1234; allowed: a public SunSpec model",
  ],
  [
    "a model in two lists",
    INVERTER,
    "[123]",
    "[103]",
    "sunspec.models[1][0]: found 103 again; allowed: each model once",
  ],
  [
    "a point of a model that the profile does not need",
    INVERTER,
    `model = 103, name = "W"`,
    `model = 701, name = "W"`,
    "sunspec.points[4].model: found 701; allowed: the first model of a list in sunspec.models: 103, 123",
  ],
  [
    "a name that the model does not have",
    INVERTER,
    `name = "WMaxLimPct",`,
    `name = "WMaxLimPc",`,
    "sunspec.points[5].name: found no WMaxLimPc in model 123; allowed: a point of that model; did you mean WMaxLimPct?",
  ],
  [
    "a name that one of the alternatives lacks",
    INVERTER,
    `name = "W" }`,
    `name = "W_SF" }`,
    "sunspec.points[4].name: found no W_SF in model 113; allowed: a point of that model",
  ],
  [
    "a symbol that the point does not have",
    INVERTER,
    `true_symbols = ["FAULT"]`,
    `true_symbols = ["FALT"]`,
    `sunspec.points[2].true_symbols: found "FALT"; allowed: did you mean "FAULT"? OFF, SLEEPING, STARTING, MPPT, THROTTLED, SHUTTING_DOWN, FAULT, STANDBY`,
  ],
  [
    "a switch without what means true",
    INVERTER,
    `, true_symbols = ["FAULT"]`,
    "",
    "sunspec.points[2].true_symbols: found nothing; allowed: names of values or bits that mean true",
  ],
  [
    "a point of another unit",
    INVERTER,
    `model = 103, name = "W"`,
    `model = 103, name = "A"`,
    "sunspec.points[4].name: found 103 A with unit A; allowed: a point with a unit for kW",
  ],
  [
    "a set-point that cannot be written",
    INVERTER,
    `point = "powerLimitPct", model = 123, name = "WMaxLimPct"`,
    `point = "powerLimitPct", model = 103, name = "PF"`,
    `sunspec.points[5].access: found "readWrite"; allowed: "read": 103 PF cannot be written`,
  ],
  [
    "a neighbour with a hole before it",
    INVERTER,
    "WMaxLimPct_WinTms = 0, ",
    "",
    `sunspec.points[5].with: found WMaxLimPct_RvrtTms = 60, WMaxLimPct_RmpTms = 0, WMaxLim_Ena = "ENABLED"; allowed: points that lie beside WMaxLimPct without a gap, each with a number or the name of a value`,
  ],
  [
    "a neighbour that is read only",
    STORAGE,
    "WSetRvrtTms = 5",
    "WSetRvrtTms = 5, WSetRvrtRem = 5",
    "sunspec.points[17].with.WSetRvrtRem: found WSetRvrtRem, which is read only; allowed: writable points of the same model",
  ],
  [
    "a command with an unknown value",
    STORAGE,
    `value = "STOP"`,
    `value = "HALT"`,
    `sunspec.commands[1].value: found "HALT"; allowed: STOP, START, ENTER_STANDBY, EXIT_STANDBY`,
  ],
  [
    "registers beside the models",
    INVERTER,
    "[sunspec]",
    `points = [{ point = "isClosed", table = "input", address = 0, type = "bit", bit = 0 }]\n\n[sunspec]`,
    "points: found a list; allowed: none: points and commands of a SunSpec device stand in [sunspec]",
  ],
  [
    "a required point that is not mapped, where it is looked for",
    INVERTER,
    /^ {2}\{ point = "activePowerKw".*\n/m,
    "",
    "sunspec.points: found no activePowerKw; allowed: every required point of kind pv; into the busbar",
  ],
  [
    "the table in a profile of another family",
    INVERTER,
    `family = "sunspec"`,
    `family = "modbus"`,
    `sunspec: found a table; allowed: none: the family is "modbus"`,
  ],
];

it.each(rows)(
  "a SunSpec profile is rejected with an exact message for %s",
  (_name, base, from, to, message) => {
    const text = base.replace(from, () => to);
    expect(text).not.toBe(base);
    const found = checkProfileText(text, "p.toml").problems.map((problem) =>
      problemText(problem).replace(/^p\.toml:\d+: /, ""),
    );
    expect(found).toContain(message);
  },
);
