import {
  conditions,
  deviceTable,
  figures,
  runTable,
  type DeviceRow,
  type Extremes,
} from "./report-facts.ts";
import { escaped, plot, type Line } from "./report-plot.ts";
import { reportStyle } from "./report-style.ts";
import type { Outcome } from "./run-scenario.ts";
import type { ScenarioSpec } from "./scenario-file.ts";
import type { TaskReport } from "./scenario-worker.ts";

/** A busbar's curves as a report draws them: one value each {@link CURVE_STEP_MS}. */
export interface Curves {
  readonly grid: string;
  readonly nominalHz: number;
  readonly frequencyHz: readonly number[];
  readonly voltagePct: readonly number[];
  readonly isLive: readonly boolean[];
  readonly extremes: Extremes;
  readonly loadKw: readonly number[];
  /** Sources and drives of the grid that gave or drew anything. */
  readonly powersKw: readonly { readonly device: string; readonly kw: readonly number[] }[];
  /** Of its gensets and batteries, where the trial is about reactive power. */
  readonly reactiveKvar: readonly { readonly device: string; readonly kvar: readonly number[] }[];
}

export const CURVE_STEP_MS = 100;

/** What a report says of how it was made. */
export interface Made {
  readonly at: string;
  readonly seed: number;
  readonly version: string;
  readonly coreVersion: string;
  /** One line for each installation: name, file, fingerprint, nodes. */
  readonly installations: readonly string[];
  /** What stands in the trials' tables by its id. */
  readonly devices: readonly DeviceRow[];
  /** What is checked beside every trial: name and rule. */
  readonly checks: readonly (readonly [name: string, rule: string])[];
}

export interface Entry {
  readonly spec: ScenarioSpec;
  readonly report: TaskReport;
}

/** A report that a browser shows and prints: what was tried with which configuration, each step with its verdict, and curves. */
export function reportPage(title: string, made: Made, entries: readonly Entry[]): string {
  const runs = entries.flatMap(({ report }) => report.runs);
  const failed = runs.filter(({ findings }) => findings.length > 0).length;
  const themes = [...new Set(entries.map(({ spec }) => spec.theme))];
  const groups = themes.map((theme, index) => ({
    theme,
    number: index + 1,
    entries: entries.filter(({ spec }) => spec.theme === theme),
  }));
  const index = groups.map(indexRows).join("");
  const sections = groups.map(({ theme, number, entries: own }) => {
    const trials = own.map((entry, at) => section(entry, `${number}.${at + 1}`)).join("");
    return `<h2>${number}. ${escaped(theme)}</h2>${trials}`;
  });
  const result =
    failed === 0
      ? `<span class="ok">all ${entries.length} as expected</span>`
      : `<span class="fail">${failed} of ${runs.length} runs not as expected</span>`;
  const foot = `R-EMS ${made.version}, made ${made.at} (UTC), seed ${made.seed}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title><style>${reportStyle(title, foot)}</style></head><body>
<p class="sim">SIMULATION</p>
<h1>${escaped(title)}</h1>
<table><tbody>
${fact("Installation", made.installations.map(escaped).join("<br>"))}
${fact("Software", escaped(`R-EMS ${made.version}, decisions version ${made.coreVersion}; real controllers on a simulated plant`))}
${fact("Made", escaped(`${made.at} (UTC), seed ${made.seed}: the same seed gives the same report`))}
${fact("Trials", `${entries.length}, ${runs.length} runs: ${result}`)}
</tbody></table>
${SIGNATURES}
<h2 class="first">Summary</h2>
<table><thead><tr><th>No.</th><th>Trial</th><th>What is tried</th><th>Result</th><th class="initials">Initials</th></tr></thead><tbody>${index}</tbody></table>
${deviceTable(made.devices)}
<h2>What is checked beside every trial</h2>
<table><thead><tr><th>Check</th><th>What must hold</th></tr></thead><tbody>${BANDS}${made.checks.map(([name, rule]) => fact(name, escaped(rule))).join("")}</tbody></table>
<p class="note">Second 0 of a trial is twelve seconds after the controllers came up, when they command. What is set for a trial is laid over the installation's own files.
In the curves: numbers above are lines of the trial's table, dashed red lines are limits of continuous operation, grey is a dark busbar.</p>
${sections.join("\n")}
</body></html>
`;
}

