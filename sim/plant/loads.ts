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
  }

  get loadKvar(): number {
    return this.loadKw * this.#reactiveShare;
  }

  drive(): void {
    const noise = this.#noise.step();
    if (!this.breaker.isClosed || !this.bus.isLive) this.loadKw = 0;
    else {
      const wantedKw = this.drivenKw ?? this.demandKw * (1 + noise);
      this.loadKw = Math.min(this.#limit(), Math.max(0, wantedKw));
    }
  }

  settle(): void {
    stepBreaker(this.#context, this);
  }

  command(name: string): Refusal {
    if (name === "open") {
      this.breaker.open();
      return null;
    }
    if (name !== "close") return `a feeder has no command "${name}"`;
    if (this.breaker.isTripped) return "the breaker is tripped";
    this.breaker.close();
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
      ...contactPoints(this.breaker),
      activePowerKw: this.loadKw,
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
    if (!this.bus.isLive || this.isDriveTripped) {
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
