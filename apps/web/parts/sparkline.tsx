import type { JSX } from "preact";
import { Recent } from "../data/recent.ts";
import { fixed } from "./format.ts";
import { useSize } from "./use-size.ts";

interface SparklineProps {
  readonly label: string;
  readonly ring: Recent;
  readonly unit: string;
  readonly digits: number;
  /** The least that the picture spans, so that noise stays small. */
  readonly spanMin: number;
}

const HEIGHT = 44;
const SPAN_MS = Recent.stepMs * Recent.countMax;

/** The last five minutes of one figure, with its least and greatest value. */
export function Sparkline({ label, ring, unit, digits, spanMin }: SparklineProps): JSX.Element {
  const [ref, { width }] = useSize();
  const { times, values } = ring;
  const min = Math.min(...values);
  const max = Math.max(...values);
  const middle = (min + max) / 2;
  const span = Math.max(max - min, spanMin);
  const endMs = times.at(-1) ?? 0;
  const x = (timeMs: number): number => width - ((endMs - timeMs) / SPAN_MS) * width;
  const y = (value: number): number => HEIGHT - 4 - ((value - middle) / span + 0.5) * (HEIGHT - 8);
  const path = values
    .map(
      (value, index) =>
        `${index === 0 ? "M" : "L"}${x(times[index] ?? 0).toFixed(1)} ${y(value).toFixed(1)}`,
    )
    .join("");
  const text = `${label}: ${fixed(min, digits)} to ${fixed(max, digits)} ${unit}`;
  return (
    <figure class="sparkline">
      <div ref={ref}>
        <svg width={width} height={HEIGHT} role="img" aria-label={text}>
          <path d={path} />
        </svg>
      </div>
      <figcaption>
        <span>{label}</span>
        <span>
          {fixed(min, digits)} … {fixed(max, digits)} {unit}
        </span>
      </figcaption>
    </figure>
  );
}
