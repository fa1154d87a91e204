/** Units that files use, each as factor and offset to the unit that points have: value × factor + offset. */
const TO_POINT_UNIT: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>> =
  {
    kW: { W: [0.001, 0], kW: [1, 0], MW: [1000, 0], hp: [0.745699872, 0], PS: [0.73549875, 0] },
    kvar: { var: [0.001, 0], kvar: [1, 0], Mvar: [1000, 0] },
    kVA: { VA: [0.001, 0], kVA: [1, 0], MVA: [1000, 0] },
    kWh: { Wh: [0.001, 0], kWh: [1, 0], MWh: [1000, 0], J: [1 / 3_600_000, 0], MJ: [1 / 3.6, 0] },
    V: { V: [1, 0], kV: [1000, 0], mV: [0.001, 0] },
    A: { A: [1, 0], kA: [1000, 0], mA: [0.001, 0] },
    Hz: { Hz: [1, 0], mHz: [0.001, 0], rpm: [1 / 30, 0] },
    "%": { "%": [1, 0], pu: [100, 0], "1": [100, 0] },
    "°C": {
      "°C": [1, 0],
      C: [1, 0],
      K: [1, -273.15],
      "°F": [5 / 9, -160 / 9],
      F: [5 / 9, -160 / 9],
    },
    bar: { bar: [1, 0], kPa: [0.01, 0], psi: [0.0689475729, 0] },
  };

/**
 * Factor and offset from a file's unit to a point's.
 * @returns Null if one cannot be turned into the other; {@link unitsFor} lists what can.
 */
export function unitConversion(from: string, pointUnit: string): readonly [number, number] | null {
  if (from === pointUnit) return [1, 0];
  return TO_POINT_UNIT[pointUnit]?.[from] ?? null;
}

export function unitsFor(pointUnit: string): string[] {
  return Object.keys(TO_POINT_UNIT[pointUnit] ?? { [pointUnit]: null });
}
