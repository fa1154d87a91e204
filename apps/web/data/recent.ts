/** The newest values of one figure, for a small picture: at most one each half second, five minutes long. */
export class Recent {
  static readonly stepMs = 500;
  static readonly countMax = 600;
  readonly #times: number[] = [];
  readonly #values: number[] = [];

  add(timeMs: number, value: number): void {
    const last = this.#times.at(-1);
    if (last !== undefined && timeMs - last < Recent.stepMs) return;
    this.#times.push(timeMs);
    this.#values.push(value);
    if (this.#times.length <= Recent.countMax) return;
    this.#times.shift();
    this.#values.shift();
  }

  get times(): readonly number[] {
    return this.#times;
  }

  get values(): readonly number[] {
    return this.#values;
  }
}
