import type { OperatorClient } from "../operator-client.ts";
import {
  QUALITY_TEXTS,
  queryPoints,
  RESOLUTIONS,
  type HistoryMessage,
  type ResolutionName,
} from "./history-client.ts";

export const STATISTICS = ["min", "mean", "max"] as const;
export type Statistic = (typeof STATISTICS)[number];

export interface PointsExport {
  readonly grid: string;
  readonly points: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly resolution: Exclude<ResolutionName, "auto">;
  readonly statistics: readonly Statistic[];
}

const STEPS_MS = { "1s": 1000, "1m": 60_000, "15m": 900_000 } as const;
/** Values in one answer. */
const VALUES_PER_ANSWER = 60_000;

/**
 * Gives points as lines of CSV (RFC 4180), the header first. Roll-ups: one line per time with a column per point; changes: one line per
 * change. What is not known is empty.
 * @param onProgress - Share that is done, 0 to 1.
 */
export async function* pointsCsv(
  client: OperatorClient,
  wanted: PointsExport,
  onProgress: (share: number) => void,
): AsyncGenerator<string> {
  if (wanted.resolution === "raw") yield* changesCsv(client, wanted, onProgress);
  else yield* bucketsCsv(client, wanted, STEPS_MS[wanted.resolution], onProgress);
}

async function* bucketsCsv(
  client: OperatorClient,
  { grid, points, fromMs, toMs, resolution, statistics }: PointsExport,
  stepMs: number,
  onProgress: (share: number) => void,
): AsyncGenerator<string> {
  const isPlain = statistics.length === 1;
  const columns = points.flatMap((point) =>
    statistics.map((statistic) => (isPlain ? point : `${point}.${statistic}`)),
  );
  yield csvLine(["time", ...columns]);
  const samplesMax = Math.max(1, Math.floor(VALUES_PER_ANSWER / points.length));
  const startMs = Math.floor(fromMs / stepMs) * stepMs;
  for (let at = startMs; at < toMs; at += samplesMax * stepMs) {
    const end = Math.min(toMs, at + samplesMax * stepMs);
    const request = { grid, points: [...points], fromMs: at, toMs: end, samplesMax };
    const answer = await queryPoints(client, { ...request, resolution: RESOLUTIONS[resolution] });
    const count = Math.max(0, ...answer.histories.map((history) => history.mean?.length ?? 0));
    for (let n = 0; n < count; n++) {
      const values = answer.histories.flatMap((history) =>
        statistics.map((statistic) => numberCell(history[statistic]?.[n])),
      );
      if (values.some((value) => value !== ""))
        yield csvLine([timeCell(at + n * stepMs), ...values]);
    }
    onProgress((end - startMs) / (toMs - startMs));
  }
}

async function* changesCsv(
  client: OperatorClient,
  { grid, points, fromMs, toMs }: PointsExport,
  onProgress: (share: number) => void,
): AsyncGenerator<string> {
  yield csvLine(["time", "point", "value", "quality"]);
  let doneCount = 0;
  for (const point of points) {
    for (let at = fromMs; at < toMs;) {
      const request = { grid, points: [point], fromMs: at, toMs, samplesMax: VALUES_PER_ANSWER };
      const answer = await queryPoints(client, { ...request, resolution: RESOLUTIONS.raw });
      const [history] = answer.histories;
      if (history !== undefined) yield* changesOf(point, history);
      const next = history?.nextFromMs ?? 0;
      if (next <= at) break;
      at = next;
      onProgress((doneCount + (at - fromMs) / (toMs - fromMs)) / points.length);
    }
    onProgress(++doneCount / points.length);
  }
}

function* changesOf(point: string, history: HistoryMessage): Generator<string> {
  for (const [n, timeMs] of (history.timesMs ?? []).entries()) {
    const value = history.labels?.[n] ?? numberCell(history.values?.[n]);
    yield csvLine([
      timeCell(timeMs),
      point,
      value,
      QUALITY_TEXTS[history.qualities?.[n] ?? 0] ?? "",
    ]);
  }
}

/** A line of CSV; cells with a comma, quote or line break are quoted. */
export function csvLine(cells: readonly string[]): string {
  return cells
    .map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(",");
}

export function timeCell(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function numberCell(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value)
    ? ""
    : String(Number(value.toPrecision(12)));
}
