import type { DeviceProfile, PointMapping } from "../../configs/profile.ts";
import { createPointCodec } from "../../drivers/modbus/codec.ts";
import type { PointSpec } from "../../kernel/device-kinds.ts";
import type { PointValue } from "../../kernel/point.ts";
import type { PointReading } from "./read-points.ts";

/** `noValue`: the device says that it has none, which is its right. `stale`: the node holds an old value. */
export type Verdict = "ok" | "illegal" | "silent" | "implausible" | "slow" | "stale" | "noValue";

export interface JudgedPoint {
  readonly reading: PointReading;
  readonly verdict: Verdict;
  /** What is wrong and what probably helps; "" where nothing is. */
  readonly finding: string;
}

/** Slower than this share of the profile's time-out, and a busy moment makes it a failure. */
const SLOW_SHARE = 0.5;
/** Power through an open breaker, kW: more than noise. */
const OPEN_POWER_KW_MAX = 5;
/** What a number of a unit can be in any plant that R-EMS is meant for. */
const RANGES: Readonly<Record<Exclude<PointSpec["unit"], "">, readonly [number, number]>> = {
  kW: [-100_000, 100_000],
  kvar: [-100_000, 100_000],
  V: [0, 40_000],
  Hz: [0, 70],
  "%": [-110, 110],
  h: [0, 1_000_000],
  "kg/h": [0, 100_000],
  A: [-20_000, 20_000],
  "°C": [-60, 1000],
};
/** A live or standing busbar: a frequency between the two is a wrong register or scale. */
const FREQUENCY_LIVE_HZ_MIN = 40;
const FREQUENCY_STANDING_HZ_MAX = 1;
/** A float32 that is neither 0 nor above this is an integer read as a float. */
const FLOAT_MIN = 1e-20;

/** Looks at everything that was read of a device, each point alone and beside the others. Pure. */
export function judgePoints(
  profile: DeviceProfile,
  readings: readonly PointReading[],
): JudgedPoint[] {
  const valueOf = new Map(readings.map(({ mapping, value }) => [mapping.point, value]));
  return readings.map((reading) => {
    const { failure, failureText, latencyMs } = reading;
    if (failure !== null) {
      const place = `${reading.table} ${reading.address}`;
      const finding =
        failure === "silent"
          ? `no answer for ${place}`
          : `${failureText} for ${place}: not in this device, or another table or address (a manual may count from 1)`;
      return { reading, verdict: failure, finding };
    }
    const finding = implausibility(reading) ?? contradiction(reading, valueOf);
    if (finding !== null) return { reading, verdict: "implausible", finding };
    if (reading.value === null) {
      return { reading, verdict: "noValue", finding: failureText || "the device has no value" };
    }
    if (failureText !== "") return { reading, verdict: "stale", finding: failureText };
    if (latencyMs > profile.requestTimeoutMs * SLOW_SHARE) {
      const text = `answered after ${Math.round(latencyMs)} ms; the profile gives up at ${profile.requestTimeoutMs} ms`;
      return { reading, verdict: "slow", finding: text };
    }
    return { reading, verdict: "ok", finding: "" };
  });
}

/** Why the value cannot be right, with what would make it right; null where it may be. */
function implausibility({ mapping, spec, value, words }: PointReading): string | null {
  if (words === null) {
    const isImplausible = typeof value === "number" && !isPlausible(mapping, spec, value);
    return isImplausible ? `${value} ${spec.unit} cannot be` : null;
  }
  if (value === null && spec.type === "label") {
    const raw = words[0] ?? 0;
    const known = Object.entries(mapping.labels ?? {}).map(([code, label]) => `${code} ${label}`);
    return `${raw} is none of the labels (${known.join(", ")})`;
  }
  if (value === null && mapping.type === "float32" && mapping.notAvailable === null) {
    return `not a number${hintFor(mapping, spec, words)}`;
  }
  if (typeof value !== "number" || isPlausible(mapping, spec, value)) return null;
  const range = rangeOf(mapping, spec);
  const limits = range === null ? "" : ` (${range[0]} to ${range[1]} ${spec.unit})`;
  return `${value} ${spec.unit} cannot be${limits}${hintFor(mapping, spec, words)}`;
}

function rangeOf(mapping: PointMapping, spec: PointSpec): readonly [number, number] | null {
  if (/^so[ch]Pct$/.test(mapping.point)) return [0, 100];
  return spec.unit === "" ? null : RANGES[spec.unit];
}

function isPlausible(mapping: PointMapping, spec: PointSpec, value: number): boolean {
  const range = rangeOf(mapping, spec);
  if (range !== null && (value < range[0] || value > range[1])) return false;
  const isBetween = value > FREQUENCY_STANDING_HZ_MAX && value < FREQUENCY_LIVE_HZ_MIN;
  if (spec.unit === "Hz" && isBetween) return false;
  return mapping.type !== "float32" || value === 0 || Math.abs(value) > FLOAT_MIN;
}

/** The one change of the mapping that gives a value that can be. */
function hintFor(mapping: PointMapping, spec: PointSpec, words: readonly number[]): string {
  const tries: readonly (readonly [
    hint: string,
    mapping: PointMapping,
    words: readonly number[],
  ])[] = [
    [
      `word_order = "${mapping.wordOrder === "big" ? "little" : "big"}"`,
      { ...mapping, wordOrder: mapping.wordOrder === "big" ? "little" : "big" },
      words,
    ],
    [`type = "${signedTwin(mapping)}"`, { ...mapping, type: signedTwin(mapping) }, words],
    [
      "the bytes of each register swapped",
      mapping,
      words.map((word) => ((word & 0xff) << 8) | (word >> 8)),
    ],
    ["scale ten times smaller", { ...mapping, scale: mapping.scale / 10 }, words],
    ["scale a hundred times smaller", { ...mapping, scale: mapping.scale / 100 }, words],
  ];
  for (const [hint, changed, changedWords] of tries) {
    const value = createPointCodec(changed, spec).decode(changedWords, 0);
    const isChanged = changedWords !== words || JSON.stringify(changed) !== JSON.stringify(mapping);
    const isSame32 = words.length === 1 && hint.startsWith("word_order");
    if (!isChanged || isSame32 || !isGood(value, changed, spec)) continue;
    return `; with ${hint} it would be ${value} ${spec.unit}`.trimEnd();
  }
  return "";
}

function isGood(value: PointValue | null, mapping: PointMapping, spec: PointSpec): value is number {
  return typeof value === "number" && value !== 0 && isPlausible(mapping, spec, value);
}

function signedTwin(mapping: PointMapping): PointMapping["type"] {
  if (mapping.type === "uint16") return "int16";
  if (mapping.type === "uint32") return "int32";
  return mapping.type;
}

/** What two points say against each other. */
function contradiction(
  { mapping, value }: PointReading,
  valueOf: ReadonlyMap<string, PointValue | null>,
): string | null {
  const isClosed = valueOf.get("isClosed");
  const isOpen = valueOf.get("isOpen");
  const isContact = mapping.point === "isClosed" || mapping.point === "isOpen";
  if (isContact && typeof isClosed === "boolean" && isClosed === isOpen) {
    return `isClosed and isOpen are both ${isClosed}: no valid feedback of the breaker`;
  }
  const isThroughOpen = isOpen === true && isClosed === false && mapping.point === "activePowerKw";
  if (isThroughOpen && typeof value === "number" && Math.abs(value) > OPEN_POWER_KW_MAX) {
    return `${value} kW through an open breaker: a contact or the power is mapped wrongly`;
  }
  return null;
}
