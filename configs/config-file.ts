import { parse, TomlError } from "smol-toml";
import type { z } from "zod";
import { allowedText, type FieldSchema, fieldSchema, namesOf, schemaAt } from "./field-schema.ts";
import { configPath, mend, valueAt } from "./mend.ts";
import { type ConfigPath, type ConfigProblem, foundText, pathText } from "./problem.ts";
import { closest } from "./spelling.ts";
import { lineOf, tomlLines } from "./toml-lines.ts";

export interface CheckedFile<T> {
  /**
   * The content with its defaults. Where single fields were wrong but their likely intention or a default serves, the rest, so
   * that cross checks can report what else is wrong; null where that is not possible.
   */
  readonly value: T | null;
  readonly problems: readonly ConfigProblem[];
  /** Makes a problem of this file. */
  readonly problem: (path: ConfigPath, found: string, allowed: string) => ConfigProblem;
  /** The problems of the file with those of its cross checks, without what only follows from a field that is itself wrong. */
  readonly withCrossProblems: (crossProblems: readonly ConfigProblem[]) => readonly ConfigProblem[];
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
