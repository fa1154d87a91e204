import fc from "fast-check";
import { expect, it } from "vitest";
import { createRing, openRingReader, openRingWriter } from "./ring.ts";

it("delivers records in order, text as UTF-8", () => {
  const ring = createRing(1024);
  const writer = openRingWriter(ring);
  const reader = openRingReader(ring);
  expect(writer.offer("Größe")).toBe(true);
  expect(writer.offer(new Uint8Array([1, 2, 3]))).toBe(true);
  expect(writer.offer("")).toBe(true);
  expect(reader.take()).toEqual({ data: new TextEncoder().encode("Größe"), lostCount: 0 });
  expect(reader.take()).toEqual({ data: new Uint8Array([1, 2, 3]), lostCount: 0 });
  expect(reader.take()).toEqual({ data: new Uint8Array(0), lostCount: 0 });
  expect(reader.take()).toBeNull();
});

it("drops what does not fit, counts it, and marks the gap at the next record that fits", () => {
  const ring = createRing(64);
  const writer = openRingWriter(ring);
  const reader = openRingReader(ring);
  expect(writer.offer(new Uint8Array(40))).toBe(true);
  expect(writer.offer(new Uint8Array(20))).toBe(false);
  expect(writer.offer(new Uint8Array(57))).toBe(false);
  expect(writer.offer(new Uint8Array(4))).toBe(true);
  expect(writer.droppedCount()).toBe(2);
  expect(reader.take()?.lostCount).toBe(0);
  expect(reader.take()).toEqual({ data: new Uint8Array(4), lostCount: 2 });
  expect(writer.offer(new Uint8Array(1))).toBe(true);
  expect(reader.take()?.lostCount).toBe(0);
  expect(reader.droppedCount()).toBe(2);
});

it("positions that wrap at 2³² lose nothing", () => {
  const ring = createRing(64);
  new Int32Array(ring, 0, 2).fill(-8);
  const writer = openRingWriter(ring);
  const reader = openRingReader(ring);
  for (let i = 0; i < 20; i++) {
    expect(writer.offer(new Uint8Array([i, i + 1, i + 2, i + 3, i + 4]))).toBe(true);
    expect(reader.take()?.data).toEqual(new Uint8Array([i, i + 1, i + 2, i + 3, i + 4]));
  }
});

it("behaves as a bounded queue that counts what it refuses", () => {
  const step = fc.oneof(
    fc.record({ offer: fc.uint8Array({ maxLength: 90 }) }),
    fc.constant({ offer: null }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const ring = createRing(128);
      const writer = openRingWriter(ring);
      const reader = openRingReader(ring);
      const model: { data: Uint8Array; lostCount: number; bytes: number }[] = [];
      let lost = 0;
      for (const { offer } of steps) {
        if (offer === null) {
          const expected = model.shift();
          const taken = reader.take();
          expect(taken?.data).toEqual(expected?.data);
          expect(taken?.lostCount).toBe(expected?.lostCount);
          continue;
        }
        const bytes = 8 + Math.ceil(offer.length / 4) * 4;
        const used = model.reduce((sum, record) => sum + record.bytes, 0);
        const fits = used + bytes <= 128;
        expect(writer.offer(offer)).toBe(fits);
        if (fits) model.push({ data: offer, lostCount: lost, bytes });
        lost = fits ? 0 : lost + 1;
      }
    }),
  );
});
