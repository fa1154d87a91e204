import { expect, it } from "vitest";
import { createGridCore } from "../../actors/grid/grid-core.ts";
import { present } from "../../kernel/assert.ts";
import type { Frame } from "../../kernel/frame.ts";
import { HASH_NONE } from "../../kernel/hash.ts";
import { filesOf } from "./installation-files.ts";
import { loadScenarios } from "./scenario-file.ts";
import { SharedCore } from "./shared-core.ts";

const { manifest } = filesOf(present(loadScenarios()[0], "a scenario"));
const planned = createGridCore(manifest, "port");

const frameAt = (plantTimeMs: number): Frame => ({
  grid: "port",
  epoch: 1,
  sequence: 1,
  previousHash: HASH_NONE,
  plantTimeMs,
  wallTimeMs: 0,
  isFirstOfEpoch: true,
  points: [],
  connections: [],
  fates: [],
  requests: [],
  messages: [],
  facts: [],
  leadership: null,
});

it("takes the steps of an earlier run until the two part, and computes its own from there", () => {
  const earlier = new SharedCore(planned, null, () => {});
  const first = earlier.step(earlier.initial(), frameAt(100));
  const like = new SharedCore(planned, earlier, () => {});
  expect(like.step(like.initial(), frameAt(100))).toBe(first);
  const other = new SharedCore(planned, earlier, () => {});
  other.part();
  expect(other.step(other.initial(), frameAt(200)).state.plantTimeMs).toBe(200);
});
