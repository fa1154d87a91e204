import { clamp, moveToward } from "../../kernel/math.ts";
import type { PointValue } from "../../kernel/point.ts";
import { BreakerModel } from "./breaker.ts";
import { type Bus, angleStepRad, wrapRad } from "./bus.ts";
import {
  type PlantContext,
  type Refusal,
  type SourceDevice,
  contactPoints,
  stepBreaker,
  tripPoints,
} from "./plant-device.ts";
import { TRANSIENT_REACTANCE_PU, VOLTAGE_LAG_S } from "./plant-device.ts";
import type { ShoreSpec } from "./plant-spec.ts";
import { Synchroniser, trimToward } from "./synchroniser.ts";

const DEAD_BUS_CHECK_S = 0.5;
/**
 * Shore connection or point of interconnection. A converter supply is a droop source with a limit that never takes power
 * back; a utility holds frequency and voltage whatever the load.
 */
export class Shore implements SourceDevice {
  readonly kind = "shore";
  readonly isIsochronous = false;
  readonly voltageLagS = VOLTAGE_LAG_S;
  readonly transientReactancePu = TRANSIENT_REACTANCE_PU;
  readonly loadKw = 0;
  readonly loadKvar = 0;
  readonly id: string;
  readonly bus: Bus;
  readonly breaker: BreakerModel;
  readonly ratedKw: number;
  readonly reactiveReferenceKvar = 0;
  isRemoteSelected = true;
  isEmergencyStop = false;
  isAvailable: boolean;
  electricalKw = 0;
  reactiveKvar = 0;
  mechanicalKw = 0;
  angleRad = 1;
  readonly #spec: ShoreSpec;
  readonly #context: PlantContext;
  readonly #synchroniser: Synchroniser;
  readonly #importLimitKw: number;
  readonly #reactiveStiffnessKvar: number;
  #referenceKw: number;
  #effectiveKw: number;
  #lostMs = 0;
  #deadCloseS = -1;
  #isLimited = false;

  constructor(
    id: string,
    bus: Bus,
    ratings: { readonly powerKw: number; readonly apparentKva: number },
    spec: ShoreSpec,
    context: PlantContext,
  ) {
    this.id = id;
    this.bus = bus;
    this.ratedKw = ratings.powerKw;
    this.#spec = spec;
    this.#context = context;
    this.#importLimitKw = spec.importLimitKw ?? ratings.powerKw;
    const kva = ratings.apparentKva > 0 ? ratings.apparentKva : ratings.powerKw * 1.1;
    this.#reactiveStiffnessKvar = kva / (spec.voltageDroopPct / 100);
    this.breaker = new BreakerModel(spec);
    this.#synchroniser = new Synchroniser(spec.syncSMin, spec.syncTimeoutS);
    this.isAvailable = spec.isAvailable;
    this.#referenceKw = spec.referenceKw;
    this.#effectiveKw = spec.referenceKw;
  }

  get isForming(): boolean {
    return this.isAvailable;
  }

  get isStiff(): boolean {
    return this.isAvailable && this.#spec.supply === "utility";
  }

