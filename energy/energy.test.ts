import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { balanceOf } from "./balance.ts";
import {
  batteryTarget,
  formingSharesKw,
  formingTarget,
  smoothedLoadKw,
  zeroEmissionDemands,
  type ZeroEmissionBattery,
  type BatteryTargetInput,
  type BatteryUse,
} from "./battery-modes.ts";
import { batteryReserveKw, nextBatterySetpoint, type BatteryInput } from "./battery.ts";
import { droopResponse, reactiveReferenceInForceKvar, referenceInForceKw } from "./droop.ts";
import { codeDifferences, GRID_CODES, type TripSettings } from "./grid-codes.ts";
import { n1Of } from "./n-minus-one.ts";
import type { PowerParameters } from "./parameters.ts";
import { aspectOf, reasonOf, sentenceOf } from "./reason.ts";
import { nextReferencesKw, type SharingSet } from "./sharing.ts";
import {
  decideStartStop,
  NO_TIMERS,
  type SetMinimum,
  type StartStopInput,
  type StartStopSet,
} from "./start-stop.ts";
import { battery, genset } from "./testing/sources.ts";
import { nextConsumerLimitKw, yieldsKw } from "./thruster-limits.ts";

describe("droop", () => {
  it("shares a step of 300 kW 2:1 between 1000 and 500 kW at equal droop, -0.4 Hz", () => {
    const sets = [
      { ratedKw: 1000, droopPct: 4 },
      { ratedKw: 500, droopPct: 4 },
    ];
    const { stepsKw, frequencyStepHz } = droopResponse(sets, 300, 50);
    expect(stepsKw[0]).toBeCloseTo(200, 9);
    expect(stepsKw[1]).toBeCloseTo(100, 9);
    expect(frequencyStepHz).toBeCloseTo(-0.4, 9);
  });

  it("gives the softer set less: 214.29 and 85.71 kW, -0.42857 Hz", () => {
    const sets = [
      { ratedKw: 1000, droopPct: 4 },
      { ratedKw: 500, droopPct: 5 },
    ];
    const { stepsKw, frequencyStepHz } = droopResponse(sets, 300, 50);
    expect(stepsKw[0]).toBeCloseTo(214.2857, 3);
    expect(stepsKw[1]).toBeCloseTo(85.7143, 3);
    expect(frequencyStepHz).toBeCloseTo(-0.428571, 5);
  });

  it("finds the reference in force from power and frequency", () => {
    const referenceKw = referenceInForceKw({ ratedKw: 1000, droopPct: 4 }, 550, 59.52, 60);
    expect(referenceKw).toBeCloseTo(350, 6);
  });

  it("finds the reactive reference in force from kvar and voltage", () => {
    const set = { apparentKva: 1250, voltageDroopPct: 3 };
    // 1 % below nominal is a third of the droop: a third of 1250 kvar come by droop.
    expect(reactiveReferenceInForceKvar(set, 500, 683.1, 690)).toBeCloseTo(500 - 1250 / 3, 6);
    expect(reactiveReferenceInForceKvar({ ...set, voltageDroopPct: 0 }, 500, 683.1, 690)).toBe(500);
    expect(reactiveReferenceInForceKvar(set, 100, 683.1, 690)).toBe(0);
  });
});

