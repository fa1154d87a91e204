import type { DestinationStream, TransportTargetOptions } from "pino";
import { pino } from "pino";

/**
 * Where log lines go: a worker thread with the targets. A disk that is full ends that thread; lines are then lost, never the process, and
 * the thread is tried again after a while, beginning with a line that says how many are missing.
 */
export function openLogDestination(
  targets: readonly TransportTargetOptions[],
  retryMs = 5000,
): DestinationStream {
  let stream: ReturnType<typeof pino.transport> | null = null;
  let retryAtMs = 0;
  let lostCount = 0;

  const open = () => {
    const opened = pino.transport({ targets: [...targets] });
    opened.on("error", () => {
      if (stream !== opened) return;
      stream = null;
      retryAtMs = performance.now() + retryMs;
    });
    stream = opened;
    return opened;
  };

  open();
  return {
    write(line) {
      if (stream === null && performance.now() < retryAtMs) {
        lostCount++;
        return;
      }
      const current = stream ?? open();
      if (lostCount > 0) {
        const time = new Date().toISOString();
        const text = { level: 40, time, module: "main", lostCount, msg: "log lines were lost" };
        current.write(`${JSON.stringify(text)}\n`);
        lostCount = 0;
      }
      current.write(line);
    },
  };
}
