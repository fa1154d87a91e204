import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { pointWords } from "../data/history.ts";
import { LivePoints, type LivePoint } from "../data/points.ts";
import { linkTo } from "../shell/route.ts";
import { capital, span, wordsOf } from "./format.ts";
import { valueText } from "./value-text.ts";
import "./point-table.css";

/** Rows that come into sight and leave it together. */
const GROUP_COUNT = 20;
/** What is about to be scrolled to is up to date before it is seen. */
const AHEAD = "150px";

/**
 * Points with value, unit, quality and age, live. Rows are drawn once; the cells of those in sight follow their signals, each in a row whose
 * size does not depend on them: nothing else is laid out.
 */
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
        <table class="point-table" role="table" aria-label="Points">
          <thead role="rowgroup">
            <tr role="row">
              <th scope="col" role="columnheader">
                Point
              </th>
              <th scope="col" role="columnheader" class="number">
                Value
              </th>
              <th scope="col" role="columnheader">
                Unit
              </th>
              <th scope="col" role="columnheader">
                Quality
              </th>
              <th scope="col" role="columnheader">
                Age
              </th>
              <th scope="col" role="columnheader">
                <span class="hidden">Trend</span>
              </th>
            </tr>
          </thead>
          {groupsOf(shown.value).map((points) => (
            <PointGroup key={idOf(points[0])} points={points} hasDevice={device === ""} />
          ))}
        </table>
      </div>
    </section>
  );
}

const idOf = (point: LivePoint | undefined): string => `${point?.device}.${point?.point}`;

function groupsOf(points: readonly LivePoint[]): (readonly LivePoint[])[] {
  const count = Math.ceil(points.length / GROUP_COUNT);
  return Array.from({ length: count }, (_none, at) =>
    points.slice(at * GROUP_COUNT, (at + 1) * GROUP_COUNT),
  );
}

interface PointGroupProps {
  readonly points: readonly LivePoint[];
  readonly hasDevice: boolean;
}

function PointGroup({ points, hasDevice }: PointGroupProps): JSX.Element {
  const ref = useRef<HTMLTableSectionElement>(null);
  const isSeen = useSignal(false);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        isSeen.value = entries.at(-1)?.isIntersecting === true;
      },
      { rootMargin: AHEAD },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [isSeen]);
  return (
    <tbody ref={ref} role="rowgroup">
      {points.map((point) => (
        <PointRow key={idOf(point)} point={point} hasDevice={hasDevice} isSeen={isSeen} />
      ))}
    </tbody>
  );
}

interface PointRowProps {
  readonly point: LivePoint;
  readonly hasDevice: boolean;
  readonly isSeen: ReadonlySignal<boolean>;
}

function PointRow({ point, hasDevice, isSeen }: PointRowProps): JSX.Element {
  const { reading, unit, device, point: name, isLevel } = point;
  // Out of sight the last one seen stands, and what changes is not even looked at.
  const shown = useComputed(() => (isSeen.value ? reading.value : reading.peek()));
  const value = useComputed(() => valueText(shown.value.value, unit));
  const quality = useComputed(() => qualityText(shown.value.quality));
  const look = useComputed(() => `quality ${shown.value.quality}`);
  const age = useComputed(() => {
    const { ageMs } = shown.value;
    return ageMs === null || ageMs === undefined || ageMs < 1000 ? "" : span(ageMs);
  });
  const id = `${device}.${name}`;
  return (
    <tr role="row">
      <th scope="row" role="rowheader" title={id}>
        {hasDevice ? (
          <>
            <a href={linkTo("devices", device)}>{device}</a>.{name}
          </>
        ) : (
          <>
            {capital(pointWords(name))} <small class="point-name">{name}</small>
          </>
        )}{" "}
        {isLevel ? <small>set-point</small> : null}
      </th>
      <td role="cell" class="number">
        {value}
      </td>
      <td role="cell" class="quiet">
        {unit}
      </td>
      <td role="cell" class={look}>
        {quality}
      </td>
      <td role="cell" class="quiet">
        {age}
      </td>
      <td role="cell">
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
