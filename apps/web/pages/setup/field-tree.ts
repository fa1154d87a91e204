import type { SetupField, Table } from "../../data/setup-state.ts";

/**
 * The fields of a step as a tree, after their paths: `grids[].devices[].host` is a field within each of the list `devices` within each of
 * the list `grids`. Pure.
 */
export interface FieldGroup {
  readonly fields: readonly { readonly key: string; readonly field: SetupField }[];
  readonly lists: readonly { readonly key: string; readonly group: FieldGroup }[];
  readonly tables: readonly { readonly key: string; readonly group: FieldGroup }[];
}

interface Building {
  readonly fields: { key: string; field: SetupField }[];
  readonly lists: Map<string, Building>;
  readonly tables: Map<string, Building>;
}

const empty = (): Building => ({ fields: [], lists: new Map(), tables: new Map() });

export function fieldTree(fields: readonly SetupField[]): FieldGroup {
  const root = empty();
  for (const field of fields) {
    let at = root;
    const parts = field.path.split(".");
    for (const part of parts.slice(0, -1)) {
      const isList = part.endsWith("[]");
      const key = part.replace("[]", "");
      const within = isList ? at.lists : at.tables;
      const next = within.get(key) ?? empty();
      within.set(key, next);
      at = next;
    }
    at.fields.push({ key: parts.at(-1) ?? "", field });
  }
  return finished(root);
}

function finished({ fields, lists, tables }: Building): FieldGroup {
  const groups = (map: ReadonlyMap<string, Building>) =>
    [...map].map(([key, building]) => ({ key, group: finished(building) }));
  // A table whose parts have fields of their own needs none as a whole.
  const whole = fields.filter(({ key }) => !tables.has(key));
  return { fields: whole, lists: groups(lists), tables: groups(tables) };
}

/** What of a device's fields its kind has; of others only what is set. Pure. */
export function forKind(group: FieldGroup, value: Table): FieldGroup {
  const kind = textAt(value, "kind");
  const narrowed = (at: FieldGroup, table: Table): FieldGroup => ({
    ...at,
    fields: at.fields.filter(
      ({ key, field: { kinds } }) =>
        kinds.length === 0 || kinds.includes(kind) || table[key] !== undefined,
    ),
    tables: at.tables
      .map(({ key, group: within }) => ({ key, group: narrowed(within, tableAt(table, key)) }))
      .filter(
        ({ group: { fields, tables, lists } }) => fields.length + tables.length + lists.length > 0,
      ),
  });
  return narrowed(group, value);
}

export const tableAt = (table: Table, key: string): Table => {
  const value = table[key];
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Table)
    : {};
};

export const listAt = (table: Table, key: string): readonly Table[] => {
  const value = table[key];
  return Array.isArray(value) ? (value as readonly Table[]) : [];
};

/** A copy with another value; undefined takes the key away. */
export function withValue(table: Table, key: string, value: unknown): Table {
  const next: Record<string, unknown> = { ...table };
  if (value === undefined) delete next[key];
  else next[key] = value;
  return next;
}

/** What stands there as text; empty for what is no text or number. */
export const textAt = (table: Table, key: string): string => {
  const value = table[key];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
};

const ID_OF_NOTHING = "plant";
const ID_LENGTH_MAX = 32;

/** An id that reads like the name. */
function idOf(name: string): string {
  const id = name
    .normalize("NFKD")
    .replaceAll(/\p{Mark}/gu, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[^a-z]+|-+$/g, "")
    .slice(0, ID_LENGTH_MAX)
    .replace(/-+$/, "");
  return id === "" ? ID_OF_NOTHING : id;
}

/** The installation's id follows its name as it is typed, until it is typed itself. Pure. */
export function withIdOfName(before: Table, after: Table): Table {
  const [was, is] = [tableAt(before, "installation"), tableAt(after, "installation")];
  const isFollowing = textAt(is, "id") === idOf(textAt(was, "name"));
  if (!isFollowing || textAt(is, "name") === textAt(was, "name")) return after;
  return withValue(after, "installation", { ...is, id: idOf(textAt(is, "name")) });
}
