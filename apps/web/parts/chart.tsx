import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./chart.css";
import { theme } from "../shell/theme.ts";
import { fixed } from "./format.ts";
import { useSize } from "./use-size.ts";

export interface ChartLine {
  readonly label: string;
  readonly unit: string;
  /** At the times of the chart; null where nothing is known. */
  readonly values: readonly (number | null)[];
  /** Least and greatest within each step: drawn as a band. */
  readonly band?: {
    readonly min: readonly (number | null)[];
    readonly max: readonly (number | null)[];
  };
  readonly isStepped: boolean;
}

export interface ChartProps {
  /** Seconds since 1970, UTC. */
  readonly times: readonly number[];
  readonly lines: readonly ChartLine[];
  readonly height: number;
  readonly hasLegend: boolean;
  readonly label: string;
  /** Charts of one name share their cursor. */
  readonly sync?: string;
  /** A range was chosen by dragging, seconds. */
  readonly onZoom?: (from: number, to: number) => void;
}

/** Told apart in both themes and by the colour-blind; after Okabe and Ito, without the alarms' red and yellow. */
const STROKES = {
  light: ["#0b5a8f", "#a34a00", "#00705a", "#8a3a76", "#4a5560", "#3f6f00", "#5b49b0", "#7a5c00"],
  dark: ["#68b7ee", "#f2a65a", "#4fd0b0", "#e08bc4", "#b5c0c9", "#a5d65a", "#a99bf0", "#dcc069"],
} as const;

export const strokeOf = (index: number): string =>
  STROKES[theme.value][index % STROKES[theme.value].length] ?? "#888";

/** One axis for each unit, at most two; a third unit shares the first. */
export function Chart(props: ChartProps): JSX.Element {
  const [ref, { width }] = useSize();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shape = JSON.stringify(
    props.lines.map(({ label, unit, band }) => [label, unit, band !== undefined]),
  );
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    if (host.current === null || width === 0) return undefined;
    const made = new uPlot(optionsOf(latest, width), dataOf(latest.current), host.current);
    plot.current = made;
    return () => {
      plot.current = null;
      made.destroy();
    };
  }, [shape, width, theme.value, props.height]);
  useEffect(() => plot.current?.setData(dataOf(props)), [props.times, props.lines]);
  return (
    <div
      ref={ref}
      class="chart"
      role="img"
      aria-label={props.label}
      style={{ minHeight: `${props.height}px` }}
    >
      <div ref={host} />
    </div>
  );
}

/** How the axis of time is labelled, by the distance of its marks in seconds: 24 hours, the day where it changes. */
const TIME_LABELS: uPlot.Axis.Values = [
  [86_400, "{YYYY}-{MM}-{DD}", null, null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
];

function dataOf({ times, lines }: ChartProps): uPlot.AlignedData {
  const columns = lines.flatMap(({ values, band }) =>
    band === undefined ? [values] : [values, band.max, band.min],
  );
  return [[...times], ...columns.map((column) => [...column])];
}

/** The least that an axis spans, by unit: noise stays noise. */
const SPAN_MIN: Readonly<Record<string, number>> = { Hz: 0.5, V: 20, kW: 20, kvar: 20, "%": 10 };

const rangeOf =
  (unit: string): uPlot.Range.Function =>
  (_plot, min, max) => {
    const least = SPAN_MIN[unit] ?? 0;
    // Null where there is nothing to draw, whatever the type says.
    if (!Number.isFinite(min) || !Number.isFinite(max)) return [0, Math.max(1, least)];
    const [low, high] = spanned(min, max, least);
    return uPlot.rangeNum(low, high, 0.1, true);
  };

/** What is never negative is not drawn as if it could be. */
function spanned(min: number, max: number, least: number): readonly [low: number, high: number] {
  if (max - min >= least) return [min, max];
  const low = (min + max - least) / 2;
  return min >= 0 && low < 0 ? [0, least] : [low, low + least];
}

function optionsOf(latest: { readonly current: ChartProps }, width: number): uPlot.Options {
  const { lines, height, hasLegend, sync } = latest.current;
  const units = [...new Set(lines.map(({ unit }) => unit))];
  const scaleOf = (unit: string): string => `y${Math.min(units.indexOf(unit), 1)}`;
  const style = getComputedStyle(document.documentElement);
  const text = style.getPropertyValue("--text-quiet").trim();
  const grid = { stroke: style.getPropertyValue("--line").trim(), width: 1 };
  const font = `12px ${style.getPropertyValue("--font").trim()}`;
  const axis = { stroke: text, grid, ticks: grid, font };
  const timeAxis = { ...axis, values: TIME_LABELS, space: 70 };
  const series: uPlot.Series[] = [{ value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss} UTC" }];
  const bands: uPlot.Band[] = [];
  for (const [index, line] of lines.entries()) {
    const stroke = strokeOf(index);
    const scale = scaleOf(line.unit);
    const paths = line.isStepped ? { paths: uPlot.paths.stepped?.({ align: 1 }) } : {};
    series.push({
      label: line.label,
      scale,
      stroke,
      width: 1.8,
      spanGaps: false,
      points: { show: false },
      value: (_plot, value: number | null) => `${fixed(value, 2)} ${line.unit}`,
      ...(paths as Partial<uPlot.Series>),
    });
    if (line.band !== undefined) {
      const hidden = { scale, stroke: "transparent", width: 0, points: { show: false } };
      series.push({ ...hidden, label: "", class: "band" }, { ...hidden, label: "", class: "band" });
      bands.push({ series: [series.length - 2, series.length - 1], fill: `${stroke}33` });
    }
  }
  return {
    width,
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { show: hasLegend, live: true },
    cursor: {
      ...(sync === undefined ? {} : { sync: { key: sync } }),
      drag: { x: true, y: false, setScale: false },
    },
    scales: {
      x: { time: true },
      y0: { range: rangeOf(units[0] ?? "") },
      y1: { range: rangeOf(units[1] ?? "") },
    },
    axes: [
      timeAxis,
      { ...axis, scale: "y0", size: 58, label: units[0] ?? "", labelSize: 16, labelFont: font },
      ...(units.length > 1
        ? [
            {
              ...axis,
              scale: "y1",
              side: 1,
              size: 58,
              label: units.slice(1).join(", "),
              labelSize: 16,
              labelFont: font,
              grid: { show: false },
            },
          ]
        : []),
    ],
    series,
    bands,
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select;
          if (wide < 4) return;
          const from = plot.posToVal(left, "x");
          const to = plot.posToVal(left + wide, "x");
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onZoom?.(from, to);
        },
      ],
    },
  };
}
