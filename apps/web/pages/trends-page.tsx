import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { linesOf, unitOfPoint, type Lines } from "../data/history.ts";
import type { PointHistory, Series } from "../data/messages.ts";
import { request } from "../data/node-link.ts";
import { paths } from "../data/paths.ts";
import { devices, status } from "../data/store.ts";
import { Chart } from "../parts/chart.tsx";
import { dateUtc, span } from "../parts/format.ts";
import { NodeStart } from "../parts/node-start.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { go, route } from "../shell/route.ts";
import { csvOf, saveText } from "./trends/export-csv.ts";
import { PointPicker } from "./trends/point-picker.tsx";
import "./trends/trends.css";

const SPANS: readonly (readonly [string, number])[] = [
  ["5 min", 300_000],
  ["15 min", 900_000],
  ["1 h", 3_600_000],
  ["8 h", 8 * 3_600_000],
  ["1 d", 86_400_000],
  ["7 d", 7 * 86_400_000],
];
const SHIFTS: readonly (readonly [string, number])[] = [
  ["nothing", 0],
  ["an hour before", 3_600_000],
  ["a day before", 86_400_000],
  ["a week before", 7 * 86_400_000],
];
const SAMPLES_MAX = 1200;
const FOLLOW_MS = 2000;
const POINT_COUNT_MAX = 12;
const USUAL_COUNT_MAX = 8;
const SOURCES = new Set(["genset", "battery", "shore", "pv"]);

/** A range that was zoomed to; null follows the present. */
interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** By its name: what becomes of the length, and by how much of it the middle moves. */
const MOVES: readonly (readonly [string, scale: number, shift: number])[] = [
  ["Earlier", 1, -0.5],
  ["Later", 1, 0.5],
  ["Zoom in", 0.5, 0],
  ["Zoom out", 2, 0],
];
const RANGE_MS_MIN = 5000;

/** What dragging does, without it. Nothing lies beyond the present: it is followed from there. */
function movedRange(
  zoom: Range | null,
  spanMs: number,
  scale: number,
  shift: number,
): Range | null {
  const nowMs = Date.now();
  const { fromMs, toMs } = zoom ?? { fromMs: nowMs - spanMs, toMs: nowMs };
  const lengthMs = Math.max(RANGE_MS_MIN, (toMs - fromMs) * scale);
  const movedMs = shift * (toMs - fromMs);
  // Where the present is followed, it stays in sight.
  const endOfZoomMs = zoom === null ? toMs : (fromMs + toMs + lengthMs) / 2;
  const endMs = Math.min(nowMs, endOfZoomMs + movedMs);
  const isPresent = zoom !== null && shift > 0 && endMs === nowMs;
  return isPresent ? null : { fromMs: endMs - lengthMs, toMs: endMs };
}

export default function TrendsPage(): JSX.Element {
  const series = useAnswer<{ series: readonly Series[] }>(paths.series);
  const [spanMs, setSpanMs] = useState(900_000);
  const [zoom, setZoom] = useState<Range | null>(null);
  const [shiftMs, setShiftMs] = useState(0);
  if (status.value === null) return <NodeStart />;
  const all = series.value?.series ?? [];
  const given = route.value.query.get("points");
  const points = given === null ? usual(all) : given.split(",").filter(Boolean);
  const choose = (next: readonly string[]): void =>
    go(`/trends?points=${next.slice(0, POINT_COUNT_MAX).map(encodeURIComponent).join(",")}`);
  return (
    <>
      <div class="page-head">
        <h1>Trends</h1>
        <p>
          {zoom === null
            ? "follows the present"
            : `${dateUtc(zoom.fromMs)} to ${dateUtc(zoom.toMs)} UTC`}
        </p>
      </div>
      <div class="trends">
        <PointPicker series={all} failure={series.failure} chosen={points} onChange={choose} />
        <div class="stack">
          <div class="toolbar">
            <fieldset class="segments">
              <legend class="hidden">Length of time</legend>
              {SPANS.map(([text, ms]) => (
                <button
                  key={text}
                  type="button"
                  aria-pressed={zoom === null && ms === spanMs}
                  onClick={() => {
                    setZoom(null);
                    setSpanMs(ms);
                  }}
                >
                  {text}
                </button>
              ))}
            </fieldset>
            <label class="field">
              Compare with
              <select onChange={(event) => setShiftMs(Number(event.currentTarget.value))}>
                {SHIFTS.map(([text, ms]) => (
                  <option key={text} value={ms} selected={ms === shiftMs}>
                    {text}
                  </option>
                ))}
              </select>
            </label>
            <fieldset class="segments">
              <legend class="hidden">Move in time</legend>
              {MOVES.map(([text, scale, shift]) => (
                <button
                  key={text}
                  type="button"
                  onClick={() => setZoom(movedRange(zoom, spanMs, scale, shift))}
                >
                  {text}
                </button>
              ))}
            </fieldset>
            <button
              type="button"
              aria-label="Back to the present"
              disabled={zoom === null}
              onClick={() => setZoom(null)}
            >
              Now
            </button>
          </div>
          <TrendChart
            all={all}
            points={points}
            spanMs={spanMs}
            zoom={zoom}
            shiftMs={shiftMs}
            onZoom={(fromMs, toMs) => setZoom({ fromMs, toMs })}
          />
        </div>
      </div>
    </>
  );
}

