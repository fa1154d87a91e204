/** Resident memory of one process at one time. */
export interface MemorySample {
  readonly atMs: number;
  readonly residentMb: number;
  /** A process that was started again has another one. */
  readonly pid: number;
}

export interface MemoryTrend {
  readonly residentMbMax: number;
  /** Megabytes a minute by least squares; null where the life was too short to tell. */
  readonly slopeMbPerMin: number | null;
  /** How long the life was that was judged. */
  readonly lifeMs: number;
}

/** A process takes its memory in its first minutes; only what comes after is a leak. */
const WARM_UP_MS = 180_000;
const SAMPLE_COUNT_MIN = 8;
const SPAN_MS_MIN = 90_000;

/** The trend over the longest life among the samples, without its first three minutes. */
export function memoryTrend(samples: readonly MemorySample[]): MemoryTrend {
  const lives = new Map<number, MemorySample[]>();
  for (const sample of samples) {
    const life = lives.get(sample.pid) ?? [];
    life.push(sample);
    lives.set(sample.pid, life);
  }
  const lengthOf = (life: readonly MemorySample[]) =>
    (life.at(-1)?.atMs ?? 0) - (life[0]?.atMs ?? 0);
  const longest = [...lives.values()].sort((a, b) => lengthOf(b) - lengthOf(a))[0] ?? [];
  const bornMs = longest[0]?.atMs ?? 0;
  const late = longest.filter(({ atMs }) => atMs - bornMs >= WARM_UP_MS);
  return {
    residentMbMax: samples.reduce((max, { residentMb }) => Math.max(max, residentMb), 0),
    slopeMbPerMin:
      late.length < SAMPLE_COUNT_MIN || lengthOf(late) < SPAN_MS_MIN ? null : slopeOf(late),
    lifeMs: lengthOf(longest),
  };
}

/** Least squares, per minute. */
function slopeOf(samples: readonly MemorySample[]): number {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const minutes = samples.map(({ atMs }) => atMs / 60_000);
  const meanMin = mean(minutes);
  const meanMb = mean(samples.map(({ residentMb }) => residentMb));
  let covariance = 0;
  let variance = 0;
  for (const [index, { residentMb }] of samples.entries()) {
    const offsetMin = (minutes[index] ?? 0) - meanMin;
    covariance += offsetMin * (residentMb - meanMb);
    variance += offsetMin * offsetMin;
  }
  return variance === 0 ? 0 : covariance / variance;
}
