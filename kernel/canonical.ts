import { RemsError } from "./errors.ts";

/** Data that has exactly one encoding: what frames and replicated state are made of. */
export type Canonical =
  | null
  | boolean
  | number
  | string
  | readonly Canonical[]
  | { readonly [key: string]: Canonical };

const DEPTH_MAX = 64;
const TOO_DEEP = `nesting deeper than ${DEPTH_MAX}`;

/**
 * Encodes canonical data as JSON with object keys in code-unit order and no spaces.
 *
 * The same data gives the same text on every node and every Node.js version.
 * @param value - Finite numbers, no −0, no `undefined`, no class instances (`Map`, `Set`, `Date`), depth ≤ 64.
 * @throws {@link RemsError} `REMS_ENCODING_INVALID` that names the path of the offending value.
 */
export function encodeCanonical(value: unknown): string {
  try {
    return encodeAt(value, 0);
  } catch (error) {
    // Where it is, is looked for only now: to keep a path at hand costs more than the encoding itself.
    throw problemAt(value, "$", 0) ?? error;
  }
}

function encodeAt(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return quoted(value);
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (!Number.isFinite(value) || Object.is(value, -0))
        throw invalid("$", `the number ${value}`);
      return `${value}`;
    case "object":
      return value === null ? "null" : encodeObject(value, depth);
    default:
      throw invalid("$", `a value of type ${typeof value}`);
  }
}

function encodeObject(value: object, depth: number): string {
  if (depth >= DEPTH_MAX) throw invalid("$", TOO_DEEP);
  if (Array.isArray(value)) {
    let text = "[";
    for (let i = 0; i < value.length; i++) {
      if (i > 0) text += ",";
      text += encodeAt(value[i], depth + 1);
    }
    return `${text}]`;
  }
  if (!isPlain(value)) throw invalid("$", "an instance of a class");
  const record = value as Record<string, unknown>;
  const keys = sortedKeys(record);
  let text = "{";
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    text += `${i > 0 ? "," : ""}${quoted(key)}:${encodeAt(record[key], depth + 1)}`;
  }
  return `${text}}`;
}

/** Most objects were built in the order of their keys: to see that costs less than to sort. */
function sortedKeys(record: object): string[] {
  const keys = Object.keys(record);
  for (let i = 1; i < keys.length; i++)
    if ((keys[i - 1] as string) > (keys[i] as string)) return keys.sort();
  return keys;
}

/** Printable ASCII without quotation mark and backslash stands for itself: most text does. */
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
  return PLAIN_TEXT.test(text) ? `"${text}"` : JSON.stringify(text);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** What cannot be encoded, with its path, in the order of encoding. */
function problemAt(value: unknown, path: string, depth: number): RemsError | null {
  if (typeof value === "number") {
    if (Object.is(value, -0)) return invalid(path, "the number −0");
    return Number.isFinite(value) ? null : invalid(path, `the number ${value}`);
  }
  if (typeof value === "string" || typeof value === "boolean" || value === null) return null;
  if (typeof value !== "object") return invalid(path, `a value of type ${typeof value}`);
  if (depth >= DEPTH_MAX) return invalid(path, TOO_DEEP);
  if (!Array.isArray(value) && !isPlain(value)) return invalid(path, "an instance of a class");
  const isList = Array.isArray(value);
  for (const key of isList ? value.keys() : Object.keys(value).sort()) {
    const inner = (value as Record<string | number, unknown>)[key];
    const problem = problemAt(inner, isList ? `${path}[${key}]` : `${path}.${key}`, depth + 1);
    if (problem !== null) return problem;
  }
  return null;
}

function invalid(path: string, found: string): RemsError {
  return new RemsError(
    "REMS_ENCODING_INVALID",
    `replicated data holds ${found} at ${path}; allowed are null, booleans, finite numbers without −0, strings, arrays and plain objects`,
    { details: { path } },
  );
}
