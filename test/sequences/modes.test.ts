import { describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
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
