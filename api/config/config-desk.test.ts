import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openingOf } from "../../actors/grid/configuration.ts";
import type { ParameterSet } from "../../actors/grid/parameters.ts";
import { loadManifest } from "../../configs/load-manifest.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import { createMiniPlant, type MiniPlant } from "../../test/support/mini-plant.ts";
import { NodeView } from "../node-view.ts";
import {
  type AskGrid,
  type ConfigDesk,
  createConfigDesk,
  type WantedConfig,
} from "./config-desk.ts";
import { gridConfigurations } from "./grid-configurations.ts";
import { writeManifest } from "./manifest-writer.ts";
import { createRestart } from "./restart-node.ts";

const shipped = readFileSync(new URL("../../configs/vessel.toml", import.meta.url), "utf8");
let folder: string;
let plant: MiniPlant;
let view: NodeView;
let desk: ConfigDesk;
/** Grids that refuse whatever is asked. */
let deaf: string[];

/** The vessel with one set on each switchboard, its parameters known, and a desk whose requests its cores decide. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "r-ems-desk-"));
  const path = join(folder, "vessel.toml");
  writeFileSync(path, shipped);
  const manifest = loadManifest(path);
  plant = createMiniPlant(manifest);
  for (const id of ["dg1", "dg3"]) {
    const set = plant.device(id);
    set.isRunning = set.isReadyToLoad = set.isClosed = true;
    set.level = 330;
  }
  for (const grid of ["port", "starboard"]) {
    const { core, state } = plant.grid(grid);
    plant.grid(grid).requests.push(...openingOf(core.plan, state, 1, "cold"));
  }
  plant.run(12);
  deaf = [];
  view = new NodeView(manifest, "n1", "0.1.0");
  const askGrid: AskGrid = (grid, request) => {
    if (deaf.includes(grid)) return Promise.resolve({ isAccepted: false, reason: "deaf" });
    plant.grid(grid).requests.push(request);
    plant.run(0.1);
    const replies = plant.grid(grid).log.flatMap((outputs) => outputs.replies);
    const reply = replies.find(({ requestId }) => requestId === request.requestId);
    look();
    return Promise.resolve(reply ?? { isAccepted: false, reason: "no answer" });
  };
  look();
  desk = createConfigDesk(view, shipped, askGrid);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The view sees the plant as it is now. */
function look(): void {
  for (const [grid, replica] of view.replicas) {
    const { state } = plant.grid(grid);
    replica.restore(encodeCanonical({ core: state, points: [], connections: [] }), null);
  }
}

const port = (changes: string, also = ""): string =>
  shipped.replace('start_order = ["dg1", "dg2"]', `start_order = ["dg1", "dg2"]\n${changes}`) +
  also;
const stopLimitOf = (grid: string): unknown =>
  plant.grid(grid).state.configuration?.values["power.stopLimitPct"];
const request = (wanted: WantedConfig, more: object = {}) => ({
  requestId: `r${Math.round(plant.grid("port").state.plantTimeMs)}`,
  wanted,
  expectedRevisions: {},
  acceptCommands: false,
  confirmWithinS: 0,
  user: "eve",
  revert: false,
  isParametersOnly: false,
  ...more,
});

describe("what is shown", () => {
  it("is the manifest as it is written, where nothing was changed", () => {
    expect(desk.show()).toMatchObject({
      manifestText: shipped,
      fileChanges: [],
      fileProblems: [],
    });
    expect(gridConfigurations(view)).toMatchObject([
      { grid: "port", revision: 1, changedBy: "manifest", isOnTrial: false },
      { grid: "starboard" },
    ]);
  });

  it("names what a file that was edited by hand says otherwise", () => {
    writeFileSync(view.manifest.path, port("stop_limit_pct = 66"));
    expect(desk.show().fileChanges).toEqual([
      { path: "grids.port.power.stop_limit_pct", grid: "port", from: 70, to: 66, kind: "live" },
    ]);
    writeFileSync(view.manifest.path, "mode = 7");
    expect(desk.show().fileProblems.join()).toContain("mode");
  });
});

