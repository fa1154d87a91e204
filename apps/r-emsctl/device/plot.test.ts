import { describe, expect, it } from "vitest";
import { plotLines, rangeOf } from "./plot.ts";

describe("a curve of Braille dots", () => {
  it("rises from the lower left to the upper right", () => {
    expect(plotLines([0, 1, 2, 3, 4, 5, 6, 7], 4, 2, { min: 0, max: 7 })).toEqual(["⠀⠀⣠⠞", "⣠⠞⠁⠀"]);
  });

  it("draws a step as a line", () => {
    expect(plotLines([0, 7, 0, 7], 2, 2, { min: 0, max: 7 })).toEqual(["⢸⣿", "⣸⣿"]);
  });

  it("stands at the right edge while there are few values, and leaves old ones out later", () => {
    expect(plotLines([10], 3, 1, { min: 0, max: 10 })).toEqual(["⠀⠀⠈"]);
    const many = Array.from({ length: 100 }, (_value, index) => (index < 99 ? 0 : 10));
    expect(plotLines(many, 1, 1, { min: 0, max: 10 })).toEqual(["⣸"]);
  });

  it("leaves gaps where there is no value", () => {
    expect(plotLines([0, null, null, 0], 2, 1, { min: 0, max: 1 })).toEqual(["⡀⢀"]);
  });

  it("keeps to its size, whatever it is given", () => {
    for (const values of [[], [null], [1e300, -1e300], [0, 0, 0]]) {
      const lines = plotLines(values, 7, 3);
      expect(lines.map((line) => line.length)).toEqual([7, 7, 7]);
    }
  });

  it("has room around the values, also around one that does not move", () => {
    expect(rangeOf([0, 10])).toEqual({ min: -0.5, max: 10.5 });
    expect(rangeOf([100, null])).toEqual({ min: 95, max: 105 });
    expect(rangeOf([null])).toEqual({ min: 0, max: 1 });
  });
});
