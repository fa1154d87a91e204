import { describe, expect, it } from "vitest";
import { Genset } from "./genset.ts";
import type { Plant } from "./plant.ts";
import { gensetsOnly, numberOf, run, runUntil } from "./testing/test-plant.ts";

/** The cases with a known answer: a set with H = 1 s, one lag of 0.2 s, droop 4 %, constant-power load, 50 Hz. */
describe("one set takes a load step of 20 %", () => {
  const stepped = () => {
    const plant = gensetsOnly([{ powerKw: 1000, droopPct: 4, referenceKw: 400 }], 400);
    run(plant, 1);
    plant.loadStep("load", 200);
    return plant;
  };
  /** Δω = −R·ΔP·(1 − e^(−2.5t)·(cos 7.5t − 4/3·sin 7.5t)) */
  const exactHz = (t: number) =>
    50 -
    50 * 0.04 * 0.2 * (1 - Math.exp(-2.5 * t) * (Math.cos(7.5 * t) - (4 / 3) * Math.sin(7.5 * t)));

  it("follows the closed-form answer within 0.01 Hz all the way", () => {
    const plant = stepped();
    let errorHzMax = 0;
    let steps = 0;
    run(plant, 5, () => {
      steps += 1;
      const errorHz = Math.abs(plant.grid("site").frequencyHz - exactHz(steps * 0.005));
      errorHzMax = Math.max(errorHzMax, errorHz);
    });
    expect(errorHzMax).toBeLessThan(0.01);
  });

  it("dips to 49.263 Hz after a quarter of a second", () => {
    const plant = stepped();
    let nadirHz = 50;
    let nadirAtS = 0;
    run(plant, 2, () => {
      const { frequencyHz } = plant.grid("site");
      if (frequencyHz >= nadirHz) return;
      nadirHz = frequencyHz;
      nadirAtS = (plant.plantMs - 1000) / 1000;
    });
    expect(Math.abs(nadirHz - 49.2634)).toBeLessThan(0.006);
    expect(Math.abs(nadirAtS - 0.2523)).toBeLessThan(0.011);
  });

  it("settles at 49.6 Hz and falls at first with 5 Hz/s", () => {
    const plant = stepped();
    run(plant, 0.005);
    expect((50 - plant.grid("site").frequencyHz) / 0.005).toBeCloseTo(5, 1);
    run(plant, 6);
    expect(plant.grid("site").frequencyHz).toBeCloseTo(49.6, 3);
  });
});

describe("two sets share a step of 300 kW by their droop", () => {
  const shares = (droopPct: number) => {
    const plant = gensetsOnly(
      [
        { powerKw: 1000, droopPct: 4, referenceKw: 400 },
        { powerKw: 500, droopPct, referenceKw: 200 },
      ],
      600,
    );
    run(plant, 1);
    plant.loadStep("load", 300);
    run(plant, 10);
    const [one, two] = [
      numberOf(plant, "g1", "activePowerKw"),
      numberOf(plant, "g2", "activePowerKw"),
    ];
    return { one: one - 400, two: two - 200, deltaHz: plant.grid("site").frequencyHz - 50 };
  };

  it("takes 200 and 100 kW with equal droop, at −0.4 Hz", () => {
    const { one, two, deltaHz } = shares(4);
    expect(one).toBeCloseTo(200, 2);
    expect(two).toBeCloseTo(100, 2);
    expect(deltaHz).toBeCloseTo(-0.4, 4);
  });

  it("takes 214.29 and 85.71 kW where the second has 5 %, at −0.42857 Hz", () => {
    const { one, two, deltaHz } = shares(5);
    expect(one).toBeCloseTo(214.29, 2);
    expect(two).toBeCloseTo(85.71, 2);
    expect(deltaHz).toBeCloseTo(-0.42857, 4);
  });
});

