import * as fc from "fast-check";
import { expect, it } from "vitest";
import { closest, editDistance } from "./spelling.ts";

const KEYS = ["node", "role", "failover_order"];

it.each([
  ["failoverorder", "failover_order"],
  ["failoverOrder", "failover_order"],
  ["failover-order", "failover_order"],
  ["failover_ordre", "failover_order"],
  ["nod", "node"],
  ["temperature", null],
])("%s is taken for %s", (word, meant) => {
  expect(closest(word, KEYS)).toBe(meant);
});

it("the edit distance is a metric", () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
      expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
    }),
  );
});
