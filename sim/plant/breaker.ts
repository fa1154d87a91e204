/**
 * A breaker with travel times and a trip latch. Its auxiliary contacts change at the end of the travel. Steps of one plant step.
 */
export class BreakerModel {
  isClosed: boolean;
  isTripped = false;
  /** Its protection has seen a short circuit; latched until somebody has dealt with it. */
  isShortCircuit = false;
  /** Faults: it travels and does not get there. */
  failsToClose = false;
  failsToOpen = false;
  /** Counts every change of position. */
  movedCount = 0;
  readonly closeMs: number;
  readonly openMs: number;
  #travel: "none" | "closing" | "opening" = "none";
  #remainingMs = 0;

  constructor(spec: {
    readonly closeMs: number;
    readonly openMs: number;
    readonly isClosed: boolean;
  }) {
    this.isClosed = spec.isClosed;
    this.closeMs = spec.closeMs;
    this.openMs = spec.openMs;
  }

  get isClosing(): boolean {
    return this.#travel === "closing";
  }

  /** Starts to close; refused (false) while tripped or on the way. */
  close(): boolean {
    if (this.isTripped || this.isClosed || this.#travel !== "none") return false;
    this.#travel = "closing";
    this.#remainingMs = this.closeMs;
    return true;
  }

  open(): boolean {
    if (this.#travel === "closing") {
      this.#travel = "none";
      return true;
    }
    if (!this.isClosed || this.#travel === "opening") return false;
    this.#travel = "opening";
    this.#remainingMs = this.openMs;
    return true;
  }

  trip(): void {
    this.isTripped = true;
    this.open();
  }

  reset(): void {
    this.isTripped = false;
  }

  /** Advances the travel. Returns true when the position changed in this step. */
  step(stepMs: number): boolean {
    if (this.#travel === "none") return false;
    this.#remainingMs -= stepMs;
    if (this.#remainingMs > 1e-9) return false;
    const isClosing = this.#travel === "closing";
    this.#travel = "none";
    if (isClosing ? this.failsToClose : this.failsToOpen) return false;
    this.isClosed = isClosing;
    this.movedCount += 1;
    return true;
  }
}
