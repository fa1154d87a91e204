import type { DeviceKind } from "../../kernel/device-kinds.ts";

/** What the plant needs to know of an installation; a manifest has it all. */
export interface PlantLayout {
  readonly grids: readonly {
    readonly id: string;
    readonly nominalVoltageV: number;
    readonly nominalFrequencyHz: number;
    readonly devices: readonly {
      readonly id: string;
      readonly kind: DeviceKind;
      readonly ratings: DeviceRatings;
    }[];
  }[];
  readonly ties: readonly {
    readonly id: string;
    readonly breakers: readonly [{ readonly device: string }, { readonly device: string }];
  }[];
}

export interface DeviceRatings {
  readonly powerKw: number;
  readonly apparentKva: number;
  readonly energyKwh: number;
  readonly droopPct: number;
  readonly loadKw: number;
}
