import * as fc from "fast-check";
import { storageProfile } from "../../test/support/sunspec-peer.ts";
import { expect, it } from "vitest";
import type { DeviceConfig } from "../../configs/manifest.ts";
import { device, MODBUS, profile } from "./profile-fixture.ts";
import {
  planReads as plan,
  readLimitsOf,
  splitRequest,
  type ReadItem,
  type ReadLimits,
  type ReadRequest,
} from "./request-plan.ts";

const TCP = readLimitsOf(device({ port: 502 }));
const planReads = (items: readonly ReadItem[], limits: Partial<ReadLimits> = {}) =>
  plan(items, { ...TCP, ...limits });

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
  ["coils bridge wider gaps", [item(0, 0, 1, "coil"), item(1, 500, 1, "coil")], ["coil 0+501"]],
];

it.each(rows)("%s", (_name, items, expected) => {
  expect(spans(planReads(items))).toEqual(expected);
});

const limited: [name: string, Partial<ReadLimits>, ReadItem[], string[]][] = [
  [
    "a barrier divides neighbours",
    { barriers: [{ table: "input", address: 2 }] },
    [item(0, 0), item(1, 1), item(2, 2), item(3, 3)],
    ["input 0+2", "input 2+2"],
  ],
  [
    "a barrier of another table does not",
    { barriers: [{ table: "holding", address: 2 }] },
    [item(0, 1), item(1, 2)],
    ["input 1+2"],
  ],
  [
    "a forbidden range is not read along",
    { forbidden: [{ table: "input", address: 3, end: 4 }] },
    [item(0, 2), item(1, 4)],
    ["input 2+1", "input 4+1"],
  ],
  [
    "a device that answers ten registers at once gets no more",
    { registersMax: 10 },
    [item(0, 0, 2), item(1, 7, 2), item(2, 9, 2)],
    ["input 0+2", "input 7+4"],
  ],
  [
    "an item stays whole where it meets the limit",
    { registersMax: 2 },
    [item(0, 0), item(1, 1, 2), item(2, 3)],
    ["input 0+1", "input 1+2", "input 3+1"],
  ],
  [
    "without gaps only neighbours go together",
    { registerGapMax: 0 },
    [item(0, 0), item(1, 1), item(2, 3)],
    ["input 0+2", "input 3+1"],
  ],
  [
    "the cheapest grouping, not the first that fits",
    { registersMax: 40 },
    // Filling requests from the left would give 0+33 and 60+11.
    [item(0, 0), item(1, 31, 2), item(2, 60), item(3, 70)],
    ["input 0+1", "input 31+40"],
  ],
];

it.each(limited)("%s", (_name, limits, items, expected) => {
  expect(spans(planReads(items, limits))).toEqual(expected);
});

const lines: [name: string, Partial<DeviceConfig>, registerGapMax: number][] = [
  ["over TCP", {}, 32],
  ["RTU in TCP", { transport: "rtu-over-tcp" }, 8],
  ["on a slow serial line", serial(9600), 12],
  ["on a fast serial line", serial(115_200), 32],
  ["as far as a value and its scale factor may lie apart", { profile: storageProfile() }, 120],
  ["as the profile says", { profile: profile({ modbus: { ...MODBUS, registerGapMax: 3 } }) }, 3],
];

function serial(baudRate: number): Partial<DeviceConfig> {
  const line = { path: "/dev/ttyS0", parity: "even", stopBits: 1, frameGapMs: null } as const;
  return { transport: "rtu", serial: { ...line, baudRate } };
}

it.each(lines)("gaps are bridged by what a request costs: %s", (_name, values, registerGapMax) => {
  const limits = readLimitsOf(device({ port: 502, ...values }));
  expect(limits.registerGapMax).toBe(registerGapMax);
  expect(limits.bitGapMax).toBe(registerGapMax * 16);
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

it("costs no more than any other grouping, tried exhaustively on few items", () => {
  const few = fc.array(
    fc.record({
      slot: fc.nat(9),
      table: fc.constant("input" as const),
      address: fc.integer({ min: 0, max: 60 }),
      wordCount: fc.constantFrom(1, 2),
    }),
    { minLength: 1, maxLength: 7 },
  );
  const limits = { ...TCP, registersMax: 20, registerGapMax: 5 };
  const costOf = (requests: readonly ReadRequest[]) =>
    requests.reduce((sum, { count }) => sum + limits.registerGapMax + count, 0);
  /** Every way to cut the sorted items. */
  const cheapest = (sorted: readonly ReadItem[]): number => {
    if (sorted.length === 0) return 0;
    let best = Infinity;
    for (let count = 1; count <= sorted.length; count++) {
      const [first] = sorted;
      const end = Math.max(...sorted.slice(0, count).map((one) => one.address + one.wordCount));
      const length = end - (first?.address ?? 0);
      if (count > 1 && length > limits.registersMax) break;
      best = Math.min(best, limits.registerGapMax + length + cheapest(sorted.slice(count)));
    }
    return best;
  };
  fc.assert(
    fc.property(few, (all) => {
      const sorted = [...all].sort((a, b) => a.address - b.address || a.wordCount - b.wordCount);
      expect(costOf(planReads(all, limits))).toBe(cheapest(sorted));
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