/** Constant-power load, engines limited to 110 %, droop and lag of 0.2 s as above: figures of power management, case C. */
describe("one of two sets at 80 % is lost", () => {
  const lost = (inertiaS: number) => {
    const plant = gensetsOnly(
      [
        { powerKw: 1000, droopPct: 4, referenceKw: 800 },
        { powerKw: 1000, droopPct: 4, referenceKw: 800 },
      ],
      1600,
      { inertiaS },
    );
    run(plant, 1);
    // Its breaker opens under load; a trip would take its fuel away before.
    plant.command("g2", "open");
    while (plant.device("g2").breaker?.isClosed === true) plant.step();
    return plant;
  };
  const fallPct = (plant: Plant) => 100 * (1 - plant.grid("site").frequencyHz / 50);

  it.each([
    [1, 136, 300],
    [0.5, 65, 138],
    [2, 294, 667],
  ])(
    "with H = %s s it falls by a twentieth in %s ms and by a tenth in %s ms where nobody sheds",
    (h, fiveMs, tenMs) => {
      const plant = lost(h);
      const reachedMs = (pct: number) => 1000 * runUntil(plant, 2, () => fallPct(plant) >= pct);
      const toFiveMs = reachedMs(5);
      expect(Math.abs(toFiveMs - fiveMs)).toBeLessThanOrEqual(6);
      expect(Math.abs(toFiveMs + reachedMs(10) - tenMs)).toBeLessThanOrEqual(6);
    },
  );

  it.each([
    [100, 3.8],
    [200, 7],
    [300, 10],
  ])("where 700 kW are shed after %s ms it falls by %s percent at most", (afterMs, pct) => {
    const plant = lost(1);
    run(plant, afterMs / 1000);
    plant.loadStep("load", -700);
    let lowestPct = fallPct(plant);
    run(plant, 1, () => {
      lowestPct = Math.max(lowestPct, fallPct(plant));
    });
    // A step of 5 ms counts for 0.2 % of frequency here.
    expect(Math.abs(lowestPct - pct)).toBeLessThan(0.2);
  });
});

/** ΔV = X'd / (X'd + 1/s): 0.25 and a load of 0.6 give 13.0 %. */
describe("a load that comes at once", () => {
  it("dips the voltage by what the reactance takes, and the regulator brings it back with its time constant", () => {
    const plant = gensetsOnly([{ powerKw: 1000, droopPct: 4, referenceKw: 400 }], 400, {
      avrLagMs: 300,
      transientReactancePct: 25,
    });
    run(plant, 3);
    const voltagePct = () => plant.grid("site").voltageV / 4;
    const beforePct = voltagePct();
    // 510 kW at a power factor of 0.85 are 600 kVA.
    plant.loadStep("load", 510);
    run(plant, 0.005);
    const dippedPct = voltagePct();
    expect(beforePct - dippedPct).toBeCloseTo(13.04, 0);
    run(plant, 0.3);
    const afterLagPct = voltagePct();
    run(plant, 3);
    // After one time constant 1/e of the way back is left.
    const leftPart = (voltagePct() - afterLagPct) / (voltagePct() - dippedPct);
    expect(leftPart).toBeCloseTo(Math.exp(-1), 1);
  });
});

describe("energy is neither made nor lost", () => {
  it("turns the difference of engine and load power into speed, step by step", () => {
    const plant = gensetsOnly([{ powerKw: 1000, droopPct: 4, referenceKw: 400 }], 400);
    const set = plant.device("g1");
    expect(set).toBeInstanceOf(Genset);
    if (!(set instanceof Genset)) return;
    plant.loadStep("load", 150);
    const startPu = plant.buses[0]?.omegaPu ?? 0;
    let surplusKws = 0;
    run(plant, 3, () => {
      surplusKws += (set.mechanicalKw - plant.grid("site").loadKw) * 0.005;
      expect(set.electricalKw).toBeCloseTo(plant.grid("site").loadKw, 6);
    });
    const endPu = plant.buses[0]?.omegaPu ?? 0;
    expect((endPu - startPu) * set.inertiaKws).toBeCloseTo(surplusKws, 6);
  });
});
