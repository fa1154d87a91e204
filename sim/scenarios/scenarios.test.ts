import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { present } from "../../kernel/assert.ts";
import { judgeBands } from "./bands.ts";
import type { PlantEvent } from "../plant/plant-device.ts";
import { compareRuns } from "./compare-runs.ts";
import { checkCovers, coverageTable, loadFunctions, uncovered, withCoverage } from "./coverage.ts";
import { filesOf } from "./installation-files.ts";
import type { Evidence } from "./evidence.ts";
import { INVARIANTS } from "./invariants.ts";
import { parseExpectations } from "./expectation.ts";
import { parseInputs } from "./input.ts";
import { Recording, type TakenWrite } from "./recording.ts";
import { reportPage } from "./report-page.ts";
import { runScenario } from "./run-scenario.ts";
import { loadScenarios, parseScenarios, sourceFolder } from "./scenario-file.ts";
import { ScenarioWorld, SETTLE_MS } from "./scenario-world.ts";
import { sealed } from "../world/seal.ts";

const library = loadScenarios();
const small = present(
  library.find(({ name }) => name === "thruster-granted-at-once"),
  "a scenario of the library",
);

describe("the library", () => {
  it("names only grids and devices that its installations have", () => {
    for (const spec of library) {
      const { manifest } = filesOf(spec);
      const known = manifest.grids.flatMap(({ id, devices }) => [id, ...devices.map((d) => d.id)]);
      for (const { inputs, expectations } of spec.rows) {
        const subjects = [
          ...inputs.map((input) => ("device" in input ? input.device : input.subject)),
          ...[...expectations, ...spec.always].flatMap((one) =>
            "subject" in one ? [one.subject] : [],
          ),
        ];
        for (const subject of subjects)
          expect(subject === "all" || known.includes(subject), `${spec.name}: ${subject}`).toBe(
            true,
          );
      }
    }
  });

  it("tries every function of power management, and says so in the documentation", () => {
    const rows = loadFunctions();
    expect(() => checkCovers(rows, library)).not.toThrow();
    expect(uncovered(rows, library)).toEqual([]);
    const page = readFileSync(join(sourceFolder("docs"), "11-simulation", "scenarios.md"), "utf8");
    expect(page).toBe(withCoverage(page, coverageTable(rows, library)));
  });

  it("refuses a word that functions.toml does not have", () => {
    const strange = { ...small, covers: ["everything"] };
    expect(() => checkCovers(loadFunctions(), [strange])).toThrow('covers "everything"');
  });

  it("expects nothing after its end", () => {
    for (const { name, lengthS, rows } of library)
      for (const { atS } of rows) expect(atS, name).toBeLessThanOrEqual(lengthS);
  });
});

describe("a file of scenarios", () => {
  const text = (row: string) => `
theme = "Test"
installation = "vessel"
[[scenarios]]
name = "one"
text = "Something to try."
covers = ["nothing"]
seconds = 10
table = """
${row}
"""`;

  it.each([
    ["0 | dg1 explode |", "is no input"],
    ["0 | | dg1 looks fine", "is no expectation"],
    ["soon | dg1 trip |", "is no line of a table"],
  ])("says what is wrong in %s", (row, words) => {
    expect(() => parseScenarios(text(row), "test.toml")).toThrow(words);
  });

  it("is read into inputs and expectations", () => {
    const [spec] = parseScenarios(text("2 | f1 load 700; dg2 trip | dg1 is onLoad|loading"), "t");
    const [row] = present(spec, "one scenario").rows;
    expect(row?.inputs.map(({ kind }) => kind)).toEqual(["load", "trip"]);
    expect(row?.expectations).toEqual(parseExpectations("dg1 is onLoad|loading"));
  });
});

