import { describe, expect, it } from "vitest";
import type { GridCore } from "../../kernel/core.ts";
import type { Frame } from "../../kernel/frame.ts";
import { SharedSteps } from "./shared-steps.ts";

const frame = (sequence: number) => ({ epoch: 1, sequence, previousHash: "p" }) as Frame;

function bench() {
  let stepCount = 0;
  const core = {
    step: (state: unknown) => {
      stepCount++;
      return { state: { value: (state as { value: number }).value + 1 }, outputs: {} };
    },
  } as unknown as GridCore<unknown>;
  return { shared: new SharedSteps(core), count: () => stepCount };
}

const show = (state: unknown) => JSON.stringify(state);

describe("steps that replicas share", () => {
  it("are computed once for those who stand at the very same state", () => {
    const { shared, count } = bench();
    const state = { value: 1 };
    const first = shared.step(state, frame(2), false, show);
    expect(shared.step(state, frame(2), false, show)).toBe(first);
    expect(count()).toBe(1);
  });

  it("are computed by each where the frame is compared, and shared again where the states are equal", () => {
    const { shared, count } = bench();
    const state = { value: 1 };
    const first = shared.step(state, frame(2), true, show);
    expect(shared.step(state, frame(2), true, show)).toBe(first);
    expect(count()).toBe(2);
  });

  it("are shared again by one that was restored to an equal state", () => {
    const { shared } = bench();
    const first = shared.step({ value: 1 }, frame(2), false, show);
    expect(shared.step({ value: 1 }, frame(2), false, show)).toBe(first);
  });

  it("are not shared by one whose state is another", () => {
    const { shared, count } = bench();
    shared.step({ value: 1 }, frame(2), false, show);
    expect(shared.step({ value: 7 }, frame(2), false, show).state).toEqual({ value: 8 });
    expect(count()).toBe(2);
  });
});
