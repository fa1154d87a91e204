import type { Parameters, ParameterValue } from "../../data/configuration.ts";
import { capital, wordsOf } from "../../parts/format.ts";

/** One parameter as a form shows it. */
export interface Parameter {
  /** `power.startLimitPct`, `devices.dg1.ratings.powerKw`. */
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  readonly value: ParameterValue;
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

/** Parameters by what they belong to: the grid, its limits, then each device. Pure. */
export function groupParameters(values: Parameters): ParameterGroup[] {
  const groups = new Map<string, Parameter[]>();
  for (const [name, value] of Object.entries(values)) {
    const { title, label } = placeOf(name);
    const list = groups.get(title) ?? [];
    list.push({ name, value, ...labelOf(label) });
    groups.set(title, list);
  }
  return [...groups]
    .map(([title, parameters]) => ({ title, parameters }))
    .toSorted((a, b) => rankOf(a.title) - rankOf(b.title));
}

/** What concerns the whole grid first. */
function rankOf(title: string): number {
  if (title === "Grid") return 0;
  return title.startsWith("Device ") ? 2 : 1;
}

function placeOf(name: string): { readonly title: string; readonly label: string } {
  const [root = "", second = "", ...rest] = name.split(".");
  if (root === "devices") return { title: `Device ${second}`, label: rest.join(".") };
  if (second === "") return { title: "Grid", label: root };
  return { title: capital(wordsOf(root)), label: [second, ...rest].join(".") };
}

function labelOf(label: string): { readonly label: string; readonly unit: string } {
  const found = UNITS.find(([pattern]) => pattern.test(label));
  const plain = found === undefined ? label : label.replace(found[0], "");
  return { label: capital(wordsOf(plain)), unit: found?.[1] ?? "" };
}

/** What differs, in words: "start limit 85 → 80 %". */
export function differenceOf(before: Parameters, after: Parameters): string[] {
  return Object.entries(after).flatMap(([name, value]) => {
    if (before[name] === value) return [];
    const { title, label } = placeOf(name);
    const { label: words, unit } = labelOf(label);
    const was = before[name] === undefined || before[name] === "" ? "none" : String(before[name]);
    return [
      `${title}, ${words.toLowerCase()}: ${was} → ${value === "" ? "none" : String(value)} ${unit}`.trim(),
    ];
  });
}
