import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { fieldSchema, type FieldSchema } from "./field-schema.ts";
import { manifestSchema } from "./manifest-schema.ts";
import { profileSchema } from "./profile-schema.ts";
import { loadProfiles } from "./load-profile.ts";
import { profilePages } from "./profile-page.ts";
import { configPages } from "./reference.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

describe("what is generated from the schemas and the profiles", () => {
  it.each([...configPages(), ...profilePages([...loadProfiles().values()])])(
    "$path is as committed; else run npx tsx scripts/generate-config-docs.ts",
    ({ path, text }) => {
      expect(readFileSync(join(root, path), "utf8")).toBe(text);
    },
  );
});

/** Fields of a schema that lack a fact. */
function lacking(
  shape: FieldSchema,
  path: string,
  isMissing: (field: FieldSchema, key: string) => boolean,
): string[] {
  return Object.entries(shape.properties ?? {}).flatMap(([key, field]) => [
    ...(isMissing(field, key) ? [`${path}.${key}`] : []),
    ...lacking(field, `${path}.${key}`, isMissing),
    ...lacking(field.items ?? {}, `${path}.${key}[]`, isMissing),
  ]);
}

describe.each([
  ["manifest", manifestSchema],
  ["profile", profileSchema],
])("every field of the %s schema", (name, schema) => {
  const shape = fieldSchema(schema);

  it("has a meaning", () => {
    expect(lacking(shape, name, ({ description }) => (description ?? "").length < 5)).toEqual([]);
  });

  it("that is named for its unit states the unit", () => {
    const isNamedForUnit = /_(ms|s|pct|kw|kva|kwh|v|hz)$/;
    expect(
      lacking(shape, name, ({ unit }, key) => isNamedForUnit.test(key) && unit === undefined),
    ).toEqual([]);
  });

  it("has a range where it is a number", () => {
    const isOpen = (field: FieldSchema, key: string) =>
      field.type === "number" && field.maximum === undefined && !["scale", "offset"].includes(key);
    expect(lacking(shape, name, isOpen)).toEqual([]);
  });
});
