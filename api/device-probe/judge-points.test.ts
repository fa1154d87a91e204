import { describe, expect, it } from "vitest";
import { loadProfiles } from "../../configs/load-profile.ts";
import { createPointCodec } from "../../drivers/modbus/codec.ts";
import { present } from "../../kernel/assert.ts";
import { DEVICE_KINDS } from "../../kernel/device-kinds.ts";
import { judgePoints } from "./judge-points.ts";
import type { PointReading } from "./read-points.ts";

const genset = present(loadProfiles().get("sim-epoch-genset"), "a shipped profile");
const battery = present(loadProfiles().get("sim-epoch-battery"), "a shipped profile");

/** A point as if these words had been read. */
function reading(
  profile: typeof genset,
  point: string,
  words: readonly number[],
  changes: Partial<PointReading["mapping"]> = {},
): PointReading {
  const found = present(
    profile.points.find((one) => one.point === point),
    `point ${point}`,
  );
  const mapping = { ...found, ...changes };
  const spec = present(DEVICE_KINDS[profile.kind].points[point], "a point of the kind");
  const value = createPointCodec(mapping, spec).decode(words, 0);
  const { table, address } = mapping;
  return {
    mapping,
    spec,
    table,
    address,
    value,
    words,
    latencyMs: 1,
    failure: null,
    failureText: "",
  };
}
const judge = (...readings: PointReading[]) =>
  judgePoints(genset, readings).map(({ verdict, finding }) => [verdict, finding]);

describe("a value that cannot be is found, with what would make it right", () => {
  it.each<[string, PointReading, string, RegExp]>([
    ["right", reading(genset, "frequencyHz", [5998]), "ok", /^$/],
    ["a standing machine", reading(genset, "frequencyHz", [0]), "ok", /^$/],
    [
      "words exchanged",
      reading(genset, "activePowerKw", [3500, 0]),
      "implausible",
      /word_order = "little" it would be 350 kW/,
    ],
    [
      "unsigned that is signed",
      reading(genset, "voltageV", [65000], { scale: 10 }),
      "implausible",
      /cannot be \(0 to 40000 V\)/,
    ],
    [
      "read as unsigned",
      reading(genset, "activePowerKw", [65535, 62036], { type: "uint32" }),
      "implausible",
      /type = "int32" it would be -350 kW/,
    ],
    [
      "bytes exchanged",
      reading(genset, "frequencyHz", [0x6e17]),
      "implausible",
      /bytes of each register swapped it would be 59.98 Hz/,
    ],
    [
      "a scale that is missing",
      reading(genset, "frequencyHz", [5000], { scale: 0.1 }),
      "implausible",
      /ten times smaller it would be 50 Hz/,
    ],
    ["half a frequency", reading(genset, "frequencyHz", [2000]), "implausible", /20 Hz cannot be/],
    [
      "a label that is unknown",
      reading(battery, "state", [99]),
      "implausible",
      /99 is none of the labels \(0 off/,
    ],
    ["a charge above 100 %", reading(battery, "socPct", [6200]), "implausible", /0 to 100 %/],
  ])("%s", (_name, one, verdict, finding) => {
    const [judged] = judgePoints(genset, [one]);
    expect(judged?.verdict).toBe(verdict);
    expect(judged?.finding).toMatch(finding);
  });
});

it("contacts that agree, and power through an open breaker, are contradictions", () => {
  const closed = reading(genset, "isClosed", [0]);
  const open = reading(genset, "isOpen", [0]);
  expect(judge(closed, open)[0]?.[1]).toMatch(/both false/);
  const isOpen = reading(genset, "isOpen", [2]);
  const power = reading(genset, "activePowerKw", [0, 3500]);
  expect(judge(closed, isOpen, power)[2]?.[1]).toMatch(/350 kW through an open breaker/);
});

it("what is refused, silent, without value or slow is told apart", () => {
  const refused = { value: null, words: null, failureText: "exception 2" };
  const base = reading(genset, "voltageV", [4000]);
  expect(
    judge(
      { ...base, ...refused, failure: "illegal" },
      { ...base, ...refused, failure: "silent" },
      reading(genset, "voltageV", [65535], { notAvailable: 65535 }),
      { ...base, latencyMs: 300 },
    ).map(([verdict]) => verdict),
  ).toEqual(["illegal", "silent", "noValue", "slow"]);
});
