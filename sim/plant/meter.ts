import type { PointValue } from "../../kernel/point.ts";
import type { Bus } from "./bus.ts";
import type { PlantDevice, Refusal } from "./plant-device.ts";

/** A meter on a busbar: what one device feeds, or all sources of the busbar together. */
export class Meter implements PlantDevice {
  readonly kind = "meter";
  readonly breaker = null;
  readonly loadKw = 0;
  readonly loadKvar = 0;
  readonly id: string;
  readonly bus: Bus;
  isRemoteSelected = true;
  /** A person or an interlock forbids the recovery from a blackout. */
  isRecoveryBlocked = false;
  /** Active and reactive power shown; set once by the plant. */
  measure: () => readonly [activeKw: number, reactiveKvar: number] = () => [0, 0];

  constructor(id: string, bus: Bus) {
    this.id = id;
    this.bus = bus;
  }

  drive(): void {}
  settle(): void {}
  setLevel(_point: string, _value: number): void {}
  setFallback(_isActive: boolean): void {}
  trip(_reason: string): void {}
  resetTrip(): void {}

  command(name: string): Refusal {
    return `a meter has no command "${name}"`;
  }

  points(): Readonly<Record<string, PointValue>> {
    const [activePowerKw, reactivePowerKvar] = this.measure();
    return {
      voltageV: this.bus.voltagePu * this.bus.nominalV,
      frequencyHz: this.bus.isLive ? this.bus.omegaPu * this.bus.nominalHz : 0,
      activePowerKw,
      reactivePowerKvar,
      isRecoveryBlocked: this.isRecoveryBlocked,
    };
  }
}
