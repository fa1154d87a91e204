/** Energy through one device's connection since the store began, by trapezoid over plant time. */
export interface EnergyTotals {
  /** Out of the device into the busbar for a source; kWh. */
  outKwh: number;
  inKwh: number;
}

const MS_PER_HOUR = 3_600_000;

/**
 * Integrates a device's active power. Between two frames in which the power changed it ran straight from the one value to the other;
 * where it did not change it stood. Time in which nothing is known counts for nothing.
 */
export class EnergyMeter {
  readonly device: string;
  /** A consumer's power is positive where it draws, a source's where it feeds. */
  readonly #isSource: boolean;
  readonly totals: EnergyTotals;
  #powerKw = Number.NaN;
  #atPlantMs = 0;

  constructor(device: string, isSource: boolean, totals: EnergyTotals = { outKwh: 0, inKwh: 0 }) {
    this.device = device;
    this.#isSource = isSource;
    this.totals = totals;
  }

  get powerKw(): number {
    return this.#powerKw;
  }

  /**
   * @param powerKw - From `plantMs` on; NaN where it is not known.
   * @param previousPlantMs - Of the frame before: until then the old value stood.
   */
  change(powerKw: number, plantMs: number, previousPlantMs: number): void {
    this.holdTo(Math.min(previousPlantMs, plantMs));
    if (!Number.isNaN(this.#powerKw) && !Number.isNaN(powerKw)) {
      this.#ramp(this.#powerKw, powerKw, plantMs - this.#atPlantMs);
    }
    this.#powerKw = powerKw;
    this.#atPlantMs = plantMs;
  }

  /** Counts the standing value up to `plantMs`. */
  holdTo(plantMs: number): void {
    const ms = plantMs - this.#atPlantMs;
    if (ms <= 0) return;
    if (!Number.isNaN(this.#powerKw)) this.#count((this.#powerKw * ms) / MS_PER_HOUR);
    this.#atPlantMs = plantMs;
  }

  /** @param powerKw - What stood at `plantMs`, when the totals were saved. */
  restore(powerKw: number, plantMs: number): void {
    this.#powerKw = powerKw;
    this.#atPlantMs = plantMs;
  }

  #ramp(fromKw: number, toKw: number, ms: number): void {
    if (ms <= 0) return;
    if (fromKw * toKw >= 0) return this.#count((((fromKw + toKw) / 2) * ms) / MS_PER_HOUR);
    // It crosses zero: each side counts for its own direction.
    const crossing = fromKw / (fromKw - toKw);
    this.#count(((fromKw / 2) * crossing * ms) / MS_PER_HOUR);
    this.#count(((toKw / 2) * (1 - crossing) * ms) / MS_PER_HOUR);
  }

  #count(kwh: number): void {
    const isOut = kwh > 0 === this.#isSource;
    if (isOut) this.totals.outKwh += Math.abs(kwh);
    else this.totals.inKwh += Math.abs(kwh);
  }
}
