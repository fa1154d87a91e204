import type { PlacedTransition } from "../grid-replica.ts";

/** One thing that readers of a stream are told, in order. */
export type LogEntry =
  | { readonly type: "transition"; readonly transition: PlacedTransition }
  /** All that was seen of a grid may have changed. */
  | { readonly type: "gap"; readonly grid: string; readonly reason: string };

/**
 * The last transitions of a node, numbered. Every reader keeps a place in this one list, so that a reader who stops costs a number,
 * not a queue; one whose place is no longer in the list has missed something and is told so.
 */
export class TransitionLog {
  /** New at every start of the worker: places of another log mean nothing here. */
  readonly id: string;
  readonly #entries: LogEntry[] = [];
  readonly #countMax: number;
  /** Number of the next entry. */
  #end = 0;

  constructor(id: string, countMax: number) {
    this.id = id;
    this.#countMax = countMax;
  }

  /** Number of the oldest entry that is kept. */
  get first(): number {
    return Math.max(0, this.#end - this.#countMax);
  }

  get end(): number {
    return this.#end;
  }

  append(entry: LogEntry): void {
    this.#entries[this.#end % this.#countMax] = entry;
    this.#end += 1;
  }

  /** @param number - From `first` to below `end`. */
  at(number: number): LogEntry | undefined {
    return number >= this.first && number < this.#end
      ? this.#entries[number % this.#countMax]
      : undefined;
  }

  tokenOf(number: number): string {
    return `${this.id}-${number}`;
  }

  /** Place that a token names; null where this log does not know what came after it. */
  placeOf(token: string): number | null {
    const [id, text = ""] = token.split("-");
    if (id !== this.id || !/^\d{1,15}$/.test(text)) return null;
    const place = Number(text);
    return place >= this.first && place <= this.#end ? place : null;
  }
}
