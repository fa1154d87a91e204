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
} from "./plant-device.ts";
import { TRANSIENT_REACTANCE_PU, VOLTAGE_LAG_S } from "./plant-device.ts";
import type { BatterySpec } from "./plant-spec.ts";

/** The converter locks onto the busbar and checks angle and voltage in this time, s. */
const CONVERTER_SYNC_S = 1;
/** SoC at which the BMS begins to take back a limit, and at which the limit is zero, percent. */
const TAPER_FROM_PCT = 10;
const TAPER_TO_PCT = 5;
const UNDER_FREQUENCY_PU = 0.9;
const UNDER_FREQUENCY_S = 0.5;

/**
 * Terminal current of a cell stack with open-circuit voltage and resistance, from the power at its terminals.
 * I = (OCV − √(OCV² − 4·R·P)) / 2R; P > 0 discharges.
 */
export function batteryCurrentA(powerW: number, ocvV: number, resistanceOhm: number): number {
  const square = Math.max(0, ocvV * ocvV - 4 * resistanceOhm * powerW);
  return (ocvV - Math.sqrt(square)) / (2 * resistanceOhm);
}

/**
 * A battery with its converter, following or forming. Forming it is a droop source whose power measurement lags by
 * `formingLagMs`: the same equation as a machine with inertia 2H = lag / droop and no lag of its own. When the last source
 * that formed its busbar is gone, a following converter takes over by itself.
 */
export class Battery implements SourceDevice {
  readonly kind = "battery";
  readonly isStiff = false;
  readonly isIsochronous = false;
  readonly voltageLagS = VOLTAGE_LAG_S;
  readonly transientReactancePu = TRANSIENT_REACTANCE_PU;
  readonly loadKw = 0;
  readonly loadKvar = 0;
  readonly id: string;
  readonly bus: Bus;
  readonly breaker: BreakerModel;
  readonly ratedKw: number;
  isRemoteSelected = true;
  isBmsFault = false;
  isGasOrFire = false;
  isEmergencyStop = false;
  electricalKw = 0;
  reactiveKvar = 0;
  mechanicalKw = 0;
  isForming: boolean;
  socPct: number;
  readonly #spec: BatterySpec;
  readonly #context: PlantContext;
  readonly #apparentKva: number;
  readonly #reactiveStiffnessKvar: number;
  readonly #ampereHours: number;
  #setpointKw = 0;
  #effectiveKw = 0;
  #reactiveSetpointKvar = 0;
  #effectiveKvar = 0;
  #isInFallback = false;
  #overloadLeftS: number;
  /** Used up; half of it must have come back before it is there again. */
  #isOverloadSpent = false;
  #heartbeatS = 0;
  /** Remaining time of pre-charge and lock-on before the breaker closes; negative: no closing under way. */
  #closingS = -1;
  #isReady: boolean;
  #underFrequencyS = 0;
  #wantsForming: boolean;
  #isLimited = false;

  constructor(
    id: string,
    bus: Bus,
    ratings: {
      readonly powerKw: number;
      readonly apparentKva: number;
      readonly energyKwh: number;
    },
    spec: BatterySpec,
    context: PlantContext,
  ) {
    this.id = id;
    this.bus = bus;
    this.#spec = spec;
    this.#context = context;
    this.ratedKw = ratings.powerKw;
    const kva = ratings.apparentKva > 0 ? ratings.apparentKva : ratings.powerKw * 1.25;
    this.#apparentKva = kva;
    this.#reactiveStiffnessKvar = kva / (spec.voltageDroopPct / 100);
    const energyKwh = ratings.energyKwh > 0 ? ratings.energyKwh : ratings.powerKw;
    this.#ampereHours = (energyKwh * 1000) / ((spec.ocvVMin + spec.ocvVMax) / 2);
    this.breaker = new BreakerModel(spec);
    this.socPct = spec.socPct;
    this.isForming = spec.isForming;
    this.#wantsForming = spec.isForming;
    this.#isReady = true;
    this.#overloadLeftS = spec.overloadS;
  }

