import { present } from "../../kernel/assert.ts";
import type { DeviceConfig } from "../../configs/manifest.ts";
import { sealed } from "../world/seal.ts";
import { judgeBands } from "./bands.ts";
import { compareRuns } from "./compare-runs.ts";
import type { Expectation } from "./expectation.ts";
import type { Finding } from "./finding.ts";
import { filesOf, type InstallationFiles } from "./installation-files.ts";
import type { Evidence } from "./evidence.ts";
import { INVARIANTS } from "./invariants.ts";
import { judge, measured } from "./judge-expectations.ts";
import { SAMPLE_MS, type Recording } from "./recording.ts";
import { recoveryTimes, type RecoveryTime } from "./recovery-times.ts";
import type { ScenarioSpec } from "./scenario-file.ts";
import type { SharedCore } from "./shared-core.ts";
import { ScenarioWorld, SETTLE_MS } from "./scenario-world.ts";

/** What strikes the controllers of a grid, and when. */
export interface Strike {
  readonly kind: "kill" | "pause";
  readonly grid: string;
  /** Milliseconds of the scenario. */
  readonly atMs: number;
  /** How long the process stands still, or the computer stays down. */
  readonly forMs: number;
  /** The step that it strikes. */
  readonly step: string;
}

/** What became of one expectation of the table. */
export interface Outcome {
  /** Line of the table, from 0. */
  readonly row: number;
  readonly text: string;
  readonly isMet: boolean;
  /** What was there. */
  readonly measured: string;
}

export interface ScenarioResult {
  readonly findings: readonly Finding[];
  readonly outcomes: readonly Outcome[];
  readonly recording: Recording;
  /** The same for the same scenario, seed and strike, whenever and wherever: over every frame that any leader built. */
  readonly journalHash: string;
  readonly virtualMs: number;
  readonly recoveries: readonly RecoveryTime[];
  /** Every step of its cores, for runs that begin as this one did. */
  readonly cores: ReadonlyMap<string, SharedCore>;
}

/** What is expected and does not hold yet is looked at again so often, while there is time left. */
const LOOK_AGAIN_MS = 100;
/** So long a run goes on after a computer that was struck is up again: it has caught up by then, and stands by. */
const BACK_MS = 2000;

/**
 * Runs one scenario, with one strike or with none. Synchronous, and the same every time.
 * @param base - The run without a strike: what one with a strike is compared with.
 * @param hasCurves - Keeps the power of every source, for a report.
 */
export function runScenario(
  spec: ScenarioSpec,
  seed: number,
  strike: Strike | null = null,
  base: ScenarioResult | null = null,
  hasCurves = false,
): ScenarioResult {
  const files = filesOf(spec);
  return sealed(() => new ScenarioRun(spec, files, seed, strike, base, hasCurves).run());
}

class ScenarioRun {
  readonly #spec: ScenarioSpec;
  readonly #files: InstallationFiles;
  readonly #strike: Strike | null;
  readonly #base: ScenarioResult | null;
  readonly #scenario: ScenarioWorld;
  readonly #findings: Finding[] = [];
  readonly #outcomes: Outcome[] = [];
  readonly #broken = new Set<Expectation>();
  readonly #coldStartsAtMs: number[] = [];
  /** Expectations that are looked at again. */
  #waitingCount = 0;
  /** Somebody stood by as the leader was struck. */
  #isFollowed = true;

  constructor(
    spec: ScenarioSpec,
    files: InstallationFiles,
    seed: number,
    strike: Strike | null,
    base: ScenarioResult | null,
    hasCurves: boolean,
  ) {
    this.#spec = spec;
    this.#files = files;
    this.#strike = strike;
    this.#base = base;
    this.#scenario = new ScenarioWorld(files, seed, hasCurves, base?.cores ?? null);
  }

