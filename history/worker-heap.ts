const COLLECT_EVERY_MS = 20_000;

/**
 * Collects this worker's garbage at fixed times. V8 waits until a heap has grown by several megabytes: in a thread that makes little
 * garbage that takes minutes, in each thread other ones, and a daemon then holds some ten megabytes that nobody needs, and seems to leak.
 * Not for the control thread. Without `--expose-gc` (tests) nothing is done.
 */
export function keepWorkerHeapSmall(): void {
  const collect = globalThis.gc;
  if (collect !== undefined) setInterval(() => collect(), COLLECT_EVERY_MS).unref();
}
