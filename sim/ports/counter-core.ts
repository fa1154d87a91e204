import type { GridCore } from "../../kernel/core.ts";
import { NO_OUTPUTS } from "../../kernel/core.ts";
import { commandId } from "../../kernel/command.ts";

/** The smallest core that shows whether anything was forgotten: it counts frames and sums what the frames bring. */
export interface CounterState {
  readonly frameCount: number;
  readonly requestCount: number;
  readonly lastValue: number;
}

/** A core for tests of the control loop: levels that follow the count, a command to the first device and a reply for each request. */
export function createCounterCore(devices: readonly string[]): GridCore<CounterState> {
  const [device = ""] = devices;
  return {
    coreVersion: "counter-1",
    manifestHash: "counter",
    initial: () => ({ frameCount: 0, requestCount: 0, lastValue: 0 }),
    step(state, frame) {
      const value = frame.points.at(-1)?.[1];
      const next: CounterState = {
        frameCount: state.frameCount + 1,
        requestCount: state.requestCount + frame.requests.length,
        lastValue: typeof value === "number" ? value : state.lastValue,
      };
      return {
        state: next,
        outputs: {
          ...NO_OUTPUTS,
          levels: devices.map((device) => ({ device, point: "level", value: next.frameCount })),
          commands: frame.requests.map((request, index) => ({
            id: commandId(frame.epoch, frame.sequence, index),
            device,
            command: request.command,
            expiresAtPlantMs: frame.plantTimeMs + 2000,
            reason: `asked by ${request.user}`,
          })),
          replies: frame.requests.map((request) => ({
            requestId: request.requestId,
            isAccepted: true,
            reason: "counted",
          })),
        },
      };
    },
  };
}
