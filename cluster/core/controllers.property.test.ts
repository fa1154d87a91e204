import process from "node:process";
import { describe, expect, it } from "vitest";
import { SmallWorld } from "./test-small-world.ts";

/** Liveness after healing: the longest wait of rule 11 for two silent controllers, and a margin. */
const RECOVERY_MS = 25_000;
const FAULTS_MS = 5_000;
const SEED_COUNT = Number(process.env["SMALL_WORLD_SEEDS"] ?? 150);
const SEED_FIRST = Number(process.env["SMALL_WORLD_FIRST"] ?? 1);

function runSeed(seed: number): SmallWorld {
  const world = new SmallWorld(seed, seed % 3 === 0 ? 2 : 3, {
    loss: seed % 4 === 0 ? 0 : (seed % 5) * 0.01,
    rateDeviation: 0.015,
  });
  try {
    const names = world.nodes.map(({ name }) => name);
    const pick = () => names[Math.floor(world.random() * names.length)] ?? "n1";
    for (const name of names) world.at(world.random() * 300, () => world.boot(name));
    let atMs = 800;
    while (atMs < FAULTS_MS) {
      const kind = Math.floor(world.random() * 7);
      const a = pick();
      const b = pick();
      const forMs = 20 + world.random() * world.random() * 3_000;
      world.at(atMs, () => {
        if (kind <= 1) {
          world.crash(a);
          world.at(world.nowMs + forMs, () => world.boot(a));
        } else if (kind === 2 && a !== b) {
          world.cut(a, b, true);
          world.at(world.nowMs + forMs, () => world.cut(a, b, false));
        } else if (kind === 3) {
          world.cut(a, "store", true);
          world.at(world.nowMs + forMs, () => world.cut(a, "store", false));
        } else if (kind === 4) world.pause(a, Math.min(forMs, 600));
        else if (kind === 5) {
          for (const leader of world.leaders()) world.transfer(leader.name, a);
        } else if (kind === 6 && world.random() < 0.3) world.diverge(a);
      });
      atMs += 20 + world.random() * 700;
    }
    world.runUntil(FAULTS_MS + 100);
    world.heal();
    const isWhole = () =>
      world.leaders().length === 1 && world.record?.inSync.length === names.length;
    world.runUntil(world.nowMs + RECOVERY_MS, isWhole);
    expect(isWhole(), "one leader, everyone in sync, after healing").toBe(true);
  } catch (cause) {
    throw new Error(`seed ${seed}: ${String(cause)}\n${world.describe()}`, { cause });
  }
  return world;
}

describe("some controllers, a bad network, a store that forgets to answer", () => {
  it("never has two leaders, forgets nothing issued, and recovers", () => {
    const origins = new Map<string, number>();
    for (let seed = SEED_FIRST; seed < SEED_FIRST + SEED_COUNT; seed++) {
      for (const { origin } of runSeed(seed).started)
        origins.set(origin, (origins.get(origin) ?? 0) + 1);
    }
    // A run that never saw a fault would prove nothing.
    for (const origin of ["cold", "hot", "handover", "stale"]) {
      expect(origins.get(origin) ?? 0, origin).toBeGreaterThan(0);
    }
  }, 600_000);

  it.each([
    [
      22_088,
      "a solo lease that ran out before its takeover was known to be applied left a deadline in the past",
    ],
  ])("seed %i stays mended: %s", (seed) => {
    runSeed(seed);
  });

  it("hands the lead to the first in order within about a grace, half a heartbeat early, after a crash", () => {
    const gapsMs: number[] = [];
    for (let seed = 1; seed <= 15; seed++) {
      const world = new SmallWorld(seed, 3, { loss: 0, rateDeviation: 0 });
      for (const { name } of world.nodes) world.boot(name);
      world.runUntil(2_000 + seed * 7);
      expect(world.record?.inSync.length, world.describe()).toBe(3);
      const crashedAtMs = world.nowMs;
      world.crash("n1");
      world.runUntil(crashedAtMs + 1_000);
      const taken = world.started.at(-1);
      expect(taken).toMatchObject({ node: "n2", origin: "hot" });
      gapsMs.push((taken?.atMs ?? 0) - crashedAtMs);
    }
    const median = [...gapsMs].sort((a, b) => a - b)[7] ?? 0;
    expect(median).toBeGreaterThan(105);
    expect(median).toBeLessThan(140);
  });
});
