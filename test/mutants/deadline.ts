/**
 * Calls `act` once this process has run for so many seconds; while it is stopped nothing counts, so that a machine that was needed for something else
 * makes no run late.
 * @returns what ends the wait.
 */
export function afterRunningFor(seconds: number, act: () => void): () => void {
  let count = 0;
  const timer = setInterval(() => {
    if (++count < seconds) return;
    clearInterval(timer);
    act();
  }, 1000);
  return () => clearInterval(timer);
}
