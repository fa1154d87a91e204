import type { JSX } from "preact";
import type { GridStatus } from "../../data/messages.ts";
import { SmallTrend } from "../../parts/small-trend.tsx";

/** Frequency and voltage as the busbar's meter, or the first source, has them. */
export function GridTrend({ grid }: { grid: GridStatus }): JSX.Element | null {
  const meter =
    grid.devices.find(({ kind }) => kind === "meter") ??
    grid.devices.find(({ kind }) => kind === "genset" || kind === "battery");
  if (meter === undefined) return null;
  return (
    <section class="panel">
      <h2>Frequency, last 15 minutes</h2>
      <SmallTrend grid={grid.grid} point={`${meter.device}.frequencyHz`} unit="Hz" />
    </section>
  );
}
