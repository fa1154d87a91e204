import { z } from "zod";
import type { DeviceKind } from "../kernel/device-kinds.ts";
import type { ConfigPath } from "./problem.ts";

/** Facts about a field besides its meaning, for messages and the reference page. */
interface FieldFacts {
  readonly unit?: string;
  /** What a text must look like, in words: shown instead of its pattern. */
  readonly form?: string;
  /** The default, where it depends on something else. */
  readonly defaultText?: string;
  /** Kinds of device that it means something for; absent: for all. Forms leave it out for others. */
  readonly kinds?: readonly DeviceKind[];
}

/** Gives a field of a schema its meaning; every field of every configuration file goes through here. */
export function field<S extends z.ZodType>(schema: S, meaning: string, facts: FieldFacts = {}): S {
  return schema.meta({ description: meaning, ...facts });
}

/** The part of JSON Schema that our schemas use. */
export interface FieldSchema {
  readonly description?: string;
  readonly unit?: string;
  readonly form?: string;
  readonly defaultText?: string;
  readonly kinds?: readonly string[];
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  readonly items?: FieldSchema;
  readonly additionalProperties?: FieldSchema | boolean;
  readonly anyOf?: readonly FieldSchema[];
}

/** A schema as JSON Schema of the file that people write (defaults not yet filled in). */
export function fieldSchema(schema: z.ZodType): FieldSchema {
  return z.toJSONSchema(schema, { io: "input", target: "draft-7" }) as FieldSchema;
}

/** The schema of what stands at a path, or null where nothing may stand. */
export function schemaAt(shape: FieldSchema, path: ConfigPath): FieldSchema | null {
  let at: FieldSchema | undefined = shape;
  for (const key of path) {
    if (at === undefined) return null;
    if (typeof key === "number") at = at.items;
    else if (at.properties && Object.hasOwn(at.properties, key)) at = at.properties[key];
    else at = typeof at.additionalProperties === "object" ? at.additionalProperties : undefined;
  }
  return at ?? null;
}

/** The words that a field allows, where it allows only some. */
export function namesOf(shape: FieldSchema | null): string[] {
  return (shape?.enum ?? []).filter((value) => typeof value === "string");
}

/** What may stand in a field, in words: the same in messages and on the reference page. */
export function allowedText(shape: FieldSchema): string {
  if (shape.form !== undefined) return shape.form;
  if (shape.const !== undefined) return JSON.stringify(shape.const);
  if (shape.enum) return `one of ${shape.enum.map((value) => JSON.stringify(value)).join(", ")}`;
  if (shape.anyOf) return shape.anyOf.map(allowedText).join(" or ");
  switch (shape.type) {
    case "boolean":
      return "true or false";
    case "integer":
      return `a whole number${rangeText(shape)}`;
    case "number":
      return `a number${rangeText(shape)}`;
    case "string":
      return shape.maxLength === undefined
        ? "a text in quotes"
        : `a text of ${shape.minLength ?? 0} to ${shape.maxLength} characters in quotes`;
    case "array": {
      const counts =
        shape.maxItems === undefined
          ? `at least ${shape.minItems ?? 0}`
          : `${shape.minItems ?? 0} to ${shape.maxItems}`;
      return `a list of ${counts} entries`;
    }
    default:
      return `a table with ${Object.keys(shape.properties ?? {})
        .map((key) => `\`${key}\``)
        .join(", ")}`;
  }
}

function rangeText(shape: FieldSchema): string {
  const isBoundless = (bound: number) => Math.abs(bound) === Number.MAX_SAFE_INTEGER;
  const { minimum, maximum, exclusiveMinimum } = shape;
  const low = minimum === undefined || isBoundless(minimum) ? undefined : minimum;
  const high = maximum === undefined || isBoundless(maximum) ? undefined : maximum;
  const above = exclusiveMinimum === undefined ? undefined : `above ${exclusiveMinimum}`;
  if (low !== undefined && high !== undefined) return `, ${low} to ${high}`;
  if (above !== undefined) return high === undefined ? `, ${above}` : `, ${above}, at most ${high}`;
  if (low !== undefined) return `, at least ${low}`;
  return high === undefined ? "" : `, at most ${high}`;
}
