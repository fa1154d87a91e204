import { expect, it } from "vitest";
import type { PointSample } from "../../kernel/point.ts";
import type { PointCodec } from "./codec.ts";
import type { MappedPoint } from "./device-map.ts";
import { PointImage } from "./point-image.ts";

const codec = { neutral: 0, decode: (words: readonly number[], at: number) => words[at] ?? null };
const point = { id: "dg1.activePowerKw", codec: codec as PointCodec, poll: "fast" } as MappedPoint;

function read(image: PointImage, value: number, sentAtMs: number): void {
  image.read(0, [value], 0, sentAtMs + 5);
  image.asked(0, sentAtMs);
}

function told(image: PointImage, nowMs: number): PointSample[] {
  const points: PointSample[] = [];
  image.drain(points, nowMs);
  return points;
}

it("a point is told once more when it was read by a request of after the leadership began", () => {
  const image = new PointImage([point], 1000);
  read(image, 350, 0);
  expect(told(image, 10)).toEqual([["dg1.activePowerKw", 350, "good"]]);
  image.tellAgain(100);
  expect(told(image, 101)).toEqual([]);
  // Asked before, answered after: it may be older than what the predecessor knew.
  read(image, 350, 99);
  expect(told(image, 110)).toEqual([]);
  read(image, 350, 100);
  expect(told(image, 110)).toEqual([["dg1.activePowerKw", 350, "good"]]);
  read(image, 350, 120);
  expect(told(image, 130)).toEqual([]);
});
