import { expect, it } from "vitest";
import { rems } from "../../proto/generated/rems-v1.ts";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { FailoverMessage } from "./events.ts";
import { viewGrids } from "./installation-view.ts";
import type { GridStatus } from "./operator-client.ts";
import type { ScreenModel } from "./screen.ts";
import { drawScreen } from "./screen.ts";
import { textOf, widthOf } from "./screen-text.ts";
import { leading, nodeView, standby } from "./test-views.ts";

const manifest = loadManifest(new URL("../../configs/vessel.toml", import.meta.url).pathname);
const all = ["n1", "n2", "n3"];

type Device = readonly [
  id: string,
  kind: string,
  state: string,
  isClosed: boolean | null,
  kw?: number,
  socPct?: number,
];

function statusOf(name: string, devices: readonly Device[]): GridStatus {
  return {
    name,
    mode: "AUTO",
    control: "control",
    isN1Held: true,
    n1Statement: "after loss of dg1 500 kW remain for 350 kW",
    why: ["load 35 % < 85 % of 1000 kW", "after loss of dg1 500 kW remain for 350 kW"],
    island: [name],
    plant: rems.v1.PlantFigures.create({
      frequencyHz: 60.012,
      voltageV: 690.2,
      bus: rems.v1.BusState.BUS_STATE_LIVE,
      generationKw: 350.4,
      capacityKw: 1000,
      freeKw: 649.6,
    }),
    devices: devices.map(([device, kind, state, isClosed, activePowerKw, socPct]) =>
      rems.v1.DeviceStatus.create({
        device,
        kind,
        state,
        isClosed,
        connection: "online",
        activePowerKw: activePowerKw ?? null,
        socPct: socPct ?? null,
        ratingKw: 1000,
      }),
    ),
  };
}

const port = statusOf("port", [
  ["dg1", "genset", "onLoad", true, 350.4],
  ["dg2", "genset", "ready", false, 0],
  ["bat1", "battery", "following", true, -0.2, 62],
  ["sc1", "shore", "ready", false, 0],
  ["btp", "busTie", "open", false],
  ["bt1", "thruster", "off", null, 0],
  ["f1", "feeder", "closed", true, 200],
  ["f2", "feeder", "closed", true, 150],
]);
const starboard = statusOf("starboard", [
  ["dg3", "genset", "onLoad", true, 310],
  ["dg4", "genset", "startFailed", false, 0],
  ["bat2", "battery", "following", true, 0, 58],
  ["bts", "busTie", "open", false],
  ["bt2", "thruster", "running", null, 420],
  ["f3", "feeder", "closed", true, 180],
]);

const failover: FailoverMessage = {
  type: "failover",
  id: "kill-leader-1-port",
  grid: "port",
  from: "n1",
  to: "n3",
  epoch: 7,
  reason: "kill-leader",
  faultAtMs: 1000,
  lastOldWriteMs: 990,
  firstNewWriteMs: 1143,
  gapMs: 143,
  silenceMs: 900,
  overlapCount: 0,
  lateWriteCount: 0,
  frequencyHzMin: 59.98,
  frequencyHzMax: 60.02,
  breakersMovedCount: 0,
  startsStopsCount: 0,
  setpointStepKwMax: 0.4,
};

function model(changes: Partial<ScreenModel> = {}): ScreenModel {
  const nodes = [
    nodeView("n1", [leading("port", all, port), standby("starboard")]),
    nodeView("n2", [standby("port"), leading("starboard", ["n2", "n3"], starboard)]),
    nodeView("n3", [standby("port"), standby("starboard")]),
  ];
  return {
    manifest,
    elapsedMs: 134_000,
    coordinator: "etcd ×3",
    nodes,
    plant: null,
    grids: viewGrids(manifest, nodes),
    selectedGrid: "port",
    lastFailover: failover,
    recent: ["00:00:20  n1 killed"],
    sentence: "",
    message: null,
    mode: "plant",
    commands: ["bin/r-emsctl why port/dg2", "mbpoll -m tcp -p 5021 127.0.0.1"],
    ...changes,
  };
}

const draw = (width: number, height: number, changes: Partial<ScreenModel> = {}) =>
  drawScreen(model(changes), width, height);
const text = (lines: ReturnType<typeof draw>) => `\n${lines.map(textOf).join("\n")}\n`;

it("shows the plant first: each grid with its leader, figures, devices and reasons", () => {
  expect(text(draw(100, 30))).toMatchSnapshot();
});

it.each([
  ["a terminal of the usual size", 80, 24],
  ["a small one: the plant goes before what could be typed elsewhere", 70, 22],
])("fits %s", (_name, width, height) => {
  expect(text(draw(width, height))).toMatchSnapshot();
});

it.each([
  [100, 30],
  [80, 24],
  [60, 16],
  [40, 10],
  [200, 60],
])("never draws outside %i × %i", (width, height) => {
  for (const mode of ["plant", "why", "help"] as const) {
    const lines = draw(width, height, {
      mode,
      sentence: "A long sentence of the tour. ".repeat(4),
    });
    expect(lines.length).toBeLessThanOrEqual(height);
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width);
  }
});

it("says that it is a simulation, and what a grid is where it first names one", () => {
  const [first = "", ...rest] = draw(100, 30).map(textOf);
  expect(first).toContain("SIMULATION");
  expect(rest.filter((line) => line.includes("grid (switchboard section)"))).toHaveLength(1);
});

it("shows all reasons and alarms under why", () => {
  const shown = text(draw(100, 30, { mode: "why" }));
  expect(shown).toContain("WHY PORT\n  load 35 % < 85 % of 1000 kW");
});

it("shows how the plant is while no controller answers", () => {
  const nodes = all.map((id) => ({ ...nodeView(id, [], "down"), status: null }));
  const plant: ScreenModel["plant"] = {
    type: "plant",
    plantMs: 0,
    fuelKgPerH: 140,
    devices: [],
    grids: [
      {
        id: "port",
        frequencyHz: 59.99,
        voltageV: 690,
        isLive: true,
        loadKw: 351,
        capacityKw: 1000,
        island: 0,
        writer: null,
        epoch: null,
      },
    ],
  };
  const shown = text(draw(100, 30, { nodes, grids: viewGrids(manifest, nodes), plant }));
  expect(shown).toContain("no controller answers: the devices hold by themselves");
  expect(shown).toContain("seen at the simulated plant: 690 V  59.99 Hz  load 351 kW");
  expect(shown).toContain("redundancy NO LEADER");
});
