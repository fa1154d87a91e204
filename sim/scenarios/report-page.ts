import type { ScenarioSpec } from "./scenario-file.ts";
import type { RunReport, TaskReport } from "./scenario-worker.ts";

/** A busbar's curves as a report draws them: one value each {@link CURVE_STEP_MS}. */
export interface Curves {
  readonly grid: string;
  readonly frequencyHz: readonly number[];
  readonly voltagePct: readonly number[];
  readonly loadKw: readonly number[];
}

export const CURVE_STEP_MS = 100;

const WIDTH = 720;
const HEIGHT = 110;
const LEFT = 52;

/** A report that a browser shows and prints: each scenario with its table, what was found, and the curves of its busbars. */
export function reportPage(
  title: string,
  made: { readonly at: string; readonly seed: number; readonly coreVersion: string },
  entries: readonly { readonly spec: ScenarioSpec; readonly report: TaskReport }[],
): string {
  const runs = entries.flatMap(({ report }) => report.runs);
  const failed = runs.filter(({ findings }) => findings.length > 0).length;
  const index = entries.map(({ spec, report }, at) => indexRow(spec, report, at + 1)).join("");
  const sections = entries.map(({ spec, report }, at) => section(spec, report, at + 1)).join("");
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>
<style>
body{font:14px/1.45 system-ui,sans-serif;color:#1a1f24;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .3rem;border-top:1px solid #c9d1d9;padding-top:1rem}
table{border-collapse:collapse;width:100%;margin:.6rem 0}td,th{border:1px solid #d5dbe1;padding:.2rem .45rem;text-align:left;vertical-align:top}
th{background:#f1f4f7}.ok{color:#14683a}.fail{color:#a3171f;font-weight:600}.note{color:#55606b}
svg{display:block;width:100%;height:auto;margin:.2rem 0}svg text{font:11px system-ui,sans-serif;fill:#55606b}
@media print{body{margin:0;max-width:none;font-size:11px}section{break-inside:avoid-page}}
</style></head><body>
<h1>${escaped(title)}</h1>
<p class="note">SIMULATION. Made ${escaped(made.at)}, seed ${made.seed}, decisions version ${escaped(made.coreVersion)}. ${entries.length} scenarios, ${runs.length} runs, <span class="${failed === 0 ? "ok" : "fail"}">${failed === 0 ? "all as expected" : `${failed} not as expected`}</span>.</p>
<table><tr><th>No.</th><th>Trial</th><th>What is tried</th><th>Runs</th><th>Result</th></tr>${index}</table>
${sections}
<p class="note">Tried by: ____________________ &nbsp; Witnessed by: ____________________ &nbsp; Date: ______________</p>
</body></html>
`;
}

function verdictOf(report: TaskReport): string {
  const failed = report.runs.filter(({ findings }) => findings.length > 0).length;
  return failed === 0
    ? `<span class="ok">as expected</span>`
    : `<span class="fail">${failed} of ${report.runs.length} not as expected</span>`;
}

function indexRow(spec: ScenarioSpec, report: TaskReport, at: number): string {
  return `<tr><td>${at}</td><td><a href="#${spec.name}">${escaped(spec.name)}</a></td><td>${escaped(spec.text)}</td><td>${report.runs.length}</td><td>${verdictOf(report)}</td></tr>`;
}

function section(spec: ScenarioSpec, report: TaskReport, at: number): string {
  const rows = spec.rows
    .map(({ atS, inputs, expectations }) => {
      const what = inputs.map(({ text }) => escaped(text)).join("<br>");
      const expected = expectations.map(({ text }) => escaped(text)).join("<br>");
      return `<tr><td>${atS}</td><td>${what}</td><td>${expected}</td></tr>`;
    })
    .join("");
  const always = spec.always.map(({ text }) => escaped(text)).join("; ");
  const runs = report.runs.map(runRow).join("");
  return `<section id="${spec.name}"><h2>${at}. ${escaped(spec.name)}</h2>
<p>${escaped(spec.text)} <span class="note">Covers: ${escaped(spec.covers.join("; "))}.${always === "" ? "" : ` Throughout: ${always}.`}</span></p>
<table><tr><th>s</th><th>What happens</th><th>Expected</th></tr>${rows}</table>
<table><tr><th>Run</th><th>Strikes</th><th>Result</th></tr>${runs}</table>
${report.curves.map(plots).join("")}
</section>`;
}

function runRow({ variant, strike, findings }: RunReport): string {
  const where =
    strike === null
      ? ""
      : `leader of ${escaped(strike.grid)} at ${(strike.atMs / 1000).toFixed(2)} s: ${escaped(strike.step)}`;
  const found = findings
    .map(
      ({ check, atMs, text }) =>
        `${(atMs / 1000).toFixed(2)} s ${escaped(check)}: ${escaped(text)}`,
    )
    .join("<br>");
  const verdict =
    found === "" ? `<span class="ok">as expected</span>` : `<span class="fail">${found}</span>`;
  return `<tr><td>${escaped(variant)}</td><td>${where}</td><td>${verdict}</td></tr>`;
}

function plots({ grid, frequencyHz, voltagePct, loadKw }: Curves): string {
  return [
    plot(`${grid}: frequency, Hz`, frequencyHz, "#1b5fa7", 0.5),
    plot(`${grid}: voltage, % of nominal`, voltagePct, "#8a4b08", 4),
    plot(`${grid}: load, kW`, loadKw, "#14683a", 50),
  ].join("");
}

/** One curve with its scale. `spanMin`: a flat curve is drawn as one, not as its noise. */
function plot(label: string, values: readonly number[], colour: string, spanMin: number): string {
  if (values.length < 2) return "";
  const middle = (Math.max(...values) + Math.min(...values)) / 2;
  const half = Math.max(spanMin, Math.max(...values) - Math.min(...values)) / 2;
  const [low, high] = [middle - half, middle + half];
  const x = (index: number) => LEFT + ((WIDTH - LEFT - 8) * index) / (values.length - 1);
  const y = (value: number) => 16 + ((HEIGHT - 34) * (high - value)) / (high - low);
  const points = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`);
  const lengthS = ((values.length - 1) * CURVE_STEP_MS) / 1000;
  const digits = half < 5 ? 2 : 0;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = LEFT + (WIDTH - LEFT - 8) * part;
    return `<line x1="${at}" y1="16" x2="${at}" y2="${HEIGHT - 18}" stroke="#e4e8ec"/><text x="${at}" y="${HEIGHT - 5}" text-anchor="middle">${(lengthS * part).toFixed(0)} s</text>`;
  });
  const levels = [low, middle, high].map(
    (value) =>
      `<line x1="${LEFT}" y1="${y(value)}" x2="${WIDTH - 8}" y2="${y(value)}" stroke="#e4e8ec"/><text x="${LEFT - 4}" y="${y(value) + 4}" text-anchor="end">${value.toFixed(digits)}</text>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(label)}"><text x="${LEFT}" y="11">${escaped(label)}</text>${ticks.join("")}${levels.join("")}<polyline fill="none" stroke="${colour}" stroke-width="1.2" points="${points.join(" ")}"/></svg>`;
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
