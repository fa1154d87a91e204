import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { type ConfigPath, type ConfigProblem, foundText, pathText } from "./problem.ts";
import { closest } from "./spelling.ts";
import { lineOf, tomlLines } from "./toml-lines.ts";

/** Facts about a field besides its meaning, for messages and the reference page. */
interface FieldFacts {
  readonly unit?: string;
  /** What a text must look like, in words: shown instead of its pattern. */
  readonly form?: string;
  /** The default, where it depends on something else. */
  readonly defaultText?: string;
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

export interface CheckedFile<T> {
  /**
   * The content with its defaults. Where single fields were wrong but their likely intention or a default serves, the rest, so
   * that cross checks can report what else is wrong; null where that is not possible.
   */
  readonly value: T | null;
  readonly problems: readonly ConfigProblem[];
  /** Makes a problem of this file. */
  problem(path: ConfigPath, found: string, allowed: string): ConfigProblem;
  /** The problems of the file with those of its cross checks, without what only follows from a field that is itself wrong. */
  withCrossProblems(crossProblems: readonly ConfigProblem[]): readonly ConfigProblem[];
}

/** Longest configuration file that is read, characters. */
const FILE_LENGTH_MAX = 1_000_000;

/** Parses a TOML text and checks it against a schema. Never throws for what the text holds. */
export function checkFile<T>(schema: z.ZodType<T>, text: string, file: string): CheckedFile<T> {
  const parsed = parseToml(text, file);
  const lines = "raw" in parsed ? tomlLines(text) : new Map<string, number>();
  const problem = (path: ConfigPath, found: string, allowed: string): ConfigProblem => ({
    file,
    line: lineOf(lines, path),
    path: pathText(path),
    found,
    allowed,
  });
  const checked = (
    value: T | null,
    problems: readonly ConfigProblem[],
    doubtful: string[] = [],
  ) => ({
    value,
    problems,
    problem,
    withCrossProblems: (cross: readonly ConfigProblem[]) => [
      ...problems,
      ...cross.filter(({ path }) => !doubtful.some((table) => isWithin(path, table))),
    ],
  });
  if (!("raw" in parsed)) return checked(null, [parsed]);
  const { raw } = parsed;
  const result = schema.safeParse(raw);
  if (result.success) return checked(result.data, []);
  const { issues } = result.error;
  const shape = fieldSchema(schema);
  const problems = issues.flatMap((issue) => problemsOf(issue, raw, shape, problem));
  const mended = mend(raw, issues, shape);
  const remaining = schema.safeParse(mended.copy);
  return checked(
    remaining.success ? remaining.data : null,
    withoutMisspelled(problems),
    mended.doubtful,
  );
}

function parseToml(text: string, file: string): { readonly raw: unknown } | ConfigProblem {
  const path = "";
  if (text.length > FILE_LENGTH_MAX) {
    const allowed = `at most ${FILE_LENGTH_MAX} characters`;
    return { file, line: 1, path, found: `${text.length} characters`, allowed };
  }
  try {
    return { raw: parse(text, { unsafeKeyBehaviour: "throw", maxDepth: 16 }) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "") ?? "";
    const found = `a text that is not TOML (${reason})`;
    return { file, line: error.line, path, found, allowed: "TOML 1.0, see toml.io" };
  }
}

function isWithin(path: string, table: string): boolean {
  return (
    table === "" || path === table || path.startsWith(`${table}.`) || path.startsWith(`${table}[`)
  );
}

/** A key is not also missing where an unknown key of the same table was taken for it. */
function withoutMisspelled(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const meant = new Set(
    problems.flatMap(({ path, allowed }) => {
      const suggestion = /^did you mean `([^`]+)`/.exec(allowed)?.[1];
      if (suggestion === undefined) return [];
      return [path.includes(".") ? path.replace(/[^.]*$/, suggestion) : suggestion];
    }),
  );
  return problems.filter(({ path, found }) => found !== "nothing" || !meant.has(path));
}

function problemsOf(
  issue: z.core.$ZodIssue,
  raw: unknown,
  shape: FieldSchema,
  problem: CheckedFile<unknown>["problem"],
): ConfigProblem[] {
  const path = configPath(issue.path);
  if (issue.code === "unrecognized_keys") {
    const allowedKeys = Object.keys(schemaAt(shape, path)?.properties ?? {});
    return issue.keys.map((key) => {
      const suggestion = closest(key, allowedKeys);
      const all = allowedKeys.map((name) => `\`${name}\``).join(", ");
      const allowed =
        suggestion === null ? all : `did you mean \`${suggestion}\`? Known here: ${all}`;
      return problem([...path, key], "an unknown key", allowed);
    });
  }
  const at = schemaAt(shape, path);
  const found = valueAt(raw, path);
  const suggestion = typeof found === "string" ? closest(found, namesOf(at)) : null;
  const range = at === null ? issue.message : allowedText(at);
  const allowed = suggestion === null ? range : `did you mean "${suggestion}"? ${range}`;
  return [problem(path, foundText(found), allowed)];
}

