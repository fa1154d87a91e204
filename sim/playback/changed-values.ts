import type { PointValue } from "../../kernel/point.ts";
import type { Playback } from "./signal.ts";

export interface DrivenValue {
  readonly device: string;
  readonly point: string;
  /** Null gives the point back to the device. */
  readonly value: PointValue | null;
}

/** Values of all signals at a time of the recording that differ from those told last. */
export function changedValues(
  playback: Playback,
  tMs: number,
  told: Map<string, PointValue | null>,
): DrivenValue[] {
  const values: DrivenValue[] = [];
  for (const signal of playback.signals) {
    const { device, point } = signal;
    const value = signal.at(tMs);
    const key = `${device}.${point}`;
    if ((told.get(key) ?? null) === value) continue;
    told.set(key, value);
    values.push({ device, point, value });
  }
  return values;
}
