import { expect, it } from "vitest";
import { HASH_NONE } from "../../kernel/hash.ts";
import { recordsOfFrame } from "./frame-records.ts";

it("a request with a whole set of parameters is recorded by its first ones and how many more there are", () => {
  const given = Object.fromEntries(Array.from({ length: 200 }, (_none, n) => [`value${n}`, n]));
  const frame = {
    grid: "port",
    epoch: 1,
    sequence: 1,
    previousHash: HASH_NONE,
    plantTimeMs: 100,
    wallTimeMs: 0,
    isFirstOfEpoch: false,
    points: [],
    connections: [],
    fates: [],
    messages: [],
    facts: [],
    leadership: null,
    requests: [
      {
        requestId: "r1",
        role: "engineer",
        user: "manifest",
        actor: "grids/port",
        command: "adoptManifest",
        arguments: given,
      },
    ],
  } as const;
  const position = { epoch: 1, sequence: 1, hash: HASH_NONE };
  const [record] = recordsOfFrame(frame, { timeMs: 0, position }, new Map());
  expect(record).toMatchObject({
    type: "audit",
    reason: expect.stringMatching(/^value0=0 .* value11=11 and 188 more$/) as unknown,
  });
});
