import process from "node:process";
import { RemsError } from "../../kernel/errors.ts";
import { createSeededRandom } from "../ports/seeded-random.ts";
import type { Finding } from "./finding.ts";
import { filesOf } from "./installation-files.ts";
import { SAMPLE_MS, type Recording } from "./recording.ts";
import { extremesOf } from "./report-facts.ts";
import { CURVE_STEP_MS, type Curves } from "./report-page.ts";
import type { RecoveryTime } from "./recovery-times.ts";
import { runScenario, type Outcome, type ScenarioResult, type Strike } from "./run-scenario.ts";
import { loadScenarios, type ScenarioSpec } from "./scenario-file.ts";

/** What one process is to do: one scenario with every strike that is asked for. */
export interface ScenarioTask {
  readonly name: string;
  readonly seed: number;
  /** `one`: at a step that the seed chooses; `each`: at every step; a number: at that one; `none`. */
  readonly kills: "none" | "one" | "each" | number;
  readonly pauses: "none" | "one" | "each" | number;
  readonly isTraced: boolean;
  /** Runs everything twice and compares the journals. */
  readonly isTwice: boolean;
  /** Curves of the run without a fault go into the report. */
  readonly hasCurves: boolean;
}

/** One run of a scenario, as the table shows it. */
export interface RunReport {
  /** `no fault`, `kill 3`, `pause 1`. */
  readonly variant: string;
  readonly strike: Strike | null;
  readonly findings: readonly Finding[];
  readonly journalHash: string;
  readonly recoveries: readonly RecoveryTime[];
  readonly lines: readonly string[];
}

export interface TaskReport {
  readonly name: string;
  readonly stepCount: number;
  readonly runs: readonly RunReport[];
  readonly curves: readonly Curves[];
  /** Of the run without a fault. */
  readonly outcomes: readonly Outcome[];
  readonly virtualMs: number;
  readonly cpuMs: number;
}

/** The scenario itself is wrong. */
export interface TaskRefusal {
  readonly refused: string;
}

const SCAN_MS = 100;
/** How long a process stands still: shorter and longer than the grace, and the half second in which devices are on their own. */
const PAUSES_MS = [100, 200, 500, 900];

/** Runs one task. Synchronous. */
export function runTask(task: ScenarioTask, spec: ScenarioSpec): TaskReport {
  const cpuBefore = process.cpuUsage();
  const base = runScenario(spec, task.seed, null, null, task.hasCurves);
  const steps = strikeable(spec, base);
  const runs: RunReport[] = [reportOf("no fault", null, base, task)];
  let virtualMs = base.virtualMs;
  if (task.isTwice) {
    const again = runScenario(spec, task.seed);
    virtualMs += again.virtualMs;
    const text = `two runs gave the journals ${base.journalHash} and ${again.journalHash}`;
    const findings =
      again.journalHash === base.journalHash ? [] : [{ check: "determinism", atMs: 0, text }];
    runs.push({
      variant: "again",
      strike: null,
      findings,
      journalHash: again.journalHash,
      recoveries: again.recoveries,
      lines: [],
    });
  }
  for (const kind of ["kill", "pause"] as const) {
    for (const index of chosen(
      kind === "kill" ? task.kills : task.pauses,
      steps.length,
      kind,
      task,
    )) {
      const strike = strikeAt(kind, steps, index, task.seed, spec);
      const result = runScenario(spec, task.seed, strike, base);
      virtualMs += result.virtualMs;
      runs.push(reportOf(`${kind} ${index + 1}`, strike, result, task));
    }
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    name: task.name,
    stepCount: steps.length,
    runs,
    curves: task.hasCurves ? curvesOf(spec, base.recording) : [],
    outcomes: base.outcomes,
    virtualMs,
    cpuMs: (user + system) / 1000,
  };
}

/** A device that never gave or drew more is left out of the curves, kW. */
const DRAWN_KW_MIN = 2;

