import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parse } from "smol-toml";
import { parametersOf, type ParameterSet } from "../../actors/grid/parameters.ts";
import { checkFile } from "../../configs/config-file.ts";
import { editToml } from "../../configs/edit-toml.ts";
import { type FieldSchema, fieldSchema, schemaAt } from "../../configs/field-schema.ts";
import { checkManifestText, type CheckedManifest } from "../../configs/load-manifest.ts";
import {
  type ReadProfiles,
  readProfiles,
  shippedProfileDirectory,
} from "../../configs/load-profile.ts";
import { manifestSchema } from "../../configs/manifest-schema.ts";
import type { Manifest } from "../../configs/manifest.ts";
import type { ConfigPath } from "../../configs/problem.ts";
import { isTable, type Table, tablesOf, textOf } from "../../configs/setup/document.ts";
import type { PointValue } from "../../kernel/point.ts";

/** A manifest's text, checked, with its defaults filled in. */
export interface CheckedText extends CheckedManifest {
  readonly text: string;
  /** As written with every default; null where the text does not even have the form. */
  readonly complete: Table | null;
}

/** Checks a text as the manifest at `path` with the profiles that it may use. */
export function checkText(text: string, path: string): CheckedText {
  const file = checkFile(manifestSchema, text, path).value;
  const own = (file?.profile_directories ?? []).map((one) => resolve(dirname(path), one));
  const { profiles, problems } = profilesOf([shippedProfileDirectory(), ...own]);
  const checked = checkManifestText(text, { path, profiles });
  const all = [...problems, ...checked.problems];
  return {
    text,
    manifest: all.length === 0 ? checked.manifest : null,
    problems: all,
    complete: file as Table | null,
  };
}

let profilesRead: { readonly stamp: string; readonly found: ReadProfiles } | null = null;

/** Reading all profiles takes longer than checking a manifest, and they rarely change. */
function profilesOf(directories: readonly string[]): ReadProfiles {
  const stamp = directories.map(stampOf).join("\n");
  if (profilesRead?.stamp !== stamp) profilesRead = { stamp, found: readProfiles(directories) };
  return profilesRead.found;
}

/** Another one where a file came, went or changed. */
function stampOf(directory: string): string {
  if (!existsSync(directory)) return `${directory}: none`;
  const names = readdirSync(directory).filter((name) => name.endsWith(".toml"));
  const files = names.map((name) => {
    const { mtimeMs, size } = statSync(join(directory, name));
    return `${name} ${mtimeMs} ${size}`;
  });
  return `${directory}: ${files.join(", ")}`;
}

/** The text with the values in force in place of its own, everything else as it is written. */
export function textInForce(
  text: string,
  manifest: Manifest,
  values: ReadonlyMap<string, ParameterSet>,
): string {
  const document = parse(text) as Table;
  const wanted = structuredClone(document) as Record<string, unknown>;
  for (const [index, grid] of manifest.grids.entries()) {
    const inForce = values.get(grid.id);
    if (inForce === undefined) continue;
    const own = parametersOf(grid);
    for (const [name, value] of Object.entries(inForce)) {
      if (own[name] === undefined || own[name] === value) continue;
      const path = pathOf(name, wanted, index);
      if (path !== null) setAt(wanted, path, value);
    }
  }
  return editToml(text, wanted);
}

const shape = fieldSchema(manifestSchema);

/** Where a parameter stands in a manifest; null for one that this build's manifest has not. */
export function pathOf(parameter: string, document: Table, grid: number): ConfigPath | null {
  const path: (string | number)[] = ["grids", grid];
  const parts = parameter.split(".");
  const [first = "", id = ""] = parts;
  let rest = parts;
  if (first === "devices") {
    const devices = tablesOf(tablesOf(document["grids"])[grid]?.["devices"]);
    const at = devices.findIndex((device) => textOf(device["id"]) === id);
    if (at < 0) return null;
    path.push("devices", at);
    rest = parts.slice(2);
  }
  for (const part of rest) {
    const key = keyOf(part, schemaAt(shape, path));
    if (key === null) return null;
    path.push(key);
  }
  return path;
}

/** `isN1Required` as the manifest writes it: `n1_required`. */
function keyOf(name: string, schema: FieldSchema | null): string | null {
  const plain = (text: string): string => text.replaceAll("_", "").toLowerCase().replace(/^is/, "");
  const keys = Object.keys(schema?.properties ?? {});
  return keys.find((key) => plain(key) === plain(name)) ?? null;
}

function setAt(document: Record<string, unknown>, path: ConfigPath, value: PointValue): void {
  let at: unknown = document;
  for (const [index, part] of path.slice(0, -1).entries()) {
    const table = at as Record<string | number, unknown>;
    if (table[part] === undefined) table[part] = typeof path[index + 1] === "number" ? [] : {};
    at = table[part];
  }
  const last = path.at(-1);
  if (!isTable(at) || typeof last !== "string") return;
  const table = at as Record<string, unknown>;
  if (value === "") delete table[last];
  else
    table[last] =
      typeof value === "string" && value.startsWith("[") ? (JSON.parse(value) as unknown) : value;
}

/** The node's file as it is now; null where it cannot be read. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
