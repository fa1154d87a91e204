import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fuelKgPerH,
  fuelOfCombination,
  orderByFuel,
  orderByHours,
  type OrderedSet,
} from "./start-order.ts";

const set = (device: string, more: Partial<OrderedSet> = {}): OrderedSet => ({
  device,
  runningHoursH: 0,
  ratedKw: 1000,
  fuelGPerKwh: 195,
  isConnected: false,
  ...more,
});

describe("the order of start by running hours", () => {
  const rows: [string, string[], [string, number | null][], string[]][] = [
    [
      "fewest hours first",
      ["a", "b"],
      [
        ["a", 100],
        ["b", 90],
      ],
      ["b", "a"],
    ],
    [
      "a difference of 5 h changes nothing",
      ["a", "b"],
      [
        ["a", 95],
        ["b", 90],
      ],
      ["a", "b"],
    ],
    [
      "5.1 h does",
      ["a", "b"],
      [
        ["a", 95.1],
        ["b", 90],
      ],
      ["b", "a"],
    ],
    [
      "goes through the whole list",
      ["a", "b", "c"],
      [
        ["a", 300],
        ["b", 200],
        ["c", 100],
      ],
      ["c", "b", "a"],
    ],
    [
      "who does not tell keeps its place",
      ["a", "b", "c"],
      [
        ["a", 300],
        ["b", null],
        ["c", 100],
      ],
      ["a", "b", "c"],
    ],
    [
      "a new set comes behind",
      ["a"],
      [
        ["a", 10],
        ["b", 10],
      ],
      ["a", "b"],
    ],
    ["a set that is gone is left out", ["x", "a"], [["a", 10]], ["a"]],
  ];
  it.each(rows)("%s", (_name, before, hours, after) => {
    const sets = hours.map(([device, runningHoursH]) => set(device, { runningHoursH }));
    expect(orderByHours(before, sets, 5)).toEqual(after);
  });

  it("names every set once, and rests once it has settled", () => {
    const hours = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(hours, (list) => {
        const sets = list.map((runningHoursH, i) => set(`dg${i}`, { runningHoursH }));
        const order = orderByHours([], sets, 5);
        expect([...order].sort()).toEqual(sets.map(({ device }) => device).sort());
        expect(orderByHours(order, sets, 5)).toBe(order);
      }),
    );
  });
});

describe("fuel", () => {
  it("follows the curve: 220.5, 202.6, 195.7, 199.9 g/kWh at 25, 50, 75, 100 %", () => {
    const gPerKwh = [250, 500, 750, 1000].map((kw) => (1000 * fuelKgPerH(kw, 1000, 195)) / kw);
    expect(gPerKwh.map((value) => Math.round(value * 10) / 10)).toEqual([
      220.5, 202.6, 195.7, 199.9,
    ]);
  });

  it("costs 184.7 kg/h for two sets with 0.45 MW each and 177.2 for one with 0.9", () => {
    expect(fuelOfCombination([set("a"), set("b")], 900)).toBeCloseTo(184.7, 1);
    expect(fuelOfCombination([set("a")], 900)).toBeCloseTo(177.2, 1);
    expect(fuelOfCombination([set("a")], 1001)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("the order of start by fuel", () => {
  it("adds the set with which the load costs least", () => {
    const sets = [
      set("a", { isConnected: true }),
      set("b", { ratedKw: 2000 }),
      set("c", { ratedKw: 500 }),
      set("d", { fuelGPerKwh: 180 }),
    ];
    // 950 kW: with c 1500 kW run at 63 %, with d half of them burn less; with b 3000 kW run at 32 %.
    const { order } = orderByFuel(["a", "b", "c", "d"], sets, 950);
    expect(order).toEqual(["a", "d", "c", "b"]);
  });

  it("lets the set go without which the load costs least", () => {
    const sets = [
      set("a", { isConnected: true, fuelGPerKwh: 230 }),
      set("b", { isConnected: true }),
      set("c", { isConnected: true }),
    ];
    expect(orderByFuel(["a", "b", "c"], sets, 900).order.at(-1)).toBe("a");
  });

  it("keeps the order given where sets are alike", () => {
    const sets = ["a", "b", "c"].map((id) => set(id));
    expect(orderByFuel(["c", "a", "b"], sets, 500).order).toEqual(["c", "a", "b"]);
  });

  it("never lets one go without which the others could not carry the load", () => {
    const sets = [set("a", { isConnected: true, ratedKw: 400 }), set("b", { isConnected: true })];
    expect(orderByFuel(["b", "a"], sets, 700).order).toEqual(["b", "a"]);
    expect(orderByFuel(["a", "b"], sets, 700).order).toEqual(["b", "a"]);
  });
});
