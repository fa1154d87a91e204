import type { PointValue } from "../../kernel/point.ts";
import type { PlantEvent } from "../plant/plant-device.ts";
import type { GridState as PlantGrid } from "../plant/plant.ts";

/** Busbars are looked at so often. */
export const SAMPLE_MS = 20;
/** Powers of sources are kept so often, where a report wants them. */
export const POWER_SAMPLE_MS = 100;

/** One grid's busbar over a run, one entry for each {@link SAMPLE_MS}. */
export interface Samples {
  readonly frequencyHz: number[];
  readonly voltagePct: number[];
  readonly isLive: boolean[];
  readonly loadKw: number[];
}

export type OperationKind = "starts" | "stops" | "closes" | "opens" | "trips";

/** Something that moved at the plant. */
export interface Operation {
  readonly atMs: number;
  readonly device: string;
  readonly kind: OperationKind;
  readonly text: string;
}

/** A write as a device took it, with what it showed then. */
export interface TakenWrite {
  readonly atMs: number;
  readonly device: string;
  readonly kind: "level" | "command";
  readonly name: string;
  readonly value: PointValue;
  readonly isAccepted: boolean;
  /** The busbar behind the device had voltage. */
  readonly isBusLive: boolean;
  /** Equal for busbars that conducting ties join then. */
  readonly island: number;
  readonly points: Readonly<Record<string, PointValue>>;
}

/** A machine of the core changed its state. */
export interface Transition {
  readonly atMs: number;
  readonly device: string;
  readonly from: string;
  readonly to: string;
}

/** Where a fault may strike: something was decided or done just then. */
export interface Step {
  readonly atMs: number;
  readonly grid: string;
  readonly text: string;
}

const OPERATIONS: Readonly<Partial<Record<PlantEvent["kind"], OperationKind>>> = {
  started: "starts",
  stopped: "stops",
  breakerClosed: "closes",
  breakerOpened: "opens",
  tripped: "trips",
};

/** Steps of one grid nearer than this are one: the same instant of the same sequence. */
const STEP_APART_MS = 30;

/** Everything that a run leaves behind, times in milliseconds of the scenario; before 0 it settles. */
export class Recording {
  readonly samples: ReadonlyMap<string, Samples>;
  /** Power of each source and drive, kW, one for each {@link POWER_SAMPLE_MS}; empty where no report wants them. */
  readonly powersKw = new Map<string, number[]>();
  readonly reactiveKvar = new Map<string, number[]>();
  readonly operations: Operation[] = [];
  readonly writes: TakenWrite[] = [];
  readonly steps: Step[] = [];
  readonly transitions: Transition[] = [];
  readonly events: PlantEvent[] = [];
  /** What happened, in lines that a person reads. */
  readonly lines: string[] = [];

  constructor(grids: readonly string[]) {
    this.samples = new Map(
      grids.map((grid) => [grid, { frequencyHz: [], voltagePct: [], isLive: [], loadKw: [] }]),
    );
  }

  sample(grid: string, state: PlantGrid, nominalV: number): void {
    const samples = this.samples.get(grid);
    if (samples === undefined) return;
    samples.frequencyHz.push(state.frequencyHz);
    samples.voltagePct.push((100 * state.voltageV) / nominalV);
    samples.isLive.push(state.isLive);
    samples.loadKw.push(state.loadKw);
  }

  power(device: string, powerKw: number, reactiveKvar: number): void {
    const kw = this.powersKw.get(device) ?? [];
    const kvar = this.reactiveKvar.get(device) ?? [];
    this.powersKw.set(device, kw);
    this.reactiveKvar.set(device, kvar);
    kw.push(powerKw);
    kvar.push(reactiveKvar);
  }

  event(atMs: number, event: PlantEvent): void {
    this.events.push({ ...event, plantMs: atMs });
    const kind = OPERATIONS[event.kind];
    if (kind === undefined) return;
    this.operations.push({ atMs, device: event.device, kind, text: event.text });
  }

  step(atMs: number, grid: string, text: string): void {
    const last = this.steps.findLast((step) => step.grid === grid);
    if (last !== undefined && atMs - last.atMs < STEP_APART_MS) return;
    this.steps.push({ atMs, grid, text });
  }

  say(atMs: number, who: string, text: string): void {
    this.lines.push(`${(atMs / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(10)} ${text}`);
  }

  /** How often a device did something since the scenario began. */
  countOf(device: string, kind: OperationKind, untilMs = Number.POSITIVE_INFINITY): number {
    return this.operations.filter(
      (one) => one.device === device && one.kind === kind && one.atMs >= 0 && one.atMs <= untilMs,
    ).length;
  }
}
