import { paint, table, type Colour, type Terminal } from "../terminal.ts";
import type { JudgedPoint, Verdict } from "../../../api/device-probe/judge-points.ts";
import type { PointReading } from "../../../api/device-probe/read-points.ts";

const COLOURS: Readonly<Record<Verdict, Colour>> = {
  ok: "green",
  slow: "yellow",
  stale: "yellow",
  noValue: "dim",
  implausible: "red",
  illegal: "red",
  silent: "red",
};

/** `input 1-2`, as a manual numbers from 0. */
export function registerText(reading: PointReading): string {
  const { table: name, address, words, mapping } = reading;
  const last = address + Math.max(1, words?.length ?? 1) - 1;
  const bit = mapping.type === "bit" && mapping.bit !== null ? `.${mapping.bit}` : "";
  return `${name} ${address}${last > address ? `-${last}` : ""}${bit}`;
}

function rawText({ words }: PointReading): string {
  return words === null ? "" : words.map((word) => word.toString(16).padStart(4, "0")).join(" ");
}

function valueText(reading: PointReading): string {
  if (reading.failure !== null) return reading.failure;
  const value = reading.value === null ? "no value" : String(reading.value);
  return reading.failureText === "" ? value : `${value} (${reading.failureText})`;
}

/** Points with value, register and raw words, for people. */
export function readingsTable(readings: readonly PointReading[]): string {
  const rows = readings.map((reading) => [
    reading.mapping.point,
    valueText(reading),
    reading.spec.unit,
    registerText(reading),
    rawText(reading),
    `${reading.latencyMs.toFixed(1)} ms`,
  ]);
  return table([["POINT", "VALUE", "UNIT", "REGISTER", "RAW (HEX)", "ANSWERED IN"], ...rows]);
}

/** Points with their verdict, the findings below. */
export function judgedTable(terminal: Terminal, judged: readonly JudgedPoint[]): string {
  const rows = judged.map(({ reading, verdict }) => [
    paint(terminal, COLOURS[verdict], verdict),
    reading.mapping.point,
    valueText(reading),
    reading.spec.unit,
    registerText(reading),
    rawText(reading),
    `${reading.latencyMs.toFixed(1)} ms`,
  ]);
  const header = ["", "POINT", "VALUE", "UNIT", "REGISTER", "RAW (HEX)", "ANSWERED IN"];
  const findings = judged
    .filter(({ finding, verdict }) => finding !== "" && verdict !== "noValue")
    .map(
      ({ reading, finding, verdict }) =>
        `${paint(terminal, COLOURS[verdict], verdict)} ${reading.mapping.point}: ${finding}`,
    );
  return [table([header, ...rows]), ...findings].join("\n");
}

/** One object for scripts. */
export function readingJson(reading: PointReading): object {
  return {
    point: reading.mapping.point,
    value: reading.value,
    unit: reading.spec.unit,
    table: reading.table,
    address: reading.address,
    words: reading.words,
    latencyMs: Math.round(reading.latencyMs * 10) / 10,
    ...(reading.failure === null ? {} : { failure: reading.failure, reason: reading.failureText }),
  };
}