function namesOf(shape: FieldSchema | null): string[] {
  return (shape?.enum ?? []).filter((value) => typeof value === "string");
}

function configPath(path: readonly PropertyKey[]): ConfigPath {
  return path.map((key) => (typeof key === "number" ? key : String(key)));
}

function schemaAt(shape: FieldSchema, path: ConfigPath): FieldSchema | null {
  let at: FieldSchema | undefined = shape;
  for (const key of path) {
    if (at === undefined) return null;
    if (typeof key === "number") at = at.items;
    else if (at.properties && Object.hasOwn(at.properties, key)) at = at.properties[key];
    else at = typeof at.additionalProperties === "object" ? at.additionalProperties : undefined;
  }
  return at ?? null;
}

function valueAt(raw: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>(
    (value, key) => (isTable(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    raw,
  );
}

function isTable(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null;
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

interface Mended {
  readonly copy: unknown;
  /** Tables with a value that stands in for a wrong one: what is found there says nothing. */
  readonly doubtful: string[];
}

/**
 * A copy in which unknown keys have their likely spelling or are gone, and wrong values are replaced by their likely spelling or a
 * number in range, or are gone, so that their default applies.
 */
function mend(raw: unknown, issues: readonly z.core.$ZodIssue[], shape: FieldSchema): Mended {
  const copy: unknown = structuredClone(raw);
  const doubtful: string[] = [];
  // Keys first: a value that seems missing may stand under a misspelled key.
  for (const issue of issues) {
    if (issue.code === "unrecognized_keys")
      mendKeys(valueAt(copy, configPath(issue.path)), issue, shape);
  }
  for (const issue of issues) {
    const path = configPath(issue.path);
    const last = path.at(-1);
    const parent = valueAt(copy, path.slice(0, -1));
    if (issue.code === "unrecognized_keys" || last === undefined || !isTable(parent)) continue;
    const isNowThere = valueAt(raw, path) === undefined && parent[last] !== undefined;
    if (isNowThere || Array.isArray(parent)) continue;
    doubtful.push(pathText(path.slice(0, -1)));
    parent[last] = standIn(schemaAt(shape, path), parent[last]);
    if (parent[last] === undefined) delete parent[last];
  }
  return { copy, doubtful };
}

function mendKeys(
  table: unknown,
  issue: z.core.$ZodIssueUnrecognizedKeys,
  shape: FieldSchema,
): void {
  if (!isTable(table)) return;
  const allowedKeys = Object.keys(schemaAt(shape, configPath(issue.path))?.properties ?? {});
  for (const key of issue.keys) {
    const suggestion = closest(key, allowedKeys);
    if (suggestion !== null && !Object.hasOwn(table, suggestion)) table[suggestion] = table[key];
    delete table[key];
  }
}

function standIn(shape: FieldSchema | null, found: unknown): unknown {
  if (shape === null || shape.default !== undefined) return undefined;
  if (shape.enum && typeof found === "string") {
    return (
      closest(
        found,
        shape.enum.filter((value) => typeof value === "string"),
      ) ?? undefined
    );
  }
  const isNumber = shape.type === "integer" || shape.type === "number";
  return isNumber ? (shape.minimum ?? (shape.exclusiveMinimum ?? 0) + 1) : undefined;
}
