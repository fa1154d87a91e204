import { expect, it } from "vitest";
import { checkProfileText } from "../load-profile.ts";

const GOOD = `
id = "pv-mqtt"
name = "A PV plant on MQTT"
kind = "pv"
family = "mqtt"
source = "this test"
sign_statement = "Power is positive into the busbar, as in R-EMS."
masters_max = 8
slot_release_ms = 0
write_ms = 200

[fallback]
behaviour = "limit"
reason = "The inverter goes to its own limit."
watchdog_ms = 60000

[mqtt]
points = [
  { point = "isClosed", topic = "{device}/breaker", path = "closed" },
  { point = "isOpen", topic = "{device}/breaker", path = "open" },
  { point = "isTripped", topic = "{device}/breaker", path = "tripped" },
  { point = "isRunning", topic = "{device}/state", true_values = ["RUN"] },
  { point = "activePowerKw", topic = "{device}/power", path = "ac.0.watts", scale = 0.001 },
]
levels = [
  { point = "powerLimitPct", topic = "{device}/set/limit", payload = "{value};{epoch}", read_back = { topic = "{device}/limit" } },
]

[mqtt.availability]
topic = "{device}/status"
`;
const check = (text: string) => checkProfileText(text, "pv-mqtt.toml");
const problemsOf = (text: string) =>
  check(text).problems.map(({ path, allowed }) => `${path}: ${allowed}`);

it("a profile of topics is read, and its points are named as of any device", () => {
  const { profile, problems } = check(GOOD);
  expect(problems).toEqual([]);
  expect(profile?.points.map(({ point }) => point)).toEqual([
    "isClosed",
    "isOpen",
    "isTripped",
    "isRunning",
    "activePowerKw",
    "powerLimitPct",
  ]);
  expect(profile?.mqtt).toMatchObject({
    availability: { online: "online", offline: "offline" },
    maxAgeMs: null,
    points: [
      { trueValues: ["true", "1", "ON"] },
      {},
      {},
      { trueValues: ["RUN"] },
      { path: ["ac", "0", "watts"] },
    ],
    levels: [{ payload: "{value};{epoch}", readBack: { topic: "{device}/limit", path: [] } }],
  });
});

it.each<[string, string, string, RegExp]>([
  ["a wildcard", "{device}/power", "{device}/+", /mqtt.points\[4\].topic: a topic without/],
  ["another placeholder", "{device}/power", "{grid}/power", /only placeholder/],
  ["a point that the kind does not have", '"isRunning"', '"isRuning"', /did you mean "isRunning"/],
  [
    "a read-back on the topic of the set-point",
    '"{device}/limit"',
    '"{device}/set/limit"',
    /only the device publishes/,
  ],
  [
    "an effect that the device does not tell",
    'read_back = { topic = "{device}/limit" }',
    'read_back = { topic = "{device}/limit" }, followed_by = { point = "availablePowerKw", tolerance = 1, within_ms = 1000 }',
    /levels\[0\].followed_by.point: a measured number that this profile maps/,
  ],
  ["a payload without the value", "{value};{epoch}", "{epoch}", /with \{value\} in it/],
  ["labels for a number", "scale = 0.001", 'labels = { a = "b" }', /activePowerKw is a number/],
  ["no fallback", '[fallback]\nbehaviour = "limit"', '[fallbac]\nbehaviour = "limit"', /fallback/],
  [
    "a point that the kind requires and the profile lacks",
    '  { point = "isTripped", topic = "{device}/breaker", path = "tripped" },\n',
    "",
    /isTripped|every required point/,
  ],
  ["another family", 'family = "mqtt"', 'family = "modbus"', /none: the family is "modbus"/],
  ["registers", 'name = "A PV', 'epoch_register = { address = 0 }\nname = "A PV', /no registers/],
])("%s is refused", (_name, from, to, expected) => {
  const text = GOOD.replace(from, to);
  expect(text).not.toBe(GOOD);
  expect(problemsOf(text).join("\n")).toMatch(expected);
});
