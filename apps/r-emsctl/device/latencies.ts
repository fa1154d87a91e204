export interface LatencyFigures {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

/** Order statistics of what was measured, ms to a tenth; null of nothing. */
export function latencyFigures(latenciesMs: readonly number[]): LatencyFigures | null {
  if (latenciesMs.length === 0) return null;
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  const at = (share: number): number => {
    const index = Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1);
    return Math.round((sorted[Math.max(0, index)] ?? 0) * 10) / 10;
  };
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1) };
}

export function latencyText(figures: LatencyFigures | null): string {
  if (figures === null) return "no answers";
  const { count, p50Ms, p95Ms, maxMs } = figures;
  return `${count} answers, median ${p50Ms} ms, 95 % within ${p95Ms} ms, longest ${maxMs} ms`;
}
