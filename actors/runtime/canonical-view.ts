import type { Canonical } from "../../kernel/canonical.ts";

const DEPTH_MAX = 6;
const ENTRY_COUNT_MAX = 100;

/**
 * What inspection shows of data that need not be canonical, such as the context of a local actor: sockets and functions
 * become their kind in brackets, `undefined` becomes null, depth and size are cut.
 */
export function canonicalView(value: unknown, depth = 0): Canonical {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value + 0 : String(value);
    case "bigint":
      return value.toString();
    case "undefined":
      return null;
    case "object":
      return value === null ? null : viewObject(value, depth);
    default:
      return `[${typeof value}]`;
  }
}

function viewObject(value: object, depth: number): Canonical {
  if (depth >= DEPTH_MAX) return "[…]";
  if (Array.isArray(value)) {
    return value.slice(0, ENTRY_COUNT_MAX).map((entry: unknown) => canonicalView(entry, depth + 1));
  }
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype !== Object.prototype && prototype !== null) return `[${kindOf(prototype)}]`;
  const entries = Object.entries(value).slice(0, ENTRY_COUNT_MAX);
  return Object.fromEntries(entries.map(([key, entry]) => [key, canonicalView(entry, depth + 1)]));
}

function kindOf(prototype: object): string {
  const { constructor } = prototype;
  return typeof constructor === "function" ? constructor.name : "object";
}
