import type { PointSample } from "../../kernel/point.ts";

type Levels = { readonly [level: string]: number };

/** Numbers the frames of a grid, and remembers of each point with which number it changed last. */
export class PointChanges {
  #number = 0;
  #allChangedAt = 0;
  readonly #changedAt = new Map<string, number>();

  /** Of the last frame; grows by one with each. */
  get number(): number {
    return this.#number;
  }

  note(points: readonly PointSample[], levelsBefore: Levels, levels: Levels): void {
    this.#number += 1;
    for (const [id] of points) this.#changedAt.set(id, this.#number);
    for (const id in levels) {
      if (levels[id] !== levelsBefore[id]) this.#changedAt.set(id, this.#number);
    }
    for (const id in levelsBefore) {
      if (!(id in levels)) this.#changedAt.set(id, this.#number);
    }
  }

  /** A snapshot replaced everything. */
  noteAll(): void {
    this.#number += 1;
    this.#allChangedAt = this.#number;
    this.#changedAt.clear();
  }

  /** True if the point changed in a later frame than number `since`. */
  hasChangedSince(point: string, since: number): boolean {
    return Math.max(this.#allChangedAt, this.#changedAt.get(point) ?? 0) > since;
  }
}
