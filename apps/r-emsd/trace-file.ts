import { openSync, writeSync } from "node:fs";
import { RemsError } from "../../kernel/errors.ts";
import type { LoopStep } from "../../scan/loop-trace.ts";

/** Notes a step of a grid's loop. `nowMs` is this process's monotonic time. */
export type Trace = (nowMs: number, grid: string, step: LoopStep) => void;

/**
 * Opens a file for one JSON line per step, `{node, grid, atMs, step, ...}`, with times of the machine's monotonic clock. Each line is
 * written at once, so that a kill loses none; that costs the control thread some ten microseconds, which is why it is for measuring only.
 *
 * @throws {@link RemsError} `REMS_DIRECTORY_UNWRITABLE`.
 */
export function openTrace(path: string, node: string): Trace {
  const fd = open(path);
  const originMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  const machineMs = (ms: number) => Math.round((ms + originMs) * 1000) / 1000;
  return (nowMs, grid, step) => {
    const times =
      step.step === "takeoverSent"
        ? {
            heardAtMs: step.heardAtMs === null ? null : machineMs(step.heardAtMs),
            promiseUntilMs: step.promiseUntilMs === null ? null : machineMs(step.promiseUntilMs),
          }
        : {};
    const line = { node, grid, atMs: machineMs(nowMs), ...step, ...times };
    try {
      writeSync(fd, `${JSON.stringify(line)}\n`);
    } catch {
      return; // a full disk is the journal's matter to tell; whoever measures finds the line missing
    }
  };
}

function open(path: string): number {
  try {
    return openSync(path, "a");
  } catch (cause) {
    throw new RemsError("REMS_DIRECTORY_UNWRITABLE", `--trace ${path} cannot be written`, {
      cause,
    });
  }
}
