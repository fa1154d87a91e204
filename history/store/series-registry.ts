import type { PointValue } from "../../kernel/point.ts";
import type { SeriesBook } from "./grid-collector.ts";
import type { SeriesRow } from "./rows.ts";
import { kindOf, Series } from "./series.ts";

/** Smallest change of a point that is worth keeping, in its unit. */
export type DeadBandOf = (point: string, isCounter: boolean) => number;

/** All series of a node and the labels that they use, with what the database does not have yet. */
export class SeriesRegistry implements SeriesBook {
  readonly #deadBandOf: DeadBandOf;
  readonly #byName = new Map<string, Series>();
  readonly #byId = new Map<number, Series>();
  readonly #grids = new Map<number, string>();
  readonly #labels = new Map<string, number>();
  readonly #texts = new Map<number, string>();
  #newSeries: SeriesRow[] = [];
  #newLabels: [id: number, text: string][] = [];
  #nextId = 1;

  constructor(
    rows: readonly SeriesRow[],
    labels: readonly (readonly [number, string])[],
    deadBandOf: DeadBandOf,
  ) {
    this.#deadBandOf = deadBandOf;
    for (const row of rows) this.#add(row);
    for (const [id, text] of labels) this.#addLabel(id, text);
  }

  seriesOf(grid: string, point: string, value: PointValue, isCounter: boolean): Series {
    const known = this.find(grid, point);
    if (known !== null) return known;
    const row = { id: this.#nextId, grid, point, kind: kindOf(value), isCounter };
    this.#newSeries.push(row);
    return this.#add(row);
  }

  find(grid: string, point: string): Series | null {
    return this.#byName.get(`${grid}|${point}`) ?? null;
  }

  byId(id: number): Series | null {
    return this.#byId.get(id) ?? null;
  }

  all(): { readonly grid: string; readonly series: Series }[] {
    return [...this.#byId.values()].map((series) => ({
      grid: this.#grids.get(series.id) ?? "",
      series,
    }));
  }

  numberOf(series: Series, value: PointValue): number {
    if (kindOf(value) !== series.kind) return Number.NaN;
    if (typeof value === "number") return value;
    if (typeof value === "boolean") return value ? 1 : 0;
    const known = this.#labels.get(value);
    if (known !== undefined) return known;
    const id = this.#labels.size + 1;
    this.#newLabels.push([id, value]);
    this.#addLabel(id, value);
    return id;
  }

  labelOf(number: number): string {
    return this.#texts.get(number) ?? "";
  }

  /** What the database lacks; hand it on in the same transaction as the rows that name it, and then {@link clearNew}. */
  get news(): {
    readonly series: readonly SeriesRow[];
    readonly labels: readonly (readonly [number, string])[];
  } {
    return { series: this.#newSeries, labels: this.#newLabels };
  }

  clearNew(): void {
    this.#newSeries = [];
    this.#newLabels = [];
  }

  /** Replaces a grid's series by fresh ones under the same ids: what they had accumulated is read again. */
  forget(grid: string): void {
    for (const { grid: of, series } of this.all()) {
      if (of !== grid) continue;
      const { id, point, kind, isCounter } = series;
      this.#add({ id, grid, point, kind, isCounter });
    }
  }

  #add({ id, grid, point, kind, isCounter }: SeriesRow): Series {
    const series = new Series(id, point, kind, isCounter, this.#deadBandOf(point, isCounter));
    this.#byName.set(`${grid}|${point}`, series);
    this.#byId.set(id, series);
    this.#grids.set(id, grid);
    this.#nextId = Math.max(this.#nextId, id + 1);
    return series;
  }

  #addLabel(id: number, text: string): void {
    this.#labels.set(text, id);
    this.#texts.set(id, text);
  }
}
