import { createSeededRandom } from "../../../sim/ports/seeded-random.ts";

/**
 * The published rule of OpenEMS's Modbus bridge (edge.bridge.modbus, as of its readme and worker), re-enacted, not OpenEMS itself: each cycle
 * of a second all tasks of a device are read in turn; after a failure the device is left alone for two seconds times the failures in a row, at most
 * 300 s; when that is over one task, drawn at random, is tried, and its success ends the pause.
 */
export function openemsShare(goodCount: number, illegalCount: number, seed: number): number {
  const random = createSeededRandom(seed);
  const taskCount = goodCount + illegalCount;
  const cycleCount = 3600;
  let readCount = 0;
  let failureCount = 0;
  let pausedUntil = 0;
  for (let cycle = 0; cycle < cycleCount; cycle++) {
    if (cycle < pausedUntil) continue;
    const isTrial = failureCount > 0;
    const tasks = isTrial
      ? [Math.floor(random.next() * taskCount)]
      : Array.from({ length: taskCount }, (_, i) => i);
    for (const task of tasks) {
      // The illegal ones come last.
      if (task < goodCount) {
        readCount++;
        failureCount = 0;
        continue;
      }
      failureCount++;
      pausedUntil = cycle + 1 + Math.min(2 * failureCount, 300);
      break;
    }
  }
  return (100 * readCount) / (cycleCount * goodCount);
}
