import type { DeviceKind } from "../../kernel/device-kinds.ts";
import { type Layout, layOut, type PlacedModel } from "./layout.ts";
import { pointsLength, sunspecModel, type SunspecGroup, type SunspecPoint } from "./model-table.ts";
import type { SunspecNeeds } from "./needs.ts";
import { placePoints } from "./place-points.ts";

/** "SunS" as two registers. */
export const SUNSPEC_MARKER: readonly [number, number] = [0x5375, 0x6e53];
export const SUNSPEC_END = 0xffff;

/** Scale factors of a device that nobody has: a large inverter would choose them so. */
const NOMINAL_SCALES: Readonly<Record<string, number>> = {
  W_SF: 1,
  VA_SF: 1,
  VAr_SF: 1,
  VAR_SF: 1,
  Var_SF: 1,
  V_SF: -1,
  Hz_SF: -2,
  A_SF: -1,
  SoC_SF: -1,
  SoH_SF: -1,
  Pct_SF: -1,
  WMaxLimPct_SF: -1,
  WChaDisChaMax_SF: 2,
  WSet_SF: 2,
};
const NOMINAL_BASE = 40000;

export interface NominalLayout extends Layout {
  readonly fixedRegisters: { readonly address: number; readonly words: readonly number[] };
}

/**
 * The layout of a device that has model 1 and exactly the models that a profile names first, each as the table has it: what checks
 * and simulated devices work from. Models that the table does not have are left out.
 *
 * @param name - Model name that the simulated device tells of itself.
 */
export function nominalLayout(needs: SunspecNeeds, kind: DeviceKind, name: string): NominalLayout {
  const base = needs.baseAddresses[0] ?? NOMINAL_BASE;
  const words: number[] = [...SUNSPEC_MARKER];
  const models: PlacedModel[] = [];
  const ids = [...new Set([1, ...needs.models.flatMap((alternatives) => alternatives[0] ?? [])])];
  for (const id of ids) {
    const model = sunspecModel(id);
    if (model === null) continue;
    const length = nominalLength(model.group) - 2;
    const points = placePoints(model, length, () => 1);
    models.push({
      id,
      address: base + words.length,
      points: new Map(points.map((one) => [one.path, one])),
    });
    for (const { path, point } of points)
      words.push(...nominalWords(path, point, id, length, name));
  }
  words.push(SUNSPEC_END, 0);
  const scaleOf = (address: number) => ((words[address - base] ?? 0) << 16) >> 16;
  const layout = layOut(needs, kind, models, scaleOf);
  for (const { address, type, writeWith } of layout.points) {
    const size = type.endsWith("32") ? 2 : 1;
    const before = writeWith?.before.length ?? 0;
    const count = before + size + (writeWith?.after.length ?? 0);
    words.fill(0, address - base - before, address - base - before + count);
  }
  for (const { address } of layout.commands) words[address - base] = 0;
  return { ...layout, fixedRegisters: { address: base, words } };
}

/** Each group that is counted stands there once, none of those that fill the model. */
function nominalLength(group: SunspecGroup): number {
  return group.groups.reduce(
    (sum, inner) => sum + (inner.count === 0 ? 0 : nominalLength(inner)),
    pointsLength(group),
  );
}

function nominalWords(
  path: string,
  point: SunspecPoint,
  id: number,
  length: number,
  name: string,
): readonly number[] {
  if (path === "ID") return [id];
  if (path === "L") return [length];
  if (id === 1 && path === "Mn") return textWords("R-EMS", point.size);
  if (id === 1 && path === "Md") return textWords(name, point.size);
  if (id === 1 && path === "SN") return textWords("SIMULATED", point.size);
  if (point.type === "sunssf") return [(NOMINAL_SCALES[point.name] ?? 0) & 0xffff];
  if (point.size === 1 && /^N[A-Z]\w*$/.test(point.name)) return [1];
  return notImplementedWords(point);
}

/** The registers of a point that a device does not implement. */
export function notImplementedWords({ type, size }: Pick<SunspecPoint, "type" | "size">): number[] {
  const all = (word: number) => Array.from({ length: size }, () => word);
  switch (type) {
    case "int16":
    case "int32":
    case "int64":
    case "sunssf":
    case "pad":
      return [0x8000, ...all(0).slice(1)];
    case "float32":
      return [0x7fc0, 0];
    case "float64":
      return [0x7ff8, 0, 0, 0];
    case "acc16":
    case "acc32":
    case "acc64":
    case "string":
    case "ipaddr":
    case "ipv6addr":
      return all(0);
    default:
      return all(0xffff);
  }
}

function textWords(text: string, size: number): number[] {
  const code = (index: number) =>
    index < Math.min(text.length, size * 2) ? text.charCodeAt(index) & 0x7f : 0;
  return Array.from({ length: size }, (_, i) => code(i * 2) * 256 + code(i * 2 + 1));
}
