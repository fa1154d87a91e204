import type { DeviceConfig, Manifest } from "../../configs/manifest.ts";
import type { Finding } from "./finding.ts";
import type { Row } from "./scenario-file.ts";
import type { Recording, TakenWrite } from "./recording.ts";

/** What an invariant looks at: what devices took and did, and what the scenario did to them. */
export interface Evidence {
  readonly manifest: Manifest;
  readonly recording: Recording;
  readonly rows: readonly Row[];
  /** When no controller of a grid had been alive and one was again: a cold start. */
  readonly coldStartsAtMs: readonly number[];
  readonly outOfPhaseCount: number;
  readonly deviceOf: (id: string) => DeviceConfig;
  readonly gridOf: (id: string) => string;
}

export interface Invariant {
  readonly name: string;
  /** The rule of what R-EMS may do to a plant that it checks. */
  readonly rule: string;
  readonly check: (evidence: Evidence) => Finding[];
}

export const SOURCES: ReadonlySet<string> = new Set(["genset", "battery", "shore"]);
export const CLOSES: ReadonlySet<string> = new Set(["close", "syncAndClose"]);
export const MOVES: ReadonlySet<string> = new Set([
  "start",
  "stop",
  "open",
  "close",
  "syncAndClose",
]);

export const commandsOf = ({ recording }: Evidence): readonly TakenWrite[] =>
  recording.writes.filter(({ kind, atMs }) => kind === "command" && atMs >= 0);

export const finding = (
  check: string,
  { atMs, device, name }: TakenWrite,
  why: string,
): Finding => ({
  check,
  atMs,
  text: `${device} <- ${name}: ${why}`,
});

/** A person asked for that device to do that, shortly before. */
export function isAsked(evidence: Evidence, { device, name, atMs }: TakenWrite): boolean {
  return evidence.rows.some(({ atS, inputs }) =>
    inputs.some(
      (input) =>
        input.kind === "ask" &&
        input.subject === device &&
        (input.command === name || (CLOSES.has(name) && CLOSES.has(input.command))) &&
        atMs - atS * 1000 >= 0 &&
        atMs - atS * 1000 < 60_000,
    ),
  );
}

/** Times at which a device's feedback was taken away by the scenario. */
export function silences(evidence: Evidence): { device: string; fromMs: number; toMs: number }[] {
  const found: { device: string; fromMs: number; toMs: number }[] = [];
  for (const { atS, inputs } of evidence.rows) {
    for (const input of inputs) {
      if (input.kind !== "silent") continue;
      if (input.isOn)
        found.push({ device: input.device, fromMs: atS * 1000, toMs: Number.POSITIVE_INFINITY });
      else {
        const open = found.find((one) => one.device === input.device && one.toMs === Infinity);
        if (open !== undefined) open.toMs = atS * 1000;
      }
    }
  }
  return found;
}

export function limitOf(points: TakenWrite["points"], name: string): number {
  const value = points[name];
  return typeof value === "number" ? value : Number.POSITIVE_INFINITY;
}
