import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import type { Manifest } from "../../configs/manifest.ts";
import { present } from "../../kernel/assert.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { PlantSpecs } from "../plant/plant-spec.ts";
import { parsePlant } from "./plant-schema.ts";

/**
 * Reads the parameters of a manifest's plant: `sim/plants/<name>.toml`, `<name>` as the manifest's file is called. Without such a
 * file every device has the defaults of its kind.
 *
 * @param plantPath - Another file than that.
 * @param over - Parameters by device id, as the file writes them, that take the place of those in it.
 * @throws {@link RemsError} REMS_CONFIG_INVALID, naming the file and everything that is wrong in it.
 */
export function loadPlantFile(
  manifest: Manifest,
  plantPath?: string,
  over: Readonly<Record<string, unknown>> = {},
): PlantSpecs {
  const path = plantPath ?? join(plantsDirectory(), basename(manifest.path));
  try {
    const isAbsent = plantPath === undefined && !existsSync(path);
    const file = isAbsent ? {} : parse(readFileSync(path, "utf8"));
    return parsePlant(camelKeys(laidOver(file, over)), manifest);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : "unreadable";
    throw new RemsError("REMS_CONFIG_INVALID", `${path}: ${what}`, { cause });
  }
}

/** `sim/plants` of the source tree, from the source or from what was compiled into `dist/`. */
function plantsDirectory(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [join(here, "../plants"), join(here, "../../../sim/plants")];
  const found = candidates.find((candidate) => existsSync(candidate));
  return found ?? present(candidates[0], "there are candidates");
}

/** TOML keys are written as `soc_pct`; parameters are named `socPct`. Device ids stay as they are. */
function camelKeys(file: Readonly<Record<string, unknown>>): unknown {
  const devices = file["devices"];
  if (!isTable(devices)) return file;
  const renamed = Object.entries(devices).map(([id, table]) => [
    id,
    isTable(table)
      ? Object.fromEntries(Object.entries(table).map(([key, value]) => [camel(key), value]))
      : table,
  ]);
  return { ...file, devices: Object.fromEntries(renamed) as unknown };
}

function laidOver(
  file: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const devices: Record<string, unknown> = isTable(file["devices"]) ? { ...file["devices"] } : {};
  for (const [id, table] of Object.entries(over)) {
    const before = devices[id];
    devices[id] = isTable(before) && isTable(table) ? { ...before, ...table } : table;
  }
  return { ...file, devices };
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function camel(key: string): string {
  return key.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}
