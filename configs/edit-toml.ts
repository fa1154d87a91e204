import { parse, stringify } from "smol-toml";
import { type ConfigPath, pathText } from "./problem.ts";
import { manifestText } from "./setup/manifest-text.ts";
import { isTable, type Table } from "./setup/document.ts";
import { lineOf, tomlLines } from "./toml-lines.ts";

interface Edit {
  readonly path: ConfigPath;
  /** Undefined: the key goes. */
  readonly value: unknown;
}

const DEPTH_MAX = 12;

/**
 * A TOML text that holds `wanted`, with everything else of the text as people wrote it: comments, order, empty lines. Where the text's form
 * does not allow that (other lists, values over several lines), the whole is written anew, without comments.
 *
 * @param text - A text that parses.
 */
export function editToml(text: string, wanted: Table): string {
  const edits = differences(parse(text), wanted, []);
  if (edits === null) return manifestText(wanted);
  let edited = text;
  for (const edit of edits) {
    const next = applyEdit(edited, edit);
    if (next === null) return manifestText(wanted);
    edited = next;
  }
  return holds(edited, wanted) ? edited : manifestText(wanted);
}

function holds(text: string, wanted: Table): boolean {
  try {
    return differences(parse(text), wanted, [])?.length === 0;
  } catch {
    return false;
  }
}

/** What must change, leaf by leaf; null where lists differ in length. */
function differences(found: unknown, wanted: unknown, path: ConfigPath): Edit[] | null {
  if (path.length > DEPTH_MAX) return null;
  if (isTable(found) && isTable(wanted)) {
    const edits: Edit[] = [];
    for (const key of new Set([...Object.keys(found), ...Object.keys(wanted)])) {
      const below = differences(found[key], wanted[key], [...path, key]);
      if (below === null) return null;
      edits.push(...below);
    }
    return edits;
  }
  const areTables = (list: unknown): list is Table[] => Array.isArray(list) && list.some(isTable);
  if (areTables(found) || areTables(wanted)) {
    if (!Array.isArray(found) || !Array.isArray(wanted) || found.length !== wanted.length)
      return null;
    const edits: Edit[] = [];
    for (const [index, one] of wanted.entries()) {
      const below = differences(found[index], one, [...path, index]);
      if (below === null) return null;
      edits.push(...below);
    }
    return edits;
  }
  // A table that is new goes in key by key.
  if (found === undefined && isTable(wanted)) return differences({}, wanted, path);
  return JSON.stringify(found) === JSON.stringify(wanted) ? [] : [{ path, value: wanted }];
}

/** One value as it is written. */
function valueText(value: unknown): string {
  return stringify({ v: value }).trim().replace(/^v = /, "");
}

function applyEdit(text: string, { path, value }: Edit): string | null {
  const key = path.at(-1);
  if (typeof key !== "string" || isTable(value)) return null;
  const lines = text.split("\n");
  const places = tomlLines(text);
  const line = places.get(pathText(path));
  if (line !== undefined) return replaceAt(lines, line - 1, key, value);
  if (value === undefined) return text;
  const parent = path.slice(0, -1);
  const parentLine = places.get(pathText(parent));
  if (parentLine !== undefined) return insertAt(lines, parentLine - 1, parent.at(-1), key, value);
  return insertTable(lines, lineOf(places, parent) - 1, parent, key, value);
}

/** `key = value` on a line of its own, or one of several in an inline table. */
function replaceAt(lines: string[], at: number, key: string, value: unknown): string | null {
  const line = lines[at] ?? "";
  const alone = new RegExp(
    `^(\\s*${key}\\s*=\\s*)([^#"'\\[{]*?|"[^"]*"|\\[[^\\]#]*\\])(\\s*(?:#.*)?)$`,
  );
  if (alone.test(line)) {
    if (value === undefined) lines.splice(at, 1);
    else
      lines[at] = line.replace(
        alone,
        (_, head: string, __, tail: string) => `${head}${valueText(value)}${tail}`,
      );
    return lines.join("\n");
  }
  const within = new RegExp(`([{,]\\s*)(${key}\\s*=\\s*)([^,}"]*?|"[^"]*")(\\s*[,}])`);
  if (!within.test(line)) return null;
  lines[at] =
    value === undefined
      ? line.replace(within, (_, head: string, __, ___, tail: string) =>
          tail.trim() === "," ? head : head.trim() === "," ? tail : `${head.trim()}${tail}`,
        )
      : line.replace(
          within,
          (_, head: string, name: string, __, tail: string) =>
            `${head}${name}${valueText(value)}${tail}`,
        );
  return lines.join("\n");
}

/** A new key in a table that is there: below its header, or in front of the brace of an inline table. */
function insertAt(
  lines: string[],
  at: number,
  table: ConfigPath[number] | undefined,
  key: string,
  value: unknown,
): string | null {
  const line = lines[at] ?? "";
  if (/^\s*\[/.test(line)) {
    lines.splice(at + 1, 0, `${key} = ${valueText(value)}`);
    return lines.join("\n");
  }
  const inline = new RegExp(`(\\b${String(table)}\\s*=\\s*\\{)([^}"]*)(\\})`);
  if (!inline.test(line)) return null;
  lines[at] = line.replace(inline, (_, head: string, inner: string, tail: string) => {
    const before = inner.trim();
    return `${head} ${before === "" ? "" : `${before}, `}${key} = ${valueText(value)} ${tail}`;
  });
  return lines.join("\n");
}

/** A new table below the element of a list that it belongs to: before the next header, where a table of that element may stand. */
function insertTable(
  lines: string[],
  elementAt: number,
  table: ConfigPath,
  key: string,
  value: unknown,
): string | null {
  const names = table.filter((part) => typeof part === "string");
  if (!/^\s*\[\[/.test(lines[elementAt] ?? "") && names.length > 1) return null;
  let at = names.length > 1 ? elementAt + 1 : lines.length;
  while (at < lines.length && !/^\s*\[/.test(lines[at] ?? "")) at++;
  while (at > 0 && (lines[at - 1] ?? "").trim() === "") at--;
  lines.splice(at, 0, "", `[${names.join(".")}]`, `${key} = ${valueText(value)}`);
  return lines.join("\n");
}
