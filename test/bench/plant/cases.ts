import { gensetsOnly, numberOf, run } from "../../../sim/plant/testing/test-plant.ts";

/** One figure of a case with a known answer: what the plant gives, and what the formula gives. */
export interface CaseFigure {
  readonly name: string;
  readonly simulated: number;
  readonly exact: number;
  readonly unit: string;
}

/** Case A: one set of 1 MW, H = 1 s, one lag of 0.2 s, droop 4 %, +20 % of constant-power load, 50 Hz. */
function loadStep(): CaseFigure[] {
  const plant = gensetsOnly([{ powerKw: 1000, droopPct: 4, referenceKw: 400 }], 400);
  run(plant, 1);
  plant.loadStep("load", 200);
  let nadirHz = 50;
  let nadirAtS = 0;
  run(plant, 6, () => {
    const { frequencyHz } = plant.grid("site");
    if (frequencyHz >= nadirHz) return;
    nadirHz = frequencyHz;
    nadirAtS = (plant.plantMs - 1000) / 1000;
  });
  const settledHz = plant.grid("site").frequencyHz;
  return [
    { name: "A: lowest frequency", simulated: nadirHz, exact: 49.2634, unit: "Hz" },
    { name: "A: reached after", simulated: nadirAtS, exact: 0.2523, unit: "s" },
    { name: "A: settles at", simulated: settledHz, exact: 49.6, unit: "Hz" },
  ];
}

/** Case B: 1 MW and 0.5 MW in droop share +0.3 MW; the second with 4 % and with 5 %. */
function sharing(droopPct: number, exact: readonly [number, number, number]): CaseFigure[] {
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
  const taken = (id: string, before: number) => numberOf(plant, id, "activePowerKw") - before;
  const name = (what: string) => `B: ${what}, ${droopPct} % at the second`;
  return [
    { name: name("the first takes"), simulated: taken("g1", 400), exact: exact[0], unit: "kW" },
    { name: name("the second takes"), simulated: taken("g2", 200), exact: exact[1], unit: "kW" },
    {
      name: name("frequency"),
      simulated: plant.grid("site").frequencyHz - 50,
      exact: exact[2],
      unit: "Hz",
    },
  ];
}

/** Case C: one of two sets of 1 MW at 80 % trips, nobody sheds. The formula has no lag and 110 % at once; the plant's lag is 0.2 s. */
function lostSet(): CaseFigure[] {
  const plant = gensetsOnly(
    [
      { powerKw: 1000, droopPct: 4, referenceKw: 800 },
      { powerKw: 1000, droopPct: 4, referenceKw: 800 },
    ],
    1600,
  );
  run(plant, 1);
  const second = plant.device("g2");
  second.trip("case C");
  while (second.breaker?.isClosed === true) plant.step();
  const nominal = plant.grid("site").frequencyHz / 50;
  const openedMs = plant.plantMs;
  return [
    [0.05, 136],
    [0.1, 300],
  ].map(([fall = 0, exact = 0]) => {
    while (plant.grid("site").frequencyHz / 50 > nominal - fall) plant.step();
    const simulated = plant.plantMs - openedMs;
    return { name: `C: ${fall * 100} % down after`, simulated, exact, unit: "ms" };
  });
}

export function caseFigures(): CaseFigure[] {
  return [
    ...loadStep(),
    ...sharing(4, [200, 100, -0.4]),
    ...sharing(5, [214.29, 85.71, -0.42857]),
    ...lostSet(),
  ];
}
