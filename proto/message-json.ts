import { RemsError } from "../kernel/errors.ts";
import type { FieldSchema, MessageSchemas } from "./message-schema.ts";

/**
 * Messages as JSON after the rules of protobuf's JSON mapping, with two differences that suit browsers: fields without presence are always
 * there, and 64-bit counters are numbers (they stay below 2^53). What is not a number is null.
 */

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };
type Fields = { readonly [key: string]: unknown };

const TEXT_LENGTH_MAX = 4096;
const MANIFEST_LENGTH_MAX = 1_000_000;
const LIST_COUNT_MAX = 1000;
const DEPTH_MAX = 8;
const FIELD_MASK = "google.protobuf.FieldMask";

/** @param isSparse - Leaves out what is 0, false or empty: of a message that was filled in part on purpose. */
export function messageToJson(
  schemas: MessageSchemas,
  type: string,
  message: object,
  isSparse = false,
): Json {
  const fields = message as Fields;
  const json: Record<string, Json> = {};
  for (const field of schemas.fieldsOf(type)) {
    const value = fields[field.jsonName];
    if (isSparse && !field.hasPresence && isDefault(value)) continue;
    if (field.isRepeated) {
      json[field.jsonName] = Array.from((value ?? []) as Iterable<unknown>, (each) =>
        valueToJson(schemas, field, field.type, each, isSparse),
      );
    } else if (field.type === "map") {
      const entries = Object.entries((value ?? {}) as Fields).map(([key, each]) => [
        key,
        valueToJson(schemas, field, field.valueType ?? "string", each),
      ]);
      json[field.jsonName] = Object.fromEntries(entries) as Json;
    } else if (value !== null && value !== undefined) {
      if (!field.hasPresence || Object.hasOwn(fields, field.jsonName)) {
        json[field.jsonName] = valueToJson(schemas, field, field.type, value, isSparse);
      }
    } else if (!field.hasPresence) json[field.jsonName] = defaultOf(schemas, field);
  }
  return json;
}

function valueToJson(
  schemas: MessageSchemas,
  field: FieldSchema,
  type: FieldSchema["type"],
  value: unknown,
  isSparse = false,
): Json {
  switch (type) {
    case "message":
      return messageToJson(schemas, field.typeName, value as object, isSparse);
    case "enum":
      return schemas.enumOf(field.typeName)[Number(value)] ?? Number(value);
    case "number":
    case "integer":
    case "signed":
    case "counter": {
      const number = Number(value);
      return Number.isFinite(number) ? number : null;
    }
    case "bytes":
      return Buffer.from(value as Uint8Array).toString("base64");
    case "bool":
      return value === true;
    default:
      return value as string;
  }
}

function isDefault(value: unknown): boolean {
  return Array.isArray(value)
    ? value.length === 0
    : value === undefined || value === null || value === "" || value === 0 || value === false;
}

function defaultOf(schemas: MessageSchemas, { type, typeName }: FieldSchema): Json {
  switch (type) {
    case "enum":
      return schemas.enumOf(typeName)[0] ?? 0;
    case "bool":
      return false;
    case "string":
    case "bytes":
      return "";
    default:
      return 0;
  }
}

/**
 * A message's fields from JSON that somebody else wrote.
 * @param isText - The values are text, as in a query: `true`, `12`, and one value where there may be several.
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` that says what was found, where, and what is allowed.
 */
