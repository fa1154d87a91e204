import { describe, expect, it } from "vitest";
import { KEPT_SEEDS } from "./kept-seeds.ts";
import type { WorldResult, WorldRun } from "./run-world.ts";
import { runWorld } from "./run-world.ts";
import { sealed } from "./seal.ts";
import { shrink } from "./shrink.ts";

describe("the deterministic world", () => {
  it("finds nothing wrong in a few seeds, and has seen takeovers and losses in them; npm test runs many more, compiled", () => {
    const counts: Record<string, number> = {};
    for (let seed = 1; seed <= 15; seed++) {
      const { violation, counts: own } = runWorld({ seed, kind: "counter" });
      expect(violation, `npm run world -- --seed ${seed}`).toBeNull();
      for (const [name, count] of Object.entries(own)) counts[name] = (counts[name] ?? 0) + count;
    }
    // A run that never saw a fault would prove nothing.
    for (const name of ["cold", "hot", "stale", "issued"])
      expect(counts[name], name).toBeGreaterThan(0);
  }, 60_000);

  it.each(KEPT_SEEDS)("$kind seed $seed stays mended: $defect", ({ kind, seed }) => {
    expect(runWorld({ kind, seed }).violation).toBeNull();
  });

  it("leaves out every fault that a failure does not need, and says nothing where none fails", () => {
    const whole = runWorld({ kind: "counter", seed: 2 });
    const { faults } = whole.scenario;
    expect(faults.length).toBeGreaterThan(4);
    const needed = [faults[1], faults[faults.length - 2]];
    const judge = (run: WorldRun): WorldResult => {
      const left = run.faults ?? faults;
      const fails = needed.every((fault) => left.some((one) => one === fault));
      const violation = fails ? { check: "authority", atMs: 1e6, text: "" } : null;
      return { ...whole, scenario: { ...whole.scenario, faults: left }, violation } as WorldResult;
    };
    const run = { kind: "counter", seed: 2 } as const;
    expect(shrink(run, () => {}, judge)?.scenario.faults).toEqual(needed);
    expect(shrink(run)).toBeNull();
  });

  it("gives the same trace for the same seed, and another for another", () => {
    const once = runWorld({ seed: 5, kind: "counter" });
    expect(runWorld({ seed: 5, kind: "counter", isTraced: true }).traceHash).toBe(once.traceHash);
    expect(runWorld({ seed: 6, kind: "counter" }).traceHash).not.toBe(once.traceHash);
  });

  it("lets the vessel's grids go dark, and each closes a source by the permit", () => {
    const { violation, counts } = runWorld({ seed: 2, kind: "vessel" });
    expect(violation).toBeNull();
    expect(counts["permits"]).toBeGreaterThan(1);
    expect(counts["deadCloses"]).toBeGreaterThan(1);
  }, 60_000);

  it("is the same where every replica of the vessel computes each step for itself", () => {
    const run = { seed: 11, kind: "vessel" } as const;
    expect(runWorld({ ...run, isUnshared: true }).traceHash).toBe(runWorld(run).traceHash);
  }, 60_000);

  it("has no ambient time or chance, and gives both back", () => {
    for (const ask of [() => Date.now(), () => Math.random(), () => void setTimeout(() => {}, 1)])
      expect(() => sealed(ask)).toThrow(/deterministic world/);
    expect(Date.now()).toBeGreaterThan(0);
    expect(Math.random()).toBeLessThan(1);
  });
});
