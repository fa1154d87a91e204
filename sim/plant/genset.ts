import { clamp, moveToward } from "../../kernel/math.ts";
import type { PointValue } from "../../kernel/point.ts";
import { BreakerModel } from "./breaker.ts";
import { type Bus, angleStepRad, wrapRad } from "./bus.ts";
import { EngineModel, fuelKgPerH } from "./engine.ts";
import {
  type PlantContext,
  type Refusal,
  type SourceDevice,
  contactPoints,
  stepBreaker,
} from "./plant-device.ts";
import type { GensetSpec } from "./plant-spec.ts";
import { Synchroniser } from "./synchroniser.ts";

type EngineState = "stopped" | "starting" | "running" | "cooldown" | "stopping" | "shutDown";

/** Of the start: cranking, run-up to speed, then the hold until ready. */
const CRANK_SHARE = 0.25;
const RUN_UP_SHARE = 0.85;
/** Time constant of the speed controller without load, and of coming to rest, s. */
const SPEED_LAG_S = 0.4;
const COAST_S = 4;
/** A dead busbar is watched so long before the controller closes onto it. */
const DEAD_BUS_CHECK_S = 0.5;
/** The unloading waits while the rest of the plant is this low: it cannot carry the load. */
const UNLOAD_OMEGA_MIN = 0.975;

/** Integral time of an isochronous governor on its sharing error, s, and how much a deviation of speed weighs in it. */
const ISOCHRONOUS_S = 2;
const ISOCHRONOUS_GAIN = 20;

interface TripRule {
  readonly reason: string;
  readonly delayS: number;
  isMet(set: Genset): boolean;
}

const TRIP_RULES: readonly TripRule[] = [
  {
    reason: "overload 110 % for 30 s",
    delayS: 30,
    isMet: (set) => set.electricalKw > 1.099 * set.ratedKw,
  },
  { reason: "frequency below 93 % for 3 s", delayS: 3, isMet: (set) => set.bus.omegaPu < 0.93 },
  {
    reason: "reverse power 8 % for 5 s",
    delayS: 5,
    isMet: (set) => set.electricalKw < -0.08 * set.ratedKw,
  },
  { reason: "stalled", delayS: 0.1, isMet: (set) => set.bus.omegaPu < 0.75 },
  { reason: "overspeed 115 % for 0.5 s", delayS: 0.5, isMet: (set) => set.bus.omegaPu > 1.15 },
];

/** A genset with its own controller, governor, synchroniser and protection. */
export class Genset implements SourceDevice {
  readonly kind = "genset";
  readonly isStiff = false;
  readonly stiffnessKwPerPu = 0;
  readonly loadKw = 0;
  readonly loadKvar = 0;
  readonly breaker: BreakerModel;
  readonly id: string;
  readonly bus: Bus;
  readonly ratedKw: number;
  readonly inertiaKws: number;
  readonly reactiveStiffnessKvar: number;
  isRemoteSelected = true;
  isStartBlocked = false;
  isEmergencyStop = false;
  /** Fault switch: the engine gets no fuel. Standing still it cranks and does not fire; on the busbar the others drive it. */
  hasFuelFault = false;
  /** Fault switch: the fuel rack stays where it is. */
  isGovernorStuck = false;
  /** What the engine can give now, percent of its rating: hot air, poor fuel, a fouled charger. */
  deratedPct = 100;
  electricalKw = 0;
  reactiveKvar = 0;
  reactiveReferenceKvar = 0;
  startCount = 0;
  stopCount = 0;
  /** Own speed and angle while the breaker is open; the island's while it is closed. */
  speedPu = 0;
  angleRad = 0;
  runningHoursH: number;
  readonly #engine: EngineModel;
  readonly #spec: GensetSpec;
  readonly #context: PlantContext;
  readonly #synchroniser: Synchroniser;
  readonly #droop: number;
  readonly isIsochronous: boolean;
  readonly voltageLagS: number;
  readonly transientReactancePu: number;
  /** What an isochronous governor has added to its reference, kW. */
  #isochronousKw = 0;
  #commandPu = 0;
  /** Time that the engine has fired since it stood still, s. */
  #firingS = 1000;
  readonly #tripElapsedS = TRIP_RULES.map(() => 0);
  #state: EngineState;
  #inStateS = 0;
  #referenceKw: number;
  /** The reference that the governor works with; moves at the set's own ramp. */
  #effectiveKw: number;
  #isUnloading = false;
  #unloadingS = 0;
  #deadCloseS = -1;
  #wasClosed: boolean;

