/**
 * Aborted with `signal`, or after so many seconds.
 *
 * `AbortSignal.any` over `AbortSignal.timeout` does not do: nothing holds the timeout, and once it was collected it never comes.
 */
export function endSignal(signal: AbortSignal, afterS: number | undefined): AbortSignal {
  if (afterS === undefined) return signal;
  const controller = new AbortController();
  const end = (): void => {
    clearTimeout(timer);
    controller.abort();
  };
  const timer = setTimeout(end, afterS * 1000);
  if (signal.aborted) end();
  else signal.addEventListener("abort", end, { once: true });
  return controller.signal;
}