  get inertiaKws(): number {
    if (!this.isForming) return 0;
    return (this.#spec.formingLagMs / 1000 / (this.#spec.formingDroopPct / 100)) * this.ratedKw;
  }

  get stiffnessKwPerPu(): number {
    return this.isForming && !this.#isLimited
      ? this.ratedKw / (this.#spec.formingDroopPct / 100)
      : 0;
  }

  get reactiveStiffnessKvar(): number {
    return this.isForming ? this.#reactiveStiffnessKvar : 0;
  }

  /** What its converter is asked for, as far as active power leaves room in its apparent power. */
  get reactiveReferenceKvar(): number {
    const roomKvar = Math.sqrt(
      Math.max(0, this.#apparentKva * this.#apparentKva - this.electricalKw * this.electricalKw),
    );
    return clamp(this.#effectiveKvar, -roomKvar, roomKvar);
  }

  /** BMS limit for discharging, kW ≥ 0. */
  get dischargeLimitKw(): number {
    return this.#limitKw(this.socPct);
  }

  /** BMS limit for charging, kW ≥ 0. */
  get chargeLimitKw(): number {
    return this.#limitKw(100 - this.socPct);
  }

  drive(): void {
    const { stepS } = this.#context;
    if (!this.breaker.isClosed || this.#mustStop()) {
      this.mechanicalKw = 0;
      this.electricalKw = 0;
      this.#effectiveKw = 0;
      this.#effectiveKvar = 0;
      return;
    }
    const wanted = this.#isInFallback ? 0 : this.#setpointKw;
    const rampPct = this.#isInFallback ? this.#spec.fallbackRampPctPerS : this.#spec.rampPctPerS;
    this.#effectiveKw = moveToward(
      this.#effectiveKw,
      wanted,
      (rampPct / 100) * this.ratedKw * stepS,
    );
    this.#effectiveKvar = moveToward(
      this.#effectiveKvar,
      this.#isInFallback ? 0 : this.#reactiveSetpointKvar,
      (rampPct / 100) * this.#apparentKva * stepS,
    );
    if (this.isForming) this.#driveForming();
    else this.#driveFollowing(stepS);
  }

  settle(): void {
    const { stepS } = this.#context;
    this.#heartbeatS += stepS;
    if (this.breaker.isClosed) this.#discharge(stepS);
    else {
      this.electricalKw = 0;
      this.reactiveKvar = 0;
      this.#close(stepS);
    }
    if (this.breaker.isClosed && this.#mustStop()) this.trip("battery protection");
    const isLow = this.breaker.isClosed && this.isForming && this.bus.omegaPu < UNDER_FREQUENCY_PU;
    this.#underFrequencyS = isLow ? this.#underFrequencyS + stepS : 0;
    if (this.#underFrequencyS > UNDER_FREQUENCY_S) this.trip("overloaded: frequency below 90 %");
    stepBreaker(this.#context, this);
  }

  /** Called by the plant where the busbar has no source that forms it. Returns whether the converter took over. */
  takeOverBus(): boolean {
    if (!this.breaker.isClosed || this.breaker.isTripped || this.#mustStop()) return false;
    if (this.dischargeLimitKw <= 0) return false;
    this.#setForming(true, "the busbar lost its last forming source");
    return true;
  }

  command(name: string): Refusal {
    switch (name) {
      case "syncAndClose":
        if (this.breaker.isClosed) return null;
        if (this.breaker.isTripped) return "the breaker is tripped";
        if (this.#mustStop()) return "the battery is not available";
        this.#closingS = (this.#isReady ? 0 : this.#spec.prechargeS) + CONVERTER_SYNC_S;
        return null;
      case "open":
        this.#closingS = -1;
        this.breaker.open();
        return null;
      case "setForming":
        this.#wantsForming = true;
        if (this.breaker.isClosed) this.#setForming(true, "commanded");
        return null;
      case "setFollowing":
        this.#wantsForming = false;
        if (this.breaker.isClosed) this.#setForming(false, "commanded");
        return null;
      default:
        return `a battery has no command "${name}"`;
    }
  }

  setLevel(point: string, value: number): void {
    if (point === "powerSetpointKw") this.#setpointKw = value;
    else if (point === "reactiveSetpointKvar") this.#reactiveSetpointKvar = value;
  }

  /** Without a master the set-point ramps to zero; support of the frequency and forming stay. */
  setFallback(isActive: boolean): void {
    this.#isInFallback = isActive;
  }

  trip(reason: string): void {
    if (this.breaker.isTripped) return;
    this.breaker.trip();
    this.isForming = false;
    this.#closingS = -1;
    this.#context.emit(this.id, "tripped", reason);
    this.#context.topologyChanged();
  }

  resetTrip(): void {
    this.breaker.reset();
  }

  points(): Readonly<Record<string, PointValue>> {
    return {
      isRemoteSelected: this.isRemoteSelected,
      ...contactPoints(this.breaker),
      state: this.#label(),
      socPct: this.socPct,
      sohPct: this.#spec.sohPct,
      activePowerKw: this.electricalKw,
      reactivePowerKvar: this.reactiveKvar,
      chargeLimitKw: this.chargeLimitKw,
      dischargeLimitKw: this.dischargeLimitKw,
      isContactorClosed: this.#isReady && !this.#mustStop(),
      bmsHeartbeatCount: Math.floor(this.#heartbeatS) % 65536,
      isBmsFault: this.isBmsFault,
      isGasOrFire: this.isGasOrFire,
      isEmergencyStop: this.isEmergencyStop,
      isGridForming: this.isForming && this.breaker.isClosed,
      powerSetpointKw: this.#setpointKw,
      reactiveSetpointKvar: this.#reactiveSetpointKvar,
    };
  }

  #label(): string {
    if (this.#mustStop()) return "fault";
    if (this.breaker.isTripped) return "isolated";
    if (!this.breaker.isClosed)
      return this.#closingS > CONVERTER_SYNC_S ? "precharge" : this.#isReady ? "ready" : "off";
    if (this.#isLimited) return "limited";
    return this.isForming ? "forming" : "following";
  }

  #mustStop(): boolean {
    return this.isBmsFault || this.isGasOrFire || this.isEmergencyStop;
  }

  #limitKw(usablePct: number): number {
    const share = clamp((usablePct - TAPER_TO_PCT) / (TAPER_FROM_PCT - TAPER_TO_PCT), 0, 1);
    return share * this.ratedKw;
  }

  /** Most power for the moment: the converter's overload lasts `overloadS`, then comes back as slowly. */
  #dischargeKwMax(): number {
    const overload = this.#isOverloadSpent ? 1 : this.#spec.overloadPct / 100;
    return this.dischargeLimitKw * overload;
  }

  #chargeKwMax(): number {
    const overload = this.#isOverloadSpent ? 1 : this.#spec.overloadPct / 100;
    return this.chargeLimitKw * overload;
  }

  #driveForming(): void {
    const droop = this.#spec.formingDroopPct / 100;
    const wanted =
      this.#effectiveKw + ((1 + this.bus.trimPu - this.bus.omegaPu) / droop) * this.ratedKw;
    this.mechanicalKw = clamp(wanted, -this.#chargeKwMax(), this.#dischargeKwMax());
    this.#isLimited = this.mechanicalKw !== wanted;
  }

  #driveFollowing(stepS: number): void {
    const low = 1 - this.#spec.supportDeadbandPct / 100;
    const high = 1 + this.#spec.supportDeadbandPct / 100;
    const droop = this.#spec.formingDroopPct / 100;
    const omega = this.bus.omegaPu;
    const beyond = omega < low ? low - omega : omega > high ? high - omega : 0;
    const wanted = this.#effectiveKw + (beyond / droop) * this.ratedKw;
    const limited = this.bus.isLive
      ? clamp(wanted, -this.#chargeKwMax(), this.#dischargeKwMax())
      : 0;
    this.#isLimited = this.bus.isLive && limited !== wanted;
    const share = Math.min(1, stepS / (this.#spec.followingLagMs / 1000));
    this.mechanicalKw += (limited - this.mechanicalKw) * share;
    this.electricalKw = this.mechanicalKw;
  }

  #discharge(stepS: number): void {
    const { socPct } = this;
    const powerKw = this.electricalKw;
    const efficiency = this.#spec.efficiencyPct / 100;
    const cellsW = 1000 * (powerKw > 0 ? powerKw / efficiency : powerKw * efficiency);
    const ocvV = this.#spec.ocvVMin + ((this.#spec.ocvVMax - this.#spec.ocvVMin) * socPct) / 100;
    const currentA = batteryCurrentA(cellsW, ocvV, this.#spec.resistanceOhm);
    this.socPct = clamp(socPct - ((currentA * stepS) / (3600 * this.#ampereHours)) * 100, 0, 100);
    const isOverloaded = Math.abs(powerKw) > this.ratedKw * 1.001;
    this.#overloadLeftS = clamp(
      this.#overloadLeftS + (isOverloaded ? -stepS : stepS / 6),
      0,
      this.#spec.overloadS,
    );
    if (this.#overloadLeftS <= 0) this.#isOverloadSpent = true;
    else if (this.#overloadLeftS > this.#spec.overloadS / 2) this.#isOverloadSpent = false;
  }

  #close(stepS: number): void {
    if (this.#closingS < 0) return;
    this.#closingS -= stepS;
    if (this.#closingS > 0) return;
    this.#isReady = true;
    this.#closingS = -1;
    if (!this.bus.isLive) this.#wantsForming = true;
    this.#setForming(this.#wantsForming, "breaker closes");
    this.breaker.close();
  }

  #setForming(isForming: boolean, why: string): void {
    if (this.isForming === isForming) return;
    this.isForming = isForming;
    this.#wantsForming = isForming;
    if (isForming) this.#effectiveKw = 0;
    this.#context.topologyChanged();
    this.#context.emit(this.id, isForming ? "forming" : "following", why);
  }
}
