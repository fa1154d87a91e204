import type { z } from "zod";
import { type FieldSchema, namesOf, schemaAt } from "./field-schema.ts";
import { type ConfigPath, pathText } from "./problem.ts";
import { closest } from "./spelling.ts";

export interface Mended {
  readonly copy: unknown;
  /** Tables with a value that stands in for a wrong one: what is found there says nothing. */
  readonly doubtful: string[];
}

/**
 * A copy in which unknown keys have their likely spelling or are gone, and wrong values are replaced by their likely spelling or a
 * number in range, or are gone, so that their default applies.
 */
export function mend(
  raw: unknown,
  issues: readonly z.core.$ZodIssue[],
  shape: FieldSchema,
): Mended {
  const copy: unknown = structuredClone(raw);
  const doubtful: string[] = [];
  // Keys first: a value that seems missing may stand under a misspelled key.
  for (const issue of issues) {
    if (issue.code === "unrecognized_keys")
      mendKeys(valueAt(copy, configPath(issue.path)), issue, shape);
  }
  for (const issue of issues) {
    const path = configPath(issue.path);
    const last = path.at(-1);
    const parent = valueAt(copy, path.slice(0, -1));
    if (issue.code === "unrecognized_keys" || last === undefined || !isTable(parent)) continue;
    const isNowThere = valueAt(raw, path) === undefined && parent[last] !== undefined;
    if (isNowThere || Array.isArray(parent)) continue;
    doubtful.push(pathText(path.slice(0, -1)));
    parent[last] = standIn(schemaAt(shape, path), parent[last]);
    if (parent[last] === undefined) delete parent[last];
  }
  return { copy, doubtful };
}

function mendKeys(
  table: unknown,
  issue: z.core.$ZodIssueUnrecognizedKeys,
  shape: FieldSchema,
): void {
  if (!isTable(table)) return;
  const allowedKeys = Object.keys(schemaAt(shape, configPath(issue.path))?.properties ?? {});
  for (const key of issue.keys) {
    const suggestion = closest(key, allowedKeys);
    if (suggestion !== null && !Object.hasOwn(table, suggestion)) table[suggestion] = table[key];
    delete table[key];
  }
}

function standIn(shape: FieldSchema | null, found: unknown): unknown {
  if (shape === null || shape.default !== undefined) return undefined;
  if (shape.enum && typeof found === "string") {
    return closest(found, namesOf(shape)) ?? undefined;
  }
  const isNumber = shape.type === "integer" || shape.type === "number";
  return isNumber ? (shape.minimum ?? (shape.exclusiveMinimum ?? 0) + 1) : undefined;
}

/** Path of an issue; TOML has no symbols as keys. */
export function configPath(path: readonly PropertyKey[]): ConfigPath {
  return path.map((key) => (typeof key === "number" ? key : String(key)));
}

/** What stands at a path of a parsed file. */
export function valueAt(raw: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>(
    (value, key) => (isTable(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    raw,
  );
}

function isTable(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null;
}
