import type { PointValue } from "../../kernel/point.ts";

/** One point's course. */
export interface Signal {
  readonly device: string;
  readonly point: string;
  /** Null where there is no value: the device goes on as it would by itself. Times are asked for in ascending order, mostly. */
  at(tMs: number): PointValue | null;
}

/** What is played into simulated devices. */
export interface Playback {
  /** For people: the file, or what is generated. */
  readonly name: string;
  /** Infinity for what is generated without end. */
  readonly durationMs: number;
  /** UTC of the first value; null where the file has no dates. */
  readonly startWallMs: number | null;
  readonly signals: readonly Signal[];
  /** What whoever plays it should know: rows passed over, gaps. */
  readonly remarks: readonly string[];
}
