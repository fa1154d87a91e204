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

/**
 * Encodes canonical data as JSON with object keys in code-unit order and no spaces.
 *
 * The same data gives the same text on every node and every Node.js version.
 * @param value - Finite numbers, no −0, no `undefined`, no class instances (`Map`, `Set`, `Date`), depth ≤ 64.
 * @throws {@link RemsError} `REMS_ENCODING_INVALID` that names the path of the offending value.
 */
export function encodeCanonical(value: unknown): string {
  return encodeAt(value, "$", 0);
}

function encodeAt(value: unknown, path: string, depth: number): string {
  if (depth > DEPTH_MAX) throw invalid(path, `nesting deeper than ${DEPTH_MAX}`);
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (!Number.isFinite(value)) throw invalid(path, `the number ${value}`);
      if (Object.is(value, -0)) throw invalid(path, "the number −0");
      return JSON.stringify(value);
    case "object":
      return value === null ? "null" : encodeObject(value, path, depth);
    default:
      throw invalid(path, `a value of type ${typeof value}`);
  }
}

function encodeObject(value: object, path: string, depth: number): string {
  if (Array.isArray(value)) {
    let text = "[";
    for (let i = 0; i < value.length; i++) {
      if (i > 0) text += ",";
      text += encodeAt(value[i], `${path}[${i}]`, depth + 1);
    }
    return `${text}]`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw invalid(path, "an instance of a class");
  }
  const record = value as Record<string, unknown>;
  const keys = Object.keys(record).sort();
  let text = "{";
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (i > 0) text += ",";
    text += `${JSON.stringify(key)}:${encodeAt(record[key], `${path}.${key}`, depth + 1)}`;
  }
  return `${text}}`;
}

function invalid(path: string, found: string): RemsError {
  return new RemsError(
    "REMS_ENCODING_INVALID",
    `replicated data holds ${found} at ${path}; allowed are null, booleans, finite numbers without −0, strings, arrays and plain objects`,
    { details: { path } },
  );
}
