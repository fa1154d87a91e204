import { expect, it } from "vitest";
import { createSeededRandom } from "./seeded-random.ts";

it("gives the same sequence for the same seed, on every machine", () => {
  const random = createSeededRandom(7);
  const again = createSeededRandom(7);
  const drawn = Array.from({ length: 5 }, () => random.next());
  expect(Array.from({ length: 5 }, () => again.next())).toEqual(drawn);
  expect(createSeededRandom(7).hex128()).toBe("008ac105c24ff171e924fa7ee02d98b4");
  expect(createSeededRandom(8).hex128()).not.toBe(createSeededRandom(7).hex128());
});

it("forks streams that do not depend on how far their parent has drawn", () => {
  const parent = createSeededRandom("world");
  const early = parent.fork("n1").hex128();
  parent.next();
  expect(parent.fork("n1").hex128()).toBe(early);
  expect(parent.fork("n2").hex128()).not.toBe(early);
});

it("draws evenly from its range", () => {
  const random = createSeededRandom("even");
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 100_000; i++) {
    const bin = Math.floor(random.between(0, 10));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});
