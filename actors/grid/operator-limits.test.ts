import { describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { PointValue } from "../../kernel/point.ts";
import { createMiniPlant } from "../../test/support/mini-plant.ts";

const land = loadManifest("configs/land-battery.toml");

/** The land site on the mains, and its PV plant's level. */
function site() {
  const plant = createMiniPlant(land);
  Object.assign(plant.device("q0"), { isClosed: true, isVoltagePresent: true });
  plant.device("production").demandKw = 400;
  plant.run(5);
  const grid = plant.grid("site");
  let count = 0;
  const limit = (args: Record<string, PointValue>, device = "pv") => {
    const requestId = `limit-${++count}`;
    const actor = `grids/site/devices/${device}`;
    grid.requests.push({
      requestId,
      role: "operator",
      user: "other system",
      actor,
      command: "limit",
      arguments: args,
    });
    plant.run(0.1);
    const replies = grid.log.flatMap((entry) => entry.replies);
    return replies.find((reply) => reply.requestId === requestId);
  };
  const level = () => plant.grid("site").state.levels["pv.powerLimitPct"];
  return { plant, limit, level, state: () => plant.grid("site").state };
}

describe("a limit with an expiry", () => {
  it("holds a PV plant below it at once, and goes back up by the ramp when its time is over", () => {
    const { plant, limit, level, state } = site();
    expect(level()).toBe(100);
    expect(limit({ value: 40, expiryS: 5 })).toMatchObject({
      isAccepted: true,
      reason: "pv is held below 40 for 5 s",
    });
    expect(level()).toBe(40);
    plant.run(4);
    expect(level()).toBe(40);
    plant.run(2);
    expect(level()).toBeGreaterThan(40);
    expect(level()).toBeLessThan(60);
    plant.run(10);
    expect(level()).toBe(100);
    expect("limits" in state()).toBe(false);
  });

  it("written again it holds on, with the new value", () => {
    const { plant, limit, level } = site();
    limit({ value: 40, expiryS: 3 });
    plant.run(2);
    limit({ value: 50, expiryS: 3 });
    plant.run(2);
    expect(level()).toBe(50);
  });

  it.each<[string, Record<string, PointValue>, string, string]>([
    ["a value above the rating", { value: 101, expiryS: 5 }, "pv", "0 to 100"],
    ["a negative value", { value: -1, expiryS: 5 }, "pv", "0 to 100"],
    ["no value", { expiryS: 5 }, "pv", "0 to 100"],
    ["no expiry", { value: 50 }, "pv", "1 to 3600"],
    ["an expiry of days", { value: 50, expiryS: 86_400 }, "pv", "1 to 3600"],
    ["a device without one", { value: 50, expiryS: 5 }, "q0", "no limit that could be set"],
  ])("refuses %s", (_name, args, device, text) => {
    const { limit, level } = site();
    const reply = limit(args, device);
    expect(reply?.isAccepted).toBe(false);
    expect(reply?.reason).toContain(text);
    expect(level()).toBe(100);
  });
});
