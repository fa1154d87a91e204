import type { DeviceConfig } from "../../configs/manifest.ts";
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

/** Addresses of one table, from `address` to before `end`. */
export interface Span {
  readonly table: RegisterTable;
  readonly address: number;
  readonly end: number;
}

/** What a request may hold, and what it costs. */
export interface ReadLimits {
  readonly registersMax: number;
  readonly bitsMax: number;
  /** Cost of a request besides its contents, in registers: so many unused registers are as dear as one more request. */
  readonly registerGapMax: number;
  readonly bitGapMax: number;
  /** No request touches one of these. */
  readonly forbidden: readonly Span[];
  /** No request holds both the address and the one before. */
  readonly barriers: readonly { readonly table: RegisterTable; readonly address: number }[];
}

const BITS_PER_REGISTER = 16;
/**
 * Unused registers that are read along rather than asked for separately, over TCP. A further request costs about as much as a hundred
 * registers; a wide gap, however, meets registers that the device refuses.
 */
const TCP_GAP_MAX = 32;
/**
 * The models of a SunSpec device have no gaps that it refuses, and a value that comes with its scale factor in one reply cannot be
 * misread when that changes.
 */
const SUNSPEC_GAP_MAX = 120;
/** On a line whose speed is not known: what the frames around a request weigh, about 16 bytes. */
const RTU_GAP_MAX = 8;
/** Bytes around the registers of a request and its reply, the silence between frames included. */
const RTU_OVERHEAD_BYTES = 20;
/** What a device takes before it answers, at least. */
const RTU_TURNAROUND_MS = 5;

/** The limits of one device, by its profile and by what a request costs on its transport. */
export function readLimitsOf(
  config: Pick<DeviceConfig, "profile" | "transport" | "serial">,
): ReadLimits {
  const { modbus, sunspec } = config.profile;
  const registerGapMax =
    modbus.registerGapMax ?? (sunspec === null ? gapOf(config) : SUNSPEC_GAP_MAX);
  return {
    registersMax: modbus.registersPerReadMax,
    bitsMax: modbus.bitsPerReadMax,
    registerGapMax,
    bitGapMax: modbus.bitGapMax ?? registerGapMax * BITS_PER_REGISTER,
    forbidden: modbus.forbidden,
    barriers: modbus.barriers,
  };
}

function gapOf({ transport, serial }: Pick<DeviceConfig, "transport" | "serial">): number {
  if (serial === null) return transport === "tcp" ? TCP_GAP_MAX : RTU_GAP_MAX;
  const byteMs = 11_000 / serial.baudRate;
  const requestMs = RTU_OVERHEAD_BYTES * byteMs + RTU_TURNAROUND_MS;
  return Math.min(TCP_GAP_MAX, Math.floor(requestMs / (2 * byteMs)));
}

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

/** True if a request from `address` to before `end` keeps to the limits. */
function mayRead(table: RegisterTable, address: number, end: number, limits: ReadLimits): boolean {
  const countMax = isBitTable(table) ? limits.bitsMax : limits.registersMax;
  if (end - address > countMax) return false;
  for (const span of limits.forbidden) {
    if (span.table === table && span.address < end && address < span.end) return false;
  }
  for (const barrier of limits.barriers) {
    if (barrier.table === table && address < barrier.address && barrier.address < end) return false;
  }
  return true;
}

/**
 * Groups items of one poll class into the requests that cost least: unused registers are read along where that is cheaper than another
 * request, no request crosses a barrier, touches a forbidden range or exceeds what a reply carries. An item is never divided. The
 * cheapest grouping is found exactly: for each item, the best place where the request that ends with it may begin.
 */
export function planReads(items: readonly ReadItem[], limits: ReadLimits): ReadRequest[] {
  const sorted = [...items].sort(
    (a, b) =>
      (a.table === b.table ? 0 : a.table < b.table ? -1 : 1) ||
      a.address - b.address ||
      a.wordCount - b.wordCount,
  );
  /** Cost of the cheapest grouping of the items before each index, and where its last request begins. */
  const costs: number[] = [0];
  const starts: number[] = [0];
  for (let behind = 1; behind <= sorted.length; behind++) {
    const last = sorted[behind - 1];
    assert(last !== undefined, "an index below the length");
    const overhead = isBitTable(last.table) ? limits.bitGapMax : limits.registerGapMax;
    let best = Infinity;
    let bestStart = behind - 1;
    let end = 0;
    for (let start = behind - 1; start >= 0; start--) {
      const first = sorted[start];
      assert(first !== undefined, "an index below the length");
      end = Math.max(end, first.address + first.wordCount);
      // A single item is asked for whatever it meets: the check of the profile has warned before.
      const isAlone = start === behind - 1;
      if (first.table !== last.table) break;
      if (!isAlone && !mayRead(first.table, first.address, end, limits)) break;
      // One more than the gap that is still bridged, so that equal costs are decided for the fewer requests.
      const cost = (costs[start] ?? 0) + overhead + 1e-6 + (end - first.address);
      if (cost < best) {
        best = cost;
        bestStart = start;
      }
    }
    costs.push(best);
    starts.push(bestStart);
  }
  const requests: ReadRequest[] = [];
  for (let behind = sorted.length; behind > 0;) {
    const start = starts[behind] ?? 0;
    requests.push(requestOf(sorted.slice(start, behind)));
    behind = start;
  }
  return requests.reverse();
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