describe("a run", () => {
  it("leaves the same journal for the same seed, and another for another", () => {
    const short = { ...small, rows: [], lengthS: 1, lateS: 1 };
    const hashes = [1, 1, 2].map((seed) => runScenario(short, seed).journalHash);
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  it("finds what is expected and does not hold", () => {
    const rows = [{ atS: 3, inputs: [], expectations: parseExpectations("dg2 is onLoad") }];
    const { findings } = runScenario({ ...small, rows, lengthS: 5 }, 1);
    expect(findings.map(({ check }) => check)).toEqual(["expected"]);
  });

  it("does not believe for long what a silent device said last", () => {
    const quality = sealed(() => {
      const scenario = new ScenarioWorld(filesOf(small), 1);
      scenario.at(0, () => scenario.world.field.setFaults("dg2", { isSilent: true }));
      scenario.world.run(SETTLE_MS + 1500);
      const core = present(scenario.cores.get("port"), "a core of port");
      return core.latest.images["dg2"]?.["isClosed"]?.[1];
    });
    expect(quality).toBe("uncertain");
  });

  it("finds a busbar out of its band", () => {
    const rows = [{ atS: 1, inputs: parseInputs("f1 load 1600"), expectations: [] }];
    const { findings } = runScenario({ ...small, rows, lengthS: 8 }, 1);
    expect(findings.some(({ check }) => check.endsWith("frequency"))).toBe(true);
  });
});

describe("invariants", () => {
  const { manifest } = filesOf(small);
  const devices = manifest.grids.flatMap((grid) =>
    grid.devices.map((device) => ({ grid: grid.id, device })),
  );
  const entry = (id: string) =>
    present(
      devices.find(({ device }) => device.id === id),
      id,
    );

  const write = (device: string, name: string, more: Partial<TakenWrite> = {}): TakenWrite => ({
    atMs: 1000,
    device,
    kind: "command",
    name,
    value: "1:1:0",
    isAccepted: true,
    isBusLive: true,
    island: 0,
    points: {},
    ...more,
  });

  function broken(writes: readonly TakenWrite[], more: Partial<Evidence> = {}): string[] {
    const recording = new Recording(manifest.grids.map(({ id }) => id));
    recording.writes.push(...writes);
    const evidence: Evidence = {
      manifest,
      recording,
      rows: [],
      coldStartsAtMs: [],
      outOfPhaseCount: 0,
      deviceOf: (id) => entry(id).device,
      gridOf: (id) => entry(id).grid,
      ...more,
    };
    return INVARIANTS.flatMap(({ check }) => check(evidence)).map(({ check }) => check);
  }

  const rows: [name: string, writes: TakenWrite[], more?: Partial<Evidence>][] = [
    ["no-trip-by-ems", [write("dg1", "open", { points: { activePowerKw: 400 } })]],
    [
      "one-dead-close",
      [
        write("dg1", "syncAndClose", { isBusLive: false }),
        write("dg2", "syncAndClose", { isBusLive: false, atMs: 1500 }),
      ],
    ],
    ["start-block-holds", [write("dg2", "start", { points: { isStartBlocked: true } })]],
    ["no-repeats", [write("dg2", "start"), write("dg2", "start", { atMs: 1400 })]],
    ["cold-start-waits", [write("dg2", "start", { atMs: 9000 })], { coldStartsAtMs: [2000] }],
    ["sync-in-device", [], { outOfPhaseCount: 1 }],
    ["sync-in-device", [write("bt1", "close")]],
    ["start-block-holds", [write("dg2", "stop", { points: { isRemoteSelected: false } })]],
    ["start-block-holds", [write("dg2", "start", { points: { isEmergencyStop: true } })]],
    [
      "one-dead-close",
      [write("sc1", "close", { isBusLive: false })],
      { manifest: { ...manifest, installation: { ...manifest.installation, kind: "land" } } },
    ],
    [
      "unknown-means-worse",
      [write("dg2", "syncAndClose", { isBusLive: false, atMs: 9000 })],
      { rows: [{ atS: 2, inputs: parseInputs("btp silent on"), expectations: [] }] },
    ],
    [
      "bumpless",
      [
        write("dg1", "powerReferenceKw", { kind: "level", value: 100, points: { isClosed: true } }),
        write("dg1", "powerReferenceKw", {
          kind: "level",
          value: 300,
          points: { isClosed: true },
          atMs: 1100,
        }),
      ],
    ],
    [
      "battery-limits",
      [
        write("bat1", "powerSetpointKw", {
          kind: "level",
          value: 300,
          points: { dischargeLimitKw: 100, chargeLimitKw: 100 },
        }),
      ],
    ],
    ["plain-close-is-dead", [write("btp", "close")]],
    [
      "lock-out-stays",
      [write("dg2", "start", { atMs: 9000 })],
      {
        rows: [
          { atS: 2, inputs: parseInputs("dg2 switch isEmergencyStop on"), expectations: [] },
          { atS: 3, inputs: parseInputs("dg2 ask reset"), expectations: [] },
          { atS: 4, inputs: parseInputs("dg2 switch isEmergencyStop off"), expectations: [] },
        ],
      },
    ],
    [
      "nothing-granted-while-unknown",
      [write("bt1", "powerLimitKw", { kind: "level", value: 300, atMs: 9000 })],
      { rows: [{ atS: 2, inputs: parseInputs("dg1 silent on"), expectations: [] }] },
    ],
    [
      "unknown-means-worse",
      [write("dg2", "stop", { atMs: 9000 })],
      {
        rows: [{ atS: 2, inputs: parseInputs("dg1 silent on"), expectations: [] }],
      },
    ],
  ];

  const moving = (): Recording => {
    const recording = new Recording(["port", "starboard"]);
    const opened = { plantMs: 3000, grid: "port", device: "dg1", kind: "breakerOpened", text: "" };
    recording.event(3000, opened as PlantEvent);
    recording.transitions.push({ atMs: 1000, device: "dg2", from: "starting", to: "startFailed" });
    return recording;
  };

  it("notice what moves while nobody lives, and a failed start that is not stopped", () => {
    const gone = [{ atS: 2, inputs: parseInputs("all kill for 10 s"), expectations: [] }];
    const found = broken([], { recording: moving(), rows: gone });
    expect(found.toSorted()).toEqual(["failed-start-is-stopped", "untouched-while-gone"]);
  });

  it.each(rows)("%s is noticed where it is broken", (name, writes, more) => {
    expect(broken(writes, more)).toContain(name);
  });

  it("find nothing where nothing was written", () => {
    expect(broken([])).toEqual([]);
  });

  it("notice a busbar that goes dark after what R-EMS took off", () => {
    const recording = new Recording(["port", "starboard"]);
    recording.writes.push(write("dg1", "stop", { atMs: 5000 }));
    const blackout = {
      plantMs: 6000,
      grid: "port",
      device: "port",
      kind: "blackout",
      text: "dark",
    } as const;
    recording.event(6000, blackout);
    expect(broken([], { recording })).toContain("bus-stays-formed");
  });
});

describe("a report", () => {
  const finding = { check: "expected", atMs: 1500, text: 'it is <open> & "dark"' };
  const run = {
    variant: "no fault",
    strike: null,
    findings: [finding],
    journalHash: "",
    recoveries: [{ grid: "port", atMs: 200, forMs: 13_060 }],
    lines: [],
  };
  const curves = [
    {
      grid: "port",
      nominalHz: 60,
      frequencyHz: [60, 56, 0, 60],
      voltagePct: [100, 99],
      isLive: [true, true, false, true],
      extremes: { frequencyHz: [56, 60.04] as const, voltagePct: null },
      loadKw: [1],
      powersKw: [{ device: "dg1", kw: [350, 351] }],
      reactiveKvar: [],
    },
  ];
  const outcomes = [
    { row: 0, text: "bt1 is off", isMet: true, measured: "off" },
    { row: 1, text: "bt1 is running", isMet: false, measured: "it is <off>" },
  ];
  const report = {
    name: small.name,
    stepCount: 1,
    runs: [run],
    curves,
    outcomes,
    virtualMs: 1,
    cpuMs: 1,
  };
  const made = {
    at: "2026-01-01",
    seed: 1,
    version: "0",
    coreVersion: "6",
    installations: ["Vessel & more"],
    devices: [{ id: "bt1", name: "Bow thruster", grid: "Port", what: "thruster, 600 kW" }],
    checks: [["bumpless", "no steps"]] as const,
  };
  const spec = {
    ...small,
    recoveryS: 45,
    manifest: { grids: { port: { power: { stop_delay_s: 300 } } } },
    plant: { bat1: { is_closed: false } },
  };
  const page = reportPage("Trials", made, [{ spec, report }]);

  it("shows what was found, the table and the curves", () => {
    expect(page).toContain("1 of 1 runs not as expected");
    expect(page).toContain("bt1 demand 120");
    expect(page.match(/<svg/g)).toHaveLength(3);
    expect(page).toContain('class="limit"');
    expect(page).toContain('class="dark"');
    // The frequency has a gap while the busbar is dark: two pieces, and no 0 Hz on the scale.
    const [frequency = ""] = page.match(/<svg[^]*?<\/svg>/) ?? [];
    expect(frequency.match(/<polyline/g)).toHaveLength(2);
    expect(frequency).not.toContain(">0<");
  });

  it("gives each step its verdict with what was found, and room for signatures", () => {
    expect(page).toContain("<td>bt1 is off</td><td>off</td>");
    expect(page).toContain(
      '<td>bt1 is running</td><td>it is &lt;off&gt;</td><td><span class="fail">NO</span></td>',
    );
    expect(page).toContain("Witnessed by");
    expect(page).toContain('counter(page) " of " counter(pages)');
    expect(page).toContain("Vessel &amp; more");
  });

  it("says from where a trial begins, how far the busbar went, and how long it was dark", () => {
    expect(page).toContain("port.power.stop_delay_s = 300");
    expect(page).toContain("bat1.is_closed = false");
    expect(page).toContain('<td class="n">56.00 to 60.04</td><td class="n">dark</td>');
    expect(page).toContain("at most 45 s");
    expect(page).toContain("thruster, 600 kW");
    expect(page).toContain('<td class="n">13.1 s</td>');
  });
});

describe("comparing runs", () => {
  const { manifest } = filesOf(small);
  const recorded = (hz: number, opens: number): Recording => {
    const recording = new Recording(["port", "starboard"]);
    for (let index = 0; index < 500; index++)
      for (const grid of ["port", "starboard"])
        recording.sample(
          grid,
          {
            frequencyHz: hz,
            voltageV: 690,
            isLive: true,
            loadKw: 100,
            capacityKw: 1000,
            island: 0,
          },
          690,
        );
    for (let index = 0; index < opens; index++)
      recording.event(1000, {
        plantMs: 1000,
        grid: "port",
        device: "dg1",
        kind: "breakerOpened",
        text: "",
      });
    return recording;
  };

  it("allows a tenth of a hertz and not more", () => {
    const checks = (hz: number) =>
      compareRuns(manifest, recorded(60, 0), recorded(hz, 0), 2000, 1000, 0.1).map(
        ({ check }) => check,
      );
    expect(checks(60.09)).toEqual([]);
    expect(checks(60.11)).toEqual(["death-frequency", "death-frequency"]);
  });

  it("asks nothing of the frequency where nobody was left to follow", () => {
    const found = compareRuns(manifest, recorded(60, 1), recorded(59, 2), 2000, 1000, null);
    expect(found.map(({ check }) => check)).toEqual(["death-operations"]);
  });

  it("allows no further movement of a breaker", () => {
    const found = compareRuns(manifest, recorded(60, 1), recorded(60, 2), 2000, 1000, 0.1);
    expect(found.map(({ check }) => check)).toEqual(["death-operations"]);
  });

  it("finds what undisturbed was done and then was not", () => {
    const found = compareRuns(manifest, recorded(60, 2), recorded(60, 1), 2000, 1000, 0.1);
    expect(found.map(({ check }) => check)).toEqual(["death-forgotten"]);
  });

  it("holds live busbars against their bands", () => {
    expect(judgeBands(manifest, recorded(60, 0), false)).toEqual([]);
    const found = judgeBands(manifest, recorded(53, 0), false).map(({ check }) => check);
    expect(found).toContain("transient frequency");
  });

  it("finds a busbar that goes dark, unless the scenario takes more than the others can carry", () => {
    const dark = recorded(60, 0);
    const sample = {
      frequencyHz: 0,
      voltageV: 0,
      isLive: false,
      loadKw: 0,
      capacityKw: 0,
      island: 0,
    };
    dark.sample("port", sample, 690);
    expect(judgeBands(manifest, dark, false).map(({ check }) => check)).toEqual([
      "surviving supply",
    ]);
    expect(judgeBands(manifest, dark, true)).toEqual([]);
  });
});
