import { describe, expect, it } from "vitest";
import type { DeviceMap } from "./device-map.ts";
import { GuardedReplies } from "./guarded-replies.ts";
import type { ReadRequest } from "./request-plan.ts";

/** Two points with one guard each: slots 0 and 1, guarded by slots 2 and 3. */
const map = {
  points: [{}, {}],
  guardsOfSlot: [[2], [3]],
} as unknown as DeviceMap;

function request(address: number, slots: readonly number[]): ReadRequest {
  const items = slots.map((slot, index) => ({
    slot,
    table: "holding" as const,
    address: address + index,
    wordCount: 1,
  }));
  return { table: "holding", address, count: items.length, items };
}

const at = (atMs: number) => ({ sentAtMs: atMs - 5, readAtMs: atMs });
const values = request(0, [0]);
const guards = request(100, [2, 3]);
const mixed = request(50, [1, 3, 0]);

describe("replies of a device whose values have guards", () => {
  it("are believed at once where a value comes with all its guards", () => {
    const replies = new GuardedReplies(map);
    expect(replies.ready(mixed).map(({ slot }) => slot)).toEqual([1]);
    expect([...replies.hold(mixed, [7, 0, 8], at(10))]).toEqual([2]);
  });

  it("wait for a guard that was asked for after they came", () => {
    const replies = new GuardedReplies(map);
    expect(replies.ready(values)).toEqual([]);
    replies.hold(values, [7], at(10));
    expect(replies.proved(guards, 9)).toEqual([]);
    const [held, ...more] = replies.proved(guards, 10);
    expect([held?.words, held?.readAtMs, more]).toEqual([[7], 10, []]);
    expect(replies.proved(guards, 11)).toEqual([]);
  });

  it("are proved in the end, however fast others follow them", () => {
    const replies = new GuardedReplies(map);
    for (let atMs = 0; atMs < 50; atMs++) replies.hold(values, [atMs], at(atMs));
    expect(replies.proved(guards, 5).map(({ words }) => words)).toEqual([[0]]);
    expect(replies.proved(guards, 49).map(({ words }) => words)).toEqual([[49]]);
  });

  it("are forgotten once the layout does not hold", () => {
    const replies = new GuardedReplies(map);
    replies.hold(values, [7], at(10));
    replies.clear();
    expect(replies.proved(guards, 20)).toEqual([]);
  });
});
