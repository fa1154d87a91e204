import { clamp, moveToward } from "../../kernel/math.ts";
import type { PointValue } from "../../kernel/point.ts";
import { BreakerModel } from "./breaker.ts";
import type { Bus } from "./bus.ts";
import { LoadNoise, type Uniform } from "./noise.ts";
import {
  type PlantContext,
  type PlantDevice,
  type Refusal,
  contactPoints,
  stepBreaker,
} from "./plant-device.ts";
import type { FeederSpec, ThrusterSpec } from "./plant-spec.ts";

/** Reactive per active power at a power factor. */
function reactiveShare(powerFactor: number): number {
  return Math.sqrt(1 - powerFactor * powerFactor) / powerFactor;
}

interface Motor {
  readonly ratedKw: number;
  runningS: number;
}

/** A feeder: consumers of constant power with noise, behind a breaker. */
export class Feeder implements PlantDevice {
  readonly kind = "feeder";
  readonly id: string;
  readonly bus: Bus;
  readonly breaker: BreakerModel;
  isRemoteSelected = true;
  loadKw = 0;
  /** What the consumers would draw without noise and limit. */
  demandKw: number;
  /** What they draw exactly, without noise, while a recording is played into the plant; else null. */
  drivenKw: number | null = null;
  readonly #spec: FeederSpec;
  readonly #context: PlantContext;
  readonly #noise: LoadNoise;
  readonly #reactiveShare: number;
  readonly #startingReactiveShare: number;
  #motors: Motor[] = [];
  #startingKw = 0;
  #undervoltageS = 0;
  /** Remaining time of pre-magnetising before the breaker closes; negative: none under way. */
  #closingS = -1;
  #limitKw: number | null = null;
  #isInFallback = false;

  constructor(
    id: string,
    bus: Bus,
    ratings: { readonly loadKw: number },
    spec: FeederSpec,
    context: PlantContext,
    uniform: Uniform,
  ) {
    this.id = id;
    this.bus = bus;
    this.#spec = spec;
    this.#context = context;
    this.demandKw = spec.loadKw ?? ratings.loadKw;
    this.breaker = new BreakerModel(spec);
    this.#noise = new LoadNoise(uniform, spec.noisePct / 100, spec.noiseTauS, context.stepS);
    this.#reactiveShare = reactiveShare(spec.powerFactor);
    this.#startingReactiveShare = reactiveShare(spec.motorStartPowerFactor);
  }

  get loadKvar(): number {
    const runningKw = this.loadKw - this.#startingKw;
    return runningKw * this.#reactiveShare + this.#startingKw * this.#startingReactiveShare;
  }

  /** A motor of that power starts direct on line and then runs, until the feeder has no voltage. */
  startMotor(ratedKw: number): void {
    this.#motors.push({ ratedKw, runningS: 0 });
    this.#context.emit(this.id, "loadStep", `a motor of ${ratedKw} kW starts direct on line`);
  }