export function messageFromJson(
  schemas: MessageSchemas,
  type: string,
  json: unknown,
  isText = false,
  path = "",
  depth = 0,
): Record<string, unknown> {
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  if (typeof json !== "object" || json === null || Array.isArray(json) || depth > DEPTH_MAX) {
    throw invalid(path === "" ? "the body" : path, json, "an object");
  }
  const schema = schemas.fieldsOf(type);
  const message: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(json)) {
    const field = schema.find(({ name, jsonName }) => key === name || key === jsonName);
    if (field === undefined) {
      const known = schema.map(({ jsonName }) => jsonName).join(", ");
      throw invalid(
        at(key),
        value,
        known === "" ? "nothing: it takes no fields" : `one of ${known}`,
        true,
      );
    }
    if (value === null) continue;
    const one = (each: unknown, where: string): unknown =>
      valueFromJson(schemas, field, field.type, each, { isText, where, depth });
    if (field.isRepeated) {
      const list: readonly unknown[] = Array.isArray(value) ? value : isText ? [value] : [];
      if (!Array.isArray(value) && !isText) throw invalid(at(key), value, "a list");
      if (list.length > LIST_COUNT_MAX) {
        throw invalid(at(key), `${list.length} entries`, `at most ${LIST_COUNT_MAX} entries`);
      }
      message[field.jsonName] = list.map((each, index) => one(each, `${at(key)}[${index}]`));
    } else if (field.type === "map") {
      message[field.jsonName] = mapFromJson(schemas, field, value, at(key), depth);
    } else message[field.jsonName] = one(value, at(key));
  }
  return message;
}

function mapFromJson(
  schemas: MessageSchemas,
  field: FieldSchema,
  json: unknown,
  where: string,
  depth: number,
): Record<string, unknown> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw invalid(where, json, "an object");
  }
  const entries = Object.entries(json);
  if (entries.length > LIST_COUNT_MAX) {
    throw invalid(where, `${entries.length} entries`, `at most ${LIST_COUNT_MAX} entries`);
  }
  return Object.fromEntries(
    entries.map(([key, value]) => [
      key,
      valueFromJson(schemas, field, field.valueType ?? "string", value, {
        isText: false,
        where: `${where}.${key}`,
        depth,
      }),
    ]),
  );
}

interface Place {
  readonly isText: boolean;
  readonly where: string;
  readonly depth: number;
}

function valueFromJson(
  schemas: MessageSchemas,
  field: FieldSchema,
  type: FieldSchema["type"],
  value: unknown,
  { isText, where, depth }: Place,
): unknown {
  switch (type) {
    case "string": {
      const lengthMax = field.jsonName === "manifestText" ? MANIFEST_LENGTH_MAX : TEXT_LENGTH_MAX;
      if (typeof value === "string" && value.length <= lengthMax) return value;
      throw invalid(where, value, `text of at most ${lengthMax} characters`);
    }
    case "bool":
      if (typeof value === "boolean") return value;
      if (isText && (value === "true" || value === "false")) return value === "true";
      throw invalid(where, value, "true or false");
    case "number":
    case "integer":
    case "signed":
    case "counter":
      return numberFrom(type, value, where);
    case "enum": {
      const names = schemas.enumOf(field.typeName);
      const number = typeof value === "string" ? names.indexOf(value) : value;
      if (typeof number === "number" && names[number] !== undefined) return number;
      throw invalid(where, value, `one of ${names.join(", ")}`);
    }
    case "message":
      if (field.typeName === FIELD_MASK) return maskFrom(value, where);
      return messageFromJson(schemas, field.typeName, value, isText, where, depth + 1);
    default:
      throw invalid(where, value, "nothing: it is not taken as JSON");
  }
}

/** Numbers may come as text, as protobuf's JSON has 64-bit ones. */
function numberFrom(
  type: "number" | "integer" | "signed" | "counter",
  value: unknown,
  where: string,
): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) {
    throw invalid(where, value, "a number");
  }
  if (type === "number") return number;
  if (type === "signed" && Number.isSafeInteger(number)) return number;
  if (!Number.isSafeInteger(number) || number < 0 || (type === "integer" && number > 0xffff_ffff)) {
    throw invalid(where, value, "an integer of 0 or more");
  }
  return number;
}

function maskFrom(value: unknown, where: string): { paths: string[] } {
  if (typeof value !== "string" || value.length > TEXT_LENGTH_MAX) {
    throw invalid(where, value, "names of fields, with commas between");
  }
  return { paths: value === "" ? [] : value.split(",").map((path) => path.trim()) };
}

function invalid(field: string, found: unknown, allowed: string, isName = false): RemsError {
  const shown = isName ? "not known" : (JSON.stringify(found) ?? "absent").slice(0, 80);
  return new RemsError("REMS_REQUEST_INVALID", `${field} is ${shown}; allowed is ${allowed}`, {
    details: { field },
  });
}
