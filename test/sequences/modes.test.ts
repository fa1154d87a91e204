import { describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { OperatingModeConfig } from "../../configs/manifest.ts";
import { loadPlantFile } from "../../sim/simulator/load-plant-file.ts";
import { PlantBench } from "../support/plant-bench.ts";

const vessel = loadManifest("configs/vessel.toml");
const specs = loadPlantFile(vessel);

function running(): PlantBench {
  const bench = new PlantBench(vessel, specs);
  bench.run(3);
  return bench;
}

describe("operating modes", () => {
  it("are chosen by operators from those of the manifest", () => {
    const bench = running();
    expect(bench.why("port")).toContain("the operating mode is At sea");
    expect(bench.request("port", "", "mode", { mode: "harbour" })).toMatchObject({
      isAccepted: true,
      reason: "the operating mode is now Harbour",
    });
    expect(bench.request("port", "", "mode", { mode: "holiday" }).reason).toBe(
      "there is no operating mode holiday: the argument mode is one of at-sea, harbour, manoeuvring, dp, zero-emission",
    );
  });

  it("survive a takeover", () => {
    const bench = running();
    bench.request("port", "", "mode", { mode: "harbour" });
    bench.killAt("port", bench.nowMs + 500, "lost");
    bench.run(3);
    expect(bench.why("port")).toContain("the operating mode is Harbour");
  });

  it("dynamic positioning keeps two sets connected, whatever the load", () => {
    const bench = running();
    bench.request("port", "", "mode", { mode: "dp" });
    bench.run(1);
    expect(bench.why("port")).toContain("wants 2 sets connected, 1 are");
    expect(bench.runUntil(() => bench.isClosed("dg2"), 40)).not.toBeNull();
    bench.run(150);
    expect(bench.isClosed("dg1") && bench.isClosed("dg2")).toBe(true);
    expect(bench.why("port", "dg2")).toContain("the operating mode wants 2 sets connected");
  });

  it("dynamic positioning opens the tie: unloaded first, each side on its own sets", () => {
    const bench = running();
    bench.request("port", "btp", "close");
    bench.request("starboard", "bts", "close");
    expect(bench.runUntil(() => bench.state("port").island.length === 2, 60)).not.toBeNull();
    bench.run(10);
    bench.plant.loadStep("f1", 150);
    bench.run(10);
    bench.request("port", "", "mode", { mode: "dp" });
    let lastKw = Number.NaN;
    const seconds = bench.runUntil(() => {
      const flowKw = bench.plant.points("btp")["activePowerKw"];
      if (bench.isClosed("btp")) lastKw = Number(flowKw);
      return !bench.isClosed("btp");
    }, 60);
    expect(seconds).not.toBeNull();
    expect(Math.abs(lastKw)).toBeLessThan(60);
    expect(bench.transitions.some(({ text }) => text.startsWith("btp closed > deloading"))).toBe(
      true,
    );
    bench.run(5);
    expect(bench.plant.grid("port").isLive && bench.plant.grid("starboard").isLive).toBe(true);
  });
});

describe("what a mode states goes before the rest of the manifest", () => {
  const withHarbour = (changes: Partial<OperatingModeConfig>) => {
    const modesOf = (modes: readonly OperatingModeConfig[]) =>
      modes.map((mode) => (mode.id === "harbour" ? { ...mode, ...changes } : mode));
    const grids = vessel.grids.map((grid) => ({ ...grid, modes: modesOf(grid.modes) }));
    return new PlantBench({ ...vessel, grids }, specs);
  };

  it("its order of start", () => {
    const bench = withHarbour({ startOrder: ["dg2", "dg1"] });
    bench.run(3);
    bench.request("port", "", "mode", { mode: "harbour" });
    bench.run(1);
    expect(bench.why("port", "dg1")).toContain("dg1 not stopped");
    bench.request("port", "dg2", "start");
    expect(bench.runUntil(() => bench.stateOf("dg2") === "onLoad", 40)).not.toBeNull();
    // With both on the busbar the one that stops is the last in the order of this mode.
    expect(bench.why("port", "dg1")).toContain("dg1 not stopped");
    expect(bench.why("port", "dg2")).not.toContain("dg2 not stopped");
  });

  it("its limit of start", () => {
    const bench = withHarbour({ startLimitPct: 30, stopLimitPct: 20 });
    bench.run(3);
    expect(bench.why("port")).toContain("< 85 % of 1000 kW");
    bench.request("port", "", "mode", { mode: "harbour" });
    bench.run(1);
    expect(bench.why("port")).toContain("> 30 % of 1000 kW");
    expect(bench.runUntil(() => bench.stateOf("dg2") === "starting", 15)).not.toBeNull();
  });

  it("its ties: one that should be closed is an alarm after a minute, and closed by nobody", () => {
    const bench = withHarbour({ ties: "closed" });
    bench.run(3);
    bench.request("port", "", "mode", { mode: "harbour" });
    bench.run(55);
    expect(bench.alarms("port")).not.toContain("TIE_NOT_AS_MODE");
    bench.run(7);
    expect(bench.alarms("port")).toContain("TIE_NOT_AS_MODE");
    expect(bench.isClosed("btp") || bench.isClosed("bts")).toBe(false);
  });
});

describe("a set in SEMI", () => {
  it("is neither started nor stopped by load, and says why", () => {
    const bench = running();
    expect(bench.request("port", "dg2", "semi").reason).toBe("dg2 is now in semi");
    bench.plant.loadStep("f1", 620);
    bench.run(20);
    expect(bench.stateOf("dg2")).toBe("ready");
    expect(bench.why("port", "dg2")).toContain("dg2 is in SEMI: operators start and stop it");
    expect(bench.request("port", "dg2", "start").isAccepted).toBe(true);
    bench.request("port", "dg2", "auto");
    expect(bench.runUntil(() => bench.isClosed("dg2"), 40)).not.toBeNull();
  });
});