  run(): ScenarioResult {
    const { recording, world, plant } = this.#scenario;
    this.#schedule();
    // What is expected at the end may come late where the controllers were struck.
    const lastMs = (this.#spec.lengthS + this.#spec.lateS) * 1000;
    world.run(SETTLE_MS + lastMs, () => this.#isDecided());
    this.#worldFindings();
    this.#findings.push(
      ...judgeBands(this.#files.manifest, recording, this.#spec.isBeyondN1),
      ...this.#invariantFindings(plant.outOfPhaseCount),
    );
    const strike = this.#strike;
    if (strike !== null && this.#base !== null)
      this.#findings.push(
        ...compareRuns(
          this.#files.manifest,
          this.#base.recording,
          recording,
          strike.atMs,
          this.#spec.lateS * 1000,
          // Where nobody is left, droop alone holds the frequency until a computer is back: its bands judge that.
          this.#isFollowed ? this.#spec.deathHz : null,
        ),
      );
    const recoveries = recoveryTimes(this.#files.manifest, recording);
    this.#findings.push(...this.#lateRecoveries(recoveries));
    return {
      recoveries,
      findings: [...this.#findings].sort((a, b) => a.atMs - b.atMs),
      outcomes: this.#outcomes,
      recording,
      journalHash: world.trace.hash(),
      virtualMs: world.clock.monotonicMs(),
      cores: this.#scenario.cores,
    };
  }

  #schedule(): void {
    const { rows, always, lateS } = this.#spec;
    const patienceMs = this.#strike === null ? 0 : lateS * 1000;
    for (const [index, row] of rows.entries()) {
      this.#scenario.at(row.atS * 1000, () => {
        for (const expectation of row.expectations) this.#expect(index, expectation, patienceMs);
        for (const input of row.inputs) {
          this.#scenario.perform(input);
          if (input.kind === "kill" && input.subject === "all") {
            const forMs = (input.forS ?? 0) * 1000;
            this.#coldStartsAtMs.push(row.atS * 1000 + forMs);
          }
        }
      });
    }
    if (always.length > 0) this.#scenario.at(0, () => this.#watch());
    const strike = this.#strike;
    if (strike !== null)
      this.#scenario.at(strike.atMs, () => {
        this.#scenario.part();
        this.#isFollowed = this.#scenario.hasStandby(strike.grid);
        this.#scenario.perform(
          strike.kind === "kill"
            ? {
                text: `${strike.grid} kill`,
                kind: "kill",
                subject: strike.grid,
                forS: strike.forMs / 1000,
              }
            : {
                text: `${strike.grid} pause`,
                kind: "pause",
                subject: strike.grid,
                forMs: strike.forMs,
              },
        );
      });
  }

  /**
   * A struck run is over before its last moment where the table is done, nothing of it waits, and whoever was struck has been back for
   * a while. The run that it is compared with never is: it shows what comes a moment later.
   */
  #isDecided(): boolean {
    const strike = this.#strike;
    if (strike === null || this.#waitingCount > 0 || this.#spec.recoveryS !== null) return false;
    const { nowMs } = this.#scenario;
    const backMs = strike.atMs + strike.forMs + BACK_MS;
    return nowMs > this.#spec.lengthS * 1000 && nowMs > backMs;
  }

  #expect(row: number, expectation: Expectation, patienceMs: number): void {
    const found = judge(this.#scenario, expectation);
    if (found !== null && patienceMs > 0) {
      const { nowMs } = this.#scenario;
      this.#waitingCount += 1;
      this.#scenario.at(nowMs + LOOK_AGAIN_MS, () => {
        this.#waitingCount -= 1;
        this.#expect(row, expectation, patienceMs - LOOK_AGAIN_MS);
      });
      return;
    }
    const { text } = expectation;
    const isMet = found === null;
    const shown = isMet ? measured(this.#scenario, expectation) : found;
    this.#outcomes.push({ row, text, isMet, measured: shown });
    if (isMet) return;
    this.#fail("expected", `"${expectation.text}", but ${found}`);
  }

  /** What holds always is looked at with every sample; the first time that it does not is a finding. */
  #watch(): void {
    for (const expectation of this.#spec.always) {
      if (this.#broken.has(expectation)) continue;
      const found = judge(this.#scenario, expectation);
      if (found === null) continue;
      this.#broken.add(expectation);
      this.#fail("always", `"${expectation.text}", but ${found}`);
    }
    this.#scenario.at(this.#scenario.nowMs + SAMPLE_MS, () => this.#watch());
  }

  #fail(check: string, text: string): void {
    this.#findings.push({ check, atMs: this.#scenario.nowMs, text });
  }

  /** The time allowed for a recovery holds in struck runs as well: it is no matter of patience. */
  #lateRecoveries(recoveries: readonly RecoveryTime[]): Finding[] {
    const { recoveryS } = this.#spec;
    if (recoveryS === null) return [];
    return recoveries
      .filter(({ forMs }) => forMs === null || forMs > recoveryS * 1000)
      .map(({ grid, atMs, forMs }) => {
        const took = forMs === null ? "was not back at the end" : `took ${forMs / 1000} s`;
        const text = `${grid}: from loss of voltage to its essential feeders it ${took}; ${recoveryS} s are allowed`;
        return { check: "recovery-time", atMs, text };
      });
  }

  #worldFindings(): void {
    const { world, cores } = this.#scenario;
    if (world.violation !== null) {
      const { check, atMs, text } = world.violation;
      this.#findings.push({ check, atMs: atMs - SETTLE_MS, text });
    }
    for (const [grid, core] of cores)
      if (core.divergence !== null)
        this.#findings.push({ check: "divergence", atMs: 0, text: `${grid}: ${core.divergence}` });
  }

  #invariantFindings(outOfPhaseCount: number): Finding[] {
    const { manifest } = this.#files;
    const devices = new Map<string, DeviceConfig>(
      manifest.grids.flatMap((grid) => grid.devices.map((device) => [device.id, device] as const)),
    );
    const evidence: Evidence = {
      manifest,
      recording: this.#scenario.recording,
      rows: this.#spec.rows,
      coldStartsAtMs: this.#coldStartsAtMs,
      outOfPhaseCount,
      deviceOf: (id: string) => present(devices.get(id), `a device ${id}`),
      gridOf: (id: string) => this.#scenario.gridOf(id),
    };
    return INVARIANTS.filter(({ name }) => !(name in this.#spec.waives)).flatMap(({ check }) =>
      check(evidence),
    );
  }
}
