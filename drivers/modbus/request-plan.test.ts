import * as fc from "fast-check";
import { expect, it } from "vitest";
import { planReads, splitRequest, type ReadItem, type ReadRequest } from "./request-plan.ts";

const item = (
  slot: number,
  address: number,
  wordCount = 1,
  table: ReadItem["table"] = "input",
) => ({
  slot,
  table,
  address,
  wordCount,
});
const spans = (requests: readonly ReadRequest[]) =>
  requests.map(({ table, address, count }) => `${table} ${address}+${count}`);

const rows: [name: string, ReadItem[], string[]][] = [
  ["nothing to read", [], []],
  ["neighbours go into one request", [item(0, 1, 2), item(1, 0)], ["input 0+3"]],
  ["a small gap is read along", [item(0, 0), item(1, 33)], ["input 0+34"]],
  ["a wide gap divides", [item(0, 0), item(1, 34)], ["input 0+1", "input 34+1"]],
  ["tables stay apart", [item(0, 0), item(1, 1, 1, "holding")], ["holding 1+1", "input 0+1"]],
  ["two points share a register", [item(0, 5), item(1, 5)], ["input 5+1"]],
  [
    "no response holds more than 125 registers",
    Array.from({ length: 64 }, (_, i) => item(i, i * 2, 2)),
    ["input 0+124", "input 124+4"],
  ],
  ["coils bridge wider gaps", [item(0, 0, 1, "coil"), item(1, 200, 1, "coil")], ["coil 0+201"]],
];

it.each(rows)("%s", (_name, items, expected) => {
  expect(spans(planReads(items))).toEqual(expected);
});

const items = fc.array(
  fc.record({
    slot: fc.nat(1000),
    table: fc.constantFrom("input", "holding", "coil", "discrete"),
    address: fc.integer({ min: 0, max: 3000 }),
    wordCount: fc.constantFrom(1, 2),
  }) as fc.Arbitrary<ReadItem>,
  { maxLength: 60 },
);

it("reads every item exactly once, whole, within the limits of a response", () => {
  fc.assert(
    fc.property(items, (all) => {
      const requests = planReads(all);
      expect(requests.flatMap((request) => request.items).length).toBe(all.length);
      for (const request of requests) {
        const isBits = request.table === "coil" || request.table === "discrete";
        expect(request.count).toBeLessThanOrEqual(isBits ? 2000 : 125);
        for (const one of request.items) {
          expect(one.table).toBe(request.table);
          expect(one.address).toBeGreaterThanOrEqual(request.address);
          expect(one.address + one.wordCount).toBeLessThanOrEqual(request.address + request.count);
        }
      }
    }),
  );
});

it("divides a refused request until the illegal register stands alone, in few steps", () => {
  const dense = Array.from({ length: 50 }, (_, i) => item(i, i));
  let suspects = planReads(dense);
  let stepCount = 0;
  const isIllegal = (request: ReadRequest) =>
    request.address <= 37 && request.address + request.count > 37;
  for (;;) {
    const refused = suspects.find(isIllegal);
    const halves = refused ? splitRequest(refused) : null;
    if (refused === undefined || halves === null) break;
    suspects = suspects.filter((request) => request !== refused).concat(halves);
    stepCount++;
  }
  expect(spans(suspects.filter(isIllegal))).toEqual(["input 37+1"]);
  expect(stepCount).toBeLessThanOrEqual(7);
  expect(suspects.flatMap((request) => request.items).length).toBe(50);
});

it("divides at the widest gap first, because gaps are what devices refuse", () => {
  const [request] = planReads([item(0, 0), item(1, 1), item(2, 20), item(3, 21), item(4, 22)]);
  expect(spans(splitRequest(request as ReadRequest) ?? [])).toEqual(["input 0+2", "input 20+3"]);
});

it("never divides points of one register", () => {
  const [request] = planReads([item(0, 5), item(1, 5)]);
  expect(splitRequest(request as ReadRequest)).toBeNull();
});
