import { describe, expect, it } from "vitest";
import type { Frame } from "../../kernel/frame.ts";
import { PermitReferee } from "./permit-referee.ts";

/** Time is the world's; a frame's plant time is the same here. */
function bench() {
  let nowMs = 0;
  const referee = new PermitReferee(() => nowMs);
  return {
    referee,
    at: (atMs: number) => void (nowMs = atMs),
    holder: (grid: string) => {
      const record = { order: grid === "" ? [] : [grid] } as never;
      referee.record({ record, atMs: nowMs });
    },
    frame: (grid: string, untilMs: number | null, epoch = 1) => {
      const facts = untilMs === null ? [] : [["deadBusPermit.untilMs", untilMs] as const];
      referee.frame({ grid, epoch, facts, plantTimeMs: nowMs } as unknown as Frame);
    },
    text: () => referee.violation?.text ?? null,
  };
}

describe("the referee of the permit to close onto a dead busbar", () => {
  it("finds two grids that believe at once that they hold it", () => {
    const { frame, at, text } = bench();
    frame("port", 8_000);
    at(7_800);
    frame("starboard", 15_800);
    expect(text()).toBe("starboard and port hold the permit at once");
  });

  it("finds nothing where one has let it go, or where it ran out on the slowest clock", () => {
    const { frame, at, referee, text } = bench();
    frame("port", 8_000);
    at(3_000);
    frame("port", 0);
    frame("starboard", 11_000);
    at(11_200);
    frame("port", 19_200);
    expect(text()).toBeNull();
    expect(referee.heldCount).toBe(3);
  });

  it("goes by the newest leadership, and by what it said last", () => {
    const { frame, at, text } = bench();
    frame("port", 8_000, 1);
    at(100);
    frame("port", 0, 2);
    at(200);
    frame("port", 8_000, 1);
    frame("starboard", 8_200);
    expect(text()).toBeNull();
    at(300);
    frame("starboard", null);
    frame("port", 8_300, 2);
    expect(text()).toBe("port and starboard hold the permit at once");
  });

  it("finds a source closed onto a dead busbar by whom the record does not name", () => {
    const { referee, frame, holder, text } = bench();
    holder("port");
    frame("port", 8_000);
    referee.deadClose("port", "dg1", 0);
    expect(text()).toBeNull();
    referee.deadClose("starboard", "dg3", 0);
    expect(text()).toBe("dg3 is closed onto a dead busbar, but port holds the permit");
  });

  it("finds one that is closed after the permit ran out", () => {
    const { referee, frame, holder, at, text } = bench();
    holder("port");
    frame("port", 8_000);
    at(8_200);
    referee.deadClose("port", "dg1", 8_200);
    expect(text()).toBe("dg1 is closed onto a dead busbar after port's permit ran out");
  });
});
