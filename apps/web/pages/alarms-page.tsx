import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { acknowledgeAll } from "../data/commands.ts";
import { alarms, grids, status } from "../data/store.ts";
import { isUnacknowledged } from "../parts/alarm-mark.tsx";
import { NodeStart } from "../parts/node-start.tsx";
import { route } from "../shell/route.ts";
import { AlarmHistory } from "./alarms/alarm-history.tsx";
import { AlarmMeanings } from "./alarms/alarm-meanings.tsx";
import { AlarmTable } from "./alarms/alarm-table.tsx";
import { HiddenAlarms } from "./alarms/hidden-alarms.tsx";
import "./alarms/alarms.css";

const TABS = [
  ["", "Active"],
  ["hidden", "Shelved and suppressed"],
  ["history", "History"],
  ["meanings", "What each means"],
] as const;

export default function AlarmsPage(): JSX.Element {
  const [grid, setGrid] = useState("");
  if (status.value === null) return <NodeStart />;
  const { rest } = route.value;
  const shown = alarms.value.filter((alarm) => grid === "" || alarm.grid === grid);
  const newIn = grids.value.filter(({ grid: id }) =>
    shown.some((alarm) => alarm.grid === id && isUnacknowledged(alarm) && alarm.id !== ""),
  );
  return (
    <>
      <div class="page-head">
        <h1>Alarms</h1>
        <p>
          {shown.length} standing, {shown.filter(isUnacknowledged).length} not acknowledged
        </p>
      </div>
      <nav class="tabs" aria-label="Alarms">
        {TABS.map(([tab, title]) => (
          <a key={tab} href={`#/alarms/${tab}`} aria-current={rest === tab ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      {rest === "" ? (
        <div class="stack">
          <div class="toolbar">
            <label class="field">
              Grid
              <select value={grid} onChange={(event) => setGrid(event.currentTarget.value)}>
                <option value="">all</option>
                {grids.value.map((one) => (
                  <option key={one.grid} value={one.grid}>
                    {one.name}
                  </option>
                ))}
              </select>
            </label>
            {newIn.map((one) => (
              <button key={one.grid} type="button" onClick={() => void acknowledgeAll(one.grid)}>
                Acknowledge all of {one.grid}
              </button>
            ))}
          </div>
          <AlarmTable alarms={shown} />
        </div>
      ) : null}
      {rest === "hidden" ? <HiddenAlarms /> : null}
      {rest === "history" ? <AlarmHistory /> : null}
      {rest === "meanings" ? <AlarmMeanings /> : null}
    </>
  );
}
