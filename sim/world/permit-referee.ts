import type { Frame } from "../../kernel/frame.ts";
import type { AppliedWrite } from "../ports/memory-coordinator.ts";
import type { Violation } from "./referee.ts";
import { RATE_DEVIATION_MAX } from "./single-fault.ts";

/** As it stands in every journal: plant time until which the grid believes that it holds the permit; 0 where it does not. */
const UNTIL_FACT = "deadBusPermit.untilMs";
const HOLDER_COUNT_MAX = 16;

/** What a grid decides by, as its newest frame says. */
interface Belief {
  readonly epoch: number;
  readonly untilMs: number;
  readonly plantTimeMs: number;
  readonly atMs: number;
}

/**
 * Judges the permit to close onto a dead busbar, one for all grids that ties could join (plant-safety): at no time do two grids believe
 * that they hold it, and no source is closed onto a dead busbar but by the grid that the coordinator's record names then. It sees frames,
 * the record and writes at devices, and shares no code with what it judges.
 */
export class PermitReferee {
  violation: Violation | null = null;
  /** How often a grid began to hold the permit, and how often a source was closed onto a dead busbar under it. */
  heldCount = 0;
  deadCloseCount = 0;
  readonly #now: () => number;
  readonly #beliefs = new Map<string, Belief>();
  #holders: readonly { readonly grid: string; readonly atMs: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The record of the permit was written. */
  record({ record, atMs }: Pick<AppliedWrite, "record" | "atMs">): void {
    const holder = { grid: record.order[0] ?? "", atMs };
    this.#holders = [...this.#holders, holder].slice(-HOLDER_COUNT_MAX);
  }

  /** A leader built a frame. */
  frame({ grid, epoch, facts, plantTimeMs }: Frame): void {
    const before = this.#beliefs.get(grid);
    if (before !== undefined && epoch < before.epoch) return;
    const told = facts.findLast(([name]) => name === UNTIL_FACT)?.[1];
    const untilMs = typeof told === "number" ? told : (before?.untilMs ?? 0);
    const wasHeld = before !== undefined && this.#holds(before);
    this.#beliefs.set(grid, { epoch, untilMs, plantTimeMs, atMs: this.#now() });
    if (untilMs <= plantTimeMs) return;
    if (!wasHeld) this.heldCount++;
    for (const [other, belief] of this.#beliefs)
      if (other !== grid && this.#holds(belief))
        return this.#fail(`${grid} and ${other} hold the permit at once`);
  }

  /** A source was told in time to close onto a busbar that is dead. */
  deadClose(grid: string, device: string, gatedAtMs: number): void {
    this.deadCloseCount++;
    const holder = this.#holders.findLast(({ atMs }) => atMs <= gatedAtMs)?.grid ?? "";
    const belief = this.#beliefs.get(grid);
    const named = holder === "" ? "nobody" : holder;
    if (holder !== grid)
      return this.#fail(`${device} is closed onto a dead busbar, but ${named} holds the permit`);
    if (belief === undefined || !this.#holds(belief))
      this.#fail(`${device} is closed onto a dead busbar after ${grid}'s permit ran out`);
  }

  /** Whether its leader may still decide by it, on the slowest clock. */
  #holds({ untilMs, plantTimeMs, atMs }: Belief): boolean {
    return untilMs > plantTimeMs + (this.#now() - atMs) * (1 - RATE_DEVIATION_MAX);
  }

  #fail(text: string): void {
    this.violation ??= { check: "permit", atMs: this.#now(), text };
  }
}
