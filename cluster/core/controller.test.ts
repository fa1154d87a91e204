import { describe, expect, it } from "vitest";
import { encodeCanonical } from "../../kernel/canonical.ts";
import { describe as describeController, roleOf } from "./queries.ts";
import { C, pairLeader, soloLeader, standby } from "./test-controllers.ts";

describe("one controller", () => {
  it("a clock that jumped ends the incarnation", () => {
    const bench = pairLeader().feed({ type: "clock.jumped", reason: "suspended" });
    expect(bench.find("stopLeading")).toBeDefined();
    expect(bench.find("restart")).toBeDefined();
    expect(bench.authority()).toBe(Number.NEGATIVE_INFINITY);
  });

  it("a leader that hears a higher epoch stops at once", () => {
    const bench = pairLeader().heartbeat(C, 2, 9);
    expect(bench.find("stopLeading")).toBeDefined();
    expect(roleOf(bench.state)).toBe("joining");
  });

  it.each([standby, soloLeader, pairLeader])("describes itself as canonical data (%o)", (make) => {
    const bench = make();
    expect(() => encodeCanonical(describeController(bench.state, bench.nowMs))).not.toThrow();
  });
});