/** Where nothing was chosen: the power of every source. */
function usual(all: readonly Series[]): string[] {
  const known = new Set(all.map(({ point }) => point));
  return devices.value
    .filter(({ kind }) => SOURCES.has(kind))
    .map(({ device }) => `${device}.activePowerKw`)
    .filter((point) => known.has(point))
    .slice(0, USUAL_COUNT_MAX);
}

interface TrendChartProps {
  readonly all: readonly Series[];
  readonly points: readonly string[];
  readonly spanMs: number;
  readonly zoom: Range | null;
  readonly shiftMs: number;
  readonly onZoom: (fromMs: number, toMs: number) => void;
}

function TrendChart({ all, points, spanMs, zoom, shiftMs, onZoom }: TrendChartProps): JSX.Element {
  const [lines, setLines] = useState<Lines | null>(null);
  const [failure, setFailure] = useState("");
  const key = points.join(",");
  const isKnown = all.length > 0;
  useEffect(() => {
    if (!isKnown || points.length === 0) {
      setLines(null);
      return undefined;
    }
    let isGone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const askOnce = async (): Promise<void> => {
      const toMs = zoom?.toMs ?? Date.now();
      const fromMs = zoom?.fromMs ?? toMs - spanMs;
      try {
        const histories = await fetchHistories(all, points, fromMs, toMs, shiftMs);
        if (isGone) return;
        setLines(linesOf(histories, (point) => unitOfPoint(point.split(" ")[0] ?? "")));
        setFailure("");
      } catch (error) {
        if (!isGone) setFailure(error instanceof Error ? error.message : String(error));
      }
      if (!isGone && zoom === null)
        timer = setTimeout(() => void askOnce(), Math.max(FOLLOW_MS, spanMs / 400));
    };
    void askOnce();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [key, spanMs, zoom, shiftMs, isKnown]);
  return (
    <section class="panel">
      {failure === "" ? null : <p class="failure">{failure}</p>}
      {points.length === 0 ? <p class="quiet">Pick points on the left.</p> : null}
      {lines === null || lines.times.length === 0 ? (
        <p class="quiet">
          {points.length === 0 || failure !== ""
            ? ""
            : lines === null
              ? "Asking for the history …"
              : "The history has nothing of this time yet."}
        </p>
      ) : (
        <>
          <Chart
            times={lines.times}
            lines={lines.lines}
            height={440}
            hasLegend
            label={`Trend of ${points.join(", ")}`}
            onZoom={(from, to) => onZoom(from * 1000, to * 1000)}
          />
          <div class="toolbar">
            <p class="quiet grow">
              Drag across the picture to zoom in. Bands show the least and the greatest of each step
              {zoom === null ? "" : `; ${span(zoom.toMs - zoom.fromMs)} are shown`}.
            </p>
            <button type="button" onClick={() => saveText("trend.csv", csvOf(lines))}>
              Export CSV
            </button>
          </div>
        </>
      )}
    </section>
  );
}

/** Points of several grids, and the same again from an earlier time moved onto this one. */
async function fetchHistories(
  all: readonly Series[],
  points: readonly string[],
  fromMs: number,
  toMs: number,
  shiftMs: number,
): Promise<PointHistory[]> {
  const asked = [...new Set(all.map(({ grid }) => grid))].flatMap((grid) => {
    const own = points.filter((point) =>
      all.some((one) => one.grid === grid && one.point === point),
    );
    return own.length === 0 ? [] : [[grid, own] as const];
  });
  const ask = async (backMs: number): Promise<PointHistory[]> => {
    const answers = await Promise.all(
      asked.map(([grid, of]) =>
        request<{ histories: readonly PointHistory[] }>(
          paths.history({
            grid,
            points: of,
            fromMs: fromMs - backMs,
            toMs: toMs - backMs,
            samplesMax: SAMPLES_MAX,
          }),
        ),
      ),
    );
    return answers.flatMap(({ histories }) => histories.map((history) => moved(history, backMs)));
  };
  const now = await ask(0);
  return shiftMs === 0 ? now : [...now, ...(await ask(shiftMs))];
}

function moved(history: PointHistory, byMs: number): PointHistory {
  if (byMs === 0 || history.series === undefined) return history;
  return {
    ...history,
    series: { ...history.series, point: `${history.series.point} (${span(byMs)} before)` },
    startMs: history.startMs + byMs,
    timesMs: history.timesMs.map((timeMs) => (timeMs ?? 0) + byMs),
  };
}
