import { describe, expect, it } from "vitest";
import { fuelKgPerH } from "./engine.ts";
import { DEVICE_SCHEMAS } from "../simulator/plant-schema.ts";
import { gensetsOnly, numberOf, run, runUntil, vessel } from "./testing/test-plant.ts";

const isReady = (plant: ReturnType<typeof vessel>, id: string) =>
  plant.points(id)["isReadyToLoad"] === true;

describe("a genset starts, synchronises, takes load and stops by itself", () => {
  it("is ready 9 s after the start", () => {
    const plant = vessel();
    expect(plant.command("dg2", "start")).toBeNull();
    expect(runUntil(plant, 20, () => isReady(plant, "dg2"))).toBeCloseTo(9, 1);
  });

  it.each([0, 0.7, 1.9, 3.3, 5.1, 8.4])(
    "closes in step within 3 to 10 s, whatever the angle (begun %s s after ready)",
    (waitS) => {
      const plant = vessel();
      // A load above the reference: the bus runs slow, so that the angle drifts.
      plant.loadStep("f1", 150);
      plant.command("dg2", "start");
      run(plant, 10 + waitS);
      expect(plant.command("dg2", "syncAndClose")).toBeNull();
      const tookS = runUntil(plant, 20, () => plant.points("dg2")["isClosed"] === true);
      expect(tookS).toBeGreaterThan(3);
      expect(tookS).toBeLessThan(10);
      run(plant, 0.2);
      expect(plant.outOfPhaseCount).toBe(0);
      expect(Math.abs(numberOf(plant, "dg2", "activePowerKw"))).toBeLessThan(30);
    },
  );

  it("refuses to close before it is ready", () => {
    const plant = vessel();
    expect(plant.command("dg2", "syncAndClose")).toContain("not ready");
  });

  it("takes over load at 10 % of its rating per second at most", () => {
    const plant = vessel(0);
    plant.command("dg2", "start");
    run(plant, 10);
    plant.command("dg2", "syncAndClose");
    runUntil(plant, 20, () => plant.points("dg2")["isClosed"] === true);
    plant.device("dg2").setLevel("powerReferenceKw", 175);
    plant.device("dg1").setLevel("powerReferenceKw", 175);
    let before = 0;
    run(plant, 5, () => {
      const now = numberOf(plant, "dg2", "activePowerKw");
      expect(now - before).toBeLessThan(2);
      before = now;
    });
    expect(before).toBeCloseTo(175, 0);
    expect(plant.grid("port").frequencyHz).toBeCloseTo(60, 1);
  });

  it("unloads, opens below 5 %, cools down for 20 s and stops", () => {
    const plant = vessel(0);
    plant.command("dg2", "start");
    run(plant, 10);
    plant.command("dg2", "syncAndClose");
    runUntil(plant, 20, () => plant.points("dg2")["isClosed"] === true);
    plant.device("dg2").setLevel("powerReferenceKw", 350);
    run(plant, 8);
    plant.command("dg1", "stop");
    let lastKw = 0;
    const openedS = runUntil(plant, 30, () => {
      const isOpen = plant.points("dg1")["isOpen"] === true;
      if (!isOpen) lastKw = numberOf(plant, "dg1", "activePowerKw");
      return isOpen;
    });
    expect(openedS).toBeLessThan(8);
    expect(lastKw).toBeLessThan(50);
    expect(plant.points("dg1")["isRunning"]).toBe(true);
    const stoppedS = runUntil(plant, 60, () => plant.points("dg1")["isRunning"] === false);
    expect(stoppedS).toBeGreaterThan(19.8);
    expect(stoppedS).toBeLessThan(21);
    expect(plant.grid("port").isLive).toBe(true);
  });

  it("gives a stop up where nothing else can carry the load", () => {
    const plant = vessel();
    plant.device("bat1").command("open");
    plant.command("dg1", "stop");
    run(plant, 70);
    expect(plant.points("dg1")["isClosed"]).toBe(true);
    expect(plant.takeEvents().map((event) => event.kind)).toContain("unloadTimedOut");
    run(plant, 10);
    expect(plant.grid("port").frequencyHz).toBeGreaterThan(59.8);
  });

  it("shuts down after three failed attempts to start", () => {
    const plant = vessel();
    plant.setSwitch("dg2", "hasFuelFault", true);
    plant.command("dg2", "start");
    run(plant, 30);
    expect(plant.points("dg2")).toMatchObject({ isShutdownActive: true, isReadyToStart: false });
    expect(plant.command("dg2", "start")).toContain("shut down");
  });

  it("takes no command while its selector stands on local", () => {
    const plant = vessel();
    plant.setSwitch("dg2", "isRemoteSelected", false);
    expect(plant.command("dg2", "start")).toContain("local");
  });
});

