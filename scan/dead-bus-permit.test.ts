import { describe, expect, it } from "vitest";
import { present } from "../kernel/assert.ts";
import { createMemoryCoordinator } from "../sim/ports/memory-coordinator.ts";
import { createVirtualClock } from "../sim/ports/virtual-clock.ts";
import { createDeadBusPermit, PERMIT_MS } from "./dead-bus-permit.ts";

const SCAN_MS = 100;

/** Leaders of some grids, each asking for the permit in every scan as its core would. */
function rig(grids: readonly string[]) {
  const clock = createVirtualClock();
  const store = createMemoryCoordinator({ clock });
  const leaders = new Map(
    grids.map((grid, index) => {
      const told = { untilMs: 0, text: "" };
      const permit = createDeadBusPermit({
        key: "permit.port",
        grid: grid.split("/")[0] ?? grid,
        self: { node: `n${index}`, incarnation: String(index).repeat(32) },
        clock,
        coordinator: store.client(grid),
        callMs: 500,
        clockDivergenceMs: 5,
        tell: (untilMs, text) => Object.assign(told, { untilMs, text }),
      });
      return [grid, { permit, told, isWanted: false, isLeading: true }];
    }),
  );
  let most = 0;
  const of = (grid: string) => present(leaders.get(grid), grid);
  const holders = () =>
    [...leaders].filter(([, { told }]) => told.untilMs > clock.monotonicMs()).map(([grid]) => grid);
  return {
    store,
    of,
    holders,
    most: () => most,
    run: (ms: number) => {
      for (let passed = 0; passed < ms; passed += SCAN_MS) {
        for (const leader of leaders.values()) {
          if (leader.isLeading) leader.permit.want(leader.isWanted);
        }
        clock.advanceTo(clock.monotonicMs() + SCAN_MS);
        most = Math.max(most, new Set(holders().map((grid) => grid.split("/")[0])).size);
      }
    },
  };
}

describe("the permit to close onto a dead busbar", () => {
  it("is held by one of two that ask at once, and by the other after a release", () => {
    const { of, run, holders, most } = rig(["port", "starboard"]);
    of("port").isWanted = of("starboard").isWanted = true;
    run(1000);
    expect(holders()).toHaveLength(1);
    const [first = ""] = holders();
    const second = first === "port" ? "starboard" : "port";
    expect(of(second).told.text).toBe(`${first} holds it`);
    of(first).isWanted = false;
    run(1500);
    expect(holders()).toEqual([second]);
    expect(most()).toBe(1);
  });

  it("is renewed for as long as it is wanted", () => {
    const { of, run, holders } = rig(["port", "starboard"]);
    of("port").isWanted = true;
    run(1000);
    of("starboard").isWanted = true;
    run(5 * PERMIT_MS);
    expect(holders()).toEqual(["port"]);
  });

  it("of a leader that fell silent goes to another grid only after its time and a tenth", () => {
    const { of, run, holders, most } = rig(["port", "starboard"]);
    of("port").isWanted = true;
    run(1000);
    of("port").isLeading = false;
    of("starboard").isWanted = true;
    run(PERMIT_MS);
    expect(holders()).not.toContain("starboard");
    run(PERMIT_MS * 0.3);
    expect(holders()).toEqual(["starboard"]);
    expect(most()).toBe(1);
  });

  it("passes at once to the successor in the same grid", () => {
    const { of, run, holders } = rig(["port/a", "port/b", "starboard"]);
    of("port/a").isWanted = true;
    run(1000);
    of("port/a").isLeading = false;
    of("port/b").isWanted = of("starboard").isWanted = true;
    run(500);
    expect(holders()).toContain("port/b");
    expect(holders()).not.toContain("starboard");
  });

  it("is not granted without the coordinator, and nobody is told otherwise", () => {
    const { store, of, run, holders } = rig(["port"]);
    store.setOutage(true);
    of("port").isWanted = true;
    run(3000);
    expect(holders()).toEqual([]);
    expect(of("port").told.text).toContain("no answer");
    store.setOutage(false);
    run(2000);
    expect(holders()).toEqual(["port"]);
  });

  it("is never held twice where answers are lost", () => {
    const { store, of, run, holders, most } = rig(["port", "starboard"]);
    for (let round = 0; round < 40; round++) {
      of("port").isWanted = round % 3 !== 0;
      of("starboard").isWanted = round % 4 !== 0;
      store.setFaults("port", { isAnswerLost: round % 2 === 0 });
      store.setFaults("starboard", { isAnswerLost: round % 5 === 0, requestDelayMs: round * 7 });
      run(1700);
    }
    expect(most()).toBe(1);
    expect(holders().length).toBeLessThanOrEqual(1);
  });
});
