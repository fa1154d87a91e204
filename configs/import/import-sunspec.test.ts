import { expect, it } from "vitest";
import { checkProfileText } from "../load-profile.ts";
import { problemText } from "../problem.ts";
import { importSunspecModel } from "./import-sunspec.ts";

const options = {
  file: "model_203.json",
  id: "site-meter",
  name: "Site meter",
  kind: "meter",
} as const;
const point = (name: string, size = 1) => ({ name, size });
const model = (id: number) => JSON.stringify({ id, group: { points: [point("ID"), point("L")] } });

it("a meter's model becomes a profile that needs nothing but the facts about the device", () => {
  const { text, problems, open } = importSunspecModel(model(203), options);
  expect(problems).toEqual([]);
  expect(open.map(({ path }) => path)).toEqual([
    "source",
    "sign_statement",
    "masters_max",
    "slot_release_ms",
  ]);
  const facts =
    'source = "manual"\nsign_statement = "import is positive"\nmasters_max = 2\nslot_release_ms = 0\n';
  const checked = checkProfileText(facts + (text ?? ""), "site-meter.toml");
  expect(checked.problems.map(problemText)).toEqual([]);
  expect(checked.profile?.sunspec?.needs.points.map(({ point: to, name }) => [to, name])).toEqual([
    ["voltageV", "PPV"],
    ["frequencyHz", "Hz"],
    ["activePowerKw", "W"],
    ["reactivePowerKvar", "VAR"],
  ]);
});

it("what cannot be mapped by itself stands there with its names of values", () => {
  const { text, open } = importSunspecModel(model(701), { ...options, kind: "pv" });
  expect(text).toContain("#   ConnSt: connectionState, enum16: DISCONNECTED, CONNECTED");
  expect(open.map(({ found }) => found)).toContain("no isClosed");
});

it("says where the file is of another revision than the table", () => {
  expect(importSunspecModel(model(203), options).remarks.join()).toContain("another revision");
});

it.each([
  ["{", "a text that is not JSON"],
  ["{}", "id: found Invalid input"],
  [model(64999), "id: found 64999; allowed: one of the 112 public models"],
])("refuses %s", (text, message) => {
  const [problem] = importSunspecModel(text, options).problems;
  expect(problem === undefined ? "" : problemText(problem)).toContain(message);
});
