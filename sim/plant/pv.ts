import { clamp, moveToward } from "../../kernel/math.ts";
import type { PointValue } from "../../kernel/point.ts";
import { BreakerModel } from "./breaker.ts";
import type { Bus } from "./bus.ts";
import {
  type PlantContext,
  type Refusal,
  type SourceDevice,
  contactPoints,
  stepBreaker,
  tripPoints,
} from "./plant-device.ts";
import { TRANSIENT_REACTANCE_PU, VOLTAGE_LAG_S } from "./plant-device.ts";
import type { PvSpec } from "./plant-spec.ts";

/** Photovoltaic inverter: follows; feeds what the sun gives up to its limit; falls back in an island of too high frequency. */
export class Pv implements SourceDevice {
  readonly kind = "pv";
  readonly isForming = false;
  readonly isStiff = false;
  readonly isIsochronous = false;
  readonly voltageLagS = VOLTAGE_LAG_S;
  readonly transientReactancePu = TRANSIENT_REACTANCE_PU;
  readonly inertiaKws = 0;
  readonly stiffnessKwPerPu = 0;
  readonly reactiveStiffnessKvar = 0;
  readonly reactiveReferenceKvar = 0;
  readonly loadKw = 0;
  readonly loadKvar = 0;
  readonly id: string;
  readonly bus: Bus;
  readonly breaker: BreakerModel;
  readonly ratedKw: number;
  isRemoteSelected = true;
  electricalKw = 0;
  reactiveKvar = 0;
  mechanicalKw = 0;
  sunPct: number;
  cellTemperatureC: number;
  readonly #spec: PvSpec;
  readonly #context: PlantContext;
  readonly #peakKw: number;
  #limitPct = 100;
  #isInFallback = false;
  /** What sun and limit let it feed, along its ramp, before the droop of an island takes its part. */
  #rampedKw = 0;

  constructor(
    id: string,
    bus: Bus,
    ratings: { readonly powerKw: number },
    spec: PvSpec,
    context: PlantContext,
  ) {
    this.id = id;
    this.bus = bus;
    this.ratedKw = ratings.powerKw;
    this.#spec = spec;
    this.#context = context;
    this.#peakKw = spec.peakKw ?? ratings.powerKw;
    this.sunPct = spec.sunPct;
    this.cellTemperatureC = spec.cellTemperatureC;
    this.breaker = new BreakerModel(spec);
    if (spec.isClosed) this.#rampedKw = this.#wantedKw();
    this.mechanicalKw = this.#rampedKw;
  }

  /** The sun that gives so much. */
  setAvailable(kw: number): void {
    this.sunPct = this.#peakKw > 0 ? clamp((100 * kw) / this.#peakKw, 0, 100) : 0;
  }

  get availableKw(): number {
    // Cells lose 0.4 % of their power for each degree above 25 °C.
    const warmth = 1 - 0.004 * (this.cellTemperatureC - 25);
    return Math.min(this.ratedKw, Math.max(0, (this.sunPct / 100) * this.#peakKw * warmth));
  }

  drive(): void {
    const isFeeding = this.breaker.isClosed && this.bus.isLive;
    if (!isFeeding) this.#rampedKw = 0;
    else {
      // A cloud takes power away at once; rising and limiting go by the ramp.
      const rampKw = (this.#spec.rampPctPerS / 100) * this.ratedKw * this.#context.stepS;
      const ramped = moveToward(this.#rampedKw, this.#wantedKw(), rampKw);
      this.#rampedKw = Math.min(ramped, this.availableKw);
    }
    this.mechanicalKw = this.#rampedKw * this.#islandShare();
    this.electricalKw = this.mechanicalKw;
  }

  settle(): void {
    stepBreaker(this.#context, this);
  }

  command(name: string): Refusal {
    return `a PV inverter has no command "${name}"`;
  }

  setLevel(point: string, value: number): void {
    if (point === "powerLimitPct") this.#limitPct = clamp(value, 0, 100);
  }

  /** Without a master the limit reverts to full power. */
  setFallback(isActive: boolean): void {
    this.#isInFallback = isActive;
  }

  trip(reason: string): void {
    this.breaker.trip();
    this.#context.emit(this.id, "tripped", reason);
  }

  resetTrip(): void {
    this.breaker.reset();
    this.breaker.close();
  }

  points(): Readonly<Record<string, PointValue>> {
    return {
      isRunning: this.breaker.isClosed && this.bus.isLive,
      ...contactPoints(this.breaker),
      activePowerKw: this.electricalKw,
      availablePowerKw: this.availableKw,
      powerLimitPct: this.#limitPct,
      ...tripPoints(this.#spec),
    };
  }

  #wantedKw(): number {
    const limitPct = this.#isInFallback ? 100 : this.#limitPct;
    return Math.min(this.availableKw, (limitPct / 100) * this.ratedKw);
  }

  #islandShare(): number {
    const abovePct = (this.bus.omegaPu - 1) * 100;
    const { droopFromPct, droopToPct } = this.#spec;
    return clamp((droopToPct - abovePct) / (droopToPct - droopFromPct), 0, 1);
  }
}
