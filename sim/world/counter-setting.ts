import type { SeededRandom } from "../ports/seeded-random.ts";
import type { CounterState } from "../ports/counter-core.ts";
import { createCounterCore } from "../ports/counter-core.ts";
import type { Scenario } from "./scenario.ts";
import type { FieldDevice } from "./field.ts";
import type { Setting } from "./world.ts";

const GRID = "port";

/** One grid with a counter as core: a device that takes an epoch, and a plain one, each told the count in every scan. */
export function counterSetting(scenario: Scenario, random: SeededRandom): Setting {
  const device = (id: string, isEpochChecked: boolean, hasOneMaster: boolean): FieldDevice => ({
    id,
    isEpochChecked,
    hasOneMaster,
    isCritical: true,
    watchdogMs: null,
    read: () => [["value", Math.floor(random.next() * 4)]],
    write: () => true,
    setFallback: () => {},
  });
  return {
    grids: [
      {
        grid: GRID,
        permitKey: "permit.counter",
        order: scenario.nodes,
        timings: scenario.timings,
        failback: scenario.failback,
        core: createCounterCore(["checked", "plain"]),
        devices: [
          { id: "checked", isOwn: true },
          { id: "plain", isOwn: true },
        ],
        phaseMs: 0,
        comparedEvery: 1,
        digest: (state) => {
          const { frameCount, requestCount, lastValue } = state as CounterState;
          return `${frameCount},${requestCount},${lastValue}`;
        },
      },
    ],
    devices: [device("checked", true, scenario.hasOneMaster), device("plain", false, false)],
    writtenWithinMs: (scanMs) => 2 * scanMs,
    advance: null,
    disturb: null,
    request: (_random, requestId) => ({
      grid: GRID,
      requestId,
      role: "operator",
      user: "test",
      actor: `grids/${GRID}/devices/plain`,
      command: "start",
      arguments: {},
    }),
  };
}