  constructor(
    id: string,
    bus: Bus,
    ratings: { readonly powerKw: number; readonly apparentKva: number; readonly droopPct: number },
    spec: GensetSpec,
    context: PlantContext,
  ) {
    this.id = id;
    this.bus = bus;
    this.ratedKw = ratings.powerKw;
    const kva = ratings.apparentKva > 0 ? ratings.apparentKva : ratings.powerKw * 1.25;
    this.#spec = spec;
    this.#context = context;
    this.#droop = (ratings.droopPct > 0 ? ratings.droopPct : spec.droopPct) / 100;
    // H is given on the rated power here, as the closed-form cases of power management use it.
    this.inertiaKws = 2 * spec.inertiaS * this.ratedKw;
    this.reactiveStiffnessKvar = kva / (spec.voltageDroopPct / 100);
    this.breaker = new BreakerModel(spec);
    this.isIsochronous = spec.governor === "isochronous";
    this.voltageLagS = spec.avrLagMs / 1000;
    this.transientReactancePu = spec.transientReactancePct / 100;
    this.#engine = new EngineModel(spec, context.stepS);
    this.#synchroniser = new Synchroniser(spec.syncSMin, spec.syncTimeoutS);
    this.#state = spec.isRunning || spec.isClosed ? "running" : "stopped";
    this.#inStateS = 1000;
    this.speedPu = this.#state === "running" ? 1 : 0;
    this.#referenceKw = spec.referenceKw;
    this.#effectiveKw = spec.referenceKw;
    this.#wasClosed = spec.isClosed;
    if (spec.isClosed) this.#engine.settleAt(spec.referenceKw / this.ratedKw);
    this.#commandPu = spec.referenceKw / this.ratedKw;
    this.runningHoursH = spec.runningHoursH;
  }

  get isForming(): boolean {
    return this.#state !== "shutDown" && this.#state !== "stopped";
  }

  get mechanicalKw(): number {
    return this.#engine.powerPu * this.ratedKw;
  }

  get isReadyToLoad(): boolean {
    return this.#state === "running";
  }

