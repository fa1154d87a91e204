import type { Parameters, ParameterValue } from "../../data/configuration.ts";
import { capital, wordsOf } from "../../parts/format.ts";
import { factsOf, type FieldSchema, type ParameterFacts } from "./manifest-schema.ts";

/** One parameter as a form shows it. */
export interface Parameter {
  /** `power.startLimitPct`, `devices.dg1.ratings.powerKw`. */
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  readonly value: ParameterValue;
  readonly facts: ParameterFacts;
}

export interface ParameterGroup {
  readonly title: string;
  readonly parameters: readonly Parameter[];
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/GperKwh$/i, "g/kWh"],
  [/Pct$/, "%"],
  [/PctPerS$/, "%/s"],
  [/KwPerS$/, "kW/s"],
  [/Kwh$/, "kWh"],
  [/Kva$/, "kVA"],
  [/Kw$/, "kW"],
  [/Kvar$/, "kvar"],
  [/Hz$/, "Hz"],
  [/Ms$/, "ms"],
  [/(?<![A-Z])S$/, "s"],
  [/(?<=[a-z])H$/, "h"],
];

/** A device as people know it. */
export interface NamedDevice {
  readonly name: string;
  readonly kind: string;
}

/**
 * Parameters by what they belong to: the grid, its limits, then each device, which shows only what its kind has. Pure.
 * @param devices - By id; one that is not known shows everything.
 */
export function groupParameters(
  values: Parameters,
  manifest: FieldSchema | null,
  devices: ReadonlyMap<string, NamedDevice>,
): ParameterGroup[] {
  const groups = new Map<string, { title: string; rank: number; parameters: Parameter[] }>();
  for (const [name, value] of Object.entries(values)) {
    const facts = factsOf(manifest, name);
    const { root, device, label } = placeOf(name);
    const known = devices.get(device);
    if (known !== undefined && facts.kinds.length > 0 && !facts.kinds.includes(known.kind))
      continue;
    const key = device === "" ? root : device;
    const group = groups.get(key) ?? {
      title: titleOf(root, device, known),
      rank: rankOf(root, device, [...devices.keys()]),
      parameters: [],
    };
    groups.set(key, group);
    group.parameters.push({
      name,
      value,
      facts,
      ...labelOf(label.replace(/^(?:ratings|battery|consumer)\./, "")),
    });
  }
  // A snapshot brings them sorted by name: people know them in the manifest's order.
  return [...groups.values()]
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ title, parameters }) => ({
      title,
      parameters: parameters.toSorted((a, b) => a.facts.place - b.facts.place),
    }));
}

const ROOTS = ["", "power", "shedding", "warnings"];

/** The grid and its limits, then devices in their order. */
function rankOf(root: string, device: string, devices: readonly string[]): number {
  const place = (list: readonly string[], one: string): number =>
    list.includes(one) ? list.indexOf(one) : list.length;
  return device === "" ? place(ROOTS, root) : ROOTS.length + 1 + place(devices, device);
}

function titleOf(root: string, device: string, known: NamedDevice | undefined): string {
  if (known !== undefined) return `${known.name}, ${wordsOf(known.kind)}`;
  if (device !== "") return `Device ${device}`;
  return root === "" ? "Grid" : capital(wordsOf(root));
}

/** `power.shedding.fastDelayS` belongs to shedding, `devices.dg1.ratings.powerKw` to dg1, `control` to the grid. */
function placeOf(name: string): {
  readonly root: string;
  readonly device: string;
  readonly label: string;
} {
  const [root = "", second = "", ...rest] = name.split(".");
  if (root === "devices") return { root, device: second, label: rest.join(".") };
  if (second === "") return { root: "", device: "", label: root };
  if (rest.length === 0) return { root, device: "", label: second };
  return { root: second, device: "", label: rest.join(".") };
}

function labelOf(label: string): { readonly label: string; readonly unit: string } {
  const found = UNITS.find(([pattern]) => pattern.test(label));
  const plain = found === undefined ? label : label.replace(found[0], "");
  return {
    label: capital(wordsOf(plain.replace(/(^|\.)is(?=[A-Z])/, "$1"))),
    unit: found?.[1] ?? "",
  };
}

/** What differs, in words: "start limit 85 → 80 %". */
export function differenceOf(before: Parameters, after: Parameters): string[] {
  return Object.entries(after).flatMap(([name, value]) => {
    if (before[name] === value) return [];
    const { root, device, label } = placeOf(name);
    const { label: words, unit } = labelOf(label);
    const was = textOf(before[name] ?? "");
    return [
      `${titleOf(root, device, undefined)}, ${words.toLowerCase()}: ${was} → ${textOf(value)} ${unit}`.trim(),
    ];
  });
}

const textOf = (value: ParameterValue): string =>
  value === "" ? "none" : (listOf(value)?.join(", ") ?? String(value));

/** The entries of a parameter that is a list; null for every other. Its value is JSON text. */
export function listOf(value: ParameterValue): readonly (string | number)[] | null {
  if (typeof value !== "string" || !value.startsWith("[")) return null;
  try {
    const found: unknown = JSON.parse(value);
    return Array.isArray(found) ? (found as (string | number)[]) : null;
  } catch {
    return null;
  }
}

/** A list as somebody typed it, as its parameter's value; null where it is none of the kind that stood there. */
export function listValue(text: string, before: readonly (string | number)[]): string | null {
  const words = text
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean);
  const isOfNumbers = before.length > 0 && before.every((entry) => typeof entry === "number");
  if (!isOfNumbers) return JSON.stringify(words);
  const numbers = words.map(Number);
  return numbers.every(Number.isFinite) ? JSON.stringify(numbers) : null;
}