  get inertiaKws(): number {
    if (!this.isAvailable || this.isStiff) return 0;
    return (this.#spec.lagMs / 1000 / (this.#spec.droopPct / 100)) * this.ratedKw;
  }

  get stiffnessKwPerPu(): number {
    if (!this.isAvailable || this.isStiff || this.#isLimited) return 0;
    return this.ratedKw / (this.#spec.droopPct / 100);
  }

  get reactiveStiffnessKvar(): number {
    return this.isAvailable ? this.#reactiveStiffnessKvar : 0;
  }

  drive(): void {
    if (!this.breaker.isClosed || !this.isAvailable) {
      this.mechanicalKw = 0;
      this.electricalKw = 0;
      return;
    }
    if (this.isStiff) return;
    this.#effectiveKw = moveToward(
      this.#effectiveKw,
      this.#referenceKw,
      (this.#spec.rampPctPerS / 100) * this.ratedKw * this.#context.stepS,
    );
    const droopPu = this.#spec.droopPct / 100;
    const wanted =
      this.#effectiveKw + ((1 + this.bus.trimPu - this.bus.omegaPu) / droopPu) * this.ratedKw;
    this.mechanicalKw = clamp(wanted, 0, this.#importLimitKw);
    this.#isLimited = this.mechanicalKw !== wanted;
  }

  settle(): void {
    const { stepS, stepMs } = this.#context;
    if (this.breaker.isClosed) {
      this.angleRad = this.bus.angleRad;
      this.#lostMs = this.isAvailable ? 0 : this.#lostMs + stepMs;
      if (this.#lostMs >= this.#spec.relayMs && this.breaker.open()) {
        this.#context.emit(this.id, "tripped", "interface relay: the supply is gone");
      }
      if (this.isEmergencyStop) this.breaker.open();
    } else {
      this.electricalKw = 0;
      this.reactiveKvar = 0;
      this.#close(stepS);
    }
    stepBreaker(this.#context, this);
  }

  command(name: string): Refusal {
    switch (name) {
      case "syncAndClose":
        if (this.breaker.isClosed) return null;
        if (this.breaker.isTripped) return "the breaker is tripped";
        if (!this.isAvailable) return "no voltage on the far side";
        if (!this.#spec.isPhaseRotationGood) return "phase rotation is wrong";
        if (this.isEmergencyStop) return "the pilot or emergency-stop loop is open";
        if (this.bus.isLive) this.#synchroniser.begin();
        else this.#deadCloseS = 0;
        return null;
      case "open":
        this.#synchroniser.cancel();
        this.#deadCloseS = -1;
        this.breaker.open();
        return null;
      default:
        return `a shore connection has no command "${name}"`;
    }
  }

  setLevel(point: string, value: number): void {
    if (point === "powerReferenceKw") this.#referenceKw = value;
  }

  setFallback(_isActive: boolean): void {}

  setAvailable(isAvailable: boolean): void {
    if (this.isAvailable === isAvailable) return;
    this.isAvailable = isAvailable;
    this.#context.topologyChanged();
    if (isAvailable) this.#context.emit(this.id, "supplyReturned", "voltage on the far side");
    else this.#context.emit(this.id, "supplyLost", "no voltage on the far side");
  }

  trip(reason: string): void {
    this.breaker.trip();
    this.#context.emit(this.id, "tripped", reason);
  }

  resetTrip(): void {
    this.breaker.reset();
  }

  points(): Readonly<Record<string, PointValue>> {
    const farPu = this.isAvailable ? 1 : 0;
    return {
      isRemoteSelected: this.isRemoteSelected,
      ...contactPoints(this.breaker),
      isVoltagePresent: this.isAvailable,
      isPhaseRotationGood: this.#spec.isPhaseRotationGood,
      isEmergencyStop: this.isEmergencyStop,
      activePowerKw: this.electricalKw,
      reactivePowerKvar: this.reactiveKvar,
      voltageV: farPu * this.bus.nominalV,
      frequencyHz:
        farPu *
        this.bus.nominalHz *
        (this.breaker.isClosed && !this.isStiff ? this.bus.omegaPu : 1),
      importLimitKw: this.#importLimitKw,
      powerReferenceKw: this.#referenceKw,
      ...tripPoints(this.#spec),
    };
  }

  /** A converter turns itself into step; for a utility the busbar's sources are trimmed. */
  #close(stepS: number): void {
    if (this.#deadCloseS >= 0) {
      this.#deadCloseS += stepS;
      if (this.bus.isLive) {
        this.#deadCloseS = -1;
        this.#synchroniser.begin();
      } else if (this.#deadCloseS >= DEAD_BUS_CHECK_S) {
        this.#deadCloseS = -1;
        this.breaker.close();
      }
      return;
    }
    if (this.breaker.isClosing && this.bus.isLive && this.#spec.supply === "converter") {
      // The converter stays in step while the contacts travel.
      this.#syncToBus(stepS);
      return;
    }
    if (!this.#synchroniser.isActive) {
      this.angleRad = wrapRad(this.angleRad + angleStepRad(1, this.bus.nominalHz, stepS));
      return;
    }
    if (!this.bus.isLive || !this.isAvailable) {
      this.#synchroniser.cancel();
      return;
    }
    const result =
      this.#spec.supply === "utility" ? this.#syncBusTo(stepS) : this.#syncToBus(stepS);
    if (result === "timedOut") this.#context.emit(this.id, "syncTimedOut", "synchronising gave up");
    if (result !== "close") return;
    // Comes in without load: the droop alone would give this much.
    const droopPu = this.#spec.droopPct / 100;
    this.#effectiveKw = -((1 + this.bus.trimPu - this.bus.omegaPu) / droopPu) * this.ratedKw;
    this.breaker.close();
  }

  #syncToBus(stepS: number) {
    const { nominalHz } = this.bus;
    const errorRad = wrapRad(this.angleRad - this.bus.angleRad);
    const ownPu = this.#synchroniser.targetPu(this.bus.omegaPu, errorRad, nominalHz);
    this.angleRad = wrapRad(this.angleRad + angleStepRad(ownPu, nominalHz, stepS));
    return this.#synchroniser.check(
      errorRad,
      ownPu - this.bus.omegaPu,
      nominalHz,
      this.breaker.closeMs,
      stepS,
    );
  }

  #syncBusTo(stepS: number) {
    const { nominalHz } = this.bus;
    this.angleRad = wrapRad(this.angleRad + angleStepRad(1, nominalHz, stepS));
    const errorRad = wrapRad(this.bus.angleRad - this.angleRad);
    trimToward(this.bus, this.#synchroniser.targetPu(1, errorRad, nominalHz), stepS);
    return this.#synchroniser.check(
      errorRad,
      this.bus.omegaPu - 1,
      nominalHz,
      this.breaker.closeMs,
      stepS,
    );
  }
}