describe("a preview", () => {
  it("says of each difference what it needs", async () => {
    const text = port("")
      .replace("stop_delay_s = 60", "stop_delay_s = 61")
      .replace("power_kw = 1000, apparent_kva = 1250", "power_kw = 900, apparent_kva = 1250")
      .replace("http_port = 7402", "http_port = 7409")
      .replace('id = "f2"', 'id = "f9"');
    const { changes, needsRestart, isStructural, grids } = await desk.preview(text, false);
    const kinds = new Map(changes.map(({ path, kind }) => [path, kind]));
    expect(kinds.get("grids.port.power.stop_delay_s")).toBe("live");
    expect(kinds.get("grids.port.devices.dg1.ratings.power_kw")).toBe("guarded");
    expect(kinds.get("nodes.n1.http_port")).toBe("restart");
    expect(kinds.get("grids.port.devices.f9")).toBe("structure");
    expect([needsRestart, isStructural]).toEqual([true, true]);
    expect(grids).toMatchObject([
      { grid: "port", refusal: expect.stringMatching(/semi/) as unknown },
    ]);
  });

  it("runs the cores a minute ahead: a limit below the present load starts the next set", async () => {
    const found = await desk.preview(port("start_limit_pct = 30\nstop_limit_pct = 20"), true);
    expect(found.addedCommands).toMatchObject([
      { grid: "port", device: "dg2", command: "start", isWritten: true },
    ]);
    expect(found.addedCommands[0]?.afterMs).toBeGreaterThanOrEqual(9900);
    expect(found.addedCommands[0]?.afterMs).toBeLessThan(12_000);
    expect(found.needsAcceptance).toBe(true);
    // Looking ahead has changed nothing.
    expect(plant.grid("port").state.configuration?.revision).toBe(1);
    plant.run(20);
    expect(plant.commands("port")).toEqual([]);
  });

  it("says that a change brings nothing where it brings nothing", async () => {
    const found = await desk.preview(port("stop_limit_pct = 66"), true);
    expect(found).toMatchObject({ addedCommands: [], removedCommands: [], needsAcceptance: false });
  });

  it("takes a few values in place of a text, by the same checks", async () => {
    const edits = (parameters: ParameterSet) => [{ grid: "port", parameters }];
    expect(await desk.preview(edits({ "power.stopLimitPct": 66 }), false)).toMatchObject({
      changes: [{ path: "grids.port.power.stop_limit_pct", from: 70, to: 66, kind: "live" }],
      grids: [{ grid: "port", parameters: { "power.stopLimitPct": 66 } }],
    });
    const wrong = await desk.preview(edits({ "power.stopLimitPct": 99 }), false);
    expect(wrong.problems.join()).toMatch(/less than start_limit_pct/);
    await expect(desk.preview(edits({ "power.sailLimitPct": 9 }), false)).rejects.toThrow(
      /sailLimitPct; allowed is a parameter of port/,
    );
    await expect(desk.preview(edits({ "power.stopLimitPct": "9" }), false)).rejects.toThrow(
      /is "9"; allowed is a number/,
    );
    await desk.apply(request(edits({ "power.stopLimitPct": 66 })));
    expect(stopLimitOf("port")).toBe(66);
  });

  it("lists everything that is wrong with a manifest, and nothing else", async () => {
    const found = await desk.preview(port("stop_limit_pct = 99"), true);
    expect(found.problems.join()).toMatch(/less than start_limit_pct/);
    expect(found.changes).toEqual([]);
  });
});

