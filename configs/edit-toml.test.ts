import { readFileSync } from "node:fs";
import fc from "fast-check";
import { parse } from "smol-toml";
import { expect, it } from "vitest";
import { editToml } from "./edit-toml.ts";
import type { Table } from "./setup/document.ts";

const vessel = readFileSync(new URL("vessel.toml", import.meta.url), "utf8");

/** The vessel with one change made to its parsed form. */
function changed(change: (document: Vessel) => void): Table {
  const document = parse(vessel) as unknown as Vessel;
  change(document);
  return document as unknown as Table;
}
interface Vessel {
  metrics?: Table;
  grids: {
    control?: string;
    power: Record<string, unknown>;
    devices: { control?: string; trip_stage?: number; ratings: Record<string, number> }[];
  }[];
}
const lineChanges = (text: string): string[] => {
  const before = new Set(vessel.split("\n"));
  return text.split("\n").filter((line) => !before.has(line));
};

const cases: readonly (readonly [string, (document: Vessel) => void, readonly string[]])[] = [
  [
    "a value on its line",
    ({ grids }) => void (grids[1]!.power["stop_delay_s"] = 90),
    ["stop_delay_s = 90"],
  ],
  [
    "a list",
    ({ grids }) => void (grids[0]!.power["start_order"] = ["dg2", "dg1"]),
    ['start_order = [ "dg2", "dg1" ]'],
  ],
  [
    "a new key of a table",
    ({ grids }) => void (grids[0]!.power["stop_limit_pct"] = 65),
    ["stop_limit_pct = 65"],
  ],
  [
    "a new key of a device",
    ({ grids }) => void (grids[0]!.devices[1]!.control = "observe"),
    ['control = "observe"'],
  ],
  [
    "a value in an inline table",
    ({ grids }) => void (grids[0]!.devices[1]!.ratings["power_kw"] = 950),
    [
      "ratings = { power_kw = 950, apparent_kva = 1250, minimum_load_pct = 30, droop_pct = 4, voltage_droop_pct = 3, first_step_pct = 40 }",
    ],
  ],
  [
    "a new value in an inline table",
    ({ grids }) => void (grids[1]!.devices[6]!.ratings["droop_pct"] = 2),
    ["ratings = { load_kw = 180, droop_pct = 2 }"],
  ],
  ["a key that goes", ({ grids }) => void delete grids[0]!.devices[8]!.trip_stage, []],
  [
    "a new table",
    (document) => void (document.metrics = { enabled: false }),
    ["[metrics]", "enabled = false"],
  ],
];
it.each(cases)("%s changes, and every comment stays", (_name, change, lines) => {
  const wanted = changed(change);
  const text = editToml(vessel, wanted);
  expect(parse(text)).toEqual(wanted);
  expect(lineChanges(text)).toEqual(lines);
  expect(text.match(/#/g)).toEqual(vessel.match(/#/g));
});

it("a grid without limits of its own gets a table of them in its place", () => {
  const text = `mode = "simulation"\n\n[[grids]]\nid = "a"\n\n[[grids.devices]]\nid = "x"\n\n[[grids]]\nid = "b"\n`;
  const wanted = parse(text) as unknown as Vessel;
  (wanted.grids[0] as unknown as Record<string, unknown>)["power"] = { stop_limit_pct: 60 };
  const edited = editToml(text, wanted as unknown as Table);
  expect(edited).toBe(
    `mode = "simulation"\n\n[[grids]]\nid = "a"\n\n[grids.power]\nstop_limit_pct = 60\n\n[[grids.devices]]\nid = "x"\n\n[[grids]]\nid = "b"\n`,
  );
});

it("what is not there to be edited is written anew, with the same content", () => {
  const wanted = changed(({ grids }) => void grids[0]!.devices.pop());
  expect(parse(editToml(vessel, wanted))).toEqual(wanted);
  const multiline = `a = """\nx\n"""\nb = 1\n`;
  expect(parse(editToml(multiline, { a: "y", b: 1 }))).toEqual({ a: "y", b: 1 });
});

it("any limits of any grid end up as wanted", () => {
  const keys = ["stop_limit_pct", "start_limit_pct", "stop_delay_s", "ramp_pct_per_s"];
  const powers = fc.dictionary(fc.constantFrom(...keys), fc.integer({ min: 0, max: 99 }));
  fc.assert(
    fc.property(powers, powers, (port, starboard) => {
      const wanted = changed(({ grids }) => {
        grids[0]!.power = port;
        grids[1]!.power = starboard;
      });
      expect(parse(editToml(vessel, wanted))).toEqual(wanted);
    }),
    { numRuns: 40 },
  );
});
