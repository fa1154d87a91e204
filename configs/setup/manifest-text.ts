import { stringify } from "smol-toml";
import { type FieldSchema, fieldSchema } from "../field-schema.ts";
import { manifestSchema } from "../manifest-schema.ts";
import { isTable, type SetupDocument } from "./document.ts";

const HEAD = `# Manifest of R-EMS, written by the setup wizard. It may be edited by hand; "r-emsctl config check" says what is wrong with it.
# Every field with its meaning, unit, range and default: docs/04-configuration/manifest.md

`;
const DEPTH_MAX = 12;

/**
 * A document as TOML: tables in the order of the manifest's schema, values as they are. Comments of a file that it was read from are not
 * part of it.
 */
export function manifestText(document: SetupDocument): string {
  return HEAD + stringify(ordered(document, fieldSchema(manifestSchema), 0));
}

/** Keys in the schema's order, unknown ones last; values that TOML has no word for (null, undefined) are left out. */
function ordered(value: unknown, shape: FieldSchema | undefined, depth: number): unknown {
  if (depth > DEPTH_MAX) return value;
  if (Array.isArray(value)) return value.map((one) => ordered(one, shape?.items, depth + 1));
  if (!isTable(value)) return value;
  const properties = shape?.properties ?? {};
  const known = Object.keys(properties).filter((key) => Object.hasOwn(value, key));
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(properties, key));
  return Object.fromEntries(
    [...known, ...unknown]
      .filter((key) => value[key] !== null && value[key] !== undefined)
      .map((key) => [key, ordered(value[key], properties[key], depth + 1)]),
  );
}