/** Curves of the grids that the table speaks of; of all where it speaks of none. */
function curvesOf(spec: ScenarioSpec, recording: Recording): Curves[] {
  const { samples, powersKw, reactiveKvar } = recording;
  const isReactive = spec.covers.includes("reactive sharing");
  const subjects = subjectsOf(spec);
  const every = CURVE_STEP_MS / SAMPLE_MS;
  const thin = <T>(values: readonly T[]) => values.filter((_value, index) => index % every === 0);
  const { grids } = filesOf(spec).manifest;
  const isMeant = (grid: (typeof grids)[number]) =>
    subjects.has(grid.id) || grid.devices.some(({ id }) => subjects.has(id));
  const meant = grids.filter(isMeant);
  return (meant.length > 0 ? meant : grids).flatMap(({ id, nominalFrequencyHz, devices }) => {
    const of = samples.get(id);
    if (of === undefined) return [];
    const powers = devices.map((device) => ({
      device: device.id,
      kw: powersKw.get(device.id) ?? [],
    }));
    return {
      grid: id,
      nominalHz: nominalFrequencyHz,
      frequencyHz: thin(of.frequencyHz),
      voltagePct: thin(of.voltagePct),
      isLive: thin(of.isLive),
      extremes: extremesOf(of),
      loadKw: thin(of.loadKw),
      powersKw: powers.filter(({ kw }) => kw.some((one) => Math.abs(one) > DRAWN_KW_MIN)),
      reactiveKvar: devices
        .filter(({ kind }) => isReactive && (kind === "genset" || kind === "battery"))
        .map((device) => ({ device: device.id, kvar: reactiveKvar.get(device.id) ?? [] }))
        .filter(({ kvar }) => kvar.some((one) => Math.abs(one) > DRAWN_KW_MIN)),
    };
  });
}

function subjectsOf({ rows, always }: ScenarioSpec): ReadonlySet<string> {
  const inputs = rows.flatMap((row) => row.inputs);
  const expectations = [...always, ...rows.flatMap((row) => row.expectations)];
  return new Set([
    ...inputs.map((input) => ("device" in input ? input.device : input.subject)),
    ...expectations.flatMap((one) => ("subject" in one ? [one.subject] : [])),
  ]);
}

/** Steps at which a fault makes sense; where nothing happens, the middle of the scenario. */
function strikeable(spec: ScenarioSpec, { recording }: ScenarioResult) {
  const steps = recording.steps.filter(({ atMs }) => atMs >= 0 && atMs <= spec.lengthS * 1000);
  if (steps.length > 0) return steps;
  const grid = [...recording.samples.keys()][0] ?? "";
  return [{ atMs: (spec.lengthS * 1000) / 2, grid, text: "nothing is under way" }];
}

function chosen(
  which: ScenarioTask["kills"],
  stepCount: number,
  kind: string,
  { seed, name }: ScenarioTask,
): number[] {
  if (which === "none") return [];
  if (which === "each") return Array.from({ length: stepCount }, (_, index) => index);
  if (which === "one") {
    const draw = createSeededRandom(`${kind}/${name}/${seed}`).next();
    return [Math.floor(draw * stepCount)];
  }
  return [Math.min(Math.max(1, which), stepCount) - 1];
}

function strikeAt(
  kind: Strike["kind"],
  steps: ScenarioResult["recording"]["steps"],
  index: number,
  seed: number,
  { name }: ScenarioSpec,
): Strike {
  const step = steps[index] ?? { atMs: 0, grid: "", text: "" };
  const random = createSeededRandom(`strike/${kind}/${name}/${seed}/${index}`);
  // Anywhere from the instant of the decision to the next scan: before it was replicated, before its output left, or after.
  const atMs = Math.round(step.atMs + random.next() * SCAN_MS);
  const pauseMs = PAUSES_MS[Math.floor(random.next() * PAUSES_MS.length)] ?? 500;
  const forMs = kind === "kill" ? 8000 : pauseMs;
  return { kind, grid: step.grid, atMs, forMs, step: step.text };
}

function reportOf(
  variant: string,
  strike: Strike | null,
  { findings, journalHash, recording, recoveries }: ScenarioResult,
  { isTraced }: ScenarioTask,
): RunReport {
  return {
    variant,
    strike,
    findings,
    journalHash,
    recoveries,
    lines: isTraced ? recording.lines : [],
  };
}

if (process.send !== undefined) {
  const specs = new Map(loadScenarios().map((spec) => [spec.name, spec]));
  process.on("message", (task: ScenarioTask) => {
    const spec = specs.get(task.name);
    if (spec === undefined) return;
    try {
      process.send?.(runTask(task, spec));
    } catch (error) {
      if (!(error instanceof RemsError)) throw error;
      // What it lays over manifest or plant is wrong: that is for whoever wrote it, not a broken program.
      // The code at its end is said again by whoever prints it.
      const refused = error.message.replace(/( \[REMS_\w+\])+$/, "");
      process.send?.({ refused } satisfies TaskRefusal);
    }
  });
  // Whoever started this process is gone.
  process.on("disconnect", () => process.exit(0));
}
