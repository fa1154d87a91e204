import { describe, expect, it } from "vitest";
import { reactiveRoomKvar, reactiveSharePu, withinRoomKvar } from "./reactive.ts";

describe("sharing reactive power with converters", () => {
  const set = { apparentKva: 1250, kvarMax: null };

  it("is equal in parts of rated apparent power while all have room", () => {
    expect(reactiveSharePu([set, set], 500)).toBeCloseTo(0.2, 9);
    expect(reactiveSharePu([set, { apparentKva: 625, kvarMax: 600 }], 375)).toBeCloseTo(0.2, 9);
  });

  it("leaves what active power takes from one to the others", () => {
    // The battery gives its 100 kvar, the set the other 300.
    expect(reactiveSharePu([set, { apparentKva: 625, kvarMax: 100 }], 400)).toBeCloseTo(0.24, 9);
    const two = [
      { apparentKva: 625, kvarMax: 250 },
      { apparentKva: 625, kvarMax: 100 },
    ];
    expect(reactiveSharePu([set, ...two], 1100)).toBeCloseTo(750 / 1250, 9);
  });

  it("asks nobody to draw, and nobody where nobody shares", () => {
    expect(reactiveSharePu([set], -100)).toBe(0);
    expect(reactiveSharePu([], 100)).toBe(0);
  });

  it("gives active power the first right to the apparent power: 500 kW of 625 kVA leave 375 kvar", () => {
    expect(reactiveRoomKvar(625, 500)).toBeCloseTo(375, 9);
    expect(reactiveRoomKvar(625, -500)).toBeCloseTo(375, 9);
    expect(reactiveRoomKvar(625, 700)).toBe(0);
    expect(withinRoomKvar(400, 625, 500)).toBeCloseTo(375, 9);
    expect(withinRoomKvar(-400, 625, 500)).toBeCloseTo(-375, 9);
    expect(withinRoomKvar(100, 625, 500)).toBe(100);
  });
});