describe("equal sharing", () => {
  const sets = (...references: [ratedKw: number, referenceKw: number, aim?: SharingSet["aim"]][]) =>
    references.map(([ratedKw, referenceKw, aim], i) => ({
      device: `dg${i}`,
      ratedKw,
      referenceKw,
      aim: aim ?? "share",
    }));
  const settle = (from: SharingSet[], demandKw: number, scanCount = 300) => {
    let now = from;
    for (let i = 0; i < scanCount; i++) {
      const input = { sets: now, demandKw, sharePu: null, rampPctPerS: 10, elapsedMs: 100 };
      const next = nextReferencesKw(input);
      now = now.map((set, k) => ({ ...set, referenceKw: next[k] ?? Number.NaN }));
    }
    return now.map((set) => set.referenceKw);
  };

  it("takes 800 kW on 600 and 400 kW as 480 and 320", () => {
    const [a = 0, b = 0] = settle(sets([600, 0], [400, 0]), 800);
    expect(Math.abs(a - 480)).toBeLessThanOrEqual(3);
    expect(Math.abs(b - 320)).toBeLessThanOrEqual(2);
  });

  it("takes a set to zero while the other takes its load", () => {
    const [a, b = 0] = settle(sets([1000, 330, "unload"], [1000, 330]), 660);
    expect(a).toBe(0);
    expect(Math.abs(b - 660)).toBeLessThanOrEqual(5);
  });

  it("never moves faster than the ramp, never leaves 0 to 110 %, and settles on the demand", () => {
    const set = fc.record({
      ratedKw: fc.integer({ min: 50, max: 3000 }),
      referencePct: fc.integer({ min: 0, max: 110 }),
      aim: fc.constantFrom("share" as const, "share" as const, "unload" as const),
    });
    fc.assert(
      fc.property(
        fc.array(set, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 100 }),
        (specs, loadPct) => {
          const from = sets(
            ...specs.map((s): [number, number, SharingSet["aim"]] => [
              s.ratedKw,
              (s.ratedKw * s.referencePct) / 100,
              s.aim,
            ]),
          );
          const sharing = from.filter((entry) => entry.aim === "share");
          const ratedKw = sharing.reduce((sum, entry) => sum + entry.ratedKw, 0);
          const demandKw = (ratedKw * loadPct) / 100;
          const input = { sets: from, demandKw, sharePu: null, rampPctPerS: 10, elapsedMs: 100 };
          for (const [i, next] of nextReferencesKw(input).entries()) {
            const before = from[i];
            if (before === undefined) continue;
            expect(Math.abs(next - before.referenceKw)).toBeLessThanOrEqual(
              before.ratedKw * 0.01 + 1e-6,
            );
            expect(next).toBeGreaterThanOrEqual(0);
            expect(next).toBeLessThanOrEqual(before.ratedKw * 1.1 + 1e-6);
          }
          if (sharing.length === 0) return;
          const sumKw = settle(from, demandKw).reduce((sum, value) => sum + value, 0);
          const totalKw = from.reduce((sum, entry) => sum + entry.ratedKw, 0);
          expect(Math.abs(sumKw - demandKw)).toBeLessThanOrEqual(totalKw * 0.006 + 1e-6);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("balance and loss of the largest", () => {
  it("counts an unknown breaker as open for capacity and its power as load", () => {
    const balance = balanceOf(
      [genset("dg1", 1000, 400), genset("dg2", 1000, 300, { breaker: "unknown" })],
      0,
    );
    expect(balance).toMatchObject({ capacityKw: 1000, loadKw: 700, loadPct: 70, freeKw: 300 });
    expect(balance.unknowns.map(sentenceOf)).toEqual(["the breaker of dg2 is not known"]);
  });

  it("counts a connected source with bad power as fully loaded", () => {
    const balance = balanceOf([genset("dg1", 1000, 400, { isPowerKnown: false })], 0);
    expect(balance.loadKw).toBe(1000);
  });

  it("gives no percentage of load without capacity", () => {
    const balance = balanceOf([genset("dg1", 1000, 400, { breaker: "unknown" })], 0);
    expect(balance.loadPct).toBeNull();
  });

  it("holds the loss of one set where a battery's reserve carries the load", () => {
    expect(n1Of([genset("dg1", 1000, 350), battery("bat1", 500)]).isHeld).toBe(true);
    expect(n1Of([genset("dg1", 1000, 550), battery("bat1", 500)]).isHeld).toBe(false);
    expect(n1Of([]).isHeld).toBe(false);
    expect(sentenceOf(n1Of([]).reason)).toBe("no source that counts is connected");
  });

  it("says what is missing, in kW and in one step", () => {
    const lacking = n1Of([genset("dg1", 1000, 650), battery("bat1", 500)]);
    expect(lacking.missingKw).toBe(150);
    expect(sentenceOf(lacking.reason)).toBe(
      "after loss of dg1 only 500 kW would remain for 650 kW: 150 kW missing",
    );
    const step = (powerKw: number) => genset("dg", 1000, powerKw, { stepKw: 400 });
    expect(sentenceOf(n1Of([step(450), step(450)]).reason)).toBe(
      "loss of dg throws 450 kW on sources that take 400 kW in one step: 50 kW missing",
    );
  });

  it("counts a battery that charges as load that ends", () => {
    expect(n1Of([genset("dg1", 1000, 500), battery("bat1", 400, -100)])).toMatchObject({
      isHeld: true,
      loadKw: 400,
      remainingKw: 400,
    });
  });
});

const parameters: PowerParameters = {
  startLimitPct: 85,
  startDelayS: 10,
  fastStartLimitPct: 95,
  fastStartDelayS: 2,
  stopLimitPct: 70,
  stopDelayS: 60,
  startStopIn: "percent",
  startFreeKw: 100,
  fastStartFreeKw: 50,
  stopFreeKw: 200,
  minimumRunS: 600,
  isN1Required: false,
  spinningReserveKw: 0,
  heavyConsumerMarginKw: 150,
  rampPctPerS: 10,
  startTimeoutS: 60,
};
const set = (device: string, availability: StartStopSet["availability"]): StartStopSet => ({
  device,
  state: availability === "running" ? "onLoad" : availability === "ready" ? "ready" : "blocked",
  availability,
  ratedKw: 1000,
  runningHoursH: null,
  fuelGPerKwh: 195,
  runningForMs: null,
});

/** Runs the decision each 100 ms on an unchanging plant. @returns Seconds until it decides, and what. */
function untilDecision(input: Partial<StartStopInput> & Pick<StartStopInput, "sources" | "sets">) {
  let timers = NO_TIMERS;
  const balance = balanceOf(input.sources, 0);
  for (let plantTimeMs = 0; plantTimeMs <= 120_000; plantTimeMs += 100) {
    const decision = decideStartStop(
      {
        plantTimeMs,
        parameters,
        balance,
        isBusDead: false,
        demands: [],
        minima: [],
        consumers: [],
        ...input,
      },
      timers,
    );
    timers = decision.timers;
    if (decision.start) return `start ${decision.start.device} at ${plantTimeMs / 1000}`;
    if (decision.stop) return `stop ${decision.stop.device} at ${plantTimeMs / 1000}`;
  }
  return "nothing";
}

const two = (aKw: number, bKw: number) => [genset("dg1", 1000, aKw), genset("dg2", 1000, bKw)];
const bothRun = [set("dg1", "running"), set("dg2", "running")];
const oneRuns = [set("dg1", "running"), set("dg2", "ready")];

const atLeast = (least: number, devices: readonly string[]): SetMinimum => ({
  mode: "Manoeuvring",
  least,
  devices,
  isStarted: true,
});

const inKw: PowerParameters = { ...parameters, startStopIn: "kw" };

const rows: [name: string, input: Parameters<typeof untilDecision>[0], outcome: string][] = [
  ["84 % starts nothing", { sources: [genset("dg1", 1000, 840)], sets: oneRuns }, "nothing"],
  [
    "86 % starts after 10 s",
    { sources: [genset("dg1", 1000, 860)], sets: oneRuns },
    "start dg2 at 10",
  ],
  [
    "96 % starts after 2 s",
    { sources: [genset("dg1", 1000, 960)], sets: oneRuns },
    "start dg2 at 2",
  ],
  [
    "a blocked set is passed over",
    {
      sources: [genset("dg1", 1000, 960)],
      sets: [set("dg1", "running"), set("dg2", "none"), set("dg3", "ready")],
    },
    "start dg3 at 2",
  ],
  [
    "a set on its way is waited for",
    {
      sources: [genset("dg1", 1000, 960)],
      sets: [set("dg1", "running"), set("dg2", "pending"), set("dg3", "ready")],
    },
    "nothing",
  ],
  [
    "69 % of what remains stops after the delay",
    { sources: two(345, 345), sets: bothRun },
    "stop dg2 at 60",
  ],
  ["71 % of what remains stops nothing", { sources: two(355, 355), sets: bothRun }, "nothing"],
  [
    "a stop waits for the minimum run",
    {
      sources: two(200, 200),
      sets: [set("dg1", "running"), { ...set("dg2", "running"), runningForMs: 1000 }],
    },
    "nothing",
  ],
  [
    "an unknown breaker blocks the stop",
    { sources: [...two(200, 200), genset("dg3", 1000, 0, { breaker: "unknown" })], sets: bothRun },
    "nothing",
  ],
  [
    "the only source that forms the bus never stops",
    { sources: [genset("dg1", 1000, 10)], sets: [set("dg1", "running")] },
    "nothing",
  ],
  [
    "a set that could not be lost afterwards stays",
    { sources: two(300, 300), sets: bothRun, parameters: { ...parameters, isN1Required: true } },
    "nothing",
  ],
  [
    "a lost reserve starts a set",
    {
      sources: [genset("dg1", 1000, 600), battery("bat1", 500)],
      sets: oneRuns,
      parameters: { ...parameters, isN1Required: true },
    },
    "start dg2 at 10",
  ],
  [
    "the last in the order stays where its own grid's mode wants it, and the one before goes",
    { sources: two(200, 200), sets: bothRun, minima: [atLeast(1, ["dg2"])] },
    "stop dg1 at 60",
  ],
  [
    "where every grid's mode wants its set none goes",
    {
      sources: two(200, 200),
      sets: bothRun,
      minima: [atLeast(1, ["dg1"]), atLeast(1, ["dg2"])],
    },
    "nothing",
  ],
  [
    "a grid whose mode wants a set gets its own, not the next in the island's order",
    {
      sources: [genset("dg1", 1000, 200)],
      sets: [set("dg1", "running"), set("dg2", "ready"), set("dg3", "ready")],
      minima: [atLeast(1, ["dg3"])],
    },
    "start dg3 at 0",
  ],
  [
    "on shore a mode starts none, and those that run stay",
    {
      sources: [genset("dg1", 1000, 200)],
      sets: [set("dg1", "running"), set("dg2", "ready")],
      minima: [{ ...atLeast(2, ["dg1", "dg2"]), isStarted: false }],
    },
    "nothing",
  ],
  [
    "by active power 70 % starts nothing, whatever the alternator carries",
    { sources: [genset("dg1", 1000, 700, { reactiveKvar: 850 })], sets: oneRuns },
    "nothing",
  ],
  [
    "by apparent power 88 % of 1250 kVA starts after 10 s",
    {
      sources: [genset("dg1", 1000, 700, { reactiveKvar: 850 })],
      sets: oneRuns,
      parameters: { ...parameters, startStopIn: "apparent" },
    },
    "start dg2 at 10",
  ],
  [
    "by apparent power active power still counts",
    {
      sources: [genset("dg1", 1000, 860)],
      sets: oneRuns,
      parameters: { ...parameters, startStopIn: "apparent" },
    },
    "start dg2 at 10",
  ],
  [
    "by apparent power the one alternator that would remain could not carry it: nothing stops",
    {
      sources: two(300, 300).map((source) => ({ ...source, reactiveKvar: 400 })),
      sets: bothRun,
      parameters: { ...parameters, startStopIn: "apparent" },
    },
    "nothing",
  ],
  [
    "by apparent power the set on its way is enough",
    {
      sources: [genset("dg1", 1000, 700, { reactiveKvar: 850 })],
      sets: [set("dg1", "running"), set("dg2", "pending"), set("dg3", "ready")],
      parameters: { ...parameters, startStopIn: "apparent" },
    },
    "nothing",
  ],
  [
    "in kW: 99 kW free starts after 10 s",
    { sources: [genset("dg1", 1000, 901)], sets: oneRuns, parameters: inKw },
    "start dg2 at 10",
  ],
  [
    "in kW: 101 kW free starts nothing",
    { sources: [genset("dg1", 1000, 899)], sets: oneRuns, parameters: inKw },
    "nothing",
  ],
  [
    "in kW: 49 kW free starts after 2 s",
    { sources: [genset("dg1", 1000, 951)], sets: oneRuns, parameters: inKw },
    "start dg2 at 2",
  ],
  [
    "in kW: more than 200 kW free after the stop stops",
    { sources: two(390, 390), sets: bothRun, parameters: inKw },
    "stop dg2 at 60",
  ],
  [
    "in kW: 190 kW free after the stop stops nothing",
    { sources: two(405, 405), sets: bothRun, parameters: inKw },
    "nothing",
  ],
  [
    "a spinning reserve that is not there starts a set",
    {
      sources: [genset("dg1", 1000, 500), battery("bat1", 200)],
      sets: oneRuns,
      parameters: { ...parameters, spinningReserveKw: 701 },
    },
    "start dg2 at 10",
  ],
  [
    "a battery counts in the spinning reserve",
    {
      sources: [genset("dg1", 1000, 500), battery("bat1", 200)],
      sets: oneRuns,
      parameters: { ...parameters, spinningReserveKw: 700 },
    },
    "nothing",
  ],
  [
    "a set whose stop would leave too little reserve stays",
    {
      sources: two(200, 200),
      sets: bothRun,
      parameters: { ...parameters, spinningReserveKw: 700 },
    },
    "nothing",
  ],
  [
    "an engine that takes only 40 % in one step cannot follow the loss of a set at 45 %",
    {
      sources: [
        genset("dg1", 1000, 450, { stepKw: 400 }),
        genset("dg2", 1000, 450, { stepKw: 400 }),
      ],
      sets: [set("dg1", "running"), set("dg2", "running"), set("dg3", "ready")],
      parameters: { ...parameters, isN1Required: true },
    },
    "start dg3 at 10",
  ],
  [
    "with a battery it can",
    {
      sources: [
        genset("dg1", 1000, 450, { stepKw: 400 }),
        genset("dg2", 1000, 450, { stepKw: 400 }),
        battery("bat1", 100),
      ],
      sets: [set("dg1", "running"), set("dg2", "running"), set("dg3", "ready")],
      parameters: { ...parameters, isN1Required: true },
    },
    "nothing",
  ],
  [
    "a second set starts beside the first where one will not do",
    {
      sources: [genset("dg1", 1000, 960)],
      sets: [set("dg1", "running"), set("dg2", "pending"), set("dg3", "ready")],
      consumers: [{ device: "bt1", demandKw: 1200, isWaiting: true }],
    },
    "start dg3 at 0",
  ],
  [
    "a battery that runs low alone starts a set at once",
    {
      sources: [battery("bat1", 500, 200)],
      sets: [set("dg1", "ready")],
      demands: [reasonOf("ZERO_EMISSION_SOC", "bat1", { socPct: 29, limitPct: 30 })],
    },
    "start dg1 at 0",
  ],
  [
    "a waiting consumer starts a set at once",
    {
      sources: [genset("dg1", 1000, 660)],
      sets: oneRuns,
      consumers: [{ device: "bt1", demandKw: 600, isWaiting: true }],
    },
    "start dg2 at 0",
  ],
];

describe("load-dependent start and stop", () => {
  it.each(rows)("%s", (_name, input, outcome) => expect(untilDecision(input)).toBe(outcome));

  it("speaks of no source, not of a percentage, where nothing carries the load", () => {
    const sources = [battery("bat1", 500, 280)];
    const decision = decideStartStop(
      {
        plantTimeMs: 0,
        parameters,
        sources,
        balance: balanceOf(sources, 0),
        sets: [set("dg1", "ready")],
        isBusDead: false,
        demands: [],
        minima: [],
        consumers: [],
      },
      NO_TIMERS,
    );
    expect(decision.startBecause.map(sentenceOf)).toContain(
      "280 kW are drawn and no source that counts is connected, since 0 s, start after 10 s",
    );
  });

  it("says why no set can be started", () => {
    const sources = [genset("dg1", 1000, 660)];
    const decision = decideStartStop(
      {
        plantTimeMs: 0,
        parameters,
        sources,
        balance: balanceOf(sources, 0),
        sets: [set("dg1", "running"), set("dg2", "none")],
        isBusDead: false,
        demands: [],
        minima: [],
        consumers: [{ device: "bt1", demandKw: 600, isWaiting: true }],
      },
      NO_TIMERS,
    );
    expect(decision.startBecause.map(sentenceOf)).toContain(
      "no set can be started: dg2 is blocked",
    );
  });

  it("says once of the last source that nothing would remain, and names no loss of nothing", () => {
    const sources = [genset("dg1", 1000, 0)];
    const decision = decideStartStop(
      {
        plantTimeMs: 0,
        parameters: { ...parameters, isN1Required: true },
        sources,
        balance: balanceOf(sources, 0),
        sets: [set("dg1", "running"), set("dg2", "ready")],
        isBusDead: false,
        demands: [],
        minima: [],
        consumers: [],
      },
      NO_TIMERS,
    );
    expect(decision.stopBecause.map(sentenceOf)).toEqual([
      "dg1 is the only source that forms the bus",
      "without dg1 no source that counts would remain for 0 kW",
    ]);
  });
});

const USE: BatteryUse = {
  mode: "reserve",
  peakShavingS: 60,
  strategicPct: 80,
  chargePct: 20,
  socMinPct: 25,
  socMaxPct: 80,
  zeroEmissionStartSocPct: 30,
  zeroEmissionStartPct: 90,
};

describe("a battery", () => {
  const bat: BatteryInput = {
    device: "bat1",
    ratedKw: 500,
    energyKwh: 500,
    reserveSocPct: 50,
    socPct: 62,
    chargeLimitKw: 400,
    dischargeLimitKw: 300,
    isConnected: true,
    isForming: false,
    isBmsStale: false,
  };
  const next = (
    more: Partial<BatteryInput>,
    setpointKw: number,
    loadKw: number,
    isBusFormedByOther = true,
  ) =>
    nextBatterySetpoint({
      battery: { ...bat, ...more },
      setpointKw,
      target: batteryTarget({
        battery: { ...bat, ...more },
        use: USE,
        balance: balanceOf([genset("dg1", 1000, loadKw)], 0),
        startLimitPct: 85,
        part: 1,
        gapPart: 1,
        smoothedKw: null,
        isChargingCut: false,
      }),
      isBusFormedByOther,
      rampPctPerS: 10,
      elapsedMs: 100,
    }).setpointKw;

  it("covers what exceeds the start limit, within its limits", () => {
    expect(next({}, 40, 890)).toBe(40);
    expect(next({}, 0, 890)).toBe(40);
    expect(next({}, 290, 1400)).toBe(300);
  });

  it("ramps back when the gap is gone, and at the reserve", () => {
    expect(next({}, 40, 500)).toBe(35);
    expect(next({ socPct: 50 }, 40, 890)).toBe(35);
  });

  it("is clamped at once where the management lowers its limit", () => {
    expect(next({ dischargeLimitKw: 20 }, 100, 1000)).toBe(20);
  });

  it("ramps to zero when its management is silent and another source forms the bus, else holds", () => {
    expect(next({ isBmsStale: true }, 100, 1000)).toBe(95);
    expect(next({ isBmsStale: true }, 100, 1000, false)).toBe(100);
  });

  it("is relied on with the smaller of limit and energy over the start time", () => {
    expect(batteryReserveKw(bat, 60)).toBe(300);
    expect(batteryReserveKw({ ...bat, socPct: 51 }, 60)).toBe(300);
    expect(batteryReserveKw({ ...bat, socPct: 50.5 }, 60)).toBeCloseTo(150, 9);
    expect(batteryReserveKw({ ...bat, socPct: 40 }, 60)).toBe(0);
  });
});

describe("the modes of a battery", () => {
  const bat: BatteryInput = {
    device: "bat1",
    ratedKw: 500,
    energyKwh: 500,
    reserveSocPct: 50,
    socPct: 62,
    chargeLimitKw: 500,
    dischargeLimitKw: 500,
    isConnected: true,
    isForming: false,
    isBmsStale: false,
  };
  const aim = (
    mode: BatteryUse["mode"],
    loadKw: number,
    more: Partial<BatteryInput> = {},
    rest: Partial<BatteryTargetInput> = {},
  ) =>
    batteryTarget({
      battery: { ...bat, ...more },
      use: { ...USE, mode },
      balance: balanceOf([genset("dg1", 1000, loadKw)], 0),
      startLimitPct: 85,
      part: 1,
      gapPart: 1,
      smoothedKw: null,
      isChargingCut: false,
      ...rest,
    }).targetKw;
  const cases: [string, number, number][] = [
    ["idle gives nothing", aim("idle", 500), 0],
    ["idle covers a gap all the same", aim("idle", 900), 50],
    ["charging takes its part of rating", aim("charging", 500), -100],
    ["charging leaves room below the limit of start", aim("charging", 800), -50],
    ["charging ends at the upper limit", aim("charging", 500, { socPct: 80 }), 0],
    [
      "charging is cut where the supply is overloaded",
      aim("charging", 500, {}, { isChargingCut: true }),
      0,
    ],
    ["strategic loading charges up to the load of the set", aim("strategic_loading", 500), -300],
    ["strategic loading gives what is above it", aim("strategic_loading", 830), 30],
    [
      "strategic loading gives nothing at the lower limit",
      aim("strategic_loading", 830, { socPct: 25 }),
      0,
    ],
    [
      "peak shaving gives what exceeds the smoothed load",
      aim("peak_shaving", 600, { socPct: 52.5 }, { smoothedKw: 500 }),
      100,
    ],
    [
      "peak shaving takes what falls short of it",
      aim("peak_shaving", 400, { socPct: 52.5 }, { smoothedKw: 500 }),
      -100,
    ],
    [
      "peak shaving leans back to the middle of its band",
      aim("peak_shaving", 500, { socPct: 80 }, { smoothedKw: 500 }),
      25,
    ],
  ];
  it.each(cases)("%s", (_name, found, wanted) => expect(found).toBeCloseTo(wanted, 6));

  it("smooths as a first-order low-pass: 63 % of a step after its time constant", () => {
    let kw: number | null = smoothedLoadKw(null, 100, 60, 100);
    for (let ms = 0; ms < 60_000; ms += 100) kw = smoothedLoadKw(kw, 200, 60, 100);
    expect(kw).toBeCloseTo(163.2, 0);
  });

  const forming = { ...bat, isForming: true };
  const formingAim = (setpointKw: number, shareKw: number | null, loadKw = 300) =>
    formingTarget(
      {
        battery: forming,
        use: { ...USE, mode: "zero_emission" },
        balance: balanceOf([genset("dg1", 1000, loadKw)], 0),
        startLimitPct: 85,
        part: 1,
        gapPart: 1,
        smoothedKw: null,
        isChargingCut: false,
      },
      setpointKw,
      shareKw,
    );

  it("takes its part of what no set carries, so that references add up to the load", () => {
    expect(formingAim(0, 140)).toMatchObject({ targetKw: 140, isFast: true });
    expect(formingAim(139, 140).targetKw).toBe(139);
    expect(sentenceOf(formingAim(0, 140).reason)).toContain("no set stays to carry them");
  });

  it("gives only what is above the limit of start while sets carry the load", () => {
    expect(formingAim(140, null)).toMatchObject({ targetKw: 0, isFast: false });
    expect(formingAim(0, null, 900).targetKw).toBeCloseTo(50, 9);
  });

  const shares = (reliedKw: readonly number[], leftKw: number) =>
    formingSharesKw(
      reliedKw.map((kw, i) => ({ device: `bat${i}`, ratedKw: 500, reliedKw: kw })),
      leftKw,
    );

  it("hands its part over to the other battery as its own charge runs out", () => {
    expect(shares([500, 500], 600)).toEqual([300, 300]);
    expect(shares([500, 100], 360)).toEqual([300, 60]);
    expect(shares([500, 0], 360)).toEqual([360, 0]);
    // More than both can be relied on for: what is beyond goes by what the converters have left.
    expect(shares([400, 100], 650)).toEqual([430, 220]);
    expect(shares([0, 0], 360)).toEqual([180, 180]);
    expect(shares([500, 0], -100)).toEqual([-50, -50]);
    expect(shares([], 100)).toEqual([]);
  });

  const low = (device: string, powerKw: number, socPct: number): ZeroEmissionBattery => ({
    device,
    powerKw,
    dischargeLimitKw: 500,
    socPct,
    startSocPct: 30,
    startPct: 90,
  });
  const demandsOf = (machineRoomKw: number, ...batteries: ZeroEmissionBattery[]) =>
    zeroEmissionDemands(batteries, machineRoomKw).map(sentenceOf);

  it("asks for a set when it forms the bus alone and runs low, or gives nearly all that it can", () => {
    expect(demandsOf(0)).toEqual([]);
    expect(demandsOf(0, low("bat1", 300, 62))).toEqual([]);
    expect(demandsOf(0, low("bat1", 300, 29))).toEqual([
      "bat1 forms the bus with 29 % of charge, below 30 %",
    ]);
    expect(demandsOf(0, low("bat1", 451, 62))).toEqual([
      "without machines 451 kW come from bat1, above 450 kW",
    ]);
  });

  it("asks for one set: what that has room for once it is connected needs no second one", () => {
    expect(demandsOf(1000, low("bat1", 451, 62))).toEqual([]);
    expect(demandsOf(700, low("bat1", 300, 29))).toEqual([]);
    expect(demandsOf(20, low("bat1", 300, 29))).toHaveLength(1);
    expect(demandsOf(20, low("bat1", 471, 62))).toHaveLength(1);
  });

  it("counts the batteries of the whole island: an empty one asks only for what the others cannot carry", () => {
    expect(demandsOf(0, low("bat1", 450, 62), low("bat2", 440, 62))).toEqual([]);
    expect(demandsOf(0, low("bat1", 460, 62), low("bat2", 450, 62))).toEqual([
      "without machines 910 kW come from bat1 and bat2, above 900 kW",
    ]);
    expect(demandsOf(0, low("bat1", 400, 62), low("bat2", 40, 29))).toEqual([]);
    expect(demandsOf(0, low("bat1", 400, 62), low("bat2", 60, 29))).toEqual([
      "bat2 forms the bus with 29 % of charge, below 30 %",
    ]);
  });
});

describe("a grid code", () => {
  const set = {
    device: "pv",
    overVoltage: 1.1,
    underVoltage: 0.85,
    overFrequency: 51.5,
    underFrequency: 47.5,
  };
  const differences = (more: Partial<TripSettings>) =>
    codeDifferences(GRID_CODES["en50549-50"], { ...set, ...more }).map(sentenceOf);

  it("is compared with what a device shows, each with the limit that acts fastest", () => {
    expect(differences({})).toEqual([]);
    expect(differences({ overFrequency: 52, underVoltage: 0.8 })).toEqual([
      "pv trips below 80 % voltage, en50549-50 says 85",
      "pv trips above 52 Hz, en50549-50 says 51.5",
    ]);
    const us = {
      ...set,
      overVoltage: 1.2,
      underVoltage: 0.5,
      overFrequency: 62,
      underFrequency: 56.5,
    };
    expect(codeDifferences(GRID_CODES["ieee1547-60"], us)).toEqual([]);
  });

  it("says nothing of what a device does not show", () => {
    expect(differences({ overFrequency: null, overVoltage: null })).toEqual([]);
  });
});

describe("a reason", () => {
  it.each([
    ["LOAD_HIGH", "rule"],
    ["LOAD_HIGH_WAITS", "waits"],
    ["START_PENDING", "waits"],
    ["MINIMUM_RUN", "blocks"],
    ["LOAD_ABOVE_STOP", "blocks"],
    ["SITE_PEAK_GIVEN_UP", "givenUp"],
    ["N1_NOT_HELD", "givenUp"],
  ] as const)("%s is told apart as %s", (code, aspect) => {
    expect(aspectOf(reasonOf(code, "dg1"))).toBe(aspect);
  });
});

describe("the limit of a heavy consumer", () => {
  const base = {
    ratedKw: 600,
    powerKw: 100,
    limitKw: 100,
    isGranted: true,
    freeKw: 1000,
    marginKw: 0,
    part: 1,
    yieldKw: 0,
    isCapacityKnown: true,
    rampPctPerS: 10,
    elapsedMs: 100,
  };
  const limits: [string, Partial<typeof base>, number][] = [
    ["rises by its ramp once granted", {}, 106],
    ["is what is drawn without a grant", { isGranted: false, limitKw: 600 }, 100],
    ["falls at once where capacity lacks", { freeKw: -60, yieldKw: 60, limitKw: 600 }, 40],
    ["rests where capacity is not known", { isCapacityKnown: false, limitKw: 300 }, 300],
    ["never cuts what is drawn without lack", { freeKw: 0, limitKw: 0 }, 100],
  ];
  it.each(limits)("%s", (_name, more, limitKw) => {
    expect(nextConsumerLimitKw({ ...base, ...more })).toBeCloseTo(limitKw, 9);
  });

  it("falls for those that matter least first, among equals by what they draw", () => {
    const drives = [
      { priority: 90, powerKw: 300 },
      { priority: 50, powerKw: 100 },
      { priority: 50, powerKw: 300 },
    ];
    expect(yieldsKw(drives, 200)).toEqual([0, 50, 150]);
    expect(yieldsKw(drives, 500)).toEqual([100, 100, 300]);
    expect(yieldsKw(drives, 2000)).toEqual([300, 100, 300]);
  });
});
