import { reasonOf, type Reason } from "./reason.ts";

/** Limits of a grid code as data: the inverters execute them; R-EMS reconnects by `enter` and shows the rest. */
export interface GridCode {
  readonly id: string;
  readonly nominalHz: 50 | 60;
  /** Each: beyond this for so long the connection trips. Voltage per unit of nominal, frequency in Hz. */
  readonly trips: readonly {
    readonly what: "overVoltage" | "underVoltage" | "overFrequency" | "underFrequency";
    readonly limit: number;
    readonly withinS: number;
  }[];
  /** The utility must be in this band so long before a connection enters service. */
  readonly enter: {
    readonly voltagePuMin: number;
    readonly voltagePuMax: number;
    readonly frequencyHzMin: number;
    readonly frequencyHzMax: number;
    readonly delayS: number;
  };
}

/**
 * `ieee1547-60`: IEEE 1547-2018 category III with its defaults. `en50549-50`: EN 50549-1 with the interface relay at 47.5 and 51.5 Hz;
 * common practice, settings of a network operator go before it.
 */
export const GRID_CODES = {
  "ieee1547-60": {
    id: "ieee1547-60",
    nominalHz: 60,
    trips: [
      { what: "overVoltage", limit: 1.2, withinS: 0.16 },
      { what: "overVoltage", limit: 1.1, withinS: 13 },
      { what: "underVoltage", limit: 0.88, withinS: 21 },
      { what: "underVoltage", limit: 0.5, withinS: 2 },
      { what: "overFrequency", limit: 62, withinS: 0.16 },
      { what: "overFrequency", limit: 61.2, withinS: 300 },
      { what: "underFrequency", limit: 58.5, withinS: 300 },
      { what: "underFrequency", limit: 56.5, withinS: 0.16 },
    ],
    enter: {
      voltagePuMin: 0.917,
      voltagePuMax: 1.05,
      frequencyHzMin: 59.5,
      frequencyHzMax: 60.1,
      delayS: 300,
    },
  },
  "en50549-50": {
    id: "en50549-50",
    nominalHz: 50,
    trips: [
      { what: "overVoltage", limit: 1.1, withinS: 0.5 },
      { what: "underVoltage", limit: 0.85, withinS: 1.5 },
      { what: "overFrequency", limit: 51.5, withinS: 0.1 },
      { what: "underFrequency", limit: 47.5, withinS: 0.1 },
    ],
    enter: {
      voltagePuMin: 0.85,
      voltagePuMax: 1.1,
      frequencyHzMin: 49.5,
      frequencyHzMax: 50.2,
      delayS: 60,
    },
  },
} as const satisfies { readonly [id: string]: GridCode };

/** What a device says its interface protection is set to; null where it does not tell. Voltage per unit of nominal. */
export interface TripSettings {
  readonly device: string;
  readonly overVoltage: number | null;
  readonly underVoltage: number | null;
  readonly overFrequency: number | null;
  readonly underFrequency: number | null;
}

const WORDS = {
  overVoltage: { words: "above", unit: "% voltage", factor: 100, tolerance: 0.01 },
  underVoltage: { words: "below", unit: "% voltage", factor: 100, tolerance: 0.01 },
  overFrequency: { words: "above", unit: "Hz", factor: 1, tolerance: 0.05 },
  underFrequency: { words: "below", unit: "Hz", factor: 1, tolerance: 0.05 },
} as const;

/**
 * Settings of a device that are not those of the code: each against the limit of the code with the shortest time. R-EMS changes none of
 * them; a person does, with whoever answers for the connection.
 */
export function codeDifferences(code: GridCode, settings: TripSettings): Reason[] {
  const found: Reason[] = [];
  for (const what of ["overVoltage", "underVoltage", "overFrequency", "underFrequency"] as const) {
    const isSet = settings[what];
    const [first] = code.trips
      .filter((trip) => trip.what === what)
      .toSorted((a, b) => a.withinS - b.withinS);
    if (isSet === null || first === undefined) continue;
    const { words, unit, factor, tolerance } = WORDS[what];
    if (Math.abs(isSet - first.limit) <= tolerance) continue;
    const values = { words, unit, set: isSet * factor, limit: first.limit * factor, code: code.id };
    found.push(reasonOf("GRID_CODE_DIFFERS", settings.device, values));
  }
  return found;
}

/** Whether the utility is in the band in which the code lets a connection enter service. */
export function isInEnterBand(code: GridCode, voltagePu: number, frequencyHz: number): boolean {
  const { voltagePuMin, voltagePuMax, frequencyHzMin, frequencyHzMax } = code.enter;
  return (
    voltagePu >= voltagePuMin &&
    voltagePu <= voltagePuMax &&
    frequencyHz >= frequencyHzMin &&
    frequencyHz <= frequencyHzMax
  );
}
