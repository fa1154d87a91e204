import { describe, expect, it } from "vitest";
import { balanceOf } from "./balance.ts";
import { grantOf, inOrderOfGrant, reservedKw, type HeavyConsumer } from "./heavy-consumers.ts";
import { reasonOf, sentenceOf } from "./reason.ts";
import { genset } from "./testing/sources.ts";

const consumer = (device: string, more: Partial<HeavyConsumer> = {}): HeavyConsumer => ({
  device,
  demandKw: 600,
  powerKw: 0,
  priority: 50,
  load: "variable",
  isWaiting: true,
  isRunning: false,
  requestedAtMs: 0,
  ...more,
});
const free = (freeKw: number) => balanceOf([genset("dg1", 1000, 1000 - freeKw)], 0);
const wordsOf = (grant: ReturnType<typeof grantOf>) => grant.because.map(sentenceOf);

describe("heavy consumers", () => {
  it("are granted by priority, then first come, first served", () => {
    const order = inOrderOfGrant([
      consumer("a", { requestedAtMs: 20 }),
      consumer("b", { requestedAtMs: 10 }),
      consumer("c", { requestedAtMs: 30, priority: 90 }),
    ]);
    expect(order.map(({ device }) => device)).toEqual(["c", "b", "a"]);
  });

  it("are granted where demand and margin are free", () => {
    expect(grantOf([consumer("bt1")], free(750), 150).device).toBe("bt1");
    const refused = grantOf([consumer("bt1")], free(749), 150);
    expect(refused.device).toBeNull();
    expect(wordsOf(refused)).toEqual(["bt1 asks for 600 kW, 749 kW are free and 750 kW needed"]);
  });

  it("are granted one at a time: the next waits for the feedback of the last", () => {
    const last = consumer("bt1", { isWaiting: false });
    const both = [last, consumer("bt2", { demandKw: 100 })];
    expect(wordsOf(grantOf(both, free(800), 150))).toEqual([
      "bt2 waits until bt1, which is granted, runs",
    ]);
    const runs = { ...last, isRunning: true };
    expect(grantOf([runs, consumer("bt2", { demandKw: 100 })], free(800), 150).device).toBe("bt2");
  });

  it("never let a later, smaller one overtake the first in line", () => {
    const both = [consumer("bt1"), consumer("bt2", { demandKw: 100 })];
    expect(grantOf(both, free(700), 150).device).toBeNull();
  });

  it("are granted nothing while anything is unknown", () => {
    const unknown = reasonOf("UNKNOWN_INPUT", "dg2", { what: "the breaker" });
    const balance = balanceOf([genset("dg1", 1000, 0)], 0, [unknown]);
    expect(wordsOf(grantOf([consumer("bt1")], balance, 150))).toEqual([
      "the breaker of dg2 is not known",
    ]);
  });

  it("reserve what a variable one has not drawn, and all of a fixed one until it runs", () => {
    const granted = { isWaiting: false };
    expect(reservedKw([consumer("a")])).toBe(0);
    expect(reservedKw([consumer("a", { ...granted, powerKw: 250, isRunning: true })])).toBe(350);
    expect(reservedKw([consumer("a", { ...granted, load: "fixed" })])).toBe(600);
    const runs = { ...granted, load: "fixed" as const, powerKw: 480, isRunning: true };
    expect(reservedKw([consumer("a", runs)])).toBe(0);
  });
});
