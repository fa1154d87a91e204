import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { device } from "./profile-fixture.ts";
import { ReadSchedule, type ScheduledRead } from "./read-schedule.ts";
import { readLimitsOf, type ReadItem, type ReadLimits } from "./request-plan.ts";

const LIMITS = readLimitsOf(device({ port: 502 }));
const TIMING = { scanMs: 100, slowMs: 500, phase: 0 };
const item = (slot: number, address: number): ReadItem => ({
  slot,
  table: "input",
  address,
  wordCount: 1,
});
const dense = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => item(i, from + i));
/** Far from each other: each its own request. */
const sparse = (count: number) => Array.from({ length: count }, (_, i) => item(i, i * 500));

function schedule(
  items: Partial<Record<"fast" | "slow" | "rare", readonly ReadItem[]>>,
  limits: Partial<ReadLimits> = {},
) {
  return new ReadSchedule(
    { fast: [], slow: [], rare: [], ...items },
    { ...LIMITS, ...limits },
    TIMING,
  );
}

/** A device that answers at once: refuses what `isIllegal` says. Returns the addresses that were read, and requests. */
function scan(
  reads: ReadSchedule,
  nowMs: number,
  isIllegal: (address: number) => boolean = () => false,
) {
  const read: number[] = [];
  let requestCount = 0;
  reads.requestFull(nowMs);
  for (let next = reads.take(); next !== null; next = reads.take()) {
    requestCount++;
    const { address, count, items } = next.request;
    const meets = Array.from({ length: count }, (_, i) => address + i).some(isIllegal);
    if (meets) reads.refused(next, nowMs, true, "exception 2");
    else {
      reads.answered(next, nowMs);
      read.push(...items.map((one) => one.address));
    }
  }
  return { read: read.sort((a, b) => a - b), requestCount };
}

describe("a device with one illegal register among fifty", () => {
  const illegal = 37;
  const others = dense(50)
    .map(({ address }) => address)
    .filter((address) => address !== illegal);
  const isIllegal = (address: number) => address === illegal;

  it("reads all others in every scan from the first on, and in two requests from the second on", () => {
    const reads = schedule({ fast: dense(50) });
    expect(scan(reads, 0, isIllegal).read).toEqual(others);
    for (let nowMs = 100; nowMs < 5000; nowMs += 100) {
      expect(scan(reads, nowMs, isIllegal)).toEqual({ read: others, requestCount: 2 });
    }
    expect(reads.refusedItems().map(({ item: one }) => one.address)).toEqual([illegal]);
  });

  it("tries the illegal one again ever more rarely, and takes it back once it is there", () => {
    const reads = schedule({ fast: dense(50) });
    const triedAtMs: number[] = [];
    for (let nowMs = 0; nowMs < 100_000; nowMs += 100) {
      const { requestCount } = scan(reads, nowMs, isIllegal);
      if (nowMs > 0 && requestCount === 3) triedAtMs.push(nowMs);
    }
    expect(triedAtMs).toEqual([10_000, 30_000, 70_000]);
    let nowMs = 100_000;
    while (reads.hasRefused) scan(reads, (nowMs += 100));
    expect(nowMs).toBeLessThanOrEqual(150_100);
    expect(scan(reads, nowMs + 100).read.length).toBe(50);
  });
});

it("a device that takes fewer registers than it should keeps the pieces that it takes", () => {
  const reads = schedule({ fast: dense(100) });
  const countMax = 30;
  for (let nowMs = 0; nowMs < 2000; nowMs += 100) {
    reads.requestFull(nowMs);
    for (let next = reads.take(); next !== null; next = reads.take()) {
      if (next.request.count > countMax) reads.refused(next, nowMs, true, "exception 3");
      else reads.answered(next, nowMs);
    }
  }
  expect(reads.hasRefused).toBe(false);
  expect(reads.requestCount).toBe(4);
});

it("every legal register is read in every scan once the illegal ones are found, whichever they are", () => {
  const registers = fc.uniqueArray(fc.integer({ min: 0, max: 300 }), {
    minLength: 1,
    maxLength: 60,
  });
  const illegals = fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { maxLength: 8 });
  fc.assert(
    fc.property(registers, illegals, (addresses, bad) => {
      const reads = schedule({ fast: addresses.map((address, slot) => item(slot, address)) });
      const isIllegal = (address: number) => bad.includes(address);
      const legal = addresses.filter((address) => !isIllegal(address)).sort((a, b) => a - b);
      for (let nowMs = 0; nowMs < 1000; nowMs += 100) {
        const { read } = scan(reads, nowMs, isIllegal);
        // The first scans may read some twice, as part of two plans.
        expect(new Set(read)).toEqual(new Set(legal));
        if (nowMs > 500) expect(read).toEqual(legal);
      }
      expect(new Set(reads.refusedItems().map(({ item: one }) => one.address))).toEqual(
        new Set(addresses.filter(isIllegal)),
      );
      expect(reads.isAllRefused).toBe(legal.length === 0);
    }),
  );
});

describe("slow reads", () => {
  it("are spread evenly over their period, and none is older than it", () => {
    const reads = schedule({ fast: [item(0, 9000)], slow: sparse(20) });
    const readAtMs = new Map<number, number>();
    let most = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs += 100) {
      const { read, requestCount } = scan(reads, nowMs);
      if (nowMs < 2000) {
        for (const address of read) readAtMs.set(address, nowMs);
        continue;
      }
      most = Math.max(most, requestCount - 1);
      for (const address of read) {
        if (address === 9000) continue;
        expect(nowMs - (readAtMs.get(address) ?? 0)).toBeLessThanOrEqual(600);
        readAtMs.set(address, nowMs);
      }
    }
    // Twenty in five scans.
    expect(most).toBeLessThanOrEqual(5);
  });

  it("are not starved by a line that is too slow for the fast ones", () => {
    const reads = schedule({ fast: sparse(8), slow: [item(9, 20_000)] });
    let slowCount = 0;
    for (let nowMs = 0; nowMs < 5000; nowMs += 100) {
      reads.requestFull(nowMs);
      // Two requests fit into a scan.
      for (let i = 0; i < 2; i++) {
        const next = reads.take();
        if (next === null) break;
        if (next.poll === "slow") slowCount++;
        reads.answered(next, nowMs);
      }
    }
    expect(slowCount).toBeGreaterThanOrEqual(6);
    expect(reads.skippedCount).toBeGreaterThan(40);
  });
});

it("a rare read comes once in ten seconds", () => {
  const reads = schedule({ fast: [item(0, 0)], rare: [item(1, 5000)] });
  const atMs: number[] = [];
  for (let nowMs = 0; nowMs < 60_000; nowMs += 100)
    if (scan(reads, nowMs).read.includes(5000)) atMs.push(nowMs);
  expect(atMs.length).toBeGreaterThanOrEqual(6);
  expect(atMs.length).toBeLessThanOrEqual(8);
});

it("a read that is under way is not asked for again, also where the others are given up", () => {
  const reads = schedule({ fast: sparse(3) });
  reads.requestFull(0);
  const held = reads.take() as ScheduledRead;
  reads.clear();
  reads.requestFull(100);
  expect(reads.skippedCount).toBe(1);
  const others = [reads.take(), reads.take()];
  expect(others).not.toContain(held);
  expect(reads.take()).toBeNull();
  reads.failed(held);
  reads.requestFull(200);
  expect(reads.take()).toBe(held);
});