const fact = (name: string, html: string) => `<tr><th>${escaped(name)}</th><td>${html}</td></tr>`;

const BANDS = [
  fact(
    "frequency and voltage",
    "while no source has failed: frequency ±5 % left for at most 5 s and never ±10 %, voltage −10 to +6 % left for at most 1.5 s and never ±20 % (IACS UR E5)",
  ),
  fact(
    "survival",
    "after a source failed: no live section below 90 % frequency or 80 % voltage for longer than 1.5 s, unless more is lost than the survivors can carry",
  ),
].join("");

const SIGNATURES = `<table class="sign"><thead><tr><th></th><th>Name</th><th>Company or authority</th><th>Place and date</th><th>Signature</th></tr></thead><tbody>
${["Tried by", "Witnessed by", "Accepted by"].map((who) => `<tr><th>${who}</th><td></td><td></td><td></td><td></td></tr>`).join("")}</tbody></table>`;

function indexRows(group: { theme: string; number: number; entries: readonly Entry[] }): string {
  const rows = group.entries.map(
    ({ spec, report }, at) =>
      `<tr><td class="n">${group.number}.${at + 1}</td><td><a href="#${spec.name}">${escaped(nameOf(spec))}</a></td><td>${escaped(spec.text)}</td><td>${verdictOf(report)}</td><td></td></tr>`,
  );
  return `<tr class="theme"><th colspan="5">${group.number}. ${escaped(group.theme)}</th></tr>${rows.join("")}`;
}

/** `transfer-to-shore` as people say it. */
function nameOf({ name }: ScenarioSpec): string {
  const [first = "", variant] = name.split("--");
  const words = (text: string) => text.replaceAll("-", " ");
  const title = words(first.charAt(0).toUpperCase() + first.slice(1));
  return variant === undefined ? title : `${title}: ${words(variant)}`;
}

function verdictOf(report: TaskReport): string {
  const failed = report.runs.filter(({ findings }) => findings.length > 0).length;
  return failed === 0
    ? `<span class="ok">as expected</span>`
    : `<span class="fail">${failed} of ${report.runs.length} not as expected</span>`;
}

function section({ spec, report }: Entry, number: string): string {
  const always = spec.always.map(({ text }) => escaped(text)).join("; ");
  const beside = report.runs.flatMap(({ findings }) =>
    findings.filter(({ check }) => check !== "expected"),
  );
  const marks = spec.rows.flatMap(({ atS, inputs }, index) =>
    inputs.length > 0 ? [{ atS, number: index + 1 }] : [],
  );
  const runs = report.runs.length > 1 ? runTable(report.runs) : "";
  return `<section id="${spec.name}"><div class="head"><h3>${number} ${escaped(nameOf(spec))}: ${verdictOf(report)}</h3>
<p>${escaped(spec.text)} <span class="note">Tries: ${escaped(spec.covers.join("; "))}.</span></p>
${conditions(spec)}
${stepTable(spec, report.outcomes)}</div>
${always === "" ? "" : `<p>Throughout: ${always}: ${verdict(beside.every(({ check }) => check !== "always"))}</p>`}
${spec.isBeyondN1 ? `<p class="note">More is lost here than the survivors can carry at once: the bands after a loss are not asked for.</p>` : ""}
${figures(spec, report)}${runs}${report.curves.map((one) => plots(one, marks)).join("")}
</section>`;
}

const verdict = (isMet: boolean) =>
  isMet ? `<span class="ok">yes</span>` : `<span class="fail">NO</span>`;

