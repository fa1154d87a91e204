import type { PointValue } from "../../kernel/point.ts";
import { BreakerModel } from "./breaker.ts";
import { type Bus, wrapRad } from "./bus.ts";
import {
  type PlantContext,
  type PlantDevice,
  type Refusal,
  contactPoints,
  stepBreaker,
} from "./plant-device.ts";
import type { BreakerSpec } from "./plant-spec.ts";
import { Synchroniser, trimToward } from "./synchroniser.ts";

/** A breaker by itself: position and trip, nothing behind it. */
export class BreakerDevice implements PlantDevice {
  readonly kind = "breaker";
  readonly loadKw = 0;
  readonly loadKvar = 0;
  readonly id: string;
  readonly bus: Bus;
  readonly breaker: BreakerModel;
  isRemoteSelected = true;
  readonly #context: PlantContext;

  constructor(id: string, bus: Bus, spec: BreakerSpec, context: PlantContext) {
    this.id = id;
    this.bus = bus;
    this.breaker = new BreakerModel(spec);
    this.#context = context;
  }

  drive(): void {}

  settle(): void {
    stepBreaker(this.#context, this);
  }

  command(name: string): Refusal {
    if (name === "open") this.breaker.open();
    else if (this.breaker.isTripped) return "the breaker is tripped";
    else if (name === "close" || name === "syncAndClose") this.breaker.close();
    else return `a breaker has no command "${name}"`;
    return null;
  }

  setLevel(_point: string, _value: number): void {}

  /** Breakers never change on loss of communication. */
  setFallback(_isActive: boolean): void {}

  trip(reason: string): void {
    this.breaker.trip();
    this.#context.emit(this.id, "tripped", reason);
  }

  resetTrip(): void {
    this.breaker.reset();
  }

  points(): Readonly<Record<string, PointValue>> {
    return { isRemoteSelected: this.isRemoteSelected, ...contactPoints(this.breaker) };
  }
}

/**
 * One of the two breakers of a bus-tie. While the far breaker is open and at rest the line between is dead and this one closes
 * onto it; otherwise it synchronises the two busbars. Onto a dead busbar it closes only by `close`.
 */
export class TieBreakerDevice implements PlantDevice {
  readonly kind = "busTie";
  readonly loadKw = 0;
  readonly loadKvar = 0;
  readonly id: string;
  readonly bus: Bus;
  readonly breaker: BreakerModel;
  isRemoteSelected = true;
  /** The breaker at the other end and its busbar; set once by the plant. */
  far: TieBreakerDevice | null = null;
  /** From this busbar into the tie, kW; found by the plant when asked. */
  flowKw: () => number = () => 0;
  readonly #context: PlantContext;
  readonly #synchroniser: Synchroniser;

  constructor(id: string, bus: Bus, spec: BreakerSpec, context: PlantContext) {
    this.id = id;
    this.bus = bus;
    this.breaker = new BreakerModel(spec);
    this.#context = context;
    this.#synchroniser = new Synchroniser(spec.syncSMin, spec.syncTimeoutS);
  }

  get isConducting(): boolean {
    return this.breaker.isClosed && this.far !== null && this.far.breaker.isClosed;
  }

  drive(): void {}

  settle(): void {
    if (this.#synchroniser.isActive) this.#synchronise();
    stepBreaker(this.#context, this);
  }

  command(name: string): Refusal {
    if (name === "open") {
      this.#synchroniser.cancel();
      this.breaker.open();
      return null;
    }
    if (name === "close") return this.#closeOntoDead();
    if (name !== "syncAndClose") return `a bus-tie breaker has no command "${name}"`;
    if (this.breaker.isClosed) return null;
    if (this.breaker.isTripped) return "the breaker is tripped";
    const { far } = this;
    const isLineDead = far === null || !(far.breaker.isClosed || far.breaker.isClosing);
    if (isLineDead) {
      this.breaker.close();
      return null;
    }
    if (!this.bus.isLive || !far.bus.isLive) return "a busbar is dead: a tie never closes onto it";
    this.#synchroniser.begin();
    return null;
  }

  /** The check relay in series lets a plain close pass only where at least one side has no voltage. */
  #closeOntoDead(): Refusal {
    if (this.breaker.isClosed) return null;
    if (this.breaker.isTripped) return "the breaker is tripped";
    const isLineLive = this.far !== null && this.far.breaker.isClosed && this.far.bus.isLive;
    if (this.bus.isLive && isLineLive) return "both sides have voltage: it must synchronise";
    this.breaker.close();
    return null;
  }

  setLevel(_point: string, _value: number): void {}

  setFallback(_isActive: boolean): void {}

  trip(reason: string): void {
    this.#synchroniser.cancel();
    this.breaker.trip();
    this.#context.emit(this.id, "tripped", reason);
  }

  resetTrip(): void {
    this.breaker.reset();
  }

  points(): Readonly<Record<string, PointValue>> {
    return {
      isRemoteSelected: this.isRemoteSelected,
      ...contactPoints(this.breaker),
      activePowerKw: this.isConducting ? this.flowKw() : 0,
    };
  }

  #synchronise(): void {
    const { far, bus } = this;
    if (far === null || !bus.isLive || !far.bus.isLive || !far.breaker.isClosed) {
      // The far end opened meanwhile, or a busbar died: what was asked for no longer holds.
      if (far === null || !far.breaker.isClosing) this.#synchroniser.cancel();
      return;
    }
    // Where this side is held by a stiff supply, or is already the other's island, the far side is the one to steer.
    const [incoming, running] = bus.isStiff ? [far.bus, bus] : [bus, far.bus];
    const errorRad = wrapRad(incoming.angleRad - running.angleRad);
    const { stepS } = this.#context;
    const targetPu = this.#synchroniser.targetPu(running.omegaPu, errorRad, bus.nominalHz);
    if (incoming.island !== running.island) trimToward(incoming, targetPu, stepS);
    const result = this.#synchroniser.check(
      errorRad,
      incoming.omegaPu - running.omegaPu,
      bus.nominalHz,
      this.breaker.closeMs,
      stepS,
    );
    if (result === "close") this.breaker.close();
    else if (result === "timedOut")
      this.#context.emit(this.id, "syncTimedOut", "synchronising gave up");
  }
}
