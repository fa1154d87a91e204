import { clamp, moveToward } from "../../kernel/math.ts";
import type { GensetSpec } from "./plant-spec.ts";

/** A turbo-charged engine drops its boost within about this time, s. */
const BOOST_FALL_S = 1;

/**
 * From fuel command to torque: dead time, actuator lag, then what the turbo-charger allows: one step of `firstStepPct`
 * above the load that it has got used to, the rest of the rating in `turboRestS`. Per unit of rated power.
 */
export class EngineModel {
  /** Mechanical power, pu. */
  powerPu = 0;
  #actuatorPu = 0;
  #settledPu = 0;
  readonly #line: Float64Array;
  readonly #lagFactor: number;
  readonly #delaySteps: number;
  #index = 0;
  readonly #stepS: number;
  readonly #firstStepPu: number;
  readonly #boostPuPerS: number;
  /** Most that it gives, pu: less while it is cold or derated. */
  powerPuMax: number;
  readonly #powerPuMin: number;

  constructor(spec: GensetSpec, stepS: number) {
    this.#stepS = stepS;
    this.#delaySteps = spec.deadTimeMs / 1000 / stepS;
    this.#line = new Float64Array(Math.ceil(this.#delaySteps) + 2);
    // Exact for a command that is constant over the step.
    this.#lagFactor = 1 - Math.exp(-stepS / (spec.actuatorLagMs / 1000));
    this.#firstStepPu = spec.firstStepPct / 100;
    this.#boostPuPerS = (1 - this.#firstStepPu) / spec.turboRestS;
    this.powerPuMax = spec.powerPctMax / 100;
    this.#powerPuMin = -spec.dragPct / 100;
  }

  /** Settles everything at one power, as if it had run so for long. */
  settleAt(powerPu: number): void {
    this.#line.fill(powerPu);
    this.#actuatorPu = powerPu;
    this.#settledPu = powerPu;
    this.powerPu = powerPu;
  }

  /** @param commandPu - Net power at the shaft; below what drag takes there is no fuel left to cut. */
  step(commandPu: number): void {
    const command = clamp(commandPu, this.#powerPuMin, this.powerPuMax);
    const delayed = this.#delayed(command);
    this.#actuatorPu += (delayed - this.#actuatorPu) * this.#lagFactor;
    this.powerPu = Math.min(this.#actuatorPu, this.#settledPu + this.#firstStepPu);
    const isRising = this.powerPu > this.#settledPu;
    this.#settledPu = moveToward(
      this.#settledPu,
      this.powerPu,
      (isRising ? this.#boostPuPerS : 1 / BOOST_FALL_S) * this.#stepS,
    );
  }

  /** The command of `deadTimeMs` ago, between two steps by interpolation. */
  #delayed(command: number): number {
    const size = this.#line.length;
    this.#line[this.#index] = command;
    const whole = Math.floor(this.#delaySteps);
    const part = this.#delaySteps - whole;
    const newer = this.#line[(this.#index - whole + size) % size] ?? command;
    const older = this.#line[(this.#index - whole - 1 + size) % size] ?? command;
    this.#index = (this.#index + 1) % size;
    return newer + (older - newer) * part;
  }
}

/**
 * Fuel rate after the load curve SFOC(L) = b·(0.455·L² − 0.71·L + 1.28), L the load in per unit of rating.
 *
 * @returns kg/h, at least what the engine needs to turn.
 */
export function fuelKgPerH(powerKw: number, ratedKw: number, spec: GensetSpec): number {
  const load = Math.max(0, powerKw) / ratedKw;
  const gPerKwh = spec.fuelGPerKwh * (0.455 * load * load - 0.71 * load + 1.28);
  return Math.max(spec.idleFuelKgPerH, (Math.max(0, powerKw) * gPerKwh) / 1000);
}
