import type { RegisterTable } from "../../configs/profile.ts";
import { assert } from "../../kernel/assert.ts";

/** What one point needs read: `slot` says whose it is. */
export interface ReadItem {
  readonly slot: number;
  readonly table: RegisterTable;
  /** Protocol address, counted from 0. */
  readonly address: number;
  readonly wordCount: number;
}

/** One request on the wire: `count` registers or bits of one table. Items are in the order of their addresses. */
export interface ReadRequest {
  readonly table: RegisterTable;
  readonly address: number;
  readonly count: number;
  readonly items: readonly ReadItem[];
}

/** Most that one Modbus response carries (Modbus Application Protocol V1.1b3, function codes 1 to 4). */
const REGISTER_COUNT_MAX = 125;
const BIT_COUNT_MAX = 2000;
/**
 * Unused registers that are read along rather than asked for separately. A further request costs about as much as a hundred
 * registers; a wide gap, however, meets registers that the device refuses.
 */
const REGISTER_GAP_MAX = 32;
const BIT_GAP_MAX = 256;

function isBitTable(table: RegisterTable): boolean {
  return table === "coil" || table === "discrete";
}

function requestOf(items: readonly ReadItem[]): ReadRequest {
  const first = items[0];
  assert(first !== undefined, "a request reads at least one item");
  let end = first.address;
  for (const item of items) end = Math.max(end, item.address + item.wordCount);
  return { table: first.table, address: first.address, count: end - first.address, items };
}

/**
 * Groups items of one poll class into the fewest requests: one table each, gaps bridged up to a limit, and no request above
 * what a response can carry. An item is never divided between two requests.
 */
export function planReads(items: readonly ReadItem[]): ReadRequest[] {
  const sorted = [...items].sort((a, b) =>
    a.table === b.table ? a.address - b.address : a.table < b.table ? -1 : 1,
  );
  const requests: ReadRequest[] = [];
  let group: ReadItem[] = [];
  let end = 0;
  for (const item of sorted) {
    const first = group[0];
    const isBits = isBitTable(item.table);
    const itemEnd = item.address + item.wordCount;
    const fits =
      first !== undefined &&
      first.table === item.table &&
      item.address - end <= (isBits ? BIT_GAP_MAX : REGISTER_GAP_MAX) &&
      itemEnd - first.address <= (isBits ? BIT_COUNT_MAX : REGISTER_COUNT_MAX);
    if (!fits && group.length > 0) {
      requests.push(requestOf(group));
      group = [];
    }
    end = group.length === 0 ? itemEnd : Math.max(end, itemEnd);
    group.push(item);
  }
  if (group.length > 0) requests.push(requestOf(group));
  return requests;
}

/**
 * Divides a request that the device refused, so that one illegal register costs the others nothing: at its widest gap, else
 * in the middle, never between items of one register. Null where there is nothing to divide.
 */
export function splitRequest(request: ReadRequest): readonly [ReadRequest, ReadRequest] | null {
  const { items } = request;
  let best = 0;
  let widest = -1;
  let end = 0;
  for (const [index, item] of items.entries()) {
    if (index > 0 && item.address >= end) {
      const gap = item.address - end;
      const isMoreCentral = Math.abs(index * 2 - items.length) < Math.abs(best * 2 - items.length);
      if (gap > widest || (gap === widest && isMoreCentral)) {
        widest = gap;
        best = index;
      }
    }
    end = Math.max(end, item.address + item.wordCount);
  }
  if (best === 0) return null;
  return [requestOf(items.slice(0, best)), requestOf(items.slice(best))];
}
