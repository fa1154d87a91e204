import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { linesOf, unitOfPoint, type Lines } from "../data/history.ts";
import type { PointHistory } from "../data/messages.ts";
import { request } from "../data/node-link.ts";
import { paths } from "../data/paths.ts";
import { Chart } from "./chart.tsx";

const SPAN_MS = 15 * 60_000;
const EVERY_MS = 2000;
/** One for each second and some: with fewer the node answers with minutes. */
const SAMPLES_MAX = 1000;

/** The last quarter of an hour of one point, followed live. */
export function SmallTrend({
  grid,
  point,
  unit,
}: {
  grid: string;
  point: string;
  unit: string;
}): JSX.Element {
  const [lines, setLines] = useState<Lines | null>(null);
  const [failure, setFailure] = useState("");
  useEffect(() => {
    let isGone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const askOnce = async (): Promise<void> => {
      const toMs = Date.now();
      const query = {
        grid,
        points: [point],
        fromMs: toMs - SPAN_MS,
        toMs,
        samplesMax: SAMPLES_MAX,
      };
      try {
        const { histories } = await request<{ histories: readonly PointHistory[] }>(
          paths.history(query),
        );
        if (isGone) return;
        setLines(linesOf(histories, unitOfPoint));
        setFailure("");
      } catch (error) {
        if (!isGone) setFailure(error instanceof Error ? error.message : String(error));
      }
      if (!isGone) timer = setTimeout(() => void askOnce(), EVERY_MS);
    };
    void askOnce();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [grid, point]);
  if (failure !== "") return <p class="quiet">No history: {failure}</p>;
  if (lines === null) return <p class="quiet">Asking for the history …</p>;
  if (lines.times.length === 0) return <p class="quiet">The history has nothing of it yet.</p>;
  return (
    <Chart
      times={lines.times}
      lines={lines.lines}
      height={190}
      hasLegend={false}
      label={`Trend of ${point} in ${unit}`}
    />
  );
}
