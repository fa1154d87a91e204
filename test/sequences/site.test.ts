import { describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import { loadPlantFile } from "../../sim/simulator/load-plant-file.ts";
import { PlantBench, type LastOutputs } from "../support/plant-bench.ts";

const land = loadManifest("configs/land-battery.toml");
const specs = loadPlantFile(land);

/** The site at eight in the morning, connected, for some seconds. */
function connected(seconds = 5): PlantBench {
  const bench = new PlantBench(land, specs);
  bench.run(seconds);
  return bench;
}

const numberAt = (bench: PlantBench, device: string, point: string) =>
  Number(bench.plant.points(device)[point] ?? Number.NaN);
const importKw = (bench: PlantBench) => numberAt(bench, "q0", "activePowerKw");
const phaseOf = (bench: PlantBench) => bench.state("site").site.islanding.phase;

/** Steps of a run: plant times at which the grid did something. */
function stepsOf(bench: PlantBench, from: number): number[] {
  const times = [...bench.commands, ...bench.transitions]
    .map(({ atMs }) => atMs)
    .filter((atMs) => atMs >= from);
  return [...new Set(times)];
}

describe("a site connected to the utility", () => {
  it("holds the peak target by its batteries", () => {
    const bench = connected(20);
    expect(importKw(bench)).toBeLessThan(510);
    expect(importKw(bench)).toBeGreaterThan(480);
    expect(numberAt(bench, "bat-a", "activePowerKw")).toBeGreaterThan(100);
    expect(bench.why("site")).toContain("keep the quarter of an hour at 500 kW");
  });

  it("gives the peak target up, not the reserve, and names both", () => {
    const bench = connected(20);
    for (const id of ["bat-a", "bat-b"]) Object.assign(bench.plant.device(id), { socPct: 29 });
    bench.run(20);
    expect(numberAt(bench, "bat-a", "activePowerKw")).toBeLessThan(1);
    expect(bench.why("site")).toContain("exceeds the limit of 600 kW: the reserve of 30 % is kept");
    expect(bench.alarms("site")).toContain("SITE_LIMIT_EXCEEDED");
  });

  it("charges with surplus, and limits the sun where the batteries are full", () => {
    const bench = connected();
    bench.plant.loadStep("production", -460);
    bench.plant.loadStep("ev", -220);
    bench.plant.setSun("pv", 90);
    bench.run(30);
    expect(numberAt(bench, "bat-a", "activePowerKw")).toBeLessThan(-50);
    expect(importKw(bench)).toBeGreaterThan(-20);
    bench.plant.loadStep("critical", -180);
    for (const id of ["bat-a", "bat-b"]) Object.assign(bench.plant.device(id), { socPct: 91 });
    bench.run(60);
    expect(importKw(bench)).toBeGreaterThan(-256);
    expect(importKw(bench)).toBeLessThan(-200);
    expect(bench.why("site")).toMatch(
      /pv is limited to [\d.]+ % of its rating so that export stays below 250 kW/,
    );
  });
});

describe("islanding", () => {
  it("unplanned: a battery forms, EV is shed within a second, the rest goes on", () => {
    const bench = connected(10);
    bench.plant.setShoreAvailable("q0", false);
    bench.run(1.3);
    expect(bench.isClosed("q0")).toBe(false);
    expect(bench.isClosed("ev")).toBe(false);
    expect(bench.plant.grid("site").isLive).toBe(true);
    expect(bench.isClosed("critical")).toBe(true);
    expect(phaseOf(bench)).toBe("islanded");
    expect(bench.why("site")).toContain("the utility is out of band at q0");
  });

  it("reconnects when the utility was in band long enough, follows it and gives back what was shed", () => {
    const bench = connected(10);
    bench.plant.setShoreAvailable("q0", false);
    bench.run(30);
    bench.plant.setShoreAvailable("q0", true);
    bench.run(10);
    expect(bench.isClosed("q0")).toBe(false);
    expect(bench.runUntil(() => bench.isClosed("q0"), 90)).not.toBeNull();
    expect(bench.plant.outOfPhaseCount).toBe(0);
    bench.run(40);
    expect(bench.stateOf("bat-a")).toBe("following");
    expect(bench.isClosed("ev")).toBe(true);
    expect(phaseOf(bench)).toBe("connected");
    expect(bench.alarms("site")).not.toContain("STEP_OVERDUE");
  });

  it("planned: power at the interconnection goes to zero before it opens, and it stays open until asked", () => {
    const bench = connected(10);
    bench.plant.loadStep("production", -300);
    bench.run(10);
    expect(bench.request("site", "", "island").isAccepted).toBe(true);
    let lastKw = Number.NaN;
    const seconds = bench.runUntil(() => {
      if (bench.isClosed("q0")) lastKw = importKw(bench);
      return !bench.isClosed("q0");
    }, 60);
    expect(seconds).not.toBeNull();
    expect(Math.abs(lastKw)).toBeLessThan(31);
    expect(bench.plant.grid("site").isLive).toBe(true);
    bench.run(60);
    expect(bench.isClosed("q0")).toBe(false);
    expect(bench.why("site")).toContain("islanded on request");
    expect(bench.request("site", "", "reconnect").isAccepted).toBe(true);
    expect(bench.runUntil(() => bench.isClosed("q0"), 90)).not.toBeNull();
    expect(bench.plant.outOfPhaseCount).toBe(0);
  });

  it("planned: is refused where the batteries could not carry the load", () => {
    const bench = connected(5);
    bench.plant.loadStep("production", 400);
    bench.run(5);
    const reply = bench.request("site", "", "island");
    expect(reply.isAccepted).toBe(false);
    expect(reply.reason).toContain("the batteries may give 1000 kW above their reserve");
  });

  it("the whole site dark with its batteries at hand comes back by itself", () => {
    const bench = connected(5);
    bench.plant.setShoreAvailable("q0", false);
    for (const id of ["q0", "bat-a", "bat-b", "pv"]) bench.plant.device(id).breaker?.open();
    bench.run(1);
    expect(bench.plant.grid("site").isLive).toBe(false);
    const seconds = bench.runUntil(
      () => bench.plant.grid("site").isLive && bench.isClosed("critical"),
      45,
    );
    expect(seconds).not.toBeNull();
    expect(seconds).toBeLessThan(14);
    // One battery brought it back, the other synchronises beside it.
    bench.run(12);
    expect(bench.isClosed("bat-a") && bench.isClosed("bat-b")).toBe(true);
    expect(bench.plant.outOfPhaseCount).toBe(0);
  });
});

describe("a leader killed in the middle", () => {
  const kinds: readonly LastOutputs[] = ["issued", "lost"];

  function planned(): PlantBench {
    const bench = connected(5);
    bench.plant.loadStep("production", -300);
    bench.run(5);
    bench.request("site", "", "island");
    return bench;
  }

  function lost(): PlantBench {
    const bench = connected(5);
    bench.plant.setShoreAvailable("q0", false);
    bench.run(0.1);
    return bench;
  }

  it("asks once more for the bond that a dying leader asked for in vain, and nothing stops", () => {
    const undisturbed = lost();
    undisturbed.run(1);
    const closing = undisturbed.commands.find(({ device }) => device === "k1");
    const bench = lost();
    bench.killAt("site", closing?.atMs ?? 0, "lost");
    bench.run(4);
    expect(bench.isClosed("k1")).toBe(true);
    expect(bench.isClosed("bat-a") && bench.isClosed("bat-b")).toBe(true);
    // The first never left its leader.
    expect(bench.commands.filter(({ device }) => device === "k1")).toHaveLength(1);
    expect(bench.plant.grid("site").isLive).toBe(true);
  });

  const ways = [
    { name: "planned islanding", begin: planned, isReturn: false },
    { name: "loss of the utility and return", begin: lost, isReturn: true },
  ];

  function finish(bench: PlantBench, isReturn: boolean): number | null {
    const islanded = bench.runUntil(
      () => !bench.isClosed("q0") && phaseOf(bench) === "islanded",
      70,
    );
    if (islanded === null) return null;
    bench.run(3);
    if (isReturn) bench.plant.setShoreAvailable("q0", true);
    else bench.request("site", "", "reconnect");
    return bench.runUntil(
      () => bench.isClosed("q0") && phaseOf(bench) === "connected" && bench.isClosed("ev"),
      150,
    );
  }

  const runs = ways.flatMap((way) => {
    const bench = way.begin();
    const from = bench.nowMs;
    finish(bench, way.isReturn);
    return stepsOf(bench, from).map((atMs, i) => ({ way, atMs, last: kinds[i % 2] ?? "lost" }));
  });

  it.each(runs)("$way.name: killed at $atMs ms, its last outputs $last", ({ way, atMs, last }) => {
    const bench = way.begin();
    bench.killAt("site", atMs, last);
    expect(finish(bench, way.isReturn)).not.toBeNull();
    expect(bench.plant.outOfPhaseCount).toBe(0);
    expect(bench.isClosed("critical")).toBe(true);
  });
});
