import { describe, expect, it } from "vitest";
import type { DeviceProfile } from "../../configs/profile.ts";
import { mapping, profile } from "./profile-fixture.ts";
import { layoutWrites, planCommandWrite, planLevelWrites } from "./write-plan.ts";

const level = (point: string, address: number, type: "int16" | "int32" = "int16") =>
  mapping({ point, table: "holding", address, type, access: "readWrite" });

const genset = (values: Partial<DeviceProfile>) =>
  profile({
    kind: "genset",
    points: [level("powerReferenceKw", 2), level("reactiveReferenceKvar", 3)],
    commands: [
      { command: "start", table: "holding", address: 4, value: 1, before: [], followedBy: null },
    ],
    ...values,
  });
const plain = layoutWrites(genset({}));
const epoch = layoutWrites(genset({ epochRegister: { address: 0 } }));
const apart = layoutWrites(
  genset({ points: [level("powerReferenceKw", 2), level("reactiveReferenceKvar", 9)] }),
);
const along = layoutWrites(
  genset({
    points: [
      { ...level("powerReferenceKw", 2), writeWith: { before: [1], after: [0, 60] } },
      level("reactiveReferenceKvar", 5),
    ],
  }),
);

type Row = [string, typeof plain, (number[] | null)[], boolean[], unknown];
const rows: Row[] = [
  ["nothing is due", plain, [[5], [6]], [false, false], []],
  ["one due level goes alone", plain, [[5], [6]], [false, true], [[16, 3, [6], [1]]]],
  ["due neighbours share a request", plain, [[5], [6]], [true, true], [[16, 2, [5, 6], [0, 1]]]],
  [
    "levels behind the last due one stay out",
    plain,
    [[5], [6]],
    [true, false],
    [[16, 2, [5], [0]]],
  ],
  [
    "levels apart need two requests",
    apart,
    [[5], [6]],
    [true, true],
    [
      [16, 2, [5], [0]],
      [16, 9, [6], [1]],
    ],
  ],
  [
    "registers that a level sets along stand around it",
    along,
    [[5], [6]],
    [true, false],
    [[16, 1, [1, 5, 0, 60], [0]]],
  ],
  [
    "a neighbour goes on behind them",
    along,
    [[5], [6]],
    [true, true],
    [[16, 1, [1, 5, 0, 60, 6], [0, 1]]],
  ],
  [
    "a level without a value is not written",
    plain,
    [null, [6]],
    [false, true],
    [[16, 3, [6], [1]]],
  ],
  [
    "an epoch goes before all levels",
    epoch,
    [[5], [6]],
    [false, true],
    [[16, 0, [1, 2, 5, 6], [0, 1]]],
  ],
  [
    "an epoch block with a hole cannot be written",
    epoch,
    [null, [6]],
    [false, true],
    "the value of powerReferenceKw is not known",
  ],
];

describe("levels", () => {
  it.each(rows)("%s", (_name, layout, image, isDue, expected) => {
    const writes = planLevelWrites(layout, image, isDue, 65_538);
    const seen =
      typeof writes === "string"
        ? writes
        : writes.map(({ request, levels }) => [
            request.functionCode,
            request.address,
            request.words,
            levels,
          ]);
    expect(seen).toEqual(expected);
  });
});

describe("commands", () => {
  it("goes alone in a plain series", () => {
    expect(planCommandWrite(plain, "start", [null, null], 7)).toEqual({
      functionCode: 6,
      address: 4,
      words: [1],
    });
  });

  it("goes behind epoch and levels in an epoch series", () => {
    const request = planCommandWrite(epoch, "start", [[5], [6]], 7);
    expect(request).toEqual({ functionCode: 16, address: 0, words: [0, 7, 5, 6, 1] });
  });

  it("cannot go in an epoch series while a level is unknown", () => {
    expect(planCommandWrite(epoch, "start", [[5], null], 7)).toBe(
      "the value of reactiveReferenceKvar is not known",
    );
  });

  it("goes in one request with the argument that stands before its code", () => {
    const start = { command: "start", table: "holding", address: 4209, value: 1 } as const;
    const layout = layoutWrites(
      genset({ commands: [{ ...start, before: [0x01fe, 0], followedBy: null }] }),
    );
    expect(planCommandWrite(layout, "start", [], 7)).toEqual({
      functionCode: 16,
      address: 4207,
      words: [0x01fe, 0, 1],
    });
  });

  it("writes a coil by itself", () => {
    const layout = layoutWrites(
      genset({
        commands: [
          { command: "start", table: "coil", address: 8, value: 1, before: [], followedBy: null },
        ],
      }),
    );
    expect(planCommandWrite(layout, "start", [], 7)).toEqual({
      functionCode: 5,
      address: 8,
      words: [1],
    });
  });
});

describe("profiles that cannot be written as the rules demand are rejected", () => {
  const block = { epochRegister: { address: 0 } };
  const start = { command: "start", value: 1, before: [], followedBy: null } as const;
  it.each([
    [
      "a gap behind the epoch",
      { ...block, points: [level("powerReferenceKw", 3)], commands: [] },
      "without a gap, at 2",
    ],
    [
      "a command outside the block",
      { ...block, commands: [{ ...start, table: "holding" as const, address: 9 }] },
      "at holding 4",
    ],
    [
      "a coil beside an epoch",
      { ...block, commands: [{ ...start, table: "coil" as const, address: 4 }] },
      "at holding 4",
    ],
    [
      "overlapping levels",
      { points: [level("powerReferenceKw", 2, "int32"), level("reactiveReferenceKvar", 3)] },
      "overlap",
    ],
    [
      "a level in a coil",
      { points: [{ ...level("powerReferenceKw", 2), table: "coil" as const }] },
      "must be a number in holding registers",
    ],
    [
      "a point that the kind does not have",
      { points: [level("warpFactor", 2)] },
      "has no point warpFactor",
    ],
  ] as [string, Partial<DeviceProfile>, string][])("%s", (_name, values, message) => {
    expect(() => layoutWrites(genset(values))).toThrow(message);
  });
});
