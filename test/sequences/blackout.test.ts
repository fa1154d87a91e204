import { describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { Manifest } from "../../configs/manifest.ts";
import { loadPlantFile } from "../../sim/simulator/load-plant-file.ts";
import { PlantBench, type LastOutputs } from "../support/plant-bench.ts";

const vessel = loadManifest("configs/vessel.toml");
const specs = loadPlantFile(vessel);

const SOURCES = ["dg1", "dg2", "dg3", "dg4", "bat1", "bat2", "sc1"];
const ESSENTIAL = ["f1", "f3"];
const FEEDERS = ["f1", "f2", "f3", "f4"];

function withBlackout(manifest: Manifest, changes: Partial<Manifest["grids"][number]["blackout"]>) {
  const grids = manifest.grids.map((grid) => ({
    ...grid,
    blackout: { ...grid.blackout, ...changes },
  }));
  return { ...manifest, grids };
}

/** The vessel, running for two seconds as the demo begins. */
function running(manifest: Manifest = vessel, options = {}): PlantBench {
  const bench = new PlantBench(manifest, specs, options);
  bench.run(2);
  return bench;
}

/** Every source breaker opens at once, without a trip: what a person at the switchboard, or a common control supply, can do. */
function darken(bench: PlantBench, devices: readonly string[] = SOURCES): void {
  for (const id of devices) bench.plant.device(id).breaker?.open();
}

/** Batteries are away: their breakers opened by themselves and stay so. */
function withoutBatteries(bench: PlantBench): void {
  for (const id of ["bat1", "bat2"]) bench.plant.device(id).trip("taken away by the test");
}

const isIn = (bench: PlantBench, devices: readonly string[]) =>
  devices.every((id) => bench.isClosed(id));

function isInBand(bench: PlantBench): boolean {
  return ["port", "starboard"].every((grid) => {
    const { frequencyHz, voltageV, isLive } = bench.plant.grid(grid);
    return isLive && Math.abs(frequencyHz - 60) <= 3 && voltageV >= 621 && voltageV <= 731;
  });
}

const recovered = (bench: PlantBench) => () => isIn(bench, ESSENTIAL) && isInBand(bench);

/** Dead-bus closings and joins out of phase, by the plant's own word. */
function deadCloses(bench: PlantBench): string[] {
  return bench.events.filter(({ kind }) => kind === "live").map(({ grid }) => grid);
}

describe("after a blackout of all sections", () => {
  it("without a battery the last essential feeder is back within 45 s", () => {
    const bench = running();
    withoutBatteries(bench);
    darken(bench);
    bench.run(1);
    expect(bench.plant.grid("port").isLive).toBe(false);
    const seconds = bench.runUntil(recovered(bench), 60);
    expect(seconds).not.toBeNull();
    expect(seconds).toBeLessThan(45);
    expect(bench.plant.outOfPhaseCount).toBe(0);
  });

  it("with batteries it takes less than 15 s", () => {
    const bench = running();
    darken(bench);
    bench.run(1);
    const seconds = bench.runUntil(recovered(bench), 60);
    expect(seconds).not.toBeNull();
    expect(seconds).toBeLessThan(14);
    bench.run(60);
    expect(isIn(bench, FEEDERS)).toBe(true);
    expect(bench.stateOf("bat1")).toBe("following");
    expect(bench.state("port").blackout.phase).toBe("live");
  });

  it("two sets start in parallel in each grid, one closes onto the dead busbar, the other synchronises", () => {
    const bench = running();
    withoutBatteries(bench);
    darken(bench);
    bench.run(60);
    const starts = bench.commands.filter(({ command }) => command === "start");
    expect(starts.map(({ device }) => device).sort()).toEqual(["dg2", "dg4"]);
    expect(deadCloses(bench)).toEqual(expect.arrayContaining(["port", "starboard"]));
    expect(isIn(bench, ["dg1", "dg2"])).toBe(true);
    expect(bench.plant.outOfPhaseCount).toBe(0);
  });

  it("essential feeders come first, and feeders 3 s apart", () => {
    const bench = running();
    withoutBatteries(bench);
    darken(bench);
    bench.run(60);
    const closes = bench.commands.filter(({ command }) => command === "close");
    const port = closes.filter(({ grid }) => grid === "port");
    expect(port.map(({ device }) => device)).toEqual(["f1", "f2"]);
    expect((port[1]?.atMs ?? 0) - (port[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(3000);
  });

  it("with the tie closed one grid alone holds the permit, and both come back as one island", () => {
    const bench = running();
    bench.request("port", "btp", "close");
    bench.request("starboard", "bts", "close");
    expect(bench.runUntil(() => bench.state("port").island.length === 2, 60)).not.toBeNull();
    bench.run(20);
    withoutBatteries(bench);
    darken(bench);
    bench.run(1);
    const seconds = bench.runUntil(recovered(bench), 60);
    expect(seconds).not.toBeNull();
    expect(seconds).toBeLessThan(45);
    expect(deadCloses(bench)).toHaveLength(2);
    expect(bench.plant.outOfPhaseCount).toBe(0);
  });
});

describe("what a blackout's recovery does not do", () => {
  it("without the permit nothing is closed onto the dead busbar; sets start all the same", () => {
    const bench = running(vessel, { withoutPermit: ["port"] });
    withoutBatteries(bench);
    darken(bench);
    bench.run(40);
    expect(bench.plant.grid("port").isLive).toBe(false);
    expect(bench.plant.grid("starboard").isLive).toBe(true);
    expect(bench.stateOf("dg2")).toBe("runningOpen");
    expect(bench.why("port")).toContain("waits for the permit to close dg1 onto the dead busbar");
    expect(bench.why("port")).toContain("no answer: no quorum");
  });

  it("with a hard-wired interlock no permit is needed", () => {
    const manifest = withBlackout(vessel, { deadBusInterlock: "hardwired" });
    const bench = running(manifest, { withoutPermit: ["port", "starboard"] });
    withoutBatteries(bench);
    darken(bench);
    expect(bench.runUntil(recovered(bench), 45)).not.toBeNull();
  });

  it("switched off, it only starts a set", () => {
    const bench = running(withBlackout(vessel, { hasRecovery: false }));
    withoutBatteries(bench);
    darken(bench);
    bench.run(40);
    expect(bench.plant.grid("port").isLive).toBe(false);
    expect(bench.commands.filter(({ command }) => command !== "start")).toEqual([]);
    expect(bench.alarms("port")).toContain("BLACKOUT");
  });

  it("a set whose breaker stays open is passed over, and the next closes", () => {
    const bench = running();
    withoutBatteries(bench);
    darken(bench);
    // What was running closes first; its breaker is stuck.
    bench.plant.device("dg1").command = () => null;
    bench.run(1);
    expect(bench.runUntil(recovered(bench), 45)).not.toBeNull();
    expect(bench.state("port").blackout.attempt).toBe(2);
    expect(bench.isClosed("dg2")).toBe(true);
  });

  it("is given up after so many attempts, with an alarm, until an operator resets it", () => {
    const bench = running(withBlackout(vessel, { attemptCountMax: 1 }));
    withoutBatteries(bench);
    darken(bench);
    const stuck = bench.plant.device("dg1");
    const command = stuck.command.bind(stuck);
    stuck.command = () => null;
    bench.run(30);
    expect(bench.state("port").blackout.phase).toBe("givenUp");
    expect(bench.alarms("port")).toContain("RECOVERY_GIVEN_UP");
    expect(bench.isClosed("f1")).toBe(false);
    stuck.command = command;
    expect(bench.request("port", "", "reset").isAccepted).toBe(true);
    expect(bench.runUntil(recovered(bench), 45)).not.toBeNull();
    bench.run(20);
    expect(isIn(bench, ["f1", "f2"])).toBe(true);
  });

  it("a short circuit, an unknown breaker or a blocking input forbids it, and says so", () => {
    const bench = running();
    withoutBatteries(bench);
    darken(bench);
    const device = bench.plant.device("dg1");
    const points = device.points.bind(device);
    device.points = () => ({ ...points(), isOpen: true, isClosed: true });
    bench.run(20);
    expect(bench.plant.grid("port").isLive).toBe(false);
    expect(bench.why("port")).toContain("recovery is blocked: the breaker of dg1 is not known");
    expect(bench.alarms("port")).toContain("RECOVERY_BLOCKED");
    expect(bench.stateOf("dg2")).toBe("runningOpen");
    device.points = points;
    expect(bench.runUntil(recovered(bench), 45)).not.toBeNull();
  });

  it("voltage without a source that feeds is an alarm, not a blackout", () => {
    const bench = running();
    const meter = bench.plant.device("msb-p");
    const points = meter.points.bind(meter);
    meter.points = () => ({ ...points(), voltageV: 20 });
    bench.run(10);
    expect(bench.alarms("port")).toContain("BLACKOUT_DOUBTED");
    expect(bench.commands.filter(({ grid }) => grid === "port")).toEqual([]);
  });
});

describe("a leader killed in the middle of the recovery", () => {
  /** Plant times at which the recovery of a grid did something, in a run without a fault. */
  function steps(hasBatteries: boolean): { readonly grid: string; readonly atMs: number }[] {
    const bench = prepared(hasBatteries);
    const first = bench.nowMs;
    bench.runUntil(recovered(bench), 45);
    const found = new Map<string, { grid: string; atMs: number }>();
    for (const { grid, atMs } of [...bench.commands, ...bench.transitions]) {
      if (atMs >= first) found.set(`${grid} ${atMs}`, { grid, atMs });
    }
    return [...found.values()];
  }

  function prepared(hasBatteries: boolean): PlantBench {
    const bench = running();
    if (!hasBatteries) withoutBatteries(bench);
    darken(bench);
    bench.run(0.5);
    return bench;
  }

  const cases = [true, false].flatMap((hasBatteries) =>
    steps(hasBatteries).map(({ grid, atMs }) => ({ hasBatteries, grid, atMs })),
  );
  const kinds: readonly LastOutputs[] = ["issued", "lost"];
  const runs = cases.flatMap((one) => kinds.map((last) => ({ ...one, last })));

  it.each(runs)(
    "batteries $hasBatteries: $grid at $atMs ms, its last outputs $last",
    ({ hasBatteries, grid, atMs, last }) => {
      const bench = prepared(hasBatteries);
      bench.killAt(grid, atMs, last);
      const seconds = bench.runUntil(recovered(bench), 60);
      expect(seconds).not.toBeNull();
      expect(seconds).toBeLessThan(hasBatteries ? 14.5 : 44.5);
      bench.run(5);
      expect(bench.plant.outOfPhaseCount).toBe(0);
      for (const id of FEEDERS) {
        const closes = bench.events.filter(
          ({ device, kind }) => device === id && kind === "breakerClosed",
        );
        expect(closes.length).toBeLessThanOrEqual(1);
      }
    },
  );
});