describe("to apply", () => {
  it("puts it on trial; confirmed, each node's file has it, with its comments", async () => {
    const told: string[] = [];
    const write = () => writeManifest(view, (isWritten, text) => told.push(`${isWritten} ${text}`));
    write();
    const trials = await desk.apply(request(port("stop_limit_pct = 66")));
    expect(trials).toMatchObject([{ grid: "port", revision: 2, confirmWithinS: 60 }]);
    expect(gridConfigurations(view)[0]).toMatchObject({
      isOnTrial: true,
      trialLeftS: expect.closeTo(60, 0) as unknown,
      beforeTrial: { "power.stopLimitPct": { number: 70 } },
    });
    write();
    expect(readFileSync(view.manifest.path, "utf8")).toBe(shipped);
    expect(await desk.settle("c", true, "", "eve")).toMatchObject([
      { grid: "port", isAccepted: true },
    ]);
    write();
    const text = readFileSync(view.manifest.path, "utf8");
    expect(loadManifest(view.manifest.path).grids[0]?.power.stopLimitPct).toBe(66);
    expect(text.split("\n").length).toBe(shipped.split("\n").length + 1);
    expect(readFileSync(`${view.manifest.path}.previous`, "utf8")).toBe(shipped);
    expect(told).toHaveLength(1);
  });

  it("needs the word that its commands are wanted", async () => {
    const text = port("start_limit_pct = 30\nstop_limit_pct = 20");
    await expect(desk.apply(request(text))).rejects.toThrow(/dg2 start after/);
    expect(await desk.apply(request(text, { acceptCommands: true }))).toHaveLength(1);
  });

  it("is one step for all grids: where one refuses, the other takes it back", async () => {
    deaf = ["starboard"];
    const text = port("stop_limit_pct = 66").replace(
      'start_order = ["dg3", "dg4"]',
      'start_order = ["dg3", "dg4"]\nstop_limit_pct = 66',
    );
    await expect(desk.apply(request(text))).rejects.toThrow(
      /starboard: deaf; what other grids took/,
    );
    expect(stopLimitOf("port")).toBe(70);
    expect(plant.grid("port").state.configuration?.trial).toBeNull();
  });

  it("goes by what the client saw: another revision is refused", async () => {
    const stale = request(port("stop_limit_pct = 66"), { expectedRevisions: { port: 7 } });
    await expect(desk.apply(stale)).rejects.toThrow(/revision 1 is in force, not 7/);
  });

  it("does not take what needs a restart, but for the parameters alone where that is asked", async () => {
    const text = port("stop_limit_pct = 66").replace("http_port = 7402", "http_port = 7409");
    await expect(desk.apply(request(text))).rejects.toThrow(/http_port needs a restart/);
    expect(await desk.apply(request(text, { isParametersOnly: true }))).toHaveLength(1);
  });

  it("reverts the last change that was confirmed", async () => {
    await desk.apply(request(port("stop_limit_pct = 66")));
    await desk.settle("c", true, "", "eve");
    await desk.apply(request("", { revert: true }));
    expect(stopLimitOf("port")).toBe(70);
    await desk.settle("d", false, "", "eve");
    expect(stopLimitOf("port")).toBe(66);
    await expect(desk.settle("e", true, "", "eve")).rejects.toThrow(/no change is on trial/);
  });
});

it("a file that was edited by hand is left alone when something else is confirmed", async () => {
  const told: string[] = [];
  await desk.apply(request(port("stop_limit_pct = 66")));
  await desk.settle("c", true, "", "eve");
  const edited = port("stop_limit_pct = 55");
  writeFileSync(view.manifest.path, edited);
  writeManifest(view, (isWritten, text) => told.push(`${isWritten} ${text}`));
  expect(readFileSync(view.manifest.path, "utf8")).toBe(edited);
  expect(told.join()).toContain("edited by hand");
});

describe("to start a node anew", () => {
  const ask = (manifestText: string, more = {}) =>
    createRestart(view, () => {})({
      manifestText,
      isValidateOnly: true,
      acceptStructure: false,
      user: "eve",
      ...more,
    });
  it("is refused for another structure unless somebody knows what that means, and for a device in the plant", async () => {
    const renamed = shipped.replace('id = "f4"', 'id = "f9"');
    const added = shipped.replace(
      "[[ties]]",
      '[[grids.devices]]\nid = "f9"\nkind = "feeder"\nprofile = "sim-plain-feeder"\nhost = "127.0.0.1"\nport = 5099\nratings = { load_kw = 1 }\n\n[[ties]]',
    );
    expect(await ask(shipped.replace("http_port = 7402", "http_port = 7409"))).toMatch(
      /would start anew/,
    );
    await expect(ask(added)).rejects.toThrow(/changes what grids are made of/);
    expect(await ask(added, { acceptStructure: true })).toMatch(/would start anew/);
    await expect(ask(renamed, { acceptStructure: true })).rejects.toThrow(
      /f4 changes only while the grid is in semi/,
    );
    await expect(ask(shipped.replace('id = "vessel"', 'id = "other"'))).rejects.toThrow(
      /another installation/,
    );
    await expect(ask(shipped.replace('id = "n1"', 'id = "n9"'))).rejects.toThrow(
      /REMS_CONFIG_INVALID/,
    );
  });
});
