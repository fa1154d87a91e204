import { SAMPLE_MS, type Samples } from "./recording.ts";
import { escaped } from "./report-plot.ts";
import type { Table } from "./lay-over.ts";
import type { ScenarioSpec } from "./scenario-file.ts";
import type { RunReport, TaskReport } from "./scenario-worker.ts";

/** How far a busbar's frequency (Hz) and voltage (percent of nominal) went; null where it was never live. */
export interface Extremes {
  readonly frequencyHz: readonly [lowest: number, highest: number] | null;
  readonly voltagePct: readonly [lowest: number, highest: number] | null;
}

/** A busbar that comes up runs through all values: it counts once it has been live for so many samples. */
const COMES_UP_COUNT = 2000 / SAMPLE_MS;

/** Of all samples, not of those that are drawn. */
export function extremesOf({ frequencyHz, voltagePct, isLive }: Samples): Extremes {
  let liveCount = COMES_UP_COUNT;
  const counts = isLive.map((live) => {
    liveCount = live ? liveCount + 1 : 0;
    return liveCount > COMES_UP_COUNT;
  });
  const extent = (values: readonly number[]) => {
    const own = values.filter((_value, index) => counts[index] === true);
    if (own.length === 0) return null;
    return [Math.min(...own), Math.max(...own)] as const;
  };
  return { frequencyHz: extent(frequencyHz), voltagePct: extent(voltagePct) };
}

/** What differs in this trial from the installation's own files: one line for each value. */
export function conditions({ manifest, plant }: ScenarioSpec): string {
  const rows = [
    ["Configuration", leavesOf(manifest)],
    ["Simulated plant", leavesOf(plant)],
  ] as const;
  const told = rows.filter(([, leaves]) => leaves.length > 0);
  if (told.length === 0) return "";
  const cells = told.map(
    ([name, leaves]) => `<tr><th>${name}</th><td>${leaves.map(escaped).join("<br>")}</td></tr>`,
  );
  return `<table class="set"><thead><tr><th colspan="2">Set for this trial</th></tr></thead><tbody>${cells.join("")}</tbody></table>`;
}

/** `port.power.stop_delay_s = 300` for each value of a table. */
function leavesOf(table: Table, path: readonly string[] = []): string[] {
  return Object.entries(table).flatMap(([key, value]) => {
    const at = [...path, key];
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return leavesOf(value as Table, at);
    const shown = at.filter((one) => one !== "grids" && one !== "devices");
    return `${shown.join(".")} = ${JSON.stringify(value)}`;
  });
}

/** How far each busbar's frequency and voltage went, and how long a blackout took. */
export function figures({ recoveryS }: ScenarioSpec, { curves, runs }: TaskReport): string {
  const isDark = runs.some(({ recoveries }) => recoveries.length > 0);
  const rows = curves.map(({ grid, extremes }) => {
    const [frequency, voltage] = [
      rangeText(extremes.frequencyHz, 2),
      rangeText(extremes.voltagePct, 1),
    ];
    const dark = isDark ? `<td class="n">${recoveryText(grid, runs, recoveryS)}</td>` : "";
    return `<tr><th>${escaped(grid)}</th><td class="n">${frequency}</td><td class="n">${voltage}</td>${dark}</tr>`;
  });
  if (rows.length === 0) return "";
  const limit = recoveryS === null ? "" : `, at most ${recoveryS} s`;
  const head = isDark
    ? `<th>Voltage lost until essential feeders closed and in band${limit}</th>`
    : "";
  return `<table class="set"><thead><tr><th>Busbar</th><th>Frequency, Hz</th><th>Voltage, % of nominal</th>${head}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function rangeText(range: Extremes["frequencyHz"], digits: number): string {
  if (range === null) return "dark";
  return range.map((value) => value.toFixed(digits)).join(" to ");
}

/** Without a fault, and the longest of the runs in which a leader was struck. */
function recoveryText(grid: string, runs: readonly RunReport[], recoveryS: number | null): string {
  const longest = (some: readonly RunReport[]) => {
    const own = some.flatMap(({ recoveries }) => recoveries.filter((one) => one.grid === grid));
    if (own.length === 0) return null;
    const isBack = own.every(({ forMs }) => forMs !== null);
    return isBack ? Math.max(...own.map(({ forMs }) => forMs ?? 0)) / 1000 : Infinity;
  };
  const undisturbed = longest(runs.filter(({ strike }) => strike === null));
  if (undisturbed === null) return "–";
  const all = longest(runs) ?? undisturbed;
  const text = (seconds: number) => (seconds === Infinity ? "not back" : `${seconds.toFixed(1)} s`);
  const shown = runs.length > 1 ? `${text(undisturbed)} (all runs: ${text(all)})` : text(all);
  return recoveryS !== null && all > recoveryS ? `<span class="fail">${shown}</span>` : shown;
}
