import { useEffect, useState } from "preact/hooks";

/** This computer's clock, ms, anew every `everyMs`. */
export function useClock(everyMs: number): number {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}