describe("switches at a device", () => {
  it.each(["isStartBlocked", "isEmergencyStop"] as const)(
    "%s keeps a set from starting",
    (name) => {
      const plant = vessel();
      plant.setSwitch("dg2", name, true);
      expect(plant.command("dg2", "start")).not.toBeNull();
      expect(plant.points("dg2")).toMatchObject({ isReadyToStart: false, [name]: true });
      plant.setSwitch("dg2", name, false);
      expect(plant.command("dg2", "start")).toBeNull();
    },
  );

  it("an emergency stop shuts a running set down", () => {
    const plant = vessel();
    plant.setSwitch("dg1", "isEmergencyStop", true);
    run(plant, 1);
    expect(plant.points("dg1")).toMatchObject({ isClosed: false, isShutdownActive: true });
    expect(plant.grid("port").isLive).toBe(true);
  });

  it("exist only where the device has them", () => {
    expect(() => vessel().setSwitch("f1", "hasFuelFault", true)).toThrow('"f1" has no switch');
  });
});

describe("a genset protects itself", () => {
  it("trips after 30 s at 110 % of its rating", () => {
    const plant = gensetsOnly([{ powerKw: 1000, droopPct: 4, referenceKw: 1100 }], 1100);
    const trippedS = runUntil(plant, 60, () => plant.points("g1")["isTripped"] === true);
    expect(trippedS).toBeCloseTo(30, 1);
  });

  it("trips after three seconds below 93 %", () => {
    const plant = vessel(0);
    plant.device("bat1").command("open");
    plant.loadStep("f1", 900);
    const trippedS = runUntil(plant, 30, () => plant.points("dg1")["isTripped"] === true);
    expect(trippedS).toBeGreaterThan(0.3);
    expect(trippedS).toBeLessThan(6);
    run(plant, 1);
    expect(plant.grid("port").isLive).toBe(false);
    expect(plant.grid("port").frequencyHz).toBe(0);
    expect(plant.grid("starboard").isLive).toBe(true);
  });

  it("trips on reverse power of 8 % after five seconds", () => {
    const plant = vessel(0);
    plant.command("dg2", "start");
    run(plant, 10);
    plant.command("dg2", "syncAndClose");
    runUntil(plant, 20, () => plant.points("dg2")["isClosed"] === true);
    // Shore holds the speed up, and the set is told to run far below it: without fuel its drag takes power from the busbar.
    plant.command("sc1", "syncAndClose");
    runUntil(plant, 20, () => plant.points("sc1")["isClosed"] === true);
    plant.device("dg2").setLevel("powerReferenceKw", -500);
    const isReversed = () => numberOf(plant, "dg2", "activePowerKw") < -80;
    expect(runUntil(plant, 20, isReversed)).toBeLessThan(10);
    const trippedS = runUntil(plant, 20, () => plant.points("dg2")["isTripped"] === true);
    expect(trippedS).toBeCloseTo(5, 1);
    expect(plant.grid("port").isLive).toBe(true);
  });
});

describe("fuel", () => {
  const spec = DEVICE_SCHEMAS.genset.parse({});
  it.each([
    [250, 220.5],
    [500, 202.6],
    [750, 195.7],
    [1000, 199.9],
  ])("at %s kW of 1000 the set burns %s g/kWh", (powerKw, gPerKwh) => {
    expect((fuelKgPerH(powerKw, 1000, spec) * 1000) / powerKw).toBeCloseTo(gPerKwh, 1);
  });

  it("saves 7.8 % with 660 kW on one set instead of 350 and 310 on two", () => {
    const two = fuelKgPerH(350, 1000, spec) + fuelKgPerH(310, 1000, spec);
    const one = fuelKgPerH(660, 1000, spec);
    expect(two).toBeCloseTo(140.9, 1);
    expect(one).toBeCloseTo(129.9, 1);
  });
});