  drive(): void {
    const { stepS } = this.#context;
    if (!this.breaker.isClosed) {
      this.#engine.step(0);
      return;
    }
    if (!this.#wasClosed) this.#onClosed();
    const droopKw = ((1 + this.bus.trimPu - this.bus.omegaPu) / this.#droop) * this.ratedKw;
    const rampKw = (this.#spec.rampPctPerS / 100) * this.ratedKw * stepS;
    const mayUnload = this.bus.omegaPu > UNLOAD_OMEGA_MIN;
    if (!this.#isUnloading)
      this.#effectiveKw = moveToward(this.#effectiveKw, this.#referenceKw, rampKw);
    else if (mayUnload) this.#effectiveKw -= rampKw;
    this.#engine.powerPuMax = this.#powerPuMax();
    if (this.isIsochronous) this.#holdFrequency(stepS);
    const wantedKw = this.#effectiveKw + this.#isochronousKw + droopKw;
    const isFuelCut = this.#state === "shutDown" || this.hasFuelFault;
    if (!this.isGovernorStuck) this.#commandPu = wantedKw / this.ratedKw;
    this.#engine.step(isFuelCut ? -1 : this.#commandPu);
  }

  /** Nominal frequency whatever the load, and the same share as the other isochronous sets: e = (ΣP/ΣPn − P/Pn) + kf·(1 − ω). */
  #holdFrequency(stepS: number): void {
    if (this.#isUnloading) return;
    const sharePu = this.electricalKw / this.ratedKw;
    const errorPu =
      this.bus.isochronousSharePu -
      sharePu +
      ISOCHRONOUS_GAIN * (1 + this.bus.trimPu - this.bus.omegaPu);
    const nextKw = this.#isochronousKw + (errorPu * this.ratedKw * stepS) / ISOCHRONOUS_S;
    this.#isochronousKw = clamp(nextKw, -this.ratedKw, this.ratedKw);
  }

  /** What the engine may give: its mechanical limit, less while it is cold or derated. */
  #powerPuMax(): number {
    const { powerPctMax, coldLoadPct, warmUpS } = this.#spec;
    const isCold = this.#firingS < warmUpS;
    return (
      Math.min((powerPctMax * this.deratedPct) / 100, isCold ? coldLoadPct : powerPctMax) / 100
    );
  }

  settle(): void {
    const { stepS } = this.#context;
    this.#inStateS += stepS;
    this.#firingS = this.speedPu > 0.3 ? this.#firingS + stepS : 0;
    if (this.breaker.isClosed) {
      this.speedPu = this.bus.omegaPu;
      this.angleRad = this.bus.angleRad;
      this.#unload(stepS);
      this.#protect(stepS);
    } else {
      this.electricalKw = 0;
      this.reactiveKvar = 0;
      this.#turnFree(stepS);
      this.#closeWhenInStep(stepS);
    }
    this.#sequence();
    if (this.speedPu > 0.3) this.runningHoursH += stepS / 3600;
    this.#wasClosed = this.breaker.isClosed;
    stepBreaker(this.#context, this);
  }

  command(name: string): Refusal {
    switch (name) {
      case "start":
        return this.#start();
      case "stop":
        return this.#stop();
      case "syncAndClose":
        if (this.breaker.isClosed) return null;
        if (!this.isReadyToLoad) return "the set is not ready to take load";
        if (this.breaker.isTripped) return "the breaker is tripped";
        if (this.bus.isLive) this.#synchroniser.begin();
        else this.#deadCloseS = 0;
        return null;
      case "open":
        this.#synchroniser.cancel();
        this.#deadCloseS = -1;
        this.#isUnloading = false;
        this.breaker.open();
        return null;
      default:
        return `a genset has no command "${name}"`;
    }
  }

  setLevel(point: string, value: number): void {
    if (point === "powerReferenceKw") this.#referenceKw = value;
    else if (point === "reactiveReferenceKvar") this.reactiveReferenceKvar = value;
  }

  /** Without a master the set goes on with its own droop and the reference that it has. */
  setFallback(_isActive: boolean): void {}

  trip(reason: string): void {
    this.breaker.trip();
    this.#isUnloading = false;
    this.#synchroniser.cancel();
    this.#enter("shutDown");
    this.#context.emit(this.id, "tripped", reason);
  }

  resetTrip(): void {
    this.breaker.reset();
    if (this.#state === "shutDown") this.#enter(this.speedPu > 0.05 ? "stopping" : "stopped");
  }

  points(): Readonly<Record<string, PointValue>> {
    return {
      isRemoteSelected: this.isRemoteSelected,
      ...contactPoints(this.breaker),
      isReadyToStart: this.#state === "stopped" && this.#blockedBy() === null,
      isStartBlocked: this.isStartBlocked,
      isShutdownActive: this.#state === "shutDown",
      isEmergencyStop: this.isEmergencyStop,
      isRunning: this.speedPu > 0.3 && this.#state !== "shutDown" && this.#state !== "stopping",
      isReadyToLoad: this.isReadyToLoad,
      activePowerKw: this.electricalKw,
      reactivePowerKvar: this.reactiveKvar,
      voltageV: this.#voltagePu() * this.bus.nominalV,
      frequencyHz: this.speedPu * this.bus.nominalHz,
      runningHoursH: this.runningHoursH,
      fuelKgPerH: this.fuelKgPerH(),
      availablePowerKw: Math.min(1, this.#powerPuMax()) * this.ratedKw,
      powerReferenceKw: this.#referenceKw,
      reactiveReferenceKvar: this.reactiveReferenceKvar,
    };
  }

  fuelKgPerH(): number {
    const isFiring = this.speedPu > 0.3 && this.isForming && this.#state !== "stopping";
    return isFiring ? fuelKgPerH(this.electricalKw, this.ratedKw, this.#spec) : 0;
  }

  #voltagePu(): number {
    if (this.breaker.isClosed) return this.bus.voltagePu;
    return this.speedPu < 0.7 ? 0 : Math.min(1, (this.speedPu - 0.7) / 0.25);
  }

  #blockedBy(): Refusal {
    if (this.isEmergencyStop) return "emergency stop";
    if (this.isStartBlocked) return "start blocked";
    if (this.#state === "shutDown") return "shut down by its own protection";
    return null;
  }

  #start(): Refusal {
    const blockedBy = this.#blockedBy();
    if (blockedBy !== null) return blockedBy;
    if (this.#state === "cooldown") this.#enter("running");
    else if (this.#state === "stopped" || this.#state === "stopping") {
      this.#enter("starting");
      this.startCount += 1;
      this.#context.emit(this.id, "started", "start accepted");
    }
    this.#isUnloading = false;
    return null;
  }

  #stop(): Refusal {
    this.#synchroniser.cancel();
    this.#deadCloseS = -1;
    if (this.breaker.isClosed) {
      this.#isUnloading = true;
      this.#unloadingS = 0;
    } else if (this.#state === "running") this.#enter("cooldown");
    else if (this.#state === "starting") this.#enter("stopping");
    return null;
  }

  #enter(state: EngineState): void {
    this.#state = state;
    this.#inStateS = 0;
    if (state === "stopping") {
      this.stopCount += 1;
      this.#context.emit(this.id, "stopped", "engine stopped");
    }
  }

  #onClosed(): void {
    // The set comes in without load and ramps from there.
    const droopKw = ((1 + this.bus.trimPu - this.bus.omegaPu) / this.#droop) * this.ratedKw;
    this.#effectiveKw = -droopKw;
    this.#isochronousKw = 0;
    this.#isUnloading = false;
  }

  /** Speed and angle of the set by itself. */
  #turnFree(stepS: number): void {
    const isSyncing = (this.#synchroniser.isActive || this.breaker.isClosing) && this.bus.isLive;
    const targetPu = isSyncing
      ? this.#synchroniser.targetPu(
          this.bus.omegaPu,
          wrapRad(this.angleRad - this.bus.angleRad),
          this.bus.nominalHz,
        )
      : 1;
    switch (this.#state) {
      case "starting": {
        const share = this.#inStateS / this.#spec.startToReadyS;
        const runUp = (share - CRANK_SHARE) / (RUN_UP_SHARE - CRANK_SHARE);
        const crankedPu = Math.min(0.12, share);
        this.speedPu = this.hasFuelFault
          ? crankedPu
          : Math.max(crankedPu, Math.min(1, Math.max(0, runUp)));
        break;
      }
      case "running":
      case "cooldown":
        this.speedPu += ((targetPu - this.speedPu) * stepS) / SPEED_LAG_S;
        break;
      case "stopping":
      case "shutDown":
        this.speedPu = Math.max(0, this.speedPu - stepS / COAST_S);
        break;
      case "stopped":
        this.speedPu = 0;
        break;
    }
    this.angleRad = wrapRad(this.angleRad + angleStepRad(this.speedPu, this.bus.nominalHz, stepS));
  }

  #closeWhenInStep(stepS: number): void {
    if (this.#deadCloseS >= 0) {
      if (this.bus.isLive) {
        this.#deadCloseS = -1;
        this.#synchroniser.begin();
        return;
      }
      this.#deadCloseS += stepS;
      if (this.#deadCloseS >= DEAD_BUS_CHECK_S) {
        this.#deadCloseS = -1;
        this.breaker.close();
      }
      return;
    }
    if (!this.#synchroniser.isActive) return;
    if (!this.bus.isLive || this.#state !== "running") {
      this.#synchroniser.cancel();
      return;
    }
    const result = this.#synchroniser.check(
      wrapRad(this.angleRad - this.bus.angleRad),
      this.speedPu - this.bus.omegaPu,
      this.bus.nominalHz,
      this.breaker.closeMs,
      stepS,
    );
    if (result === "close") this.breaker.close();
    else if (result === "timedOut")
      this.#context.emit(this.id, "syncTimedOut", "synchronising gave up");
  }

  #unload(stepS: number): void {
    if (!this.#isUnloading) return;
    this.#unloadingS += stepS;
    if (this.electricalKw < (this.#spec.openBelowPct / 100) * this.ratedKw) {
      if (this.breaker.open()) this.#enter("cooldown");
      return;
    }
    if (this.#unloadingS > this.#spec.unloadTimeoutS) {
      this.#isUnloading = false;
      this.#context.emit(
        this.id,
        "unloadTimedOut",
        "the rest cannot carry the load: stop given up",
      );
    }
  }

  #protect(stepS: number): void {
    for (const [index, rule] of TRIP_RULES.entries()) {
      const elapsedS = rule.isMet(this) ? (this.#tripElapsedS[index] ?? 0) + stepS : 0;
      this.#tripElapsedS[index] = elapsedS;
      if (elapsedS > rule.delayS && !this.breaker.isTripped) this.trip(rule.reason);
    }
  }

  #sequence(): void {
    if (this.isEmergencyStop && this.isForming && this.#state !== "stopping") {
      this.trip("emergency stop");
      return;
    }
    switch (this.#state) {
      case "starting":
        if (this.hasFuelFault) {
          if (this.#inStateS > 3 * this.#spec.startToReadyS) {
            this.trip("three attempts to start failed");
          }
        } else if (this.#inStateS >= this.#spec.startToReadyS) {
          this.#enter("running");
          this.#context.emit(this.id, "ready", "ready to take load");
        }
        return;
      case "cooldown":
        // The breaker still travels while the cooldown begins.
        if (this.#inStateS >= this.#spec.cooldownS && !this.breaker.isClosed)
          this.#enter("stopping");
        return;
      case "stopping":
        if (this.speedPu <= 0) this.#enter("stopped");
        return;
      case "running":
      case "stopped":
      case "shutDown":
        return;
    }
  }
}