function stepTable(spec: ScenarioSpec, outcomes: readonly Outcome[]): string {
  const rows = spec.rows.map(({ atS, inputs }, index) => {
    const what = inputs.map(({ text }) => escaped(text)).join("<br>");
    const own = outcomes.filter(({ row }) => row === index);
    const cells = own.length === 0 ? [null] : own;
    return cells
      .map((one, at) => {
        const span = ` rowspan="${cells.length}"`;
        const head =
          at === 0
            ? `<td class="n"${span}>${index + 1}</td><td class="n"${span}>${atS}</td><td${span}>${what}</td>`
            : "";
        const tail =
          one === null
            ? "<td></td><td></td><td></td>"
            : `<td>${escaped(one.text)}</td><td>${escaped(one.measured + unitOf(one))}</td><td>${verdict(one.isMet)}</td>`;
        return `<tr>${head}${tail}</tr>`;
      })
      .join("");
  });
  return `<table><thead><tr><th>Line</th><th>s</th><th>What happens</th><th>Expected just before it</th><th>Found</th><th>Met</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

const UNITS: readonly (readonly [ending: RegExp, unit: string])[] = [
  [/^\S+Kw /, " kW"],
  [/^\S+Kvar /, " kvar"],
  [/^\S+Hz /, " Hz"],
  [/^\S+Pct /, " %"],
  [/^\S+KgPerH /, " kg/h"],
];

/** The unit of what was measured, by the name of the quantity. */
function unitOf({ text, measured }: Outcome): string {
  if (Number.isNaN(Number(measured))) return "";
  return UNITS.find(([ending]) => ending.test(text))?.[1] ?? "";
}

const COLOURS = ["#1b5fa7", "#c2560c", "#14683a", "#7b3fa0", "#a3171f", "#0b7a85", "#8a6d00"];

function plots(curves: Curves, marks: readonly { atS: number; number: number }[]): string {
  const { grid, nominalHz, frequencyHz, voltagePct, isLive, loadKw, powersKw, reactiveKvar } =
    curves;
  const common = { stepMs: CURVE_STEP_MS, marks, dark: darkOf(curves) };
  const one = (values: readonly number[], colour: string): Line[] => [
    { name: "", values, colour, dash: "" },
  ];
  const [lowHz, highHz] = [nominalHz * 0.95, nominalHz * 1.05];
  const powers = [
    { name: "load", values: loadKw, colour: "#1a1f24", dash: "" },
    ...powersKw.map(({ device, kw }, index) => coloured(device, kw, index)),
  ];
  const reactive = reactiveKvar.map(({ device, kvar }, index) => coloured(device, kvar, index));
  const drawn = [
    plot({
      ...common,
      title: `${grid}: frequency (limits ${Number(lowHz.toFixed(2))} and ${Number(highHz.toFixed(2))})`,
      unit: "Hz",
      // A dark busbar has no frequency, and one that comes up runs through all of them.
      lines: one(
        frequencyHz.map((hz, index) => (isLive[index] === true ? hz : Number.NaN)),
        "#1b5fa7",
      ),
      spanMin: nominalHz / 100,
      limits: [lowHz, highHz],
      height: 115,
    }),
    plot({
      ...common,
      title: `${grid}: voltage (limits 90 and 106)`,
      unit: "% of nominal",
      lines: one(voltagePct, "#8a4b08"),
      spanMin: 6,
      limits: [90, 106],
      height: 95,
    }),
    plot({
      ...common,
      title: `${grid}: power`,
      unit: "kW",
      lines: powers,
      spanMin: 50,
      limits: [],
      height: 160,
    }),
    plot({
      ...common,
      title: `${grid}: reactive power`,
      unit: "kvar",
      lines: reactive,
      spanMin: 50,
      limits: [],
      height: 125,
    }),
  ];
  // Curves of one busbar belong on one page.
  return `<div class="curves">${drawn.join("")}</div>`;
}

const coloured = (name: string, values: readonly number[], index: number): Line => ({
  name,
  values,
  colour: COLOURS[index % COLOURS.length] ?? "#1b5fa7",
  // Sets that share equally lie upon each other: the lower one shows between the dashes.
  dash: index % 2 === 1 ? "7 5" : "",
});

function darkOf({ isLive }: Curves): (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const [index, live] of isLive.entries()) {
    if (live) continue;
    const atS = (index * CURVE_STEP_MS) / 1000;
    const last = found.at(-1);
    if (last !== undefined && atS - last[1] < 0.15) last[1] = atS;
    else found.push([atS, atS]);
  }
  return found;
}
