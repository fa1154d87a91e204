import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { LivePoints, type LivePoint } from "../data/points.ts";
import { linkTo } from "../shell/route.ts";
import { span, wordsOf } from "./format.ts";
import { valueText } from "./value-text.ts";
import "./point-table.css";

/** Points with value, unit, quality and age, live. Rows are drawn once; the cells follow their signals. */
export function PointTable({
  device,
  hasSearch,
}: {
  device: string;
  hasSearch: boolean;
}): JSX.Element {
  const live = useMemo(() => new LivePoints(device), [device]);
  useEffect(() => () => live.end(), [live]);
  const search = useSignal("");
  const shown = useComputed(() => {
    const words = search.value.toLowerCase().split(" ").filter(Boolean);
    return live.points.value.filter(({ device: of, point, unit }) => {
      const text = `${of}.${point} ${unit}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
  });
  const failure = live.failure.value;
  return (
    <section class="panel">
      {hasSearch ? (
        <div class="toolbar">
          <label class="field">
            Find
            <input
              type="search"
              placeholder="dg1 power"
              onInput={(event) => {
                search.value = event.currentTarget.value;
              }}
            />
          </label>
          <p class="quiet">
            {shown.value.length} of {live.points.value.length} points
          </p>
        </div>
      ) : null}
      {failure === "" ? null : <p class="failure">{failure}</p>}
      <div class="table-scroll">
        <table class="point-table">
          <thead>
            <tr>
              <th scope="col">Point</th>
              <th scope="col" class="number">
                Value
              </th>
              <th scope="col">Unit</th>
              <th scope="col">Quality</th>
              <th scope="col">Age</th>
              <th scope="col">
                <span class="hidden">Trend</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.value.map((point) => (
              <PointRow
                key={`${point.device}.${point.point}`}
                point={point}
                hasDevice={device === ""}
              />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function PointRow({ point, hasDevice }: { point: LivePoint; hasDevice: boolean }): JSX.Element {
  const { reading, unit, device, point: name, isLevel } = point;
  const value = useComputed(() => valueText(reading.value.value, unit));
  const quality = useComputed(() => qualityText(reading.value.quality));
  const look = useComputed(() => `quality ${reading.value.quality}`);
  const age = useComputed(() => {
    const { ageMs } = reading.value;
    return ageMs === null || ageMs === undefined || ageMs < 1000 ? "" : span(ageMs);
  });
  const id = `${device}.${name}`;
  return (
    <tr>
      <th scope="row">
        {hasDevice ? <a href={linkTo("devices", device)}>{device}</a> : null}
        {hasDevice ? "." : null}
        {name} {isLevel ? <small>set-point</small> : null}
      </th>
      <td class="number">{value}</td>
      <td class="quiet">{unit}</td>
      <td class={look}>{quality}</td>
      <td class="quiet">{age}</td>
      <td>
        <a href={`#/trends?points=${encodeURIComponent(id)}`} aria-label={`Trend of ${id}`}>
          trend
        </a>
      </td>
    </tr>
  );
}

/** Only what is not good gets a mark: shape and word, not colour alone. */
function qualityText(quality: string): string {
  if (quality === "good") return "good";
  return `${quality === "uncertain" ? "◐" : "✕"} ${wordsOf(quality)}`;
}
