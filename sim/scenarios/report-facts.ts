import { SAMPLE_MS, type Samples } from "./recording.ts";
import { escaped } from "./report-plot.ts";
import type { Table } from "./lay-over.ts";
import type { Strike } from "./run-scenario.ts";
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
    ([name, leaves]) => `<tr><th>${name}</th><td>${escaped(leaves.join("; "))}</td></tr>`,
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

/** A device as the tables of trials name it. */
export interface DeviceRow {
  readonly id: string;
  readonly name: string;
  readonly grid: string;
  /** `genset, 1000 kW`. */
  readonly what: string;
}

export function deviceTable(devices: readonly DeviceRow[]): string {
  const rows = devices.map(
    ({ id, name, grid, what }) =>
      `<tr><th>${escaped(id)}</th><td>${escaped(name)}</td><td>${escaped(what)}</td><td>${escaped(grid)}</td></tr>`,
  );
  return `<h2>Devices</h2>
<table><thead><tr><th>In the tables</th><th>Device</th><th>What it is</th><th>Grid (switchboard section)</th></tr></thead><tbody>${rows.join("")}</tbody></table>
<p class="note">A word after the dot is a point of the device, or of the busbar where the grid stands before it; <i>starts</i>, <i>stops</i>, <i>closes</i>, <i>opens</i> and <i>trips</i> are counted from second 0.</p>`;
}

/** The runs of a trial: undisturbed, and with its leader struck. */
export function runTable(runs: readonly RunReport[]): string {
  const rows = runs.map(({ variant, strike, findings }) => {
    const found = findings
      .map(
        ({ check, atMs, text }) =>
          `${(atMs / 1000).toFixed(2)} s ${escaped(check)}: ${escaped(text)}`,
      )
      .join("<br>");
    const result =
      found === "" ? `<span class="ok">as expected</span>` : `<span class="fail">${found}</span>`;
    const what = strike === null ? variant : STRIKES[strike.kind](strike.forMs);
    return `<tr><td>${what}</td><td>${strike === null ? "" : escaped(strikeText(strike))}</td><td>${result}</td></tr>`;
  });
  return `<table class="runs"><thead><tr><th>Run</th><th>When</th><th>Result</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

const STRIKES: Readonly<Record<Strike["kind"], (forMs: number) => string>> = {
  kill: (forMs) => `leader's computer without power for ${forMs / 1000} s`,
  pause: (forMs) => `leader stands still for ${forMs} ms`,
};

function strikeText({ grid, atMs, step }: Strike): string {
  const words = step.replace(" <- ", " is told ").replace(" -> ", " → ");
  return `${grid}, at ${(atMs / 1000).toFixed(2)} s: ${words}`;
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