  drive(): void {
    const noise = this.#noise.step();
    if (!this.breaker.isClosed || !this.bus.isLive) {
      this.loadKw = 0;
      this.#startingKw = 0;
      // A contactor that has dropped does not come back by itself.
      this.#motors = [];
      return;
    }
    const wantedKw = this.drivenKw ?? this.demandKw * (1 + noise);
    const steadyKw = Math.min(this.#limit(), Math.max(0, wantedKw));
    this.loadKw = steadyKw + this.#motorsKw();
  }

  settle(): void {
    const { stepS } = this.#context;
    this.#releaseAtUndervoltage(stepS);
    if (this.#closingS >= 0) {
      this.#closingS -= stepS;
      if (this.#closingS < 0) this.breaker.close();
    }
    stepBreaker(this.#context, this);
  }

  #motorsKw(): number {
    const { motorStartTimes, motorStartPowerFactor, motorStartS, powerFactor } = this.#spec;
    let runningKw = 0;
    this.#startingKw = 0;
    for (const motor of this.#motors) {
      motor.runningS += this.#context.stepS;
      // Current rises by so many times; at the low power factor of the start that is less active power.
      const startKw = (motorStartTimes * motor.ratedKw * motorStartPowerFactor) / powerFactor;
      if (motor.runningS < motorStartS) this.#startingKw += startKw;
      else runningKw += motor.ratedKw;
    }
    return runningKw + this.#startingKw;
  }

  #releaseAtUndervoltage(stepS: number): void {
    const { undervoltageS, undervoltagePct } = this.#spec;
    if (undervoltageS === undefined) return;
    const isLow = this.breaker.isClosed && this.bus.voltagePu * 100 < undervoltagePct;
    this.#undervoltageS = isLow ? this.#undervoltageS + stepS : 0;
    if (this.#undervoltageS > undervoltageS) this.breaker.open();
  }

  command(name: string): Refusal {
    if (name === "open") {
      this.#closingS = -1;
      this.breaker.open();
      return null;
    }
    if (name !== "close") return `a feeder has no command "${name}"`;
    if (this.breaker.isTripped) return "the breaker is tripped";
    if (this.#spec.undervoltageS !== undefined && !this.bus.isLive)
      return "the undervoltage release holds the breaker open: the busbar is dead";
    if (this.#spec.premagnetiseS > 0 && !this.breaker.isClosed)
      this.#closingS = this.#spec.premagnetiseS;
    else this.breaker.close();
    return null;
  }

  setLevel(point: string, value: number): void {
    if (point === "powerLimitKw") this.#limitKw = Math.max(0, value);
  }

  setFallback(isActive: boolean): void {
    this.#isInFallback = isActive;
  }

  trip(reason: string): void {
    this.breaker.trip();
    this.#context.emit(this.id, "tripped", reason);
  }

  resetTrip(): void {
    this.breaker.reset();
  }

  points(): Readonly<Record<string, PointValue>> {
    return {
      activePowerKw: this.loadKw,
      ...contactPoints(this.breaker),
      powerLimitKw: this.#limitKw ?? this.demandKw,
    };
  }

  #limit(): number {
    const fallbackKw = this.#isInFallback ? this.#spec.fallbackLimitKw : undefined;
    return fallbackKw ?? this.#limitKw ?? Number.POSITIVE_INFINITY;
  }
}

/** A thruster drive: ramps up, comes down at once, keeps its limit, and phases back by itself at low frequency. */
export class Thruster implements PlantDevice {
  readonly kind = "thruster";
  readonly breaker = null;
  readonly id: string;
  readonly bus: Bus;
  isRemoteSelected = true;
  isDriveTripped = false;
  /** Fault switch: it asks and does not run, whatever it is allowed. */
  failsToRun = false;
  loadKw = 0;
  demandKw = 0;
  readonly #spec: ThrusterSpec;
  readonly #context: PlantContext;
  readonly #ratedKw: number;
  readonly #reactiveShare: number;
  #limitKw = 0;

  constructor(
    id: string,
    bus: Bus,
    ratings: { readonly powerKw: number; readonly loadKw: number },
    spec: ThrusterSpec,
    context: PlantContext,
  ) {
    this.id = id;
    this.bus = bus;
    this.#spec = spec;
    this.#context = context;
    this.#ratedKw = ratings.powerKw > 0 ? ratings.powerKw : ratings.loadKw;
    this.#reactiveShare = reactiveShare(spec.powerFactor);
  }

  get loadKvar(): number {
    return this.loadKw * this.#reactiveShare;
  }

  drive(): void {
    if (!this.bus.isLive || this.isDriveTripped || this.failsToRun) {
      this.loadKw = 0;
      return;
    }
    const { phaseBackFromPu, phaseBackToPu, rampPctPerS } = this.#spec;
    const share = clamp(
      (this.bus.omegaPu - phaseBackToPu) / (phaseBackFromPu - phaseBackToPu),
      0,
      1,
    );
    const wanted = Math.min(this.demandKw, this.#limitKw, share * this.#ratedKw);
    const rampKw = (rampPctPerS / 100) * this.#ratedKw * this.#context.stepS;
    this.loadKw = wanted < this.loadKw ? wanted : moveToward(this.loadKw, wanted, rampKw);
  }

  settle(): void {}

  command(name: string): Refusal {
    return `a thruster has no command "${name}"`;
  }

  setDemand(demandKw: number): void {
    this.demandKw = clamp(demandKw, 0, this.#ratedKw);
  }

  setLevel(point: string, value: number): void {
    if (point === "powerLimitKw") this.#limitKw = clamp(value, 0, this.#ratedKw);
  }

  /** Without a master the drive may draw what it draws, no more. */
  setFallback(isActive: boolean): void {
    if (isActive) this.#limitKw = this.loadKw;
  }

  trip(reason: string): void {
    this.isDriveTripped = true;
    this.#context.emit(this.id, "tripped", reason);
  }

  resetTrip(): void {
    this.isDriveTripped = false;
  }

  points(): Readonly<Record<string, PointValue>> {
    return {
      isRemoteSelected: this.isRemoteSelected,
      isRequesting: this.demandKw > 0.5,
      isRunning: this.loadKw > 0.5,
      isTripped: this.isDriveTripped,
      demandKw: this.demandKw,
      activePowerKw: this.loadKw,
      powerLimitKw: this.#limitKw,
    };
  }
}
