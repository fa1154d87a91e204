import type { Canonical } from "../../kernel/canonical.ts";

/**
 * What changed from one piece of canonical data to the next, as canonical data: `{v}` a new value, `{x}` removed, `{o}` changes by key
 * (of arrays of equal length by index).
 */
export type Patch =
  | { readonly v: Canonical }
  | { readonly x: 1 }
  | { readonly o: { readonly [key: string]: Patch } };

type Keyed = { readonly [key: string]: Canonical };

/** @returns Null where nothing changed. Parts that are the same object are not looked into. */
export function patchOf(before: Canonical, after: Canonical): Patch | null {
  if (before === after) return null;
  if (!haveSameForm(before, after)) return { v: after };
  const a = before as Keyed;
  const b = after as Keyed;
  let changes: Record<string, Patch> | null = null;
  for (const key of Object.keys(b)) {
    const was = a[key];
    const is = b[key] as Canonical;
    const patch = was === undefined ? { v: is } : patchOf(was, is);
    if (patch !== null) (changes ??= {})[key] = patch;
  }
  for (const key of Object.keys(a)) if (b[key] === undefined) (changes ??= {})[key] = { x: 1 };
  return changes === null ? null : { o: changes };
}

export function applyPatch(before: Canonical, patch: Patch): Canonical {
  if ("v" in patch) return patch.v;
  if ("x" in patch) return before;
  const copy: Record<string, Canonical> | Canonical[] = Array.isArray(before)
    ? [...(before as Canonical[])]
    : { ...(before as Keyed) };
  const keyed = copy as Record<string, Canonical>;
  for (const [key, change] of Object.entries(patch.o)) {
    if ("x" in change) delete keyed[key];
    else keyed[key] = applyPatch(keyed[key] ?? null, change);
  }
  return copy;
}

export interface FieldDifference {
  /** Keys and indices from the top. */
  readonly path: readonly string[];
  /** Undefined where there is none. */
  readonly recorded: Canonical | undefined;
  readonly replayed: Canonical | undefined;
}

/** Where two pieces of canonical data differ, in the order of keys, at most `countMax` places. */
export function differencesOf(
  recorded: Canonical | undefined,
  replayed: Canonical | undefined,
  countMax: number,
  path: readonly string[] = [],
): FieldDifference[] {
  if (recorded === replayed || countMax <= 0) return [];
  const isComparable =
    recorded !== undefined && replayed !== undefined && haveSameForm(recorded, replayed);
  if (!isComparable) return [{ path, recorded, replayed }];
  const a = recorded as Keyed;
  const b = replayed as Keyed;
  const found: FieldDifference[] = [];
  for (const key of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
    found.push(...differencesOf(a[key], b[key], countMax - found.length, [...path, key]));
  }
  return found;
}

function haveSameForm(a: Canonical, b: Canonical): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  return !Array.isArray(a) || (a as Canonical[]).length === (b as Canonical[]).length;
}
