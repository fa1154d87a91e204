import { describe, expect, it } from "vitest";
import { loadProfiles } from "../../configs/load-profile.ts";
import { present } from "../../kernel/assert.ts";
import { ProfilePlant } from "./profile-plant.ts";
import { RegisterImage } from "./register-image.ts";

const profiles = loadProfiles();
const nameplate = { powerKw: 400, voltageV: 690, frequencyHz: 60 };

/** A device on a clock that the test moves in steps of 50 ms, as the server does. */
function rig(id: string) {
  const told: boolean[] = [];
  const profile = present(profiles.get(id), "a shipped profile");
  const plant = new ProfilePlant(profile, nameplate, 0, (isActive) => told.push(isActive));
  let nowMs = 0;
  const advance = (ms: number) => {
    for (const endMs = nowMs + ms; nowMs < endMs;) plant.advance((nowMs += 50));
  };
  const value = (point: string) => plant.points()[point];
  return { plant, advance, value, told };
}

it("every shipped profile can be simulated: all its registers have a value that fits", () => {
  for (const profile of profiles.values()) {
    const plant = new ProfilePlant(profile, nameplate, 0);
    plant.advance(100);
    const image = new RegisterImage(profile);
    for (const { table, address, point, access } of profile.points) {
      if (access === "write") continue;
      const read =
        table === "holding" || table === "input"
          ? image.readRegisters(table, address, 1, plant.points(), 0)
          : image.readBits(table, address, 1, plant.points());
      expect(read, `${profile.id} ${point}`).toHaveLength(1);
    }
  }
});

describe("a genset", () => {
  it("starts, synchronises, takes the power that it is told, opens and stops", () => {
    const { plant, advance, value } = rig("sim-plain-genset");
    expect([value("isRunning"), value("voltageV"), value("isOpen")]).toEqual([false, 0, true]);
    expect(plant.command("", "syncAndClose")).toBe("the engine does not run");
    expect(plant.command("", "start")).toBeNull();
    advance(2900);
    expect(value("isRunning")).toBe(false);
    advance(150);
    expect([value("isRunning"), value("voltageV"), value("frequencyHz")]).toEqual([true, 690, 60]);
    plant.command("", "syncAndClose");
    advance(1600);
    expect([value("isClosed"), value("isOpen")]).toEqual([true, false]);
    plant.setLevel("", "powerReferenceKw", 200);
    advance(1000);
    expect(value("activePowerKw")).toBeCloseTo(80, 5);
    advance(4000);
    expect(value("activePowerKw")).toBe(200);
    plant.command("", "open");
    advance(6000);
    expect([value("isOpen"), value("activePowerKw")]).toEqual([true, 0]);
  });

  it("does nothing on local", () => {
    const { plant } = rig("sim-plain-genset");
    plant.set("isRemoteSelected", false);
    expect(plant.command("", "start")).toBe("the selector stands on local");
  });

  it("gives up its set-point when the watchdog runs out, and says so", () => {
    const { plant, value, told } = rig("sim-plain-genset");
    plant.setLevel("", "powerReferenceKw", 200);
    plant.setFallback("", true);
    plant.setFallback("", false);
    expect(value("powerReferenceKw")).toBe(0);
    expect(told).toEqual([true, false]);
  });
});

it("a number set by hand is held until it is freed; contacts follow each other", () => {
  const { plant, advance, value } = rig("sim-plain-pv");
  plant.set("activePowerKw", 33);
  advance(1000);
  expect(value("activePowerKw")).toBe(33);
  plant.free();
  advance(5000);
  expect(value("activePowerKw")).toBe(200);
  plant.set("isClosed", false);
  expect(value("isOpen")).toBe(true);
});

it("the heartbeat of a battery counts", () => {
  const { advance, value } = rig("sim-plain-battery");
  advance(3000);
  expect(value("bmsHeartbeatCount")).toBe(3);
});
