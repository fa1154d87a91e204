import type { CommandMapping, PointMapping } from "../profile.ts";

/** What a profile needs of a SunSpec device: the device itself says where it stands. */
export interface SunspecNeeds {
  /** Where the marker `SunS` is looked for; empty: at the usual addresses. */
  readonly baseAddresses: readonly number[];
  /** Models that the device must have. Of each list the first one that it has; points name the list by its first. */
  readonly models: readonly (readonly number[])[];
  readonly points: readonly SunspecPointNeed[];
  readonly commands: readonly SunspecCommandNeed[];
}

export interface SunspecPointNeed extends Pick<
  PointMapping,
  "point" | "access" | "poll" | "constant" | "supervision"
> {
  /** First model of one of the lists. */
  readonly model: number;
  /** Point of the model: `W`, `Prt[0].DCW`. */
  readonly name: string;
  /** The device's sign is the other way round. */
  readonly isNegated: boolean;
  /** Names of values or of bits that mean true. */
  readonly trueSymbols: readonly string[] | null;
  /** Name of a value to a label. */
  readonly labels: Readonly<Record<string, string>> | null;
  /** Neighbouring points that each write sets along: raw, or as text the name of a value or a number in the unit of the point. */
  readonly writeWith: Readonly<Record<string, number | string>>;
}

export interface SunspecCommandNeed extends Pick<CommandMapping, "command" | "followedBy"> {
  readonly model: number;
  readonly name: string;
  /** Name of a value, or the raw value. */
  readonly value: string | number;
}

/** A profile of a SunSpec device: what it needs, and how it is laid out where nobody is asked (checks, simulation). */
export interface SunspecProfile {
  readonly needs: SunspecNeeds;
  /** Registers of a simulated device that no point maps: marker, headers, scale factors, what is not implemented. */
  readonly fixedRegisters: { readonly address: number; readonly words: readonly number[] };
}
