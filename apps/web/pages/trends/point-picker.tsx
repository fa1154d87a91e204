import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Series } from "../../data/messages.ts";

interface PointPickerProps {
  readonly series: readonly Series[];
  readonly failure: string;
  readonly chosen: readonly string[];
  readonly onChange: (points: readonly string[]) => void;
}

const SHOWN_COUNT_MAX = 200;

/** Numbers and switches that have a history; labels are listed under events. */
export function PointPicker({ series, failure, chosen, onChange }: PointPickerProps): JSX.Element {
  const [search, setSearch] = useState("");
  const words = search.toLowerCase().split(" ").filter(Boolean);
  const fitting = series.filter(({ point, kind, grid }) => {
    const text = `${grid} ${point}`.toLowerCase();
    return kind !== "SERIES_KIND_LABEL" && words.every((word) => text.includes(word));
  });
  // What is chosen stands first: it can be taken away again without a search.
  const shown = [
    ...fitting.filter(({ point }) => chosen.includes(point)),
    ...fitting.filter(({ point }) => !chosen.includes(point)),
  ].slice(0, SHOWN_COUNT_MAX);
  const toggle = (point: string): void =>
    onChange(chosen.includes(point) ? chosen.filter((one) => one !== point) : [...chosen, point]);
  return (
    <section class="panel point-picker" aria-label="Points">
      <label class="field">
        Points
        <input
          type="search"
          placeholder="dg1 power"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </label>
      <p class="quiet">
        {chosen.length} chosen, {fitting.length} fit
      </p>
      {failure === "" ? null : <p class="failure">{failure}</p>}
      <ul>
        {shown.map(({ grid, point }) => (
          <li key={`${grid}.${point}`}>
            <label class="check-field">
              <input
                type="checkbox"
                checked={chosen.includes(point)}
                onChange={() => toggle(point)}
              />
              <span>{point}</span>
            </label>
          </li>
        ))}
      </ul>
    </section>
  );
}
