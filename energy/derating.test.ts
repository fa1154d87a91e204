import { describe, expect, it } from "vitest";
import { nextCapability, type Capability } from "./derating.ts";

describe("what a derated set is counted with", () => {
  /** Kilowatts after so many seconds at one stated value, a set of 1000 kW. */
  const after = (before: Capability | null, statedKw: number, seconds: number) => {
    let now = before;
    for (let i = 0; i < seconds * 10; i++) now = nextCapability(now, statedKw, 1000, 100);
    return now === null ? 1000 : now.kw;
  };
  const at = (kw: number): Capability => ({ kw, isRising: false });

  it("falls at once", () => {
    expect(after(null, 600, 0.1)).toBe(600);
    expect(after(at(600), 599, 0.1)).toBe(599);
    expect(after({ kw: 700, isRising: true }, 600, 0.1)).toBe(600);
  });

  it("comes back by 1 % of rating per second, once it is 5 % more", () => {
    expect(after(at(600), 649, 60)).toBe(600);
    expect(after(at(600), 650, 4)).toBeCloseTo(640, 6);
    expect(after(at(600), 650, 60)).toBeCloseTo(650, 6);
    expect(after(at(600), 1000, 40)).toBe(1000);
    expect(after(at(980), 1000, 1)).toBeCloseTo(990, 6);
  });

  it("is nothing to remember where a set is not derated", () => {
    expect(nextCapability(null, 1000, 1000, 100)).toBeNull();
    expect(nextCapability({ kw: 999.95, isRising: true }, 1000, 1000, 100)).toBeNull();
  });
});
