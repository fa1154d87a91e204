import { describe, expect, it } from "vitest";
import { DEVICE_SCHEMAS } from "../simulator/plant-schema.ts";
import { EngineModel } from "./engine.ts";
import { gensetsOnly, numberOf, run, runUntil } from "./testing/test-plant.ts";

const STEP_S = 0.005;

/** Power after each step of a full command to an engine at rest, pu. */
function stepResponse(parameters: Readonly<Record<string, number>>, seconds: number): number[] {
  const engine = new EngineModel(DEVICE_SCHEMAS.genset.parse(parameters), STEP_S);
  engine.settleAt(0);
  return Array.from({ length: Math.round(seconds / STEP_S) }, () => {
    engine.step(1);
    return engine.powerPu;
  });
}

describe("an engine that gets full fuel", () => {
  it("answers after its dead time, then along its lag: 1 − exp(−(t − Td)/T)", () => {
    const parameters = { deadTimeMs: 14, actuatorLagMs: 100, firstStepPct: 100 };
    const powers = stepResponse(parameters, 0.5);
    for (const [index, powerPu] of powers.entries()) {
      const t = (index + 1) * STEP_S;
      const exactPu = t <= 0.014 ? 0 : 1 - Math.exp(-(t - 0.014) / 0.1);
      expect(Math.abs(powerPu - exactPu)).toBeLessThan(0.001);
    }
  });

  it("takes 40 % in one step and the rest in seven seconds, as its turbo-charger allows", () => {
    const parameters = { deadTimeMs: 0, actuatorLagMs: 20, firstStepPct: 40, turboRestS: 7 };
    const powers = stepResponse(parameters, 8);
    const at = (t: number) => powers[Math.round(t / STEP_S) - 1];
    expect(at(0.1)).toBeCloseTo(0.4, 1);
    expect(at(3.5)).toBeCloseTo(0.7, 2);
    expect(at(6.5)).toBeCloseTo(0.957, 2);
    expect(at(7.2)).toBeCloseTo(1, 2);
  });

  it("takes the next step from where it has got used to", () => {
    const engine = new EngineModel(
      DEVICE_SCHEMAS.genset.parse({ deadTimeMs: 0, actuatorLagMs: 20, firstStepPct: 40 }),
      STEP_S,
    );
    engine.settleAt(0.5);
    for (let step = 0; step < 40; step += 1) engine.step(1.1);
    expect(engine.powerPu).toBeCloseTo(0.91, 1);
  });
});

describe("a cold engine", () => {
  it("gives half its power until it has fired for its warm-up time, though the other set is overloaded", () => {
    const set = { powerKw: 1000, droopPct: 4, referenceKw: 500 };
    const plant = gensetsOnly([set, set], 1000, { warmUpS: 40, coldLoadPct: 50 });
    plant.command("g2", "stop");
    runUntil(plant, 60, () => plant.points("g2")["isReadyToStart"] === true);
    plant.command("g2", "start");
    runUntil(plant, 20, () => plant.points("g2")["isReadyToLoad"] === true);
    plant.command("g2", "syncAndClose");
    runUntil(plant, 20, () => plant.points("g2")["isClosed"] === true);
    plant.device("g1").setLevel("powerReferenceKw", 100);
    plant.device("g2").setLevel("powerReferenceKw", 900);
    run(plant, 5);
    expect(numberOf(plant, "g2", "availablePowerKw")).toBeCloseTo(500, 6);
    expect(numberOf(plant, "g2", "activePowerKw")).toBeCloseTo(500, -1);
    run(plant, 30);
    expect(numberOf(plant, "g2", "availablePowerKw")).toBe(1000);
    expect(numberOf(plant, "g2", "activePowerKw")).toBeCloseTo(900, -1);
  });
});

describe("running hours", () => {
  it("are counted while the engine turns, and only then", () => {
    const set = { powerKw: 1000, droopPct: 4, referenceKw: 400 };
    const plant = gensetsOnly([set, { ...set, referenceKw: 0 }], 400, { runningHoursH: 1000 });
    plant.command("g2", "stop");
    runUntil(plant, 60, () => plant.points("g2")["isReadyToStart"] === true);
    const before = ["g1", "g2"].map((id) => numberOf(plant, id, "runningHoursH"));
    run(plant, 36);
    expect(numberOf(plant, "g1", "runningHoursH") - (before[0] ?? 0)).toBeCloseTo(0.01, 6);
    expect(numberOf(plant, "g2", "runningHoursH") - (before[1] ?? 0)).toBe(0);
  });
});
