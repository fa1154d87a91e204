import fc from "fast-check";
import { expect, it } from "vitest";
import { deviceImage, discoverIn, imageReader } from "./sunspec-fixture.ts";

const S = [0x5375, 0x6e53];
const END = [0xffff, 0];
const model = (id: number, length: number) => [id, length, ...Array.from({ length }, () => 0)];

it.each([40000, 0, 50000, 40001, 1, 50001])("finds a device whose base is %d", (base) => {
  const registers = [...S, ...model(1, 66), ...model(103, 50), ...END];
  const { chain } = discoverIn(imageReader(registers, base));
  expect(chain).toEqual({
    baseAddress: base,
    remark: null,
    models: [
      { id: 1, address: base + 2, length: 66 },
      { id: 103, address: base + 70, length: 50 },
    ],
  });
});

it("finds nothing where there is nothing, and asks each address once", () => {
  const { chain, reads } = discoverIn(() => null);
  expect(chain).toBeNull();
  expect(reads.map(({ address }) => address)).toEqual([40000, 0, 50000, 40001, 1, 50001]);
});

it("looks where it is told to first", () => {
  const { reads } = discoverIn(imageReader([...S, ...END], 1000), [1000]);
  expect(reads[0]).toEqual({ address: 1000, count: 2, isGuess: true });
});

const broken: [name: string, registers: number[], ids: number[], remark: RegExp][] = [
  [
    "the end model is missing",
    [...S, ...model(1, 66)],
    [1],
    /no model header can be read at 40070/,
  ],
  ["zeros follow", [...S, ...model(1, 66), 0, 0], [1], /a model 0 at 40070/],
  ["a length beyond the last register", [...S, ...model(1, 66), 103, 65000], [1], /length 65000/],
];

it.each(broken)("keeps the models before a fault: %s", (_name, registers, ids, remark) => {
  const { chain } = discoverIn(imageReader(registers, 40000));
  expect(chain?.models.map(({ id }) => id)).toEqual(ids);
  expect(chain?.remark).toMatch(remark);
});

it("ends after 256 models", () => {
  const { chain, reads } = discoverIn(({ address }) => (address === 40000 ? S : [7, 0]));
  expect(chain?.models).toHaveLength(256);
  expect(chain?.remark).toBe("more than 256 models");
  expect(reads.length).toBeLessThan(260);
});

it("ends in bounded reads within the registers, whatever a device answers", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(0xffff), { maxLength: 3 }), { maxLength: 40 }),
      (replies) => {
        let at = 0;
        const { chain, reads } = discoverIn(() => (at === 0 ? (at++, S) : (replies[at++] ?? null)));
        expect(reads.every(({ address, count }) => address + count <= 0x10000)).toBe(true);
        for (const { address, length } of chain?.models ?? []) {
          expect(address + 2 + length).toBeLessThanOrEqual(0x10000);
        }
      },
    ),
  );
});

it("walks a published image in one read for the marker and one for each header", () => {
  const { registers } = deviceImage("device-1547");
  const { reads } = discoverIn(imageReader(registers, 40000));
  expect(reads).toHaveLength(1 + 15);
});
