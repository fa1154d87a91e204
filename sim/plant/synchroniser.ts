import { clamp } from "../../kernel/math.ts";
import { type Bus, wrapRad } from "./bus.ts";

/** Slip that the synchroniser asks for per radian of angle error, and its limit, Hz. */
const SLIP_HZ_PER_RAD = 0.13;
const SLIP_HZ_MAX = 0.3;
/** The check relay: window of angle and slip, and how long both must hold. */
const WINDOW_RAD = (5 * Math.PI) / 180;
const WINDOW_SLIP_HZ = 0.1;
const WINDOW_DWELL_S = 0.2;

/** Speed at which the trim of the busbar's sources moves while shore synchronises, per unit of speed error and second. */
const TRIM_RATE_PER_S = 2;
const TRIM_PU_MAX = 0.04;

export type SyncResult = "working" | "close" | "timedOut";

/**
 * A synchroniser with its check relay: it steers the speed of the incoming side so that the angle closes, and releases the
 * breaker when angle and slip stayed in the window, with the breaker's travel foreseen.
 */
export class Synchroniser {
  isActive = false;
  #elapsedS = 0;
  #dwellS = 0;
  readonly #syncSMin: number;
  readonly #timeoutS: number;

  constructor(syncSMin: number, timeoutS: number) {
    this.#syncSMin = syncSMin;
    this.#timeoutS = timeoutS;
  }

  begin(): void {
    this.isActive = true;
    this.#elapsedS = 0;
    this.#dwellS = 0;
  }

  cancel(): void {
    this.isActive = false;
  }

  /** Speed that the incoming side should have, pu. The angle is incoming minus running. */
  targetPu(runningPu: number, angleRad: number, nominalHz: number): number {
    const slipHz = clamp(-angleRad * SLIP_HZ_PER_RAD, -SLIP_HZ_MAX, SLIP_HZ_MAX);
    return runningPu + slipHz / nominalHz;
  }

  /**
   * One step of the check relay.
   *
   * @param angleRad - Incoming minus running, any turn.
   * @param slipPu - Speed of the incoming side minus that of the running side.
   */
  check(
    angleRad: number,
    slipPu: number,
    nominalHz: number,
    closeMs: number,
    stepS: number,
  ): SyncResult {
    this.#elapsedS += stepS;
    const slipHz = slipPu * nominalHz;
    const atContactRad = wrapRad(angleRad + 2 * Math.PI * slipHz * (closeMs / 1000));
    const isInWindow = Math.abs(atContactRad) < WINDOW_RAD && Math.abs(slipHz) < WINDOW_SLIP_HZ;
    this.#dwellS = isInWindow ? this.#dwellS + stepS : 0;
    if (this.#elapsedS >= this.#syncSMin && this.#dwellS >= WINDOW_DWELL_S) {
      this.isActive = false;
      return "close";
    }
    if (this.#elapsedS > this.#timeoutS) {
      this.isActive = false;
      return "timedOut";
    }
    return "working";
  }
}

/** Moves the trim of an island's speed references so that its speed comes to `targetPu`. */
export function trimToward(bus: Bus, targetPu: number, stepS: number): void {
  bus.trimPu = clamp(
    bus.trimPu + (targetPu - bus.omegaPu) * TRIM_RATE_PER_S * stepS,
    -TRIM_PU_MAX,
    TRIM_PU_MAX,
  );
  bus.isTrimmed = true;
}
