import { describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { Manifest } from "../../configs/manifest.ts";
import { loadPlantFile } from "../../sim/simulator/load-plant-file.ts";
import { PlantBench, type LastOutputs } from "../support/plant-bench.ts";

const vessel = loadManifest("configs/vessel.toml");
const specs = loadPlantFile(vessel);

/** The vessel with shore connected and its voltage there. */
function alongside(manifest: Manifest = vessel): PlantBench {
  const bench = new PlantBench(manifest, specs);
  bench.plant.setShoreAvailable("sc1", true);
  bench.run(3);
  expect(bench.stateOf("sc1")).toBe("ready");
  return bench;
}

/** The vessel on shore, its sets at rest. */
function onShore(): PlantBench {
  const bench = alongside();
  expect(bench.request("port", "sc1", "transferToShore").isAccepted).toBe(true);
  expect(bench.runUntil(isOnShore(bench), 180)).not.toBeNull();
  return bench;
}

const isOnShore = (bench: PlantBench) => () =>
  bench.isClosed("sc1") && !bench.isClosed("dg1") && !bench.isClosed("dg2");
const isOnSets = (bench: PlantBench) => () =>
  !bench.isClosed("sc1") && (bench.isClosed("dg1") || bench.isClosed("dg2"));

/** Worst deviation of the port busbar while `run` goes on, and whether it was ever dark. */
function watched(bench: PlantBench, isDone: () => boolean, secondsMax: number) {
  let worstHz = 0;
  let darkMs = 0;
  const seconds = bench.runUntil(() => {
    const { frequencyHz, isLive } = bench.plant.grid("port");
    if (isLive) worstHz = Math.max(worstHz, Math.abs(frequencyHz - 60));
    else darkMs += 100;
    return isDone();
  }, secondsMax);
  return { seconds, worstHz, darkMs };
}

describe("transfer to shore and back, synchronised", () => {
  it("to shore: shore takes the load, then the sets are unloaded and stopped; the busbar never goes dark", () => {
    const bench = alongside();
    const reply = bench.request("port", "sc1", "transferToShore");
    expect(reply).toMatchObject({
      isAccepted: true,
      reason: "the transfer by sc1 begins: connecting",
    });
    const { seconds, worstHz, darkMs } = watched(bench, isOnShore(bench), 180);
    expect(seconds).not.toBeNull();
    expect(darkMs).toBe(0);
    expect(worstHz).toBeLessThan(1.2);
    bench.run(60);
    expect(isOnShore(bench)()).toBe(true);
    expect(bench.state("port").transfer).toMatchObject({ phase: "none", carrier: "sc1" });
    expect(bench.plant.outOfPhaseCount).toBe(0);
  });

  it("on shore no set starts for the loss of shore, and the answer says why", () => {
    const bench = onShore();
    bench.run(60);
    expect(bench.stateOf("dg1")).toBe("ready");
    expect(bench.why("port")).toContain("sc1 carries the load: its loss is answered by");
  });

  it("to the ship: a set takes the load, then shore is unloaded and opened", () => {
    const bench = onShore();
    bench.run(30);
    expect(bench.request("port", "sc1", "transferToShip").isAccepted).toBe(true);
    const { seconds, darkMs, worstHz } = watched(bench, isOnSets(bench), 180);
    expect(seconds).not.toBeNull();
    expect(darkMs).toBe(0);
    expect(worstHz).toBeLessThan(1.2);
    bench.run(5);
    expect(bench.state("port").transfer).toMatchObject({ phase: "none", carrier: "" });
  });

  it("is refused where the other side could not carry the load, with both figures", () => {
    const bench = alongside();
    bench.plant.loadStep("f1", 500);
    bench.run(5);
    const reply = bench.request("port", "sc1", "transferToShore");
    expect(reply.isAccepted).toBe(false);
    expect(reply.reason).toMatch(/sc1 may carry 675 kW, 8\d\d(\.\d)? kW are drawn/);
  });

  it("is refused while one is under way, and without voltage ashore", () => {
    const bench = alongside();
    bench.request("port", "sc1", "transferToShore");
    expect(bench.request("port", "sc1", "transferToShore").reason).toBe(
      "sc1 is already transferring",
    );
    const dark = new PlantBench(vessel, specs);
    dark.plant.setShoreAvailable("sc1", false);
    dark.run(3);
    expect(dark.request("port", "sc1", "transferToShore").reason).toBe("sc1 is absent");
  });
});

describe("loss of shore while it carries the load", () => {
  it("is a blackout that the recovery answers with the ship's own sets", () => {
    const bench = onShore();
    for (const id of ["bat1"]) bench.plant.device(id).trip("taken away by the test");
    bench.run(5);
    bench.plant.setShoreAvailable("sc1", false);
    bench.run(2);
    expect(bench.plant.grid("port").isLive).toBe(false);
    const seconds = bench.runUntil(
      () => bench.plant.grid("port").isLive && bench.isClosed("f1"),
      45,
    );
    expect(seconds).not.toBeNull();
    expect(seconds).toBeLessThan(43);
  });
});

describe("transfer with break before make", () => {
  it("to shore: the busbar is dark for some seconds, then shore carries it and the sets stop", () => {
    const bench = alongside();
    const reply = bench.request("port", "sc1", "transferToShore", { breakBeforeMake: true });
    expect(reply.reason).toContain("dark for a moment");
    const { seconds, darkMs } = watched(
      bench,
      () => isOnShore(bench)() && bench.isClosed("f1") && bench.isClosed("f2"),
      60,
    );
    expect(seconds).not.toBeNull();
    expect(darkMs).toBeGreaterThan(500);
    expect(darkMs).toBeLessThan(6000);
    bench.run(120);
    expect(bench.stateOf("dg1")).toBe("ready");
    expect(isOnShore(bench)()).toBe(true);
    expect(bench.plant.outOfPhaseCount).toBe(0);
  });

  it("back to the ship likewise: the set runs before shore opens", () => {
    const bench = onShore();
    bench.run(90);
    bench.request("port", "sc1", "transferToShip", { breakBeforeMake: true });
    const { seconds, darkMs } = watched(
      bench,
      () => isOnSets(bench)() && bench.isClosed("f1") && bench.isClosed("f2"),
      90,
    );
    expect(seconds).not.toBeNull();
    expect(darkMs).toBeLessThan(6000);
    expect(bench.plant.outOfPhaseCount).toBe(0);
  });
});

describe("a leader killed in the middle of a transfer", () => {
  const ways = [
    { name: "to shore", command: "transferToShore", isDark: false },
    { name: "to the ship", command: "transferToShip", isDark: false },
    { name: "to shore in the dark", command: "transferToShore", isDark: true },
  ] as const;
  type Way = (typeof ways)[number];

  function begun(way: Way): { bench: PlantBench; isDone: () => boolean } {
    const bench = way.command === "transferToShip" ? onShore() : alongside();
    bench.run(1);
    const reply = bench.request("port", "sc1", way.command, { breakBeforeMake: way.isDark });
    expect(reply.isAccepted).toBe(true);
    const isMoved = way.command === "transferToShip" ? isOnSets(bench) : isOnShore(bench);
    const isDone = () => isMoved() && bench.isClosed("f1") && bench.isClosed("f2");
    return { bench, isDone };
  }

  const kinds: readonly LastOutputs[] = ["issued", "lost"];
  const runs = ways.flatMap((way) => {
    const { bench, isDone } = begun(way);
    const first = bench.nowMs;
    bench.runUntil(isDone, 180);
    const times = [...bench.commands, ...bench.transitions]
      .filter(({ grid, atMs }) => grid === "port" && atMs >= first)
      .map(({ atMs }) => atMs);
    return [...new Set(times)].map((atMs, i) => ({ way, atMs, last: kinds[i % 2] ?? "lost" }));
  });

  it.each(runs)("$way.name: killed at $atMs ms, its last outputs $last", ({ way, atMs, last }) => {
    const { bench, isDone } = begun(way);
    bench.killAt("port", atMs, last);
    const { seconds, darkMs } = watched(bench, isDone, 200);
    expect(seconds).not.toBeNull();
    if (!way.isDark) expect(darkMs).toBe(0);
    expect(bench.plant.outOfPhaseCount).toBe(0);
  });
});
